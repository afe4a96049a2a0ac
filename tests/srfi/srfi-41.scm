;; SRFI 41: streams.
(import (scheme base) (scheme write) (perdure) (srfi 41))
(include "check.scm")

(define strm123 (stream 1 2 3))
(define nats (stream-from 0))
(check (list (stream? stream-null) (stream? strm123) (stream? '(1)) (stream-null? stream-null) (stream-null? strm123) (stream-null? 5) (stream-pair? strm123) (stream-pair? stream-null) (stream-pair? 5)) => '(#t #t #f #t #f #f #t #f #f))
(check (list (stream-car strm123) (stream-car (stream-cdr strm123)) (stream->list (stream)) (stream->list strm123) (stream->list 2 nats) (stream->list 9 strm123)) => '(1 2 () (1 2 3) (0 1) (1 2 3)))
(check (let* ((n 0) (s (stream-cons (begin (set! n (+ n 1)) n) (begin (set! n (+ n 100)) stream-null)))) (list n (stream-pair? s) n (stream-car s) (stream-car s) n (stream-null? (stream-cdr s)) (stream-null? (stream-cdr s)) n)) => '(0 #t 0 1 1 1 #t #t 101))
(check (stream-pair? (stream-cons (error "not looked at") (error "nor this"))) => #t)
(define-stream (evens s) (if (stream-null? s) s (stream-match s ((a b . r) (stream-cons a (evens r))) ((a) (stream a)))))
(define doubles (stream-lambda (s . more) (stream-map (lambda (x) (* 2 x)) s)))
(check (list (stream->list (evens (stream 1 2 3 4 5))) (stream->list 3 (doubles nats 'ignored))) => '((1 3 5) (0 2 4)))
(check (stream->list (stream-let loop ((n 3)) (if (= n 0) stream-null (stream-cons n (loop (- n 1)))))) => '(3 2 1))

(check (list (stream-match strm123 ((a b c) (list c b a))) (stream-match strm123 (() 'empty) ((a . r) (stream->list r))) (stream-match stream-null (() 'empty) (_ 'other)) (stream-match strm123 ((a b) 'two) ((_ _ x) x)) (stream-match strm123 (s (stream-ref s 1))) (stream-match strm123 ((a . _) a)) (stream-match (stream 1 1) ((a b) (= a b) 'same) ((a b) 'other)) (stream-match strm123 ((a b . _) (> a b) 'down) ((a b . _) (< a b) 'up))) => '((3 2 1) (2 3) empty 3 2 1 same up))
(check-fails (stream-match strm123 (() 1)) (stream-match 5 (x x)))
(check (list (stream->list (stream-of (* x x) (x in (stream-range 0 10)) (even? x))) (stream->list (stream-of (list a b) (a in (stream-range 1 4)) (b in (stream-range 1 a)))) (stream->list (stream-of (+ y 1) (x in strm123) (y is (* x 10)) (odd? x))) (stream->list (stream-of 1))) => '((0 4 16 36 64) ((2 1) (3 1) (3 2)) (11 31) (1)))

(check (list (stream->list (list->stream '(a b))) (stream->list (port->stream (open-input-string "ab"))) (stream->list 5 (stream-constant 1 2)) (stream->list 3 (stream-constant 'x)) (stream->list 3 (stream-from 0 1/2)) (stream->list (stream-range 0 5)) (stream->list (stream-range 5 0 -2)) (stream->list (stream-range 5 0)) (stream->list 4 (stream-iterate (lambda (x) (* 2 x)) 1))) => '((a b) (#\a #\b) (1 2 1 2 1) (x x x) (0 1/2 1) (0 1 2 3 4) (5 3 1) (5 4 3 2 1) (1 2 4 8)))
(check (stream->list (stream-unfold (lambda (x) (* x x)) (lambda (x) (< x 5)) (lambda (x) (+ x 1)) 0)) => '(0 1 4 9 16))
(check (call-with-values
         (lambda () (stream-unfolds (lambda (n) (cond ((= n 5) (values n '() '())) ((even? n) (values (+ n 1) (list n) #f)) (else (values (+ n 1) #f (list n))))) 0))
         (lambda (even odd) (list (stream->list even) (stream->list odd))))
       => '((0 2 4) (1 3)))

(check (map stream->list (list (stream-append strm123 stream-null (stream 4)) (stream-append) (stream-concat (stream strm123 stream-null (stream 9))) (stream-drop 1 strm123) (stream-drop 5 strm123) (stream-take 2 strm123) (stream-take 9 strm123) (stream-drop-while odd? strm123) (stream-take-while odd? strm123) (stream-filter odd? strm123) (stream-reverse strm123) (stream-scan + 0 strm123) (stream-map + strm123 nats) (stream-zip strm123 nats))) => '((1 2 3 4) () (1 2 3 9) (2 3) () (1 2) (1 2 3) (2 3) (1) (1 3) (3 2 1) (0 1 3 6) (1 3 5) ((1 0) (2 1) (3 2))))
(check (list (stream-fold + 0 strm123) (stream-length strm123) (stream-ref nats 20) (let ((sum 0)) (stream-for-each (lambda (a b) (set! sum (+ sum (* a b)))) strm123 nats) sum)) => '(6 3 20 8))

(define-stream (sieve s) (stream-cons (stream-car s) (sieve (stream-filter (lambda (n) (not (= 0 (modulo n (stream-car s))))) (stream-cdr s)))))
(check (stream->list 6 (sieve (stream-from 2))) => '(2 3 5 7 11 13))
(define fibs (stream-cons 0 (stream-cons 1 (stream-map + fibs (stream-cdr fibs)))))
(check (stream-ref fibs 20) => 6765)
(check (stream-ref (stream-filter (lambda (n) (= 0 (modulo n 50))) nats) 2) => 100)

(check-error (stream-car stream-null) => "stream-car: the stream is empty")
(check-error (stream-ref strm123 3) => "stream-ref: the stream is too short for the index 3")
(check-fails (stream-cdr stream-null) (stream-car 5) (list->stream 5) (port->stream 5) (stream-drop -1 strm123) (stream-take 1 '(1)) (stream-map 5 strm123) (stream-map car) (stream-fold + 0 5) (stream-from 'a) (stream-range 0 'b) (stream->list 5) (stream->list 'a strm123) (stream->list (stream-append strm123 5)) (stream-iterate 5 0) (stream-car ((stream-lambda () 5))))
