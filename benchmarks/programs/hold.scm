; Hold `count` live objects, then block `rounds` times. What it holds is read at the end, so that it stays alive.
(import (scheme base) (perdure) (python steps))

(define (build count)
  (let loop ((n count) (held '()))
    (if (> n 0) (loop (- n 1) (cons n held)) held)))

(define (main count rounds)
  (let ((held (build count)))
    (let loop ((i 0))
      (if (< i rounds)
          (loop (step i))
          (length held)))))
