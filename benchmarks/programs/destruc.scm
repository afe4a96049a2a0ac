; Lists that are changed in place: a ring of lists from which cells are taken and to which others are spliced.
(define (make-cells n)
  (let loop ((n n) (made '()))
    (if (= n 0) made (loop (- n 1) (cons n made)))))

(define (make-lists count n)
  (let loop ((count count) (made '()))
    (if (= count 0) made (loop (- count 1) (cons (make-cells n) made)))))

(define (last-pair-of items)
  (let loop ((items items))
    (if (null? (cdr items)) items (loop (cdr items)))))

; Cut a list behind its first half and return what was cut off.
(define (cut! items)
  (let loop ((slow items) (fast (cdr items)))
    (if (or (null? fast) (null? (cdr fast)))
        (let ((rest (cdr slow)))
          (set-cdr! slow '())
          rest)
        (loop (cdr slow) (cddr fast)))))

; Hand the second half of every list to its neighbour, and add one to the items that are handed on.
(define (rotate! lists)
  (let loop ((here lists))
    (if (pair? (cdr here))
        (let ((moved (cut! (car here))))
          (do ((items moved (cdr items)))
              ((null? items))
            (set-car! items (+ 1 (car items))))
          (set-cdr! (last-pair-of (cadr here)) moved)
          (loop (cdr here)))
        (let ((moved (cut! (car here))))
          (set-cdr! (last-pair-of (car lists)) moved)))))

(define (total lists)
  (let loop ((lists lists) (found 0))
    (if (null? lists)
        found
        (let inner ((items (car lists)) (found found))
          (if (null? items)
              (loop (cdr lists) found)
              (inner (cdr items) (+ found (car items))))))))

(define (destruc times count n)
  (let ((lists (make-lists count n)))
    (do ((times times (- times 1)))
        ((= times 0) (total lists))
      (rotate! lists))))
