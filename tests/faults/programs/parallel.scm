;; Tasks side by side: an async effect, one in a thread, a timer.
(import (scheme base) (perdure) (python effects))
(define (main n)
  (let loop ((i 0) (sum 0))
    (if (= i n)
        sum
        (loop (+ i 1)
              (apply + sum (all (lambda () (good i))
                                (lambda () (slow i))
                                (lambda () (sleep 0.005) i)))))))
