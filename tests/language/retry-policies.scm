;; Retry policies as data.
(import (scheme base) (scheme write) (perdure) (only (perdure primitives) %again))
(include "check.scm")

(check (retry-policy 'attempts 5 'backoff 2 'factor 3 'cap 60 'jitter 0 'deadline 3600 'on '("ConnectionError" timeout-error))
       => '((attempts . 5) (backoff . 2) (factor . 3) (cap . 60) (jitter . 0) (deadline . 3600) (on "ConnectionError" timeout-error)))
(check (retry-policy) => '((attempts . 3) (backoff . 1) (factor . 2) (cap . 60) (jitter . 0.1)))
(check (cdr (assq 'backoff (retry-policy 'backoff 1/2))) => 0.5)

;; When something is tried again.
(define broken (guard (e (#t e)) (car 5)))
(define late (guard (e (#t e)) (with-timeout 1 (lambda () (sleep 9)))))
(define steady (retry-policy 'attempts 3 'backoff 10 'jitter 0))
(check (map (lambda (attempt) (%again steady broken attempt (now))) '(1 2 3)) => '(10.0 20.0 #f))
(check (let ((wait (%again 2 broken 1 (- (now) 5)))) (list (<= 1 wait 1.1) (%again 2 broken 2 (now)))) => '(#t #f))
(check (list (%again '((jitter . 0) (on . timeout-error)) broken 1 (now)) (%again '((jitter . 0) (on timeout-error)) late 1 (now))) => '(#f 1.0))
(check (list (%again '((jitter . 0) (deadline . 5)) broken 1 (- (now) 3)) (%again '((jitter . 0) (deadline . 5)) broken 1 (- (now) 5))) => '(1.0 #f))
(check (let ((wait (%again '((backoff . 10) (jitter . 0.5)) 'raised 1 (now)))) (and (< 10 wait 15) 'lengthened)) => 'lengthened)

;; An extent with a policy is an ordinary one.
(check (with-retry 5 (lambda () (with-retry steady (lambda () 'value)))) => 'value)
(check (with-retry #f (lambda () 'as-marked)) => 'as-marked)
(check (guard (e ((symbol? e) e)) (with-retry steady (lambda () (raise 'out)))) => 'out)
(check (let ((k #f) (n 0)) (with-retry 3 (lambda () (call/cc (lambda (here) (set! k here))) (set! n (+ n 1)))) (if (< n 3) (k #f) n)) => 3)

;; A wrong policy is refused at once.
(check-error (with-retry '((attempt . 5)) (lambda () 'not-here)) => "with-retry: a retry policy has no such key; it has attempts, backoff, factor, cap, jitter, deadline, on: attempt")
(check-error (with-retry "5" (lambda () 'not-here)) => "with-retry: expected a retry policy (an association list or a number), got \"5\"")
(check-error (with-retry 0 (lambda () 'not-here)) => "with-retry: attempts: expected an integer from 1 to 1000, got 0")
(check-error (retry-policy 'attempts) => "retry-policy: keys and values must come in pairs")
(check-error (retry-policy 'on '(ConnectionError)) => "retry-policy: on: no such kind of condition; a Python type is a string: ConnectionError")
(check-error (retry-policy 'jitter 2) => "retry-policy: jitter: expected a number from 0 to 1, got 2")
(check-error (retry-policy 5 5) => "retry-policy: expected a pair of a key and a value, got (5 . 5)")
