;; Cancellation and time limits of tasks that are in a transaction, or undo one.
(include "check.scm")
(define c (make-channel 100))           ; what is put into a channel is not undone
(define (note x) (channel-put c x))
(define (logged) (let ((x (channel-get c 0 'end))) (if (eq? x 'end) '() (cons x (logged)))))
(define (started thunk) (let ((t (spawn thunk))) (sleep 1) t))
(define (undo name seconds) (lambda () (note (list name 'begins)) (sleep seconds) (note (list name 'ends))))

;; cancelled inside: rolled back, then compensated, newest first
(define cell (list 0))
(check (let ((t (started (lambda () (transaction (on-rollback (undo 'a 1)) (set-car! cell 1) (on-rollback (undo 'b 1)) (sleep 100))))))
         (cancel t) (sleep 5) (list (task-status t) (car cell) (logged)))
       => '(cancelled 0 ((b begins) (b ends) (a begins) (a ends))))
;; cancelled in the middle of a compensation: all of them are called to their end, then it is cancelled
(define (fails) (guard (e (#t (note 'caught) (sleep 0) (note 'never)))
                  (transaction (on-rollback (undo 'a 2)) (on-rollback (undo 'b 2)) (error "no"))))
(check (let ((t (started fails))) (cancel t) (cancel t) (sleep 2) (note (task-status t)) (sleep 10) (list (task-status t) (logged)))
       => '(cancelled ((b begins) (b ends) (a begins) waiting (a ends))))
;; by force in the middle of one: the rest is not called
(check (let ((t (started fails))) (cancel t 0) (sleep 10) (list (task-status t) (logged)))
       => '(cancelled ((b begins))))
;; a time limit that is over in the middle of one waits for all of them
(check (list (with-timeout 1 (lambda () (fails)) 'late) (logged))
       => '(late ((b begins) (b ends) (a begins) (a ends))))
;; one that is over inside: undone, without a time limit
(check (list (with-timeout 1 (lambda () (transaction (on-rollback (lambda () (note (current-deadline)) (sleep 5) (note 'undone))) (set-car! cell 2) (sleep 100))) 'late) (car cell) (logged))
       => '(late 0 (#f undone)))
;; nested, with an after that waits between the two
(check (let ((t (started (lambda ()
                           (transaction
                             (on-rollback (undo 'outer 1))
                             (dynamic-wind void
                               (lambda () (transaction (on-rollback (undo 'inner 1)) (sleep 100)))
                               (undo 'after 1)))))))
         (cancel t) (sleep 1) (cancel t) (sleep 10) (list (task-status t) (logged)))
       => '(cancelled ((inner begins) (inner ends) (after begins) (after ends) (outer begins) (outer ends))))
;; a loser of a race undoes its transaction
(check (begin (race (lambda () (sleep 1) 'won) (lambda () (transaction (on-rollback (undo 'lost 1)) (sleep 100)))) (sleep 5) (logged))
       => '((lost begins) (lost ends)))
;; an effect that is being made and its compensation belong together
(check (let ((t (started (lambda () (transaction (compensate (begin (sleep 2) (note 'made)) (note 'unmade)) (note 'never) (sleep 1))))))
         (cancel t) (sleep 5) (list (task-status t) (logged)))
       => '(cancelled (made unmade)))
