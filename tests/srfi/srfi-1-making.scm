;; SRFI 1: making lists, kinds of lists, parts of lists.
(import (scheme base) (scheme write) (perdure) (srfi 1))
(include "check.scm")

(define-syntax values-of
  (syntax-rules () ((_ expression) (call-with-values (lambda () expression) list))))

(check (list (xcons '(b c) 'a) (cons* 1 2 3 '(4 5)) (cons* 1) (make-list 4 'c) (list-tabulate 4 values)) => '((a b c) (1 2 3 4 5) 1 (c c c c) (0 1 2 3)))
(check (list (iota 5) (iota 5 0 -1/2) (iota 3 0 -0.5) (iota 0) (iota 3 1) (list-copy '(1 2 3)) (list-copy '(1 . 2))) => '((0 1 2 3 4) (0 -1/2 -1 -3/2 -2) (0 -0.5 -1.0) () (1 2 3) (1 2 3) (1 . 2)))
(check (let ((c (circular-list 'z 'q))) (list (car c) (cadr c) (caddr c) (eq? c (cddr c)))) => '(z q z #t))
(check-fails (list-tabulate -1 values) (list-tabulate 'a values) (make-list -1))

(define ring (circular-list 1 2 3))
(check (map proper-list? (list '() '(1 2) '(1 . 2) ring 5)) => '(#t #t #f #f #f))
(check (map circular-list? (list '() '(1 2) '(1 . 2) ring 5)) => '(#f #f #f #t #f))
(check (map dotted-list? (list '() '(1 2) '(1 . 2) ring 5)) => '(#f #f #t #f #t))
(check (list (circular-list? (circular-list 1)) (circular-list? (cons 0 ring)) (not-pair? '()) (not-pair? '(1)) (null-list? '()) (null-list? '(1))) => '(#t #t #t #f #t #f))
(check-fails (null-list? 5))
(check (list (list= eq?) (list= eq? '(a)) (list= eq? '(a b) '(a b) '(a b)) (list= eq? '(a) '(a b)) (list= < '(1 2) '(3 4)) (list= eq? '() '()) (list= = '(1) '(1) '(2)))
       => '(#t #t #t #f #t #t #f))

(check (map (lambda (nth) (nth '(a b c d e f g h i j))) (list first second third fourth fifth sixth seventh eighth ninth tenth)) => '(a b c d e f g h i j))
(check-fails (tenth '(1 2 3)) (first '()) (third '(1 2)))
(check (values-of (car+cdr '(1 2 3))) => '(1 (2 3)))
(check (list (take '(a b c d e) 2) (drop '(a b c d e) 2) (take '(1 2 3 . d) 2) (drop '(1 2 3 . d) 2) (take '(1 2 3 . d) 3) (drop '(1 2 3 . d) 3) (take '(1) 0)) => '((a b) (c d e) (1 2) (3 . d) (1 2 3) d ()))
(check (list (take-right '(a b c d e) 2) (drop-right '(a b c d e) 2) (take-right '(1 2 3 . d) 2) (drop-right '(1 2 3 . d) 2) (take-right '(1 2 3 . d) 0) (drop-right '(1 2 3 . d) 0) (drop-right '() 0)) => '((d e) (a b c) (2 3 . d) (1) d (1 2 3) ()))
(check (list (take ring 5) (car (drop ring 4))) => '((1 2 3 1 2) 2))
(check-error (take-right '(1 2) 3) => "take-right: expected an exact integer from 0 to 2, got 3")
(check-fails (take '(1 2) 3) (drop '(1 2) 3) (drop-right '(1 2) 3) (take-right ring 1) (drop-right '(1 2) -1))
(check (list (take! (list 1 2 3) 2) (drop-right! (list 1 2 3) 1) (values-of (split-at '(a b c d) 2)) (values-of (split-at! (list 1 2) 0))) => '((1 2) (1 2) ((a b) (c d)) (() (1 2))))
(check (list (last '(a b c)) (last '(a . b)) (last-pair '(a b . c)) (length+ '(1 2)) (length+ ring) (length '())) => '(c a (b . c) 2 #f 0))
(check-fails (last '()) (length ring) (length '(1 . 2)))

(check (list (append '(x) '(y)) (append '(a) '(b c . d)) (append '() 'x) (append) (concatenate '((1) () (2 3))) (concatenate! (list (list 1) (list 2))) (append! (list 1) '() (list 2))) => '((x y) (a b c . d) x () (1 2 3) (1 2) (1 2)))
(check (list (reverse '(a (b c) d)) (reverse! (list 1 2 3)) (append-reverse '(3 2 1) '(4 5)) (append-reverse '() 'x) (append-reverse! (list 2 1) '(3))) => '((d (b c) a) (3 2 1) (1 2 3 4 5) x (1 2 3)))
(check (list (zip '(one two three) '(1 2 3) '(odd even odd)) (zip '(1 2 3)) (zip '(3 1 4) (circular-list #f #t)) (unzip1 '((1 a) (2 b)))) => '(((one 1 odd) (two 2 even) (three 3 odd)) ((1) (2) (3)) ((3 #f) (1 #t) (4 #f)) (1 2)))
(check (list (values-of (unzip2 '((1 one) (2 two)))) (values-of (unzip3 '((1 2 3) (4 5 6)))) (values-of (unzip4 '((1 2 3 4)))) (values-of (unzip5 '((1 2 3 4 5))))) => '(((1 2) (one two)) ((1 4) (2 5) (3 6)) ((1) (2) (3) (4)) ((1) (2) (3) (4) (5))))
(check (list (count even? '(3 1 4 1 5 9 2 5 6)) (count < '(1 2 4 8) '(2 4 6 8 10 12 14 16)) (count < '(3 1 4 1) (circular-list 1 10))) => '(3 3 2))

(check (list (take-while even? '(2 18 3 10 22 9)) (take-while! even? (list 2 3)) (drop-while even? '(2 18 3 10 22 9)) (drop-while even? '(2)) (take-while even? ring)) => '((2 18) (2) (3 10 22 9) () ()))
(check (list (values-of (span even? '(2 18 3 10))) (values-of (break even? '(3 1 4 1))) (values-of (span! even? (list 1))) (values-of (break! even? (list 1)))) => '(((2 18) (3 10)) ((3 1) (4 1)) (() (1)) ((1) ())))
(check-fails (take-while even? '(2 . 4)) (drop-while even? 5) (span even? 'x))
