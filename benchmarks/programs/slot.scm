; Change one slot of a vector of `count` slots, then block, `rounds` times.
(import (scheme base) (perdure) (python steps))

(define (main count rounds)
  (let ((held (make-vector count 0)))
    (let loop ((i 0))
      (if (< i rounds)
          (begin
            (vector-set! held (modulo (* i 7919) count) i)
            (loop (step i)))
          (vector-length held)))))
