;; Exactness, rounding, division with remainder, and what is contagious.
(include "check.scm")

(check (list (exact 2.0) (exact -0.5) (exact 0.1) (exact 1e18) (exact 1/3) (exact -0.0)) => '(2 -1/2 3602879701896397/36028797018963968 1000000000000000000 1/3 0))
(check (list (inexact 1/3) (inexact 2) (inexact (/ (expt 10 400) (+ (expt 10 400) 1))) (inexact (expt 10 400)) (inexact (/ 1 (expt 10 400))) (inexact 9007199254740993)) => '(0.3333333333333333 2.0 1.0 +inf.0 0.0 9007199254740992.0))
(check-error (exact +inf.0) => "exact: expected a finite number, got +inf.0")
(check-error (exact +nan.0) => "exact: expected a finite number, got +nan.0")
(check-error (exact "1") => "exact: expected a number, got \"1\"")

;; floor ceiling truncate round
(define (all x) (list (floor x) (ceiling x) (truncate x) (round x)))
(check (map all '(-4.3 3.5 2.5 -2.5 7/2 5/2 -7/2 -1/3 7 -0.4)) => '((-5.0 -4.0 -4.0 -4.0) (3.0 4.0 3.0 4.0) (2.0 3.0 2.0 2.0) (-3.0 -2.0 -2.0 -2.0) (3 4 3 4) (2 3 2 2) (-4 -3 -3 -4) (-1 0 0 0) (7 7 7 7) (-1.0 -0.0 -0.0 -0.0)))
(check (list (floor +inf.0) (round -inf.0) (nan? (truncate +nan.0)) (exact (floor 2.7)) (round->exact 2.5) (floor->exact -0.5)) => '(+inf.0 -inf.0 #t 2 2 -1))
(check-error (round 'x) => "round: expected a number, got x")

;; floor/ and truncate/
(define (both n d) (append (call-with-values (lambda () (floor/ n d)) list) (call-with-values (lambda () (truncate/ n d)) list)))
(check (map both '(5 -5 5 -5 6 -5.0 0) '(2 2 -2 -2 3 2 5)) => '((2 1 2 1) (-3 1 -2 -1) (-3 -1 -2 1) (2 -1 2 -1) (2 0 2 0) (-3.0 1.0 -2.0 -1.0) (0 0 0 0)))
(check (list (floor-quotient -5 2) (floor-remainder -5 2) (truncate-quotient -5 2) (truncate-remainder -5 2) (quotient -7 2) (remainder -7 2) (modulo -7 2) (modulo 7 -2) (modulo -7. 2)) => '(-3 1 -2 -1 -3 -1 1 -1 1.0))
(check (let ((n (- (expt 10 40))) (d 7)) (= n (+ (* d (quotient n d)) (remainder n d)) (+ (* d (floor-quotient n d)) (modulo n d)))) => #t)
(check-error (floor/ 1 0) => "floor/: division by zero: 1 0")
(check-error (truncate/ 1 0) => "truncate/: division by zero: 1 0")
(check-error (modulo 1.5 2) => "modulo: expected an integer, got 1.5")
(check-error (quotient 1.0 0.0) => "quotient: division by zero: 1.0 0.0")
(check-error (remainder +inf.0 2) => "remainder: expected an integer, got +inf.0")
(check-error (truncate-quotient 1 0) => "truncate-quotient: division by zero: 1 0")
(check-error (truncate-remainder 'a 1) => "truncate-remainder: expected an integer, got a")
(check-error (floor-remainder 1 0.) => "floor-remainder: division by zero: 1 0.0")
(check-error (floor-quotient 1/2 2) => "floor-quotient: expected an integer, got 1/2")

;; Division: exact zero, inexact zero.
(check (list (/ 6 4) (/ -6 3) (/ 0 5) (/ 1.0 3) (/ 1 3.0) (/ 0 5.0) (/ 1. 0) (/ -1 0.) (/ 1 -0.0) (nan? (/ 0 0.)) (nan? (/ 0. 0)) (/ 3) (/ 0.5)) => '(3/2 -2 0 0.3333333333333333 0.3333333333333333 0.0 +inf.0 -inf.0 -inf.0 #t #t 1/3 2.0))
(check-error (/ 0 0) => "/: division by zero: 0 0")
(check-error (/ 0) => "/: division by zero: 1 0")
(check-error (/ 1/2 0) => "/: division by zero: 1/2 0")

;; gcd lcm numerator denominator
(check (list (gcd) (gcd 0) (gcd -12) (gcd 12 18 27) (gcd 0 5) (gcd 32.0 -36) (lcm) (lcm 4 6 10) (lcm 0 5) (lcm 32.0 -36)) => '(0 0 12 3 5 4.0 1 60 0 288.0))
(check (list (numerator 6/4) (denominator 6/4) (numerator 5) (denominator 5) (denominator 0) (numerator 0.75) (denominator 0.75) (denominator 2.0)) => '(3 2 5 1 1 3.0 4.0 1.0))
(check-error (gcd 1.5 2) => "gcd: expected an integer, got 1.5")
(check-error (lcm 'a) => "lcm: expected an integer, got a")
(check-error (numerator +inf.0) => "numerator: expected a rational number, got +inf.0")
(check-error (denominator 'a) => "denominator: expected a number, got a")

;; max min abs
(check (list (max 1 2 3) (max 3 2.0) (min 1 2.0) (max 1/2 1/3) (nan? (max 1 +nan.0)) (nan? (min +nan.0 1)) (max 1 +inf.0) (min 1 2 -inf.0) (max 100000000000000000001 1.0)) => '(3 3.0 1.0 1/2 #t #t +inf.0 -inf.0 1e20))
(check (list (abs -5) (abs 5) (abs -1/2) (abs -0.0) (abs -inf.0)) => '(5 5 1/2 0.0 +inf.0))

;; rationalize
(check (list (rationalize 3/10 1/10) (rationalize .3 1/10) (rationalize -3/10 1/10) (rationalize 1/10 1/5) (rationalize 5 0) (rationalize (expt 10 400) 1/3) (rationalize +inf.0 3) (rationalize 3 +inf.0) (nan? (rationalize +inf.0 +inf.0))) => (list 1/3 (inexact 1/3) -1/3 0 5 (expt 10 400) +inf.0 0.0 #t))
(check-error (rationalize 'a 1) => "rationalize: expected a number, got a")

;; Kinds.
(define kinds (list 1 1/2 1.0 1.5 +inf.0 +nan.0 1+i 'a "1" #f))
(define (those predicate) (map (lambda (x) (if (predicate x) 1 0)) kinds))
(check (map those (list number? complex? real? rational? integer? exact-integer? exact-rational?)) => '((1 1 1 1 1 1 1 0 0 0) (1 1 1 1 1 1 1 0 0 0) (1 1 1 1 1 1 0 0 0 0) (1 1 1 1 0 0 0 0 0 0) (1 0 1 0 0 0 0 0 0 0) (1 0 0 0 0 0 0 0 0 0) (1 1 0 0 0 0 0 0 0 0)))
(check (list (exact? 1/2) (exact? 1.) (inexact? 1.) (inexact? 1/2) (nan? +nan.0) (nan? 1) (finite? 1/2) (finite? -inf.0) (infinite? -inf.0) (infinite? +nan.0)) => '(#t #f #t #f #t #f #t #f #t #f))
(check (list (even? 0) (even? 2.0) (odd? -1) (odd? 3.0) (even? 100000000000000000000) (zero? 0.0) (zero? -0.0) (zero? 0) (zero? 1/2) (positive? +inf.0) (negative? -1/2) (positive? 0) (negative? -0.0)) => '(#t #t #t #t #t #t #t #t #f #t #t #f #f))
(check-error (exact? 'a) => "exact?: expected a number, got a")
(check-error (nan? "a") => "nan?: expected a number, got \"a\"")
(check-error (finite? 'a) => "finite?: expected a number, got a")
(check-error (even? 1.5) => "even?: expected an integer, got 1.5")
(check-error (odd? +inf.0) => "odd?: expected an integer, got +inf.0")
