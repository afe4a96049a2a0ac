;; SRFI 26: cut and cute.
(import (scheme base) (scheme write) (perdure) (srfi 26))
(include "check.scm")

(check (list ((cut list)) ((cut list <...>)) ((cut list 1)) ((cut list <>) 1) ((cut list <...>) 1) ((cut list 1 2)) ((cut list 1 <>) 2) ((cut list <> <>) 1 2)) => '(() () (1) (1) (1) (1 2) (1 2) (1 2)))
(check (list ((cut list 1 <...>) 2 3) ((cut list 1 <> 3 <>) 2 4) ((cut list 1 <> 3 <...>) 2 4 5) ((cut list <> <> <...>) 1 2 3 4)) => '((1 2 3) (1 2 3 4) (1 2 3 4 5) (1 2 3 4)))
(check (list ((cut <> 3 4) +) ((cut <> <...>) * 2 3) (map (cut * 2 <>) '(1 2 3)) (map (cut vector-set! <> 0 'x) (list)) ((cut apply <> '(1 2)) list)) => '(7 6 (2 4 6) () (1 2)))
(check (list ((cute list)) ((cute list <...>)) ((cute list 1 <>) 2) ((cute list <> 2 <...>) 1 3 4) ((cute <> 1 2) +)) => '(() () (1 2) (1 2 3 4) 3))
(check (let* ((n 0) (count (lambda () (set! n (+ n 1)) n)) (late (cut list (count) <>)) (early (cute list (count) <>)))
         (list (early 'a) (early 'b) (late 'c) (late 'd)))
       => '((1 a) (1 b) (2 c) (3 d)))
(check (let ((made 0)) (let ((f (cute (begin (set! made (+ made 1)) +) <> 1))) (list (f 1) (f 2) made))) => '(2 3 1))
(check (let ((x 'outer)) ((cut (lambda (y) (list x y)) <>) 'inner)) => '(outer inner))
(check-fails ((cut list <>)) ((cut list <>) 1 2) ((cut list 1) 2))
