;; Cancellation: clean-up that blocks, reasons, deadlines, errors and escapes in the clean-up.
(include "check.scm")
(define log '())
(define (note x) (set! log (cons x log)))
(define (logged) (let ((l (reverse log))) (set! log '()) l))
(define (guarded-by cleanup thunk) (dynamic-wind void thunk cleanup))

;; clean-up may block, innermost first
(define (two-steps)
  (guarded-by (lambda () (note 'outer) (sleep 2) (note 'outer-done))
    (lambda () (guarded-by (lambda () (note 'inner) (sleep 2) (note 'inner-done)) (lambda () (sleep 100) (note 'never))))))
(define (started thunk) (let ((t (spawn thunk))) (sleep 1) t))
(check (let ((t (started two-steps))) (cancel t) (sleep 1) (note (task-status t)) (sleep 5) (list (task-status t) (logged)))
       => '(cancelled (inner waiting inner-done outer outer-done)))
;; twice is once
(check (let ((t (started two-steps))) (cancel t) (sleep 1) (cancel t) (sleep 2) (cancel t) (sleep 3) (cancel t) (list (task-status t) (logged)))
       => '(cancelled (inner inner-done outer outer-done)))

;; reasons
(check (cancellation-reason) => #f)
(check (let ((t (started (lambda () (guarded-by (lambda () (note (cancellation-reason))) (lambda () (sleep 100)))))))
         (cancel t #f "no stock") (sleep 1) (logged)) => '("no stock"))
(check (let ((t (started (lambda () (guarded-by (lambda () (note (cancellation-reason))) (lambda () (sleep 100)))))))
         (cancel t) (sleep 1) (logged)) => '(""))
(check (let ((t (started (lambda () (shield (lambda () (sleep 3) (note (cancellation-reason))))))))
         (cancel t #f "why") (sleep 5) (logged)) => '("why"))
(check-error (let ((t (started (lambda () (sleep 100))))) (cancel t #f "no stock") (join t)) => "join: task 29 was cancelled: no stock")
(check-error (cancel 5) => "cancel: expected a task, got 5")
(check-error (cancel (current-task) 1 5) => "cancel: expected a string, got 5")

;; a deadline for the clean-up: by force
(check (let ((t (started two-steps))) (cancel t 3) (sleep 10) (list (task-status t) (logged)))
       => '(cancelled (inner inner-done outer)))
(check (let ((t (started two-steps))) (cancel t 50) (sleep 10) (list (task-status t) (logged)))
       => '(cancelled (inner inner-done outer outer-done)))
(check (let ((t (started (lambda () (shield (lambda () (sleep 100) (note 'never))))))) (cancel t 2) (sleep 10) (list (task-status t) (logged)))
       => '(cancelled ()))
(check (let ((t (started two-steps))) (cancel t 0) (sleep 1) (list (task-status t) (logged)))
       => '(cancelled (inner)))
;; a later word takes the place of an earlier one
(check (let ((t (started two-steps))) (cancel t 1) (cancel t 100) (sleep 10) (list (task-status t) (logged)))
       => '(cancelled (inner inner-done outer outer-done)))
(check (let ((t (started two-steps))) (cancel t) (sleep 1) (cancel t 0) (sleep 10) (list (task-status t) (logged)))
       => '(cancelled (inner)))
;; what it started in extents that end with it ends, too
(check (let ((t (started (lambda () (guarded-by (lambda () (all (lambda () (sleep 100) (note 'never)) (lambda () (guarded-by (lambda () (note 'not-this)) (lambda () (sleep 100)))))) (lambda () (sleep 100)))))))
         (cancel t 2) (sleep 200) (list (task-status t) (logged)))
       => '(cancelled ()))
;; itself
(check (let ((t (spawn (lambda () (guarded-by (lambda () (note 'out) (sleep 50) (note 'never)) (lambda () (cancel (current-task) 5) (note 'never)))))))
         (sleep 10) (list (task-status t) (logged)))
       => '(cancelled (out)))

;; no handler outside sees an error in a clean-up: the task is parked, and the others go on
(check (let ((t (started (lambda () (guard (e (#t (note 'caught))) (guarded-by (lambda () (note 'out) (error "in clean-up")) (lambda () (sleep 100))))))))
         (cancel t) (sleep 1)
         (let ((status (task-status t))) (cancel t 0) (sleep 1) (list status (task-status t) (logged))))
       => '(parked cancelled (out)))
;; one inside does
(check (let ((t (started (lambda () (guarded-by (lambda () (guard (e (#t (note 'caught))) (sleep 1) (error "in clean-up")) (note 'out)) (lambda () (sleep 100)))))))
         (cancel t) (sleep 5) (list (task-status t) (logged)))
       => '(cancelled (caught out)))
;; also when somebody joins it who has handlers
(check (let* ((t (started (lambda () (guarded-by (lambda () (error "in clean-up")) (lambda () (sleep 100))))))
              (j (spawn (lambda () (guard (e (#t (note (condition/report-string e)))) (join t))))))
         (cancel t #f "enough") (sleep 1)
         (let ((status (task-status t))) (cancel t 0) (sleep 1) (list status (map symbol? (list (task-status t))) (length (logged)))))
       => '(parked (#t) 1))

;; an escape out of a step ends the step, not the clean-up
(check (let ((t (started (lambda ()
                           (call/cc (lambda (k)
                                      (guarded-by (lambda () (note 'outer))
                                        (lambda () (guarded-by (lambda () (note 'inner) (sleep 1) (k 'out) (note 'never)) (lambda () (sleep 100)))))))
                           (note 'never)))))
         (cancel t) (sleep 5) (list (task-status t) (logged)))
       => '(cancelled (inner outer)))
(check (let ((t (started (lambda ()
                           (call/cc (lambda (k) (guarded-by (lambda () (note 'outer) (k 1)) (lambda () (sleep 100)))))
                           (note 'never) (sleep 1) (note 'never)))))
         (cancel t) (sleep 5) (list (task-status t) (logged)))
       => '(cancelled (outer)))
;; a compensation can't be escaped from, in a clean-up as elsewhere: that is an error, and the error parks
(check (let ((t (started (lambda ()
                           (call/cc (lambda (k)
                                      (guarded-by (lambda () (note 'outer))
                                        (lambda () (transaction
                                                     (on-rollback (lambda () (note 'first)))
                                                     (on-rollback (lambda () (note 'second) (sleep 1) (k 1) (note 'never)))
                                                     (sleep 100))))))
                           (note 'never)))))
         (cancel t) (sleep 5)
         (let ((status (task-status t))) (cancel t 0) (sleep 1) (list status (task-status t) (logged))))
       => '(parked cancelled (second)))
(check (let ((t (started (lambda ()
                           (guarded-by (lambda () (note 'outer) (sleep 1))
                             (lambda () (transaction
                                          (on-rollback (lambda () (sleep 1) (note 'first)))
                                          (guarded-by (lambda () (sleep 1) (note 'inner))
                                            (lambda ()
                                              (on-rollback (lambda () (sleep 1) (note 'second)))
                                              (sleep 100)))))) (note 'never)))))
         (cancel t) (sleep 2) (cancel t) (sleep 8) (list (task-status t) (logged)))
       => '(cancelled (second first outer)))  ; what the inner step noted was written in the transaction, and is undone
;; continuations of the clean-up's own are as everywhere
(check (let ((t (started (lambda ()
                           (guarded-by (lambda ()
                                         (note (call/cc (lambda (k) (guarded-by (lambda () (note 'left)) (lambda () (k 'escaped))))))
                                         (note (with-timeout 1 (lambda () (sleep 10) 'no) 'late))
                                         (note (race (lambda () (sleep 5) 'slow) (lambda () (sleep 1) 'fast))))
                             (lambda () (sleep 100)))))))
         (cancel t) (sleep 10) (list (task-status t) (logged)))
       => '(cancelled (left escaped late fast)))

;; while a selective receiver looks at a message, in the middle of a race, in a parked task
(check (let ((t (started (lambda () (guarded-by (lambda () (note 'out)) (lambda () (race (lambda () (sleep 100)) (lambda () (guarded-by (lambda () (sleep 1) (note 'child)) (lambda () (sleep 100))))))))))
         ) (cancel t) (sleep 5) (list (task-status t) (logged)))
       => '(cancelled (out child)))
(check (let ((t (started (lambda () (guarded-by (lambda () (sleep 1) (note 'out)) (lambda () (car 5)))))))
         (let ((status (task-status t))) (cancel t) (sleep 5) (list status (task-status t) (logged))))
       => '(parked cancelled (out)))
;; the main task's end cancels the others, and waits for their clean-up
(spawn (lambda () (guarded-by (lambda () (sleep 1) (check (cancellation-reason) => "the main task has ended")) (lambda () (sleep 100)))))
(sleep 1)
