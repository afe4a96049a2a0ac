;; Two runs that talk: a number goes to the other one and comes back.
(import (scheme base) (perdure))
(define (main n other)
  (let loop ((i 0) (back '()))
    (if (= i n)
        (reverse back)
        (begin
          (send-message other (list (self) i))
          (loop (+ i 1) (cons (receive-message) back))))))
