; Block as often as it takes; the effect of that number kills the process, or says that it has begun.
(import (scheme base) (perdure) (python killers))

(define (main last)
  (let loop ((i 0))
    (if (< i last) (loop (advance i)) i)))
