;; What goes on for ever, as far as it knows: until a message comes.
(import (scheme base) (perdure) (python effects))
(define (main)
  (let loop ((i 0))
    (if (receive-message 0.03 #f)
        i
        (begin (good i) (loop (+ i 1))))))
