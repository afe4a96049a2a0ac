;; Numbers as text: number->string, string->number and literals, in every radix and with every prefix.
(include "check.scm")

(check (list #e1.5 #i1/2 #x-1A #b101 #o17 #d10 #e#xff #x#eFF #i#b11 #b#i11 #E1.25 #X10 #e1e3 #e-.5 #i-0) => '(3/2 0.5 -26 5 15 10 255 255 3.0 3.0 5/4 16 1000 -1/2 -0.0))
(check (list 1. .5 -.5e1 1e2 1E2 1e-2 +1.5 6/4 -10/5 +inf.0 -inf.0 +NaN.0 #d1.5 #x1e2) => (list 1.0 0.5 -5.0 100.0 100.0 0.01 1.5 3/2 -2 (/ 1. 0.) (/ -1. 0.) +nan.0 1.5 482))

(check (map number->string '(0 -5 123456789012345678901234567890 1/3 -22/7 1.5 100.0 -0.0 1e21 1e22 123456789.125 1e-7 0.1 +inf.0 -inf.0 +nan.0)) => '("0" "-5" "123456789012345678901234567890" "1/3" "-22/7" "1.5" "100.0" "-0.0" "1e21" "1e22" "123456789.125" "1e-7" "0.1" "+inf.0" "-inf.0" "+nan.0"))
(check (map (lambda (r) (number->string 255 r)) '(2 8 10 16 36)) => '("11111111" "377" "255" "ff" "73"))
(check (list (number->string -5/3 2) (number->string 10/3 16) (number->string 0.5 2) (number->string -2.75 2) (number->string 255.5 16) (number->string 16.0 8)) => '("-101/11" "a/3" "0.1" "-10.11" "ff.8" "20.0"))
(check (map (lambda (r) (string->number "101" r)) '(2 8 10 16)) => '(5 65 101 257))
(check (list (string->number "FF" 16) (string->number "#xff" 10) (string->number "#b101" 16) (string->number "-a/b" 16) (string->number "1e2" 16) (string->number "zz" 36) (string->number "0.1" 2) (string->number "ff.8" 16)) => '(255 255 5 -10/11 482 1295 0.5 255.5))
(check (map string->number '("1e2" "1e400" "-1e400" "1e-400" "15##" "#e1.2" "#e1e20" "#i1/3" "1@0" "1.5e3" "1s2" "1D2" "1f1" "1l0")) => (list 100.0 +inf.0 -inf.0 0.0 #f 6/5 100000000000000000000 (/ 1. 3) 1 1500.0 100.0 100.0 10.0 1.0))
(check (map string->number '("+i" "-i" "+I" "1+i" "1-2i" "1/2+3/4i" "1.5-2i" "+inf.0i" "-inf.0+nan.0i" "1e2-1e2i" "#e1.5+.5i" "#i1+2i" "#x-a-bi" "#b#e1+i")) => '(+i -i +i 1+i 1-2i 1/2+3/4i 1.5-2.0i 0.0+inf.0i -inf.0+nan.0i 100.0-100.0i 3/2+1/2i 1.0+2.0i -10-11i 1+i))
(check (let ((z (string->number "1@1"))) (list (< (abs (- (magnitude z) 1)) 1e-12) (< (abs (- (angle z) 1)) 1e-12))) => '(#t #t))

(check (filter string->number '("" "+" "-" "." "..." "+." "-.e1" "1e" "1e+" "e1" ".e1" "--1" "+-1" "1+" "1-" "1++i" "+5x" "abc" "1.2.3" "1/" "/2" "1/2/3" "1/2.5" "1.5/2" "1/-2" " 1" "1 " "1 2" "0x10" "1_000" "#" "#e" "#x" "#xg" "#b2" "#o8" "#e#e1" "#x#b1" "#e#x#e1" "#k1" "i" "2i" "1i" "1+2" "1+2i3" "i1" "1@" "@1" "1@2@3" "1@2i" "1@+i" "+i1" "inf.0" "inf" "+inf" "+inf.1" "+inf.0x" "nan" "+nan.0.0" "1/0" "#e1/0" "#i1/0" "1+1/0i" "#e+inf.0" "#e+nan.0" "#e1+inf.0i" "#e+inf.0@1" "1e1.5" "1e2e3" "1ee2" "\x0;" "1\n" "١٢" "½" "\x212a;" "1e٢")) => '())
(check (list (string->number "12" 2) (string->number "8" 8) (string->number "g" 16) (string->number "+i" 36) (string->number "\x212a;" 36)) => '(#f #f #f 18 #f))

;; What is written is read back, in every radix.
(define numbers '(0 -1 12345678901234567890 1/3 -255/256 0.5 -0.1 1e300 5e-324 1.7976931348623157e308 -0.0 +inf.0 -inf.0 +nan.0))
(define complex-numbers '(+i -1-i 1/2-3/4i 1.5+2.5i 0.0-0.0i -0.0+1e300i +inf.0-inf.0i +nan.0+1i 1e-5+0.1i))
(define (lost numbers radixes)
  (let loop ((n numbers) (r radixes) (found '()))
    (cond ((null? r) found)
          ((null? n) (loop numbers (cdr r) found))
          ((eqv? (car n) (string->number (number->string (car n) (car r)) (car r))) (loop (cdr n) r found))
          (else (loop (cdr n) r (cons (list (car n) (car r)) found))))))
(check (lost numbers '(2 3 8 10 16 19 36)) => '())
(check (lost complex-numbers '(2 3 8 10 16 18)) => '())
(check (let ((n (- (expt 3 3000)))) (map (lambda (r) (= n (string->number (number->string n r) r))) '(2 7 10 16))) => '(#t #t #t #t))

(check-error (number->string 'a) => "number->string: expected a number, got a")
(check-error (number->string 10 1) => "number->string: expected a radix from 2 to 36, got 1")
(check-error (number->string 10 "2") => "number->string: expected a radix from 2 to 36, got \"2\"")
(check-error (number->string +i 20) => "number->string: the radix of a complex number is at most 18, got 20")
(check-error (string->number 5) => "string->number: expected a string, got 5")
(check-error (string->number "5" 99) => "string->number: expected a radix from 2 to 36, got 99")
(check-error (string->number "#e1e9999999999") => "string->number: the result would have more than 67108864 bits")
