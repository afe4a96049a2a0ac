;; SRFI 43: vectors, with the index as first argument.
(import (scheme base) (scheme write) (perdure) (srfi 43))
(include "check.scm")

(define-syntax changed
  (syntax-rules () ((_ name (item ...) change ...) (let ((name (vector item ...))) change ... name))))

(check (list (vector-unfold (lambda (i x) (values x (- x 1))) 5 0) (vector-unfold-right (lambda (i x) (values (cons i x) (+ x 1))) 3 0)) => '(#(0 -1 -2 -3 -4) #((0 . 2) (1 . 1) (2 . 0))))
(check (list (vector-copy #(a b c)) (vector-copy #(a b c) 1) (vector-copy #(a b c) 1 2) (vector-copy #(a b c) 1 5 'x) (vector-copy #(a) 1 3 0) (vector-length (vector-copy #(a) 0 4)) (vector-reverse-copy #(1 2 3 4) 1) (vector-concatenate '(#(a) #(b)))) => '(#(a b c) #(b c) #(b) #(b c x x) #(0 0) 4 #(4 3 2) #(a b)))
(check (list (vector-empty? #()) (vector= eq? #(a) #(a)) (vector= eq? #(a) #(b)) (vector= =)) => '(#t #t #f #t))
(check (list (vector-fold (lambda (i n x) (+ n (* i x))) 0 #(5 6 7)) (vector-fold (lambda (i acc a b) (cons (list i a b) acc)) '() #(1 2) #(x y z)) (vector-fold-right (lambda (i tail x) (cons (cons i x) tail)) '() #(a b c)) (vector-fold-right (lambda (i acc a b) (cons (list i a b) acc)) '() #(1 2) #(x y z))) => '(20 ((1 2 y) (0 1 x)) ((0 . a) (1 . b) (2 . c)) ((0 1 x) (1 2 y))))
(check (list (vector-map (lambda (i x) (* x i)) #(5 6 7)) (vector-map (lambda (i a b) (list i a b)) #(1 2 3) #(x y)) (vector-map list #()) (changed v (5 6 7) (vector-map! (lambda (i x) (- x i)) v)) (changed v (5 6 7) (vector-map! (lambda (i x y) (+ x y)) v #(10)))) => '(#(0 6 14) #((0 1 x) (1 2 y)) #() #(5 5 5) #(15 6 7)))
(check (let ((seen '())) (vector-for-each (lambda (i x) (set! seen (cons (list i x) seen))) #(a b)) (vector-for-each (lambda (i x y) (set! seen (cons (list i x y) seen))) #(a b) #(c)) seen) => '((0 a c) (1 b) (0 a)))
(check (list (vector-count (lambda (i x) (even? x)) #(3 1 4)) (vector-count (lambda (i a b) (< a b)) #(1 3 6 9) #(2 4 6 8 10)) (vector-index even? #(3 1 4)) (vector-index < #(3 1 4) #(2 7 1 8)) (vector-index-right < #(3 1 4) #(2 7 1)) (vector-skip number? #(1 a 2)) (vector-skip-right number? #(1 a 2))) => '(1 2 2 1 1 1 1))
(check (list (vector-binary-search #(1 3 5) 3 -) (vector-binary-search #(1 3 5) 4 -) (vector-any number? #(a 1)) (vector-any + #(1) #(5)) (vector-every number? #(1 2)) (vector-every + #(1 2) #(3 4))) => '(1 #f #t 6 #t 6))
(check (list (changed v (1 2 3) (vector-swap! v 0 2)) (changed v (1 2 3) (vector-fill! v 0 1)) (changed v (1 2 3) (vector-reverse! v)) (changed v (1 2 3 4) (vector-copy! v 0 #(a b c) 1)) (changed v (1 2 3 4) (vector-reverse-copy! v 1 #(a b c) 0 2))) => '(#(3 2 1) #(1 0 0) #(3 2 1) #(b c 3 4) #(1 b a 4)))
(check (list (vector->list #(1 2 3) 1) (vector->list #(1 2 3) 1 2) (reverse-vector->list #(1 2 3) 1) (list->vector '(1 2 3) 1) (list->vector '(1 2 3) 0 2) (reverse-list->vector '(1 2 3)) (reverse-list->vector '(1 2 3) 1 3)) => '((2 3) (2) (3 2) #(2 3) #(1 2) #(3 2 1) #(3 2)))
(check-fails (vector-copy #(a) 2) (vector-map car 5) (list->vector 5) (vector-swap! (vector) 0 0) (vector-copy #(a) 2 5 'x) (vector-fold + 0 'x))
