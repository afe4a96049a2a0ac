;;; Money moves between accounts that are rows of the very database that the run is kept in: each movement commits with the
;;; turn that takes its result, so it takes place exactly once, whatever dies when.
;;;
;;;   perdure run examples/bank/transfer.scm '[["ada", 100], ["bob", 0]]' '[["ada", "bob", 60], ["bob", "ada", 5]]'
;;;
;;; A transfer that the source can't pay is refused, and all of the order is undone.
(import (scheme base) (scheme write) (perdure) (python ledger))

(define (transfer from to amount)
  (compensate (book from to amount) (book to from amount)))

(define (main accounts orders)
  (vector-for-each (lambda (account) (open-account (vector-ref account 0) (vector-ref account 1)))
                   accounts)
  (let ((outcome
         (guard (failure
                 ((effect-error? failure) (list 'refused (effect-error-message failure))))
           (transaction
            (vector-for-each
             (lambda (order)
               (transfer (vector-ref order 0) (vector-ref order 1) (vector-ref order 2)))
             orders)
            '(done)))))
    (append outcome (map (lambda (account) (balance (vector-ref account 0)))
                         (vector->list accounts)))))
