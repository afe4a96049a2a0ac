; Recursion that is not a loop, as deep as memory allows.
(define (deep n)
  (if (= n 0) 0 (+ 1 (deep (- n 1)))))
