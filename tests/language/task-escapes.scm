;; Escapes out of children of all and race, upward: the others are cancelled, everybody cleans up.
(include "check.scm")
(define log '())
(define (note x) (set! log (cons x log)))
(define (noted) (let ((all (reverse log))) (set! log '()) all))
(define (message-of thunk) (guard (e ((error-object? e) (error-object-message e))) (thunk)))

(check (call/cc (lambda (k) (all (lambda () (k 'out)) (lambda () (sleep 5))))) => 'out)
(check (call/cc (lambda (k) (all (lambda () (sleep 1) (k 'later)) (lambda () (sleep 5))))) => 'later)
(check (call-with-values (lambda () (call/cc (lambda (k) (all (lambda () (sleep 1) (k 1 2)))))) list) => '(1 2))
(check (call/cc (lambda (k) (race (lambda () (sleep 1) (k 'raced)) (lambda () (sleep 5) 'slow)))) => 'raced)
;; out of two at once
(check (call/cc (lambda (k) (all (lambda () (race (lambda () (sleep 1) (k 'deep)) (lambda () (sleep 9))))))) => 'deep)
;; to the middle one
(check (all (lambda () (call/cc (lambda (k) (race (lambda () (sleep 1) (k 'middle)) (lambda () (sleep 9))))))
            (lambda () (sleep 2) 'other)) => '(middle other))
;; all leave what they are in, the one that escapes, too
(check (let ((result
              (call/cc
               (lambda (k)
                 (dynamic-wind
                  void
                  (lambda ()
                    (all (lambda () (dynamic-wind void (lambda () (sleep 1) (k 'left)) (lambda () (note 'child))))
                         (lambda () (dynamic-wind void (lambda () (sleep 5)) (lambda () (note 'sibling))))))
                  (lambda () (note 'parent)))))))
         (sleep 1)
         (list result (list-sort (lambda (a b) (string<? (symbol->string a) (symbol->string b))) (noted))))
       => '(left (child parent sibling)))
;; what waits in its clean-up does so
(check (let ((result
              (call/cc (lambda (k)
                (all (lambda () (dynamic-wind void (lambda () (k 'slowly)) (lambda () (sleep 2) (note 'cleaned)))))))))
         (sleep 3)
         (cons result (noted)))
       => '(slowly cleaned))
;; two escape in one turn: one of them leads somewhere
(check (memv (call/cc (lambda (k) (all (lambda () (sleep 1) (k 1)) (lambda () (sleep 1) (k 2))))) '(1 2)) => '(1 2))
;; a transaction around is undone
(define counter 0)
(check (let ((result (call/cc (lambda (k) (transaction (set! counter 5) (all (lambda () (sleep 1) (k 'undone))))))))
         (list result counter)) => '(undone 0))
;; with restarts of a task above, from a handler below
(check (with-restarts ((skip () 'skipped) (use (a b) (+ a b)))
         (all (lambda () (sleep 1) (with-exception-handler (lambda (e) (invoke-restart 'use 3 4)) (lambda () (car 5))))
              (lambda () (sleep 5))))
       => 7)
(check (with-restarts ((skip () 'skipped))
         (car (all (lambda () (and (memq 'skip (restarts)) #t))))) => #t)
;; in, or out of a task that nobody waits for in a scope: no
(check (call/cc (lambda (k) (join (spawn (lambda () (message-of (lambda () (k 'no))))))))
       => "a continuation of another task can't be entered from this one")
(check (let ((inside #f))
         (all (lambda () (call/cc (lambda (k) (set! inside k)))))
         (message-of (lambda () (inside 1))))
       => "a continuation of another task can't be entered from this one")
(check (with-restarts ((skip () 'skipped))
         (join (spawn (lambda () (message-of (lambda () (invoke-restart 'skip)))))))
       => "invoke-restart: skip is a restart of another task, which waits in no `all` or `race` for this one")
