;; The SRFIs that R7RS took over, and boxes: 6, 9, 16, 23, 87, 111, imported by their numbers.
(import (only (scheme base) import include define define-syntax syntax-rules let let* lambda if begin quote list + * = eq? equal? guard error-object? error-object-message error-object-irritants newline read-char eof-object? not cons set! raise)
        (scheme write) (srfi 6) (srfi 9) (srfi 16) (srfi 23) (srfi 87) (srfi 111) (only (perdure) condition/report-string))
(include "check.scm")
;; 6: string ports
(check (let ((port (open-input-string "ab"))) (let* ((a (read-char port)) (b (read-char port))) (list a b (eof-object? (read-char port))))) => '(#\a #\b #t))
(check (let ((port (open-output-string))) (write 'x port) (display " " port) (write "y" port) (get-output-string port)) => "x \"y\"")
;; 9: records
(define-record-type <point> (make-point x y) point? (x point-x set-point-x!) (y point-y) (label point-label set-point-label!))
(define p (make-point 1 2))
(check (list (point? p) (point? 5) (point-x p) (point-y p)) => '(#t #f 1 2))
(check (begin (set-point-x! p 5) (set-point-label! p 'l) (list (point-x p) (point-label p))) => '(5 l))
(check-error (point-x 5) => "point-x: expected a point, got 5")
(define-record-type other (make-other x) other? (x other-x))
(check (list (point? (make-other 1)) (other? p)) => '(#f #f))
(check-fails (other-x p) (set-point-x! (make-other 1) 2) (make-point 1))
;; 16: case-lambda
(define plus (case-lambda (() 0) ((x) x) ((x y) (+ x y)) ((x y . rest) (list x y rest))))
(check (list (plus) (plus 1) (plus 1 2) (plus 1 2 3 4)) => '(0 1 3 (1 2 (3 4))))
(check ((case-lambda (all all)) 1 2) => '(1 2))
(check-fails ((case-lambda ((x) x) ((x y) y))))
;; 23: error
(check (guard (e (#t (list (error-object? e) (error-object-message e) (error-object-irritants e)))) (error "bad thing:" 1 "two" 'three)) => '(#t "bad thing:" (1 "two" three)))
(check-error (error "bad:" "s" #\c) => "bad: \"s\" #\\c")
;; 87: => in case
(define (classified x) (case x ((1 2 3) => (lambda (n) (* n 10))) ((a) 'symbol) (else => list)))
(check (list (classified 2) (classified 'a) (classified "s")) => '(20 symbol ("s")))
(check (case 5 ((5) 'five) (else => list)) => 'five)
;; 111: boxes
(define b (box 1))
(check (list (box? b) (box? 1) (unbox b)) => '(#t #f 1))
(check (begin (set-box! b '(2)) (unbox b)) => '(2))
(check (list (eq? b b) (eq? (box 1) (box 1)) (equal? (box '(1)) (box (list 1)))) => '(#t #f #t))
(check-error (unbox 5) => "unbox: expected a box, got 5")
(check-fails (set-box! 5 1))
