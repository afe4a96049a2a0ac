;; SRFI 1: folds, maps, filters, searches; re-entered by continuations.
(import (scheme base) (scheme write) (perdure) (srfi 1))
(include "check.scm")

(define-syntax values-of
  (syntax-rules () ((_ expression) (call-with-values (lambda () expression) list))))
(define ring (circular-list 1 2 3))

(check (list (fold + 0 '(1 2 3)) (fold cons '() '(1 2 3)) (fold cons* '() '(a b c) '(1 2 3 4)) (fold + 0 '(1 2) ring)) => '(6 (3 2 1) (c 3 b 2 a 1) 6))
(check (list (fold-right cons '() '(1 2 3)) (fold-right cons* '() '(a b c) '(1 2 3)) (fold-right (lambda (x y) (if (even? x) (cons x y) y)) '() '(1 2 3 4))) => '((1 2 3) (a 1 b 2 c 3) (2 4)))
(check (list (pair-fold cons '() (list 'a 'b)) (pair-fold (lambda (pair tail) (set-cdr! pair tail) pair) '() (list 1 2 3)) (pair-fold (lambda (a b acc) (cons (list (car a) (car b)) acc)) '() '(1 2) '(3 4 5))) => '(((b) (a b)) (3 2 1) ((2 4) (1 3))))
(check (list (pair-fold-right cons '() '(a b c)) (pair-fold-right (lambda (a b acc) (cons (append a b) acc)) '() '(1 2) '(3 4))) => '(((a b c) (b c) (c)) ((1 2 3 4) (2 4))))
(check (list (reduce + 0 '(1 2 3)) (reduce max 0 '()) (reduce - 0 '(1 2 3 4)) (reduce-right + 0 '()) (reduce-right - 0 '(1 2 3 4)) (reduce-right append '() '((1) (2) (3))) (reduce list 0 '(5))) => '(6 0 2 0 -2 (1 2 3) 5))
(check (list (unfold (lambda (x) (> x 5)) (lambda (x) (* x x)) (lambda (x) (+ x 1)) 1) (unfold null? car cdr '(1 2) (lambda (x) '(end))) (unfold not-pair? car cdr '(1 2 . 3) values) (unfold-right zero? (lambda (x) (* x x)) (lambda (x) (- x 1)) 4) (unfold-right null? car cdr '(1 2) '(0))) => '((1 4 9 16 25) (1 2 end) (1 2 . 3) (1 4 9 16) (2 1 0)))
(check-fails (fold + 0 5) (fold + 0 '(1 . 2)) (fold-right + 0 'x) (reduce + 0 5) (fold cons* '() '(1) 5) (unfold-right null? car cdr '(1 . 2)))

(check (list (map cadr '((a b) (d e))) (map + '(3 1 4 1) (circular-list 1 0)) (map! - (list 1 2)) (map-in-order list '(1 2) '(a b c))) => '((b e) (4 1 5 1) (-1 -2) ((1 a) (2 b))))
(check (let ((seen '())) (for-each (lambda (a b) (set! seen (cons (+ a b) seen))) '(1 2 3) ring) (pair-for-each (lambda (pair) (set! seen (cons pair seen))) '(x y)) (pair-for-each (lambda (a b) (set! seen (cons (length a) seen))) '(1 2) '(3)) seen) => '(2 (y) (x y) 6 4 2))
(check (list (append-map (lambda (x) (list x (- x))) '(1 3 8)) (append-map! list '(1 2) '(a b c)) (append-map values '()) (append-map values '((1) 2))) => '((1 -1 3 -3 8 -8) (1 a 2 b) () (1 . 2)))
(check (list (filter-map (lambda (x) (and (number? x) (* x x))) '(a 1 b 3 c 7)) (filter-map (lambda (a b) (and (< a b) b)) '(1 5 2) ring)) => '((1 9 49) (3)))
(check-error (map car 5) => "map: expected a list, got 5")
(check-error (map + '(1) 5) => "map: expected a list, got 5")
(check-fails (for-each car 5) (filter-map car 'x) (append-map list '(1 . 2)))

(check (list (filter even? '(0 7 8 8 43 -4)) (remove even? '(0 7 8 8 43 -4)) (values-of (partition symbol? '(one 2 3 four))) (filter! odd? (list 1 2)) (remove! odd? (list 1 2)) (values-of (partition! odd? (list 1 2)))) => '((0 8 8 -4) (7 43) ((one four) (2 3)) (1) (2) ((1) (2))))
(check (list (delete 2 '(1 2 3 2)) (delete 5 '(1 7 3 9) <) (delete "a" (list "a" "b")) (delete! 1 (list 1 2)) (delete-duplicates '(a b a c a b c z)) (delete-duplicates '((a . 3) (b . 7) (a . 9)) (lambda (x y) (eq? (car x) (car y)))) (delete-duplicates! (list 1 1))) => '((1 3) (1 3) ("b") (2) (a b c z) ((a . 3) (b . 7)) (1)))
(check-fails (filter even? '(1 . 2)) (partition even? 5) (delete 1 5) (delete-duplicates '(1 . 2)))

(check (list (find even? '(3 1 4 1 5 9)) (find even? '(1 3)) (find-tail even? '(3 1 37 -8 -5 0)) (find-tail even? '(3)) (find even? ring) (car (find-tail (lambda (x) (= x 3)) ring))) => '(4 #f (-8 -5 0) #f 2 3))
(check (list (any integer? '(a 3 b)) (any + '(1) '(2)) (any < '(3 1 4) '(2 7 1)) (any even? '()) (any (lambda (x) (and (even? x) (* x 10))) ring) (any memq '(x y) '((a) (y z)))) => '(#t 3 #t #f 20 (y z)))
(check (list (every integer? '(1 2)) (every + '(1 2) '(10 20 30)) (every even? '()) (every < '(1 2) ring) (every < '() '(1)) (every values '(1 2 3))) => '(#t 22 #t #f #t 3))
(check (list (list-index even? '(3 1 4)) (list-index < '(3 1 4 1) '(2 7 1)) (list-index = '(3 1) '(2 7)) (list-index even? ring)) => '(2 1 #f 1))
(check (list (member 2.0 '(1 2 3) =) (member 5 '(1 7) <) (memq 'c '(a b c)) (memv 101 '(100 101)) (assoc 2.0 '((1 a) (2 b)) =) (assq 'b '((a 1) (b 2))) (assv 5 '((2 3)))) => '((2 3) (7) (c) (101) (2 b) (b 2) #f))
(check-fails (find even? 5) (any even? '(1 . 2)) (every even? '(2 . 2)) (list-index even? 'x) (count even? 'x) (find-tail even? '(1 . 3)))

(check (list (alist-cons 'a 1 '()) (alist-delete 'a '((a . 1) (b . 2) (a . 3))) (alist-delete 3 '((1 . a) (4 . b)) <) (alist-delete! 'a (list (cons 'a 1)))) => '(((a . 1)) ((b . 2)) ((1 . a)) ()))
(check (let* ((alist (list (cons 1 2))) (copy (alist-copy alist))) (set-cdr! (car copy) 5) (list alist copy)) => '(((1 . 2)) ((1 . 5))))

;; A continuation that is entered again must not see what later elements put into the result.
(define (twice walk)
  (let* ((k #f) (rounds 0)
         (result (walk (lambda (x) (+ x (call/cc (lambda (here) (if (= x 2) (set! k here)) 0)))))))
    (set! rounds (+ rounds 1))
    (if (< rounds 3) (k (* rounds 10)) (list rounds result))))
(check (twice (lambda (f) (map f '(1 2 3)))) => '(3 (1 22 3)))
(check (twice (lambda (f) (map (lambda (a b) (f a)) '(1 2 3) '(4 5 6)))) => '(3 (1 22 3)))
(check (twice (lambda (f) (append-map (lambda (x) (list (f x))) '(1 2 3)))) => '(3 (1 22 3)))
(check (twice (lambda (f) (filter-map f '(1 2 3)))) => '(3 (1 22 3)))
(check (let ((first #f) (all '()))
         (let ((found (map (lambda (x) (call/cc (lambda (k) (if (= x 1) (if (not first) (set! first k))) x))) '(1 2))))
           (set! all (cons found all))
           (if (< (length all) 2) (first 'again) all)))
       => '((again 2) (1 2)))
