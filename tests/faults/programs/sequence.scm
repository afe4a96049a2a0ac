;; One effect after the other; what is displayed is a part of the state as well.
(import (scheme base) (scheme write) (perdure) (python effects))
(define (main n)
  (let loop ((i 0) (sum 0))
    (if (= i n)
        sum
        (begin
          (display i)
          (display " ")
          (loop (+ i 1) (+ sum (good i)))))))
