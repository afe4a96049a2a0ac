"""Hygiene torture: what macros may not capture, and all of syntax-rules."""

from __future__ import annotations

import pytest
from evaluator import shown

SWAP = "(define-syntax swap! (syntax-rules () ((_ a b) (let ((tmp a)) (set! a b) (set! b tmp)))))"
MY_OR = "(define-syntax my-or (syntax-rules () ((_) #f) ((_ e) e) ((_ e r ...) (let ((t e)) (if t t (my-or r ...))))))"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (SWAP + "(let ((tmp 1) (other 2)) (swap! tmp other) (list tmp other))", "(2 1)"),
        (SWAP + "(define tmp 5) (define x 6) (swap! tmp x) (list tmp x)", "(6 5)"),
        (MY_OR + "(let ((t 5)) (my-or #f t))", "5"),
        (MY_OR + "(let ((if list)) (my-or #f 2))", "2"),
        (MY_OR + "(let ((x 1) (t 2) (let 3)) (my-or #f #f let))", "3"),
        ("(let ((x 'outer)) (let-syntax ((m (syntax-rules () ((m) x)))) (let ((x 'inner)) (m))))", "outer"),
        ("(letrec-syntax ((ev? (syntax-rules () ((_) #t) ((_ x . r) (od? . r)))) (od? (syntax-rules () ((_) #f) ((_ x . r) (ev? . r))))) (ev? 1 2 3 4))", "#t"),
        ("(define (f) (define-syntax identity (syntax-rules () ((_ misc) (lambda (x) (let ((misc 'other)) x))))) (identity x)) ((f) 'mine)", "mine"),
        ("(define-syntax identity (syntax-rules () ((_ misc) (lambda (x) (let ((misc 'other)) x))))) ((identity x) 'mine)", "mine"),
        ("(define (f) (define-syntax def (syntax-rules () ((_ n v) (define n v)))) (def x 1) (def y (+ x 1)) (list x y)) (f)", "(1 2)"),
        ("(define-syntax def (syntax-rules () ((_ n v) (define n v)))) (def x 1) (def y (+ x 1)) (list x y)", "(1 2)"),
        ("(define-syntax def2 (syntax-rules () ((_ n v) (begin (define helper v) (define (n) helper))))) (define helper 'mine) (def2 a 1) (def2 b 2) (list helper (a) (b))", "(mine 1 2)"),
        ("(define-syntax def-getter (syntax-rules () ((_ n) (define-syntax n (syntax-rules () ((_) 'got)))))) (def-getter g) (g)", "got"),
        ("(define-syntax be-like-begin (syntax-rules () ((_ name) (define-syntax name (syntax-rules () ((_ expr (... ...)) (begin expr (... ...)))))))) (be-like-begin seq) (seq 1 2 3)", "3"),
        ("(define-syntax my-let (syntax-rules () ((_ ((n v) ...) b ...) ((lambda (n ...) b ...) v ...)))) (my-let ((a 1) (b 2)) (list a b))", "(1 2)"),
        ("(define-syntax flat (syntax-rules () ((_ ((a b ...) ...)) '((a ...) (b ... ...))))) (flat ((1 2 3) (4) (5 6)))", "((1 4 5) (2 3 6))"),
        ("(define-syntax dup (syntax-rules () ((_ (x ...) y) '((x y) ...)))) (dup (1 2) z)", "((1 z) (2 z))"),
        ("(define-syntax cross (syntax-rules () ((_ (x ...) (y ...)) '((x (y ...)) ...)))) (cross (1 2) (a b))", "((1 (a b)) (2 (a b)))"),
        ("(define-syntax cross (syntax-rules () ((_ (x ...) (y ...)) '((x y ...) ...)))) (cross (1 2) (a b c))", "((1 a b c) (2 a b c))"),
        ("(define-syntax tail (syntax-rules () ((_ x ... y z) '(y z (x ...))))) (tail 1 2 3 4)", "(3 4 (1 2))"),
        ("(define-syntax t2 (syntax-rules () ((_ x ... y . z) '((x ...) y z)))) (list (t2 1 2 3) (t2 1 2 . 3))", "(((1 2) 3 ()) ((1) 2 3))"),
        ("(define-syntax dot (syntax-rules () ((_ a . b) '(a b)))) (dot 1 2 3)", "(1 (2 3))"),
        ("(define-syntax vec (syntax-rules () ((_ #(a b ...)) '(a (b ...))))) (vec #(1 2 3))", "(1 (2 3))"),
        ("(define-syntax vec (syntax-rules () ((_ a ...) #(a ... end)))) (vec 1 2)", "#(1 2 end)"),
        ("(define-syntax my (syntax-rules ::: () ((_ (a b :::) :::) '((b ::: a) :::)))) (my (1 2 3) (4))", "((2 3 1) (4))"),
        ("(define-syntax my (syntax-rules ::: () ((_ a :::) '(a ::: ...)))) (my 1 2)", "(1 2 ...)"),
        ("(define-syntax dots (syntax-rules () ((_ x) '(x (... ...))))) (dots 1)", "(1 ...)"),
        ("(define-syntax u (syntax-rules () ((_ _ x _) 'x))) (u 1 2 3)", "2"),
        ("(define-syntax lit (syntax-rules (=>) ((_ a => b) 'arrow) ((_ a b c) 'plain))) (list (lit 1 => 2) (lit 1 2 3) (let ((=> 0)) (lit 1 => 2)))", "(arrow plain plain)"),
        ("(define-syntax my-if (syntax-rules (then else) ((_ c then t else e) (if c t e)))) (my-if #f then 1 else 2)", "2"),
        ("(define-syntax my-if (syntax-rules (else) ((_ c t else e) (if c t e)) ((_ . r) 'no))) (let ((else 1)) (my-if #f 1 else 2))", "no"),
        ("(define-syntax kw (syntax-rules () ((_ \"s\" x) 'string) ((_ 1 x) 'one) ((_ #\\a x) 'char) ((_ #t x) 'true) ((_ y x) 'other))) (list (kw \"s\" 0) (kw 1 0) (kw 1.0 0) (kw #\\a 0) (kw #t 0))", "(string one other char true)"),
        ("(define-syntax ell (syntax-rules (...) ((_ ...) 'literal) ((_ x) 'other))) (list (ell ...) (ell 1))", "(literal other)"),
        ("(let ((=> #f)) (cond (#t => 'ok)))", "ok"),
        ("(define-syntax my-cond (syntax-rules (else) ((_ (else e)) e) ((_ (c e) r ...) (if c e (my-cond r ...))))) (define else #f) (my-cond (#f 1) (else 2))", "2"),
        ("(define-syntax jabberwocky (syntax-rules () ((_ hatter) (begin (define march-hare 42) (define-syntax hatter (syntax-rules () ((_) march-hare))))))) (jabberwocky mad-hatter) (mad-hatter)", "42"),
        ("(let ((x 1)) (let-syntax ((foo (syntax-rules () ((_ y) (let-syntax ((bar (syntax-rules () ((_) (let ((x 2)) y))))) (bar)))))) (foo x)))", "1"),
        ("(let ((x 1)) (define-syntax m (syntax-rules () ((_ e) (let ((x 2)) (+ e x))))) (m x))", "3"),
        ("(define-syntax m (syntax-rules () ((_ (a b) ...) (list (cons a b) ...)))) (m (1 2) (3 4))", "((1 . 2) (3 . 4))"),
        ("(define-syntax my-list-of (syntax-rules () ((_ x ...) (letrec ((x 1) ...) (list x ...))))) (my-list-of a b)", "(1 1)"),
        ("(define-syntax loop (syntax-rules () ((_ var n body) (let lp ((var 0) (acc '())) (if (< var n) (lp (+ var 1) (cons body acc)) acc))))) (loop lp 3 (* lp 2))", "(4 2 0)"),
        ("(define-syntax ten (syntax-rules () ((_) 10))) (define (f) (ten)) (define-syntax ten (syntax-rules () ((_) 11))) (list (ten))", "(11)"),
        ("(define-syntax my-define-record (syntax-rules () ((_ name field) (define-record-type name (make x) pred? (x field))))) (my-define-record thing thing-x) (procedure? thing-x)", "#t"),
        ("(define-syntax alias list) 1", None),
        ("(define-syntax my-if if) (my-if #t 1 2)", "1"),
        ("(define-syntax outer (syntax-rules () ((_ x) (let () (define-syntax inner (syntax-rules () ((_ y) (list x y)))) (inner 2))))) (outer 1)", "(1 2)"),
        ("(define-syntax while2 (syntax-rules () ((_ c b ...) (let loop () (if c (begin b ... (loop)) 'done))))) (define loop 3) (while2 (> loop 0) (set! loop (- loop 1)))", "done"),
        ("(define-syntax count-to (syntax-rules () ((_ n k) (k n)))) (let ((k list)) (count-to 5 k))", "(5)"),
        ("(define x 'top) (define-syntax get-x (syntax-rules () ((_) x))) (define (f x) (get-x)) (f 'arg)", "top"),
    ],
)  # fmt: skip
def test_macros_are_hygienic(source: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(Exception, match="P114|transformer"):
            shown(source)
    else:
        assert shown(source) == expected
