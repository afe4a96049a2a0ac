;; A saga that takes its time, and whose undoing does, too: it is cancelled somewhere, and perhaps again meanwhile.
(import (scheme base) (perdure) (python bank))
(define (main saga)
  (transaction
   (let loop ((step 1))
     (if (<= step 10)
         (begin
           (compensate (slow-transfer saga step 0)
                       => (lambda (done) (sleep 0.01) (give-back saga done) (sleep 0.01)))
           (sleep 0.01)
           (loop (+ step 1))))))
  "done")
