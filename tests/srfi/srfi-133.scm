;; SRFI 133: vectors.
(import (scheme base) (scheme write) (perdure) (srfi 133))
(include "check.scm")

(define-syntax values-of
  (syntax-rules () ((_ expression) (call-with-values (lambda () expression) list))))
(define-syntax changed
  (syntax-rules () ((_ name (item ...) change ...) (let ((name (vector item ...))) change ... name))))

(check (list (vector-unfold (lambda (i x) (values x (- x 1))) 5 0) (vector-unfold values 4) (vector-unfold-right (lambda (i x) (values (cons i x) (+ x 1))) 3 0) (vector-unfold (lambda (i a b) (values (+ a b) b (+ a b))) 6 0 1)) => '(#(0 -1 -2 -3 -4) #(0 1 2 3) #((0 . 2) (1 . 1) (2 . 0)) #(1 2 3 5 8 13)))
(check (list (vector-copy #(a b c) 1) (vector-reverse-copy #(5 4 3 2 1 0) 1 5) (vector-append #(x) #(y)) (vector-concatenate '(#(a b) #() #(c d))) (vector-append-subvectors #(a b c d e) 0 2 #(f g h i j) 2 4) (vector-append-subvectors)) => '(#(b c) #(1 2 3 4) #(x y) #(a b c d) #(a b h i) #()))
(check (list (vector-empty? #()) (vector-empty? #(a)) (vector= eq? #(a b) #(a b)) (vector= eq? #(a) #(a b)) (vector= = #(1 2) #(1 2) #(1 2)) (vector= =) (vector= eq? #(a)) (vector= = #(1) #(2))) => '(#t #f #t #f #t #t #t #f))

(check (list (vector-fold (lambda (n s) (max n (string-length s))) 0 #("abc" "defgh" "ij")) (vector-fold (lambda (acc x) (cons x acc)) '() #(1 2 3)) (vector-fold (lambda (n a b) (+ n (* a b))) 0 #(1 2 3) #(10 20)) (vector-fold-right (lambda (tail x) (cons x tail)) '() #(1 2 3)) (vector-fold-right (lambda (acc a b) (cons (list a b) acc)) '() #(1 2) #(a b c))) => '(5 (3 2 1) 50 (1 2 3) ((1 a) (2 b))))
(check (list (vector-map (lambda (x) (* x x)) #(1 2 3)) (vector-map * #(1 2) #(10 20 30)) (changed v (1 2 3) (vector-map! - v)) (changed v (1 2 3) (vector-map! + v #(10 20)))) => '(#(1 4 9) #(10 40) #(-1 -2 -3) #(11 22 3)))
(check (let ((seen '())) (vector-for-each (lambda (a b) (set! seen (cons (+ a b) seen))) #(1 2) #(10 20 30)) seen) => '(22 11))
(check (list (vector-count even? #(3 1 4 1 5 9 2 5 6)) (vector-count < #(1 3 6 9) #(2 4 6 8 10 12)) (vector-cumulate + 0 #(3 1 4 1 5 9 2 5 6)) (vector-cumulate + 0 #())) => '(3 2 #(3 4 8 9 14 23 25 30 36) #()))
(check (list (vector-index even? #(3 1 4 1 5 9)) (vector-index < #(3 1 4 1 5 9 2 5 6) #(2 7 1 8 2)) (vector-index = #(3 1 4) #(2 7 1)) (vector-index-right < #(3 1 4 1 5) #(2 7 1 8 2)) (vector-index-right even? #(1 3))) => '(2 1 #f 3 #f))
(check (list (vector-skip number? #(1 2 a b 3)) (vector-skip even? #(2 4)) (vector-skip < #(1 5) #(2 3)) (vector-skip-right number? #(1 a 2 3)) (vector-skip-right number? #(1))) => '(2 #f 1 1 #f))
(check (list (vector-binary-search #(1 3 5 7) 5 -) (vector-binary-search #(1 3 5 7) 4 -) (vector-binary-search #() 1 -) (vector-binary-search #("a" "c") "c" (lambda (a b) (cond ((string<? a b) -1) ((string=? a b) 0) (else 1))))) => '(2 #f #f 1))
(check (list (vector-any number? #(1 2 x)) (vector-any + #(1) #(2)) (vector-any even? #()) (vector-any < #(3 1) #(2 5 0)) (vector-every number? #(1 x)) (vector-every + #(1 2) #(10 20 30)) (vector-every even? #()) (vector-every values #(1 2))) => '(#t 3 #f #t #f 22 #t 2))
(check (values-of (vector-partition number? #(1 x 2 y 3 z))) => '(#(1 2 3 x y z) 3))

(check (list (changed v (1 2 3) (vector-swap! v 0 1)) (changed v (1 2 3 4) (vector-fill! v 'x 1 3)) (changed v (1 2 3 4 5) (vector-reverse! v)) (changed v (1 2 3 4 5) (vector-reverse! v 1 4)) (changed v (1 2 3 4 5) (vector-reverse! v 2)) (changed v (1 2 3 4) (vector-copy! v 1 #(a b c) 1)) (changed v (1 2 3 4) (vector-reverse-copy! v 1 #(a b c) 1))) => '(#(2 1 3) #(1 x x 4) #(5 4 3 2 1) #(1 4 3 2 5) #(1 2 5 4 3) #(1 b c 4) #(1 c b 4)))
(check (list (changed v (1 2 3 4 5) (vector-reverse-copy! v 0 v 2 5)) (changed v (1 2 3 4 5) (vector-unfold! (lambda (i) (* i 10)) v 1 4)) (changed v (1 2 3 4 5) (vector-unfold! (lambda (i x) (values (cons i x) (* x 2))) v 1 4 1)) (changed v (1 2 3 4 5) (vector-unfold-right! (lambda (i x) (values (cons i x) (* x 2))) v 1 4 1))) => '(#(5 4 3 4 5) #(1 10 20 30 5) #(1 (1 . 1) (2 . 2) (3 . 4) 5) #(1 (1 . 4) (2 . 2) (3 . 1) 5)))
(check (list (vector->list #(1 2 3) 1) (reverse-vector->list #(1 2 3)) (reverse-vector->list #(1 2 3) 1 3) (list->vector '(1 2)) (reverse-list->vector '(1 2 3)) (vector->string #(#\a #\b)) (string->vector "ab")) => '((2 3) (3 2 1) (3 2) #(1 2) #(3 2 1) "ab" #(#\a #\b)))
(check (let ((k #f) (rounds 0))
         (let ((result (vector-map (lambda (x) (+ x (call/cc (lambda (here) (if (= x 2) (set! k here)) 0)))) #(1 2 3))))
           (set! rounds (+ rounds 1))
           (if (< rounds 3) (k (* 10 rounds)) result)))
       => #(1 22 3))
(check-fails (vector-unfold values -1) (vector-swap! (vector 1) 0 1) (vector-reverse! (vector 1 2) 2 1) (vector-append-subvectors #(1) 0) (vector-copy! (vector 1) 0 #(1 2)) (vector-map car 5) (vector-unfold! values (vector 1) 0 5) (vector-index even? 'x) (vector-count even? 5))
