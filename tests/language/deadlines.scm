;; with-deadline, current-deadline, and a timeout on everything that blocks.
(include "check.scm")
(define log '())
(define (note x) (set! log (cons x log)))
(define (logged) (let ((l (reverse log))) (set! log '()) l))
(define (in s) (+ (now) s))

(check (with-deadline (in 2) (lambda () (sleep 10) 'no) 'late) => 'late)
(check (with-deadline (in 2) (lambda () (sleep 10) 'no) (lambda () 'late)) => 'late)
(check (with-deadline (in 20) (lambda () (sleep 10) 'yes) 'late) => 'yes)
(check (call-with-values (lambda () (with-deadline (in 20) (lambda () (values 1 2)))) list) => '(1 2))
(check (guard (e ((timeout-error? e) (list 'timeout (length (error-object-irritants e))))) (with-deadline (in 2) (lambda () (sleep 10)))) => '(timeout 1))
;; a deadline that is over lets nothing begin
(check (list (with-deadline (in -1) (lambda () (note 'begun)) 'late) (logged)) => '(late ()))
(check-error (with-deadline 'soon (lambda () 1)) => "with-deadline: expected a number, got soon")
;; they nest: the earliest counts
(check (with-deadline (in 2) (lambda () (with-deadline (in 10) (lambda () (sleep 5) 'no) 'inner)) 'outer) => 'outer)
(check (with-deadline (in 10) (lambda () (with-deadline (in 2) (lambda () (sleep 5) 'no) 'inner)) 'outer) => 'inner)
(check (with-timeout 10 (lambda () (with-deadline (in 2) (lambda () (sleep 5) 'no) 'inner)) 'outer) => 'inner)

;; current-deadline
(check (current-deadline) => #f)
(check (let ((t (in 5))) (with-deadline t (lambda () (= t (current-deadline))))) => #t)
(check (let ((t (now))) (with-timeout 5 (lambda () (- (current-deadline) t)))) => 5.0)
(check (let ((t (now))) (with-timeout 5 (lambda () (with-deadline (in 9) (lambda () (- (current-deadline) t)))))) => 5.0)
(check (let ((t (now))) (with-timeout 9 (lambda () (with-timeout 5 (lambda () (- (current-deadline) t)))))) => 5.0)
(check (begin (with-timeout 9 (lambda () (with-timeout 5 (lambda () 1)))) (current-deadline)) => #f)
;; tasks inherit it
(check (let ((t (now))) (with-timeout 5 (lambda () (- (join (spawn current-deadline)) t)))) => 5.0)
;; it counts neither in the clean-up after it was over, nor in a shield, nor in the clean-up of a cancelled task
(check (list (with-timeout 1 (lambda () (dynamic-wind void (lambda () (sleep 5)) (lambda () (note (current-deadline)) (sleep 5) (note 'cleaned)))) 'late) (logged))
       => '(late (#f cleaned)))
(check (with-timeout 5 (lambda () (shield current-deadline))) => #f)
(check (let ((t (now))) (with-timeout 5 (lambda () (shield (lambda () (with-timeout 7 (lambda () (- (current-deadline) t)))))))) => 7.0)
(check (let ((t (spawn (lambda () (with-timeout 5 (lambda () (dynamic-wind void (lambda () (sleep 9)) (lambda () (note (current-deadline))))))))))
         (sleep 1) (cancel t) (sleep 1) (logged)) => '(#f))
;; an outer one goes on counting in the clean-up of an inner one
(check (let ((t (now))) (with-timeout 9 (lambda () (with-timeout 1 (lambda () (dynamic-wind void (lambda () (sleep 5)) (lambda () (note (- (current-deadline) t))))) 'late))) (logged)) => '(9.0))

;; channels
(define c (make-channel))
(check (channel-get c 2 'nothing) => 'nothing)
(check-error (channel-get c 2) => "channel-get: the time is over 2")
(check (guard (e ((timeout-error? e) 'timeout)) (channel-put c 'x 2)) => 'timeout)
(check (channel-put c 'x 2 'nobody) => 'nobody)
(check (begin (spawn (lambda () (sleep 1) (channel-put c 'x))) (channel-get c 5)) => 'x)
(check (begin (spawn (lambda () (sleep 1) (note (channel-get c #f 'ignored)))) (channel-put c 'y 5 'nobody) (sleep 0) (logged)) => '(y))
(check (channel-get c 1 #f) => #f)
;; what was given up is taken back
(check (begin (channel-put c 'gone 1 'nobody) (channel-get c 1 'nothing)) => 'nothing)
(check-error (channel-get c 'soon) => "channel-get: expected a number, got soon")
;; tasks
(check (join (spawn (lambda () (sleep 5) 'slow)) 1 'not-yet) => 'not-yet)
(check (join (spawn (lambda () (sleep 5) 'slow)) 9 'not-yet) => 'slow)
(check-error (join (spawn (lambda () (sleep 5) 'slow)) 1) => "join: the time is over 1")
(check (let ((t (spawn (lambda () (sleep 5) 'slow)))) (list (join t 1 'not-yet) (join t))) => '(not-yet slow))
(check-error (join (spawn (lambda () (sleep 1) (error "in child"))) 5 'x) => "in child")
;; messages, and whatever select is given
(check (receive-message 1 'none) => 'none)
(check (begin (send-message (self) 'hello) (receive-message 5 'none)) => 'hello)
(check (select (join-operation (spawn (lambda () (sleep 5)))) (wrap-operation (sleep-operation 1) (lambda (x) 'timeout))) => 'timeout)
