;; What is no number is refused, wherever the operation stands: alone, in an operand, in a test, with apply, with map. Run straight only: there are thousands of calls.
(include "check.scm")
(define things (list "ab" 'a #t #f '() '(1) #\a (vector) (vector 1) (bytevector 1) car (lambda (x) x) (if #f #f) (current-output-port) (make-parameter 1) (make-hash-table) (delay 1)))
(define-syntax refused?
  (syntax-rules ()
    ((_ expression) (guard (e ((error-object? e) #t)) (list 'accepted expression)))))
(define (all-refused f) (let loop ((t things)) (cond ((null? t) #t) ((eq? #t (refused? (f (car t)))) (loop (cdr t))) (else (list 'accepted (car t))))))

(check (map all-refused (list (lambda (x) (+ x 1)) (lambda (x) (+ 1 x)) (lambda (x) (+ x x)) (lambda (x) (+ x 1.5)) (lambda (x) (+ 1/2 x)) (lambda (x) (+ x 1+i)) (lambda (x) (+ 1.0+i x)) (lambda (x) (+ x)) (lambda (x) (+ 1 2 x)))) => '(#t #t #t #t #t #t #t #t #t))
(check (map all-refused (list (lambda (x) (- x 1)) (lambda (x) (- 1 x)) (lambda (x) (- x x)) (lambda (x) (- x)) (lambda (x) (- 1.5 x)) (lambda (x) (- x 1/2)) (lambda (x) (- +i x)) (lambda (x) (- 1 2 x)))) => '(#t #t #t #t #t #t #t #t))
(check (map all-refused (list (lambda (x) (* x 2)) (lambda (x) (* 2 x)) (lambda (x) (* x x)) (lambda (x) (* x)) (lambda (x) (* 0 x)) (lambda (x) (* x 1/2)) (lambda (x) (* x +i)) (lambda (x) (* 1 2 x)))) => '(#t #t #t #t #t #t #t #t))
(check (map all-refused (list (lambda (x) (/ x 2)) (lambda (x) (/ 2 x)) (lambda (x) (/ x x)) (lambda (x) (/ x)) (lambda (x) (/ x 1.5)) (lambda (x) (/ 1 2 x)))) => '(#t #t #t #t #t #t))
(check (map all-refused (list (lambda (x) (< x 1)) (lambda (x) (< 1 x)) (lambda (x) (< x x)) (lambda (x) (< x)) (lambda (x) (> 1 2 x)) (lambda (x) (<= x 1.5)) (lambda (x) (>= 1/2 x)) (lambda (x) (= x 1)) (lambda (x) (= 1 x)) (lambda (x) (= x x)) (lambda (x) (= x)) (lambda (x) (= 1 2 x)) (lambda (x) (if (< x 1) 1 2)) (lambda (x) (if (= x 1) 1 2)) (lambda (x) (not (> 1 x))))) => '(#t #t #t #t #t #t #t #t #t #t #t #t #t #t #t))
(check (map all-refused (list zero? positive? negative? even? odd? exact? inexact? nan? finite? infinite? abs square max min (lambda (x) (max 1 x)) (lambda (x) (min x 1)) (lambda (x) (zero? x)) (lambda (x) (if (even? x) 1 2)))) => '(#t #t #t #t #t #t #t #t #t #t #t #t #t #t #t #t #t #t))
(check (map all-refused (list (lambda (x) (quotient x 2)) (lambda (x) (quotient 2 x)) (lambda (x) (modulo x 2)) (lambda (x) (modulo 2 x)) (lambda (x) (remainder 2 x)) (lambda (x) (floor/ x 2)) (lambda (x) (truncate/ 2 x)) (lambda (x) (gcd x)) (lambda (x) (lcm 2 x)))) => '(#t #t #t #t #t #t #t #t #t))
(check (map all-refused (list floor ceiling truncate round exact inexact numerator denominator sqrt exp log sin cos tan asin acos atan magnitude angle real-part imag-part number->string exact-integer-sqrt)) => (make-list 23 #t))
(check (map all-refused (list (lambda (x) (expt x 2)) (lambda (x) (expt 2 x)) (lambda (x) (make-rectangular x 1)) (lambda (x) (make-polar 1 x)) (lambda (x) (atan 1 x)) (lambda (x) (log 2 x)) (lambda (x) (rationalize x 1)) (lambda (x) (rationalize 1 x)))) => (make-list 8 #t))
(check (map all-refused (list bitwise-not bitwise-and bitwise-ior bitwise-xor bitwise-eqv bit-count integer-length (lambda (x) (arithmetic-shift x 1)) (lambda (x) (arithmetic-shift 1 x)))) => (make-list 9 #t))
(check (map all-refused (list (lambda (x) (apply + (list 1 x))) (lambda (x) (apply < (list x 1))) (lambda (x) (map + '(1) (list x))) (lambda (x) (map - (list x))) (lambda (x) (vector-map * #(2) (vector x))) (lambda (x) (let loop ((i x)) (if (> i 10) i (loop (+ i 1))))) (lambda (x) (list (+ 1 (* 2 (- x 3))))))) => (make-list 7 #t))

