"""The standard library in Scheme, run by the direct evaluator."""

from __future__ import annotations

import pytest
from evaluator import LIBRARIES, shown


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("(map + '(1 2 3) '(10 20))", "(11 22)"),
        ("(map (lambda (x) (* x x)) '(1 2 3))", "(1 4 9)"),
        ("(let ((out '())) (for-each (lambda (x y) (set! out (cons (+ x y) out))) '(1 2) '(3 4)) out)", "(6 4)"),
        ("(apply map list '((1 2) (3 4)))", "((1 3) (2 4))"),
        ("(append-map (lambda (x) (list x x)) '(1 2))", "(1 1 2 2)"),
        ("(filter-map (lambda (x) (and (even? x) (* x x))) '(1 2 3 4))", "(4 16)"),
        ("(list (filter odd? '(1 2 3)) (remove odd? '(1 2 3)) (reduce + 0 '(1 2 3)) (reduce + 0 '()))", "((1 3) (2) 6 0)"),
        ("(list (fold cons '() '(1 2 3)) (fold + 0 '(1 2) '(10 20)) (fold cons* '() '(a b) '(1 2)))", "((3 2 1) 33 (b 2 a 1))"),
        ("(list (fold-left list '() '(1 2)) (fold-right list '() '(1 2)) (fold-right cons '() '(1 2)))", "(((() 1) 2) (1 (2 ())) (1 2))"),
        ("(call-with-values (lambda () (partition even? '(1 2 3 4))) list)", "((2 4) (1 3))"),
        ("(list (delete 2 '(1 2 3)) (delete-duplicates '(1 2 1 3 2)) (find even? '(1 2)) (find-tail even? '(1 2 3)))", "((1 3) (1 2 3) 2 (2 3))"),
        ("(list (any even? '(1 3)) (any + '(1) '(2)) (every even? '(2 4)) (every + '(1 2) '(3 4)) (every even? '()))", "(#f 3 #t 6 #t)"),
        ("(list (list-index even? '(1 3 4)) (count even? '(1 2 4)) (iota 3) (iota 3 1) (first '(1)) (last '(1 2)))", "(2 2 (0 1 2) (1 2 3) 1 2)"),
        ("(list (take '(1 2 3) 2) (drop '(1 2 3) 2) (take-while even? '(2 4 5 6)) (drop-while even? '(2 4 5 6)))", "((1 2) (3) (2 4) (5 6))"),
        ("(call-with-values (lambda () (span even? '(2 3 4))) list)", "((2) (3 4))"),
        ("(call-with-values (lambda () (break even? '(1 2 3))) list)", "((1) (2 3))"),
        ("(list (unfold (lambda (x) (> x 3)) square 1+ 1) (unfold-right zero? square -1+ 3) (list-tabulate 3 -))", "((1 4 9) (1 4 9) (0 -1 -2))"),
        ("(list (assoc 2.0 '((1 a) (2 b)) =) (member 2.0 '(1 2 3) =) (assoc \"b\" '((\"b\" . 1))) (member '(1) '((1))))", '((2 b) (2 3) ("b" . 1) ((1)))'),
        ("(list (sort '(3 1 2) <) (sort < '(2 1)) (sort (vector 3 1 2) <) (list-sort < '(2 1 3)))", "((1 2 3) (1 2) #(1 2 3) (1 2 3))"),
        ("(sort '((1 . a) (0 . b) (1 . c) (0 . d)) (lambda (x y) (< (car x) (car y))))", "((0 . b) (0 . d) (1 . a) (1 . c))"),
        ("(let ((v (vector 3 1 2))) (vector-sort! v <) v)", "#(1 2 3)"),
        ("(list (vector-map + #(1 2) #(10 20)) (vector-map square #(1 2)) (vector-binary-search #(1 3 5) 3 -))", "(#(11 22) #(1 4) 1)"),
        ("(let ((s 0)) (vector-for-each (lambda (x) (set! s (+ s x))) #(1 2 3)) s)", "6"),
        ('(list (string-map char-upcase "abc") (string-count "banana" (lambda (c) (eq? c #\\a))) (string-index "abc" #\\c))', '("ABC" 3 2)'),
        ("(let ((out '())) (string-for-each (lambda (a b) (set! out (cons (list a b) out))) \"ab\" \"cd\") out)", "((#\\b #\\d) (#\\a #\\c))"),
        ("(call-with-output-string (lambda (port) (write 'a port) (display \"b\" port)))", '"ab"'),
        ("(define t (make-hash-table)) (hash-table-set! t 'a 1) (hash-table-update! t 'a 1+) (hash-table-update!/default t 'b 1+ 10) (hash-table-update! t 'c 1+ (lambda () 5)) (list (hash-table-ref t 'a) (hash-table-ref t 'z (lambda () 'none)) (hash-table-ref t 'b (lambda () 0) list) (hash-table-ref/default t 'c 0))", "(2 none (11) 6)"),
        ("(define t (alist->hash-table '((a . 1) (b . 2)))) (list (hash-table-fold t (lambda (k v acc) (+ v acc)) 0) (hash-table-map->list cons t) (hash-table-count t))", "(3 ((a . 1) (b . 2)) 2)"),
        ("(define t (alist->hash-table '((a . 1)))) (let ((s '())) (hash-table-walk t (lambda (k v) (set! s (list k v)))) s)", "(a 1)"),
        ("(define t (alist->hash-table (list (cons 'items (vector 1 (list 'x 'y)))))) (list (ref t 'items 1 0) (ref t \"items\" -1 1) (ref '((a . 5)) 'a) (ref \"abc\" 1) (ref/default t 'no 0 'dflt))", "(x y 5 #\\b dflt)"),
        ("(guard (e (#t 'missing)) (ref (vector 1) 5))", "missing"),
        ("(guard (e (#t 'bad)) (map car 5))", "bad"),
        ("(list (lset-union eq? '(a b) '(b c)) (lset-intersection eq? '(a b) '(b)) (lset-difference eq? '(a b) '(b)))", "((c a b) (b) (a))"),
        ("(list (flatten '(1 (2 (3)) ())) (concatenate '((1) (2))) (zip '(1 2) '(a b)))", "((1 2 3) (1 2) ((1 a) (2 b)))"),
    ],
)  # fmt: skip
def test_library_procedures_give_what_their_specification_says(source: str, expected: str) -> None:
    assert shown(source) == expected


def test_the_files_load_in_an_order_with_control_and_lists_first() -> None:
    names = [name for name, _ in LIBRARIES if name != "perdure.control"]
    assert names[0] == "perdure.list"
