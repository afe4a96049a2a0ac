; Takeuchi's function in continuation-passing style: closures, and nothing but tail calls.
(define (cpstak x y z)
  (define (tak x y z k)
    (if (not (< y x))
        (k z)
        (tak (- x 1) y z
             (lambda (a)
               (tak (- y 1) z x
                    (lambda (b)
                      (tak (- z 1) x y
                           (lambda (c) (tak a b c k)))))))))
  (tak x y z (lambda (found) found)))
