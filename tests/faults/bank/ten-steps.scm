;; A saga of ten movements of money, one of which the bank may decline: then all are moved back, newest first, and the
;; heap is as it was before the first. Whoever includes this says which bank `move` and `move-back` are of.
(define steps-taken 0)
(define trail (list 'begin))
(define notes (make-hash-table))
(define (main saga fail-at)
  (hash-table-set! notes 'saga saga)
  (let ((outcome
         (guard (failure ((effect-error? failure)
                          (string-append "undone: " (effect-error-type failure))))
           (transaction
            (let loop ((step 1))
              (if (<= step 10)
                  (begin
                    (compensate (move saga step fail-at) (move-back saga step))
                    (set! steps-taken (+ steps-taken 1))
                    (set-cdr! trail (cons step (cdr trail)))
                    (hash-table-set! notes step saga)
                    (loop (+ step 1)))))
            "done"))))
    (list outcome steps-taken (length trail) (hash-table-size notes))))
