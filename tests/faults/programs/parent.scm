;; A run for each round, and its result.
(import (scheme base) (perdure))
(define (main n)
  (let loop ((i 0) (sum 0))
    (if (= i n)
        sum
        (loop (+ i 1) (+ sum (join (start-run "child" i)))))))
