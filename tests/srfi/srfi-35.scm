;; SRFI 35: conditions.
(import (scheme base) (scheme write) (perdure) (srfi 35))
(include "check.scm")

(define-condition-type &c &condition c? (x c-x))
(define-condition-type &c1 &c c1? (a c1-a))
(define-condition-type &c2 &c c2? (b c2-b))
(define v1 (make-condition &c1 'x "V1" 'a "a1"))
(define v2 (condition (&c2 (x "V2") (b "b2"))))
(define v3 (condition (&c1 (x "V3/1") (a "a3")) (&c2 (b "b3"))))
(define v4 (make-compound-condition v1 v2))
(define v5 (make-compound-condition v2 v3))

(check (list (c? v1) (c1? v1) (c2? v1) (c-x v1) (c1-a v1)) => '(#t #t #f "V1" "a1"))
(check (list (c? v2) (c1? v2) (c2? v2) (c-x v2) (c2-b v2)) => '(#t #f #t "V2" "b2"))
(check (list (c? v3) (c1? v3) (c2? v3) (c-x v3) (c1-a v3) (c2-b v3)) => '(#t #t #t "V3/1" "a3" "b3"))
(check (list (c? v4) (c1? v4) (c2? v4) (c-x v4) (c1-a v4) (c2-b v4)) => '(#t #t #t "V1" "a1" "b2"))
(check (list (c? v5) (c1? v5) (c2? v5) (c-x v5) (c1-a v5) (c2-b v5)) => '(#t #t #t "V2" "a3" "b2"))
(check (list (condition? v1) (condition? 5) (condition? &c) (condition-type? &c) (condition-type? v1)) => '(#t #f #f #t #f))
(check (list (condition-has-type? v1 &c) (condition-has-type? v1 &c2) (condition-has-type? v4 &c2) (condition-has-type? v1 &condition)) => '(#t #f #t #t))
(check (list (condition-ref v3 'x) (condition-ref v3 'b) (condition-ref v4 'b)) => '("V3/1" "b3" "b2"))
(check (let ((part (extract-condition v4 &c2))) (list (c2? part) (c1? part) (c2-b part))) => '(#t #f "b2"))
(check (let ((part (extract-condition v1 &c))) (list (c? part) (c1? part) (c-x part))) => '(#t #f "V1"))

(check (let ((m (condition (&message (message "hello")) (&error)))) (list (message-condition? m) (condition-message m) (error? m) (serious-condition? m) (condition-has-type? m &serious))) => '(#t "hello" #t #t #t))
(check (list (error? (make-condition &serious)) (serious-condition? (make-condition &serious)) (error? 5) (message-condition? 'x)) => '(#f #t #f #f))
(check (let ((type (make-condition-type 'wide &error '(p q)))) (let ((c (make-condition type 'q 2 'p 1))) (list (error? c) (condition-ref c 'p) (condition-ref c 'q)))) => '(#t 1 2))

;; What the language itself raises is a condition too.
(define caught (guard (e (#t e)) (car 5)))
(check (list (condition? caught) (error? caught) (message-condition? caught) (serious-condition? caught) (condition-message caught) (condition-ref caught 'message)) => '(#t #t #t #t "car: expected a pair, got 5" "car: expected a pair, got 5"))
(check (guard (e ((error? e) (list 'error (condition-message e)))) (error "out of tea" 5)) => '(error "out of tea"))
(check (let ((both (make-compound-condition caught v1))) (list (error? both) (c-x both))) => '(#t "V1"))
(check (guard (e ((c2? e) 'c2) ((c1? e) (c1-a e))) (raise v1)) => "a1")

(check-fails (make-condition &c1 'x 1) (make-condition &c1 'x 1 'a 2 'z 3) (make-condition &c1 'x) (condition (&c1 (a 1))) (condition (&c (y 1))))
(check-fails (condition-ref v1 'b) (extract-condition v1 &c2) (c2-b v1) (condition-has-type? 5 &c) (condition-has-type? v1 5) (make-compound-condition 5))
(check-fails (make-condition-type 'd &c '(x)) (make-condition-type 'd 5 '()) (make-condition-type "d" &c '()) (make-condition-type 'd &c 'x))
