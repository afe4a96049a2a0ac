;;; Transactions: extents that are undone when they are left for good other than by their normal end.
;;;
;;; Invariants. A transaction is a scope in the winders of its task: #(#f transaction outside). Leaving that for good undoes it: the
;;; tasks that it started are ended, the heap is rolled back, and its compensations are called, the newest first, each
;;; taken from the list before it begins. All of that is shielded, has no handlers, so that an error parks there, and
;;; can't be left by an escape: an extent around it says so. Until it is over, the transaction stays in the winders: whoever
;;; is stopped in the middle goes on with it.
(define-library (perdure transaction)
  (export with-transaction rollback on-rollback
          %transaction %compensating %compensated %leave-transaction %refuse-escape
          %retrying %refused)
  (begin

    ;; The innermost transaction that a task is in; tasks inherit it.
    (define %transaction (%make-parameter #f #f))

    ;; The transaction that a task is undoing.
    (define %compensating (%make-parameter #f #f))

    (define (with-transaction thunk)
      (if (not (procedure? thunk))
          (%fail 'type-error "with-transaction: expected a procedure, got" thunk))
      ((call/cc
        (lambda (leave)
          (%run-transaction (%make-transaction leave) thunk)))))

    (define (%run-transaction tx thunk)
      (let ((outside (%dynamic)))
        (%set-state! (cons (vector #f tx outside) (%winders))
                     (%handlers)
                     (cons (cons %transaction tx) (%parameters)))
        (%enter-transaction! tx)
        (let ((result (thunk)))
          (%await-children tx)
          (%commit-transaction! tx)
          (%set-dynamic! outside)
          (lambda () result))))

    ;; Wait for the tasks that were started inside. The error of one is an error here.
    (define (%await-children tx)
      (let ((children (%transaction-children tx)))
        (if (pair? children)
            (let ((child (car children)))
              (%await-end child)
              (if (eq? (task-status child) 'failed)
                  (join child))
              (%await-children tx)))))

    (define (%await-end task)
      (select (%operation 'end (list task))))

    (define (rollback . value)
      (let ((tx (%transaction-here 'rollback)))
        ((%transaction-leave tx 'rollback)
         (lambda () (if (pair? value) (car value) (void))))))

    (define (on-rollback . thunks)
      (let ((tx (%transaction-here 'on-rollback)))
        (for-each (lambda (thunk) (%add-compensation! tx thunk)) thunks)))

    ;; -- undoing -------------------------------------------------------------------------------

    ;; What is done once when a transaction is left for good; `outside` is the dynamic state around it.
    (define (%leave-transaction tx outside)
      (if (not (%transaction-over? tx))
          (shield
           (lambda ()
             (%set-state! (cons (vector #f 'undoing outside) (%dynamic-winders outside))
                          '()
                          ;; The shield, which holds for time limits, too; and restarts of the program would leave the
                          ;; compensation.
                          (cons* (car (%parameters))
                                 (cadr (%parameters))
                                 (cons %compensating tx)
                                 (cons %restarts '())
                                 (%dynamic-parameters outside)))
             (%end-children tx)
             (%roll-back! tx)
             (%compensate-all tx)
             (%close-transaction! tx)))))

    (define (%end-children tx)
      (let ((children (%transaction-children tx)))
        (if (pair? children)
            (begin
              (for-each %cancel-task children)
              (for-each %await-end children)
              (%end-children tx)))))

    (define (%compensate-all tx)
      (let ((undo (%next-compensation! tx)))
        (if undo
            (begin
              (with-restarts ((skip-compensation ()
                               "leave this compensation undone and go on with the next one"
                               (void)))
                (undo))
              (%compensate-all tx)))))

    ;; What is asked before extents are left, down to `target`.
    (define (%refuse-escape target)
      (let loop ((winders (%winders)))
        (if (not (eq? winders target))
            (if (eq? (vector-ref (car winders) 1) 'undoing)
                (error "a compensation can't be left by an escape")
                (loop (cdr winders))))))

    ;; -- effects and what undoes them ------------------------------------------------------------

    ;; (compensate call undo): `call` makes the effect, `make-undo` gives the compensation for its result. Between the
    ;; two the task can't be cancelled.
    (define (%compensated call make-undo)
      (let ((tx (%transaction-here 'compensate)))
        (shield
         (lambda ()
           (let* ((before (%group-record))
                  (doubts '())
                  (result
                   (with-exception-handler
                    (lambda (raised)
                      (if (outcome-unknown? raised)
                          (let ((doubt (%doubt raised make-undo)))
                            (set! doubts (cons doubt doubts))
                            (%add-compensation! tx doubt)))
                      (raise-continuable raised))
                    call)))
             ;; Somebody knew: it was done again, or a value was given for it.
             (for-each (lambda (doubt) (%drop-compensation! tx doubt)) doubts)
             (%add-compensation! tx (make-undo result))
             (%compensated-since! before)
             result)))))

    ;; The compensation of an effect of which nobody knows whether it happened.
    (define (%doubt raised make-undo)
      (lambda ()
        (with-restarts ((it-happened result
                         "undo the effect; a result may be given"
                         ((make-undo (if (pair? result) (car result) #f))))
                        (it-did-not ()
                         "there is nothing to undo"
                         (void)))
          (raise (%make-condition
                  'outcome-unknown
                  (string-append "compensate: is there something to undo? "
                                 (condition/report-string raised))
                  '())))))

    ;; -- groups that are retried -------------------------------------------------------------------

    ;; (retrying policy body ...): each attempt is a transaction, and knows what the ones before did and is not undone.
    (define (%retrying policy thunk)
      (let ((policy (%checked-policy 'retrying policy))
            (since (now)))
        (let again ((attempt 1) (earlier '()))
          ((call/cc
            (lambda (leave)
              (let ((tx (%make-group leave earlier)))
                (%run-transaction
                 tx
                 (lambda ()
                   (let ((result
                          (with-exception-handler
                           (lambda (raised)
                             (%attempt-failed tx policy attempt since raised again))
                           thunk)))
                     (%ask-about (%group-unrepeated tx))
                     result))))))))))

    ;; What the handler of an attempt does: what the policy is not about goes on to the handlers outside.
    (define (%attempt-failed tx policy attempt since raised again)
      (cond ((or (retry-refused? raised) (not (%policy-takes? policy raised)))
             (raise-continuable raised))
            ((%again policy raised attempt since)
             => (lambda (wait)
                  (%ask-about (%group-refusal tx))
                  (%group-again! tx)
                  ((%transaction-leave tx 'retrying)
                   (lambda ()
                     (sleep wait)
                     (again (+ attempt 1) (%group-earlier tx))))))
            (else
             ((%transaction-leave tx 'retrying)
              (lambda () (raise raised))))))

    ;; Park at a condition, if there is one: no handler may take it.
    (define (%ask-about refusal)
      (if refusal
          (let ((outside (%dynamic)))
            (%set-handlers! '())
            (with-restarts ((go-on ()
                             "go on all the same"
                             (void)))
              (raise refusal))
            (%set-dynamic! outside))))

    ;; What the machine calls when an effect is not to be asked for in a group.
    (define (%refused refusal procedure operations)
      (%ask-about refusal)
      (%forget-earlier! procedure)
      (apply select operations))))
