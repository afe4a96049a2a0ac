;; Two operations that form one step: the second fails twice, and the heap must be each time as if the first had not
;; happened, while the money is taken once.
(import (scheme base) (perdure) (python bank))
(define taken '())
(define (main saga)
  (let ((amount
         (retrying (retry-policy 'attempts 5 'backoff 0.01)
           (set! taken (cons 'out taken))
           (let ((amount (withdraw saga 3 7)))
             (set! taken (cons amount taken))
             (pay-in saga 4 amount)))))
    (list amount taken)))
