; Building lists, adding up their items, and `map`.
(define (build n)
  (let loop ((n n) (made '()))
    (if (> n 0) (loop (- n 1) (cons n made)) made)))

(define (sum items)
  (let loop ((items items) (found 0))
    (if (null? items) found (loop (cdr items) (+ found (car items))))))

(define (twice items) (map (lambda (item) (* item 2)) items))

(define (lists n) (sum (build n)))
(define (mapped n) (sum (twice (build n))))
