;; shield: neither cancellation nor an alarm from outside gets in; both wait until it is left.
(include "check.scm")
(define log '())
(define (note x) (set! log (cons x log)))
(define (logged) (let ((l (reverse log))) (set! log '()) l))
(define (noted-end thunk) (dynamic-wind (lambda () (note 'in)) thunk (lambda () (note 'out))))
(check (shield (lambda () 5)) => 5)
(check (call-with-values (lambda () (shield (lambda () (values 1 2)))) list) => '(1 2))
(check (begin (shield (lambda () (sleep 1) (note 'slept))) (logged)) => '(slept))
(check-error (shield (lambda () (error "inside" 1))) => "inside 1")

;; cancellation
(define (cancelled-in thunk)
  (let ((t (spawn thunk)))
    (sleep 1)
    (cancel t)
    (note (task-status t))
    (sleep 10)
    (note (task-status t))
    (logged)))
(check (cancelled-in (lambda () (noted-end (lambda () (shield (lambda () (sleep 3) (note 'kept))) (note 'never)))))
       => '(in waiting kept out cancelled))
(check (cancelled-in (lambda () (shield (lambda () (noted-end (lambda () (sleep 3) (note 'kept))))) (note 'never)))
       => '(in waiting kept out cancelled))
;; of nested shields the outermost counts
(check (cancelled-in (lambda () (shield (lambda () (shield (lambda () (sleep 2))) (note 'still) (sleep 2) (note 'kept))) (note 'never)))
       => '(waiting still kept cancelled))
;; left by an escape: cancelled at the next wait
(check (cancelled-in (lambda () (call/cc (lambda (k) (shield (lambda () (sleep 2) (k 1))))) (note 'goes-on) (sleep 1) (note 'never)))
       => '(waiting goes-on cancelled))
;; left by a condition
(check (cancelled-in (lambda () (guard (e (#t (note 'caught))) (shield (lambda () (sleep 2) (raise 'oops)))) (sleep 0) (note 'never)))
       => '(waiting caught cancelled))
;; a task that ends without another wait has ended
(check (cancelled-in (lambda () (call/cc (lambda (k) (shield (lambda () (sleep 2) (k 1))))) (note 'goes-on)))
       => '(waiting goes-on completed))
;; cancelling itself
(check (let ((t (spawn (lambda () (shield (lambda () (cancel (current-task)) (note 'after) (sleep 1) (note 'kept))) (note 'never)))))
         (sleep 5) (list (logged) (task-status t)))
       => '((after kept) cancelled))
;; twice, before and after the shield is left
(check (let ((t (spawn (lambda () (noted-end (lambda () (shield (lambda () (sleep 3) (note 'kept)))))))))
         (sleep 1) (cancel t) (cancel t) (sleep 3) (cancel t) (sleep 1) (list (logged) (task-status t)))
       => '((in kept out) cancelled))
;; a task that is spawned inside is not shielded
(check (let ((child #f))
         (shield (lambda () (set! child (spawn (lambda () (sleep 5) (note 'never)))) (sleep 1) (cancel child) (sleep 10)))
         (list (logged) (task-status child)))
       => '(() cancelled))
;; but it may shield itself
(check (cancelled-in (lambda () (shield (lambda () (join (spawn (lambda () (shield (lambda () (sleep 2) (note 'child))))))))))
       => '(waiting child cancelled))
;; a pre-empted loop
(check (let ((t (spawn (lambda () (shield (lambda () (task-yield) (task-yield) (note 'kept))) (note 'never)))))
         (task-yield) (cancel t) (sleep 1) (list (logged) (task-status t)))
       => '((kept) cancelled))
;; the losers of a race end their shields
(check (begin (race (lambda () (sleep 1) 'won) (lambda () (shield (lambda () (sleep 3) (note 'kept))) (note 'never))) (sleep 5) (logged))
       => '(kept))

;; alarms
(check (list (with-timeout 1 (lambda () (shield (lambda () (sleep 3) (note 'kept))) (note 'never)) 'late) (logged))
       => '(late (kept)))
(check (list (with-timeout 1 (lambda () (call/cc (lambda (k) (shield (lambda () (sleep 3) (k 1))))) (note 'on) (sleep 1) (note 'never)) 'late) (logged))
       => '(late (on)))
;; an alarm that was set inside rings inside
(check (shield (lambda () (with-timeout 1 (lambda () (sleep 5) 'no) 'inner))) => 'inner)
(check (list (with-timeout 2 (lambda () (shield (lambda () (note (with-timeout 1 (lambda () (sleep 5) 'no) 'inner)) (sleep 3) (note 'kept))) 'no) 'outer) (logged))
       => '(outer (inner kept)))
(check (shield (lambda () (with-timeout 1 (lambda () (shield (lambda () (sleep 3) (note 'kept))) 'no) (lambda () (logged))))) => '(kept))
;; both: it is cancelled
(check (cancelled-in (lambda () (with-timeout 1 (lambda () (shield (lambda () (sleep 5) (note 'kept)))) (lambda () (note 'never))) (note 'never)))
       => '(waiting kept cancelled))

;; an alarm that is due as its extent is left rings no more
(check (let* ((gate (make-channel)) (t (spawn (lambda () (with-timeout 1 (lambda () (shield (lambda () (channel-get gate)))) 'late) (sleep 1) 'on))))
         (sleep 3) (channel-put gate 'through) (sleep 3) (task-status t))
       => 'completed)

;; restored: the re-entered shield holds up as the first time
(check (let ((k #f) (count 0))
         (cancelled-in (lambda ()
                         (shield (lambda () (call/cc (lambda (c) (set! k c))) (sleep 2) (note 'kept)))
                         (set! count (+ count 1))
                         (if (< count 2) (k 1))
                         (sleep 5) (note 'never))))
       => '(waiting kept cancelled))
;; exit leaves a shield: it is the program's own wish
(check (let ((t (spawn (lambda () (shield (lambda () (sleep 2) (note 'kept)) ) (exit 3))))) (sleep 1) 'going) => 'going)
(shield (lambda () (sleep 5) (note 'main-kept) (check (logged) => '(kept main-kept))))
(display "FAIL: exit did not leave the run")
