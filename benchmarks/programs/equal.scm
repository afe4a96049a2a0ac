; `equal?` on trees, long lists and vectors that are alike.
(define (make-tree depth)
  (if (= depth 0)
      '(leaf)
      (cons (make-tree (- depth 1)) (make-tree (- depth 1)))))

(define (make-items n)
  (let loop ((n n) (made '()))
    (if (= n 0) made (loop (- n 1) (cons n made)))))

(define (alike times a b)
  (let loop ((times times) (found 0))
    (if (= times 0)
        found
        (loop (- times 1) (if (equal? a b) (+ found 1) found)))))

(define (equal times n)
  (+ (alike times (make-tree 10) (make-tree 10))
     (alike times (make-items n) (make-items n))
     (alike times (list->vector (make-items n)) (list->vector (make-items n)))))
