;; Messages from outside, in their order, each once.
(import (scheme base) (perdure) (python effects))
(define (main n)
  (let loop ((i 0) (got '()))
    (if (= i n)
        (reverse got)
        (loop (+ i 1) (cons (good (receive-message)) got)))))
