;; Complex numbers: exact and inexact, their parts, and what takes them.
(include "check.scm")

;; Literals and how they are written.
(check (list 1+2i 1-2i -1+2i +i -i 0+i 0-1i 1/2-3/4i #x1+ai #b101-11i #e1.5+2i) => (list (make-rectangular 1 2) (make-rectangular 1 -2) (make-rectangular -1 2) (make-rectangular 0 1) (make-rectangular 0 -1) +i -i (make-rectangular 1/2 -3/4) (make-rectangular 1 10) (make-rectangular 5 -3) (make-rectangular 3/2 2)))
(check (map number->string '(1+2i 1-i +i -i +2i -1/2i 1.5+2i 1+2.5i +1.5i -0.0+1.5i 1.0-0.0i +inf.0-inf.0i 1+nan.0i)) => '("1+2i" "1-i" "+i" "-i" "+2i" "-1/2i" "1.5+2.0i" "1.0+2.5i" "+1.5i" "-0.0+1.5i" "1.0-0.0i" "+inf.0-inf.0i" "1.0+nan.0i"))
(check (list 1+0i 1.5+0i 1@0 0@5 +0i (make-rectangular 2 0) (make-polar 2 0)) => '(1 1.5 1 0 0 2 2))
(check (list (quote (a +i b)) (vector-ref #(1 2+3i) 1) (symbol? '+i) (symbol? '+ia)) => (list (list 'a +i 'b) 2+3i #f #t))
(check (list (number->string 255+16i 16) (number->string 1/2-3/4i 2) (number->string +i 8)) => '("ff+10i" "1/10-11/100i" "+i"))

;; Kinds.
(check (map (lambda (p) (map p (list 1 1+i 1.0+0.0i 1.5+i 'a))) (list number? complex? real? rational? integer?)) => '((#t #t #t #t #f) (#t #t #t #t #f) (#t #f #f #f #f) (#t #f #f #f #f) (#t #f #f #f #f)))
(check (map exact? (list 1+i 1/2+i 1.0+i 1+1.0i)) => '(#t #t #f #f))
(check (map inexact? (list 1+i 1.0+i)) => '(#f #t))
(check (list (exact 1.5+2.0i) (inexact 1/2+i) (exact 1.0+0.0i) (exact->inexact +i)) => '(3/2+2i 0.5+1.0i 1 0.0+1.0i))
(check (list (nan? +nan.0+i) (nan? 1+i) (infinite? 1-inf.0i) (infinite? 1+i) (finite? 1+i) (finite? +inf.0+i) (finite? 1+nan.0i)) => '(#t #f #t #f #t #f #f))

;; Parts.
(check (list (real-part 1+2i) (imag-part 1+2i) (real-part 1.5) (imag-part 1.5)) => '(1 2 1.5 0))
(check (list (magnitude 3+4i) (magnitude 3.0-4.0i) (magnitude -7) (magnitude 1+i) (angle 1) (angle -1) (angle +i) (angle -2.0i) (angle 0)) => (list 5 5.0 7 (sqrt 2) 0 (* 4 (atan 1)) (* 2 (atan 1)) (* -2 (atan 1)) 0))
(check (let ((z (make-polar 2 1))) (list (< (abs (- (magnitude z) 2)) 1e-12) (< (abs (- (angle z) 1)) 1e-12))) => '(#t #t))

;; The four operations: in straight code, in operands, with apply and map.
(define a 1+2i)
(define b 3-4i)
(check (list (+ a b) (- a b) (* a b) (/ a b) (- a) (/ a) (+ a 1) (- 1 a) (* 2 a) (/ a 2) (+ a 1/2) (* a 0)) => '(4-2i -2+6i 11+2i -1/5+2/5i -1-2i 1/5-2/5i 2+2i -2i 2+4i 1/2+i 3/2+2i 0))
(check (list (+ a 0.5) (- 0.5 a) (* a 0.5) (/ a 0.5) (+ a 1.0+2.0i) (* 1.0+i +i) (/ 1.0 +i) (- 1.5+i 1.5+i)) => '(1.5+2.0i -0.5-2.0i 0.5+1.0i 2.0+4.0i 2.0+4.0i -1.0+1.0i 0.0-1.0i 0.0+0.0i))
(check (list (+ a (- a)) (* +i +i) (* a (make-rectangular 1 -2)) (- a +2i)) => '(0 -1 5 1))
(check (list (apply + (list a b 1)) (map * (list a 2) (list b +i)) (+ a b +i) (* a b 2 +i)) => '(5-2i (11+2i +2i) 4-i -4+22i))
(check (let loop ((i 0) (z 0)) (if (= i 10) z (loop (+ i 1) (+ (* z z) 1/2+1/2i)))) => (let loop ((i 0) (z 0)) (if (= i 10) z (loop (+ i 1) (+ 1/2+1/2i (* z z))))))
(check (list (square 1+i) (1+ a) (-1+ a)) => '(+2i 2+2i +2i))
(check (list (+ (expt 10 400) 1.0+i) (* 1.0+i (expt 10 400))) => '(+inf.0+1.0i +inf.0+inf.0i))

;; Equality.
(check (list (= a 1+2i) (= a 1.0+2.0i) (= 1.0+0.0i 1) (= 1/2 0.5+0.0i) (= a b) (= a a b) (= 1 a) (zero? 0.0+0.0i) (zero? a)) => '(#t #t #t #t #f #f #f #t #f))
(check (list (eqv? a 1+2i) (eq? a 1+2i) (equal? '(1.5+i) '(1.5+i)) (eqv? a 1.0+2.0i) (eqv? 0.0+i -0.0+i) (eqv? +nan.0+i +nan.0+i) (memv 1+i (list 1 1+i)) (assv +i '((+i 1)))) => '(#t #t #t #f #f #t (1+i) (+i 1)))
(check (case (* +i +i) ((1 +i) 'no) ((-1) 'yes) (else 'other)) => 'yes)
(check (case a ((1 1+2i) 'yes) (else 'other)) => 'yes)
(check (let ((t (make-hash-table))) (hash-table-set! t 1+2i 'exact) (hash-table-set! t 1.0+2.0i 'inexact) (hash-table-set! t 1 'one) (map (lambda (k) (hash-table-ref/default t k #f)) (list a (inexact a) 1 1.0 2+i))) => '(exact inexact one #f #f))
(define-syntax one-plus-i (syntax-rules () ((_ 1+i) 'match) ((_ x) 'other)))
(check (list (one-plus-i 1+i) (one-plus-i 1.0+i) (one-plus-i 1)) => '(match other other))

;; What needs real numbers says so.
(check-error (< 1 a) => "<: expected a real number, got 1+2i")
(check-error (> a 1 2) => ">: expected a real number, got 1+2i")
(check-error (if (<= a 'x) 1 2) => "<=: expected a real number, got 1+2i")
(check-error (max 1 1.0+i) => "max: expected a real number, got 1.0+1.0i")
(check-error (positive? a) => "positive?: expected a real number, got 1+2i")
(check-error (negative? +i) => "negative?: expected a real number, got +i")
(check-error (abs a) => "abs: expected a real number, got 1+2i")
(check-error (floor a) => "floor: expected a real number, got 1+2i")
(check-error (even? a) => "even?: expected an integer, got 1+2i")
(check-error (quotient a 2) => "quotient: expected an integer, got 1+2i")
(check-error (numerator a) => "numerator: expected a rational number, got 1+2i")
(check-error (atan a 1) => "atan: expected a real number, got 1+2i")
(check-error (make-rectangular a 1) => "make-rectangular: expected a real number, got 1+2i")
(check-error (make-polar 1 'x) => "make-polar: expected a number, got x")
(check-error (vector-ref #(1 2) +i) => "vector-ref: expected an exact integer as index, got +i")
(check-error (+ a 'x) => "+: expected a number, got x")
(check-error (* "s" 1.0+i) => "*: expected a number, got \"s\"")
(check-error (/ a 0) => "/: division by zero: 1+2i 0")
(check-error (exact +inf.0+i) => "exact: expected a finite number, got +inf.0")
