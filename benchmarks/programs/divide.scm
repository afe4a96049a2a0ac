; Division by two of numbers that are lists of that length: by iteration, and by recursion.
(define (make n)
  (do ((i n (- i 1))
       (made '() (cons '() made)))
      ((= i 0) made)))

(define (halve-by-loop items)
  (do ((items items (cddr items))
       (made '() (cons (car items) made)))
      ((null? items) made)))

(define (halve-by-recursion items)
  (if (null? items)
      '()
      (cons (car items) (halve-by-recursion (cddr items)))))

(define (repeat times halve items)
  (let loop ((times times) (found 0))
    (if (= times 0)
        found
        (loop (- times 1) (+ found (length (halve items)))))))

(define (diviter times n) (repeat times halve-by-loop (make n)))
(define (divrec times n) (repeat times halve-by-recursion (make n)))
