; Block `rounds` times, one effect after the other.
(import (scheme base) (perdure) (python steps))

(define (main rounds plain)
  (let loop ((i 0))
    (if (< i rounds)
        (loop (if plain (plain-step i) (step i)))
        i)))
