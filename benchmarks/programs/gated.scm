; One effect after the other, until the harness kills the process in one of them.
(import (scheme base) (perdure) (python gates))

(define (main count)
  (let loop ((i 0))
    (if (< i count) (loop (gated i)) i)))
