; Perform `count` effects at the same time, wait for all of them, and add up what they return.
(import (scheme base) (srfi 1) (perdure) (python steps))

(define (main count)
  (apply + (apply all (map (lambda (i) (lambda () (step i))) (iota count)))))
