"""Core forms: programs through the expander and the direct evaluator."""

from __future__ import annotations

import pytest
from evaluator import RESOLVER, run, shown

from perdure.base.errors import SyntaxErrors
from perdure.frontends.scheme import check_program, expand_program
from perdure.values.conditions import SchemeError


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("(define x 1) (set! x (+ x 1)) x", "2"),
        ("((lambda args args) 1 2)", "(1 2)"),
        ("((lambda (a . rest) (list a rest)) 1 2 3)", "(1 (2 3))"),
        ("(define (f . xs) xs) (f)", "()"),
        ("(let ((x 1) (y 2)) (let ((x y) (y x)) (list x y)))", "(2 1)"),
        ("(let* ((x 1) (x (+ x 1))) x)", "2"),
        ("(letrec ((even? (lambda (n) (if (= n 0) #t (odd? (- n 1))))) (odd? (lambda (n) (if (= n 0) #f (even? (- n 1)))))) (even? 10))", "#t"),
        ("(letrec* ((a 1) (b (+ a 1))) (list a b))", "(1 2)"),
        ("(letrec ((a 1) (f (lambda () (+ a b))) (b (car (list 2)))) (f))", "3"),
        ("(do ((i 0 (+ i 1)) (s 0 (+ s i))) ((= i 5) s))", "10"),
        ("(let loop ((i 0) (acc '())) (if (= i 3) acc (loop (+ i 1) (cons i acc))))", "(2 1 0)"),
        ("(define (f) (define a 1) (define (g) (* a 10)) (set! a 2) (g)) (f)", "20"),
        ("(define (f) (define-values (a b . c) (values 1 2 3 4)) (list a b c)) (f)", "(1 2 (3 4))"),
        ("(define-values (a b) (values 1 2)) (define-values c (values 3 4)) (list a b c)", "(1 2 (3 4))"),
        ("(let () (define x 1) (begin (define y 2) (define z 3)) (list x y z))", "(1 2 3)"),
        ("(let-values (((a b) (values 1 2)) ((c) (values 3)) (d (values 4 5))) (list a b c d))", "(1 2 3 (4 5))"),
        ("(let ((a 10)) (let-values (((a) (values 1)) ((b) (values a))) (list a b)))", "(1 10)"),
        ("(let*-values (((a b) (values 1 2)) ((c) (values (+ a b)))) c)", "3"),
        ("(receive (a . rest) (values 1 2 3) (list a rest))", "(1 (2 3))"),
        ("(cond ((assv 2 '((1 . a) (2 . b))) => cdr) (else 'none))", "b"),
        ("(cond (#f 1) (2))", "2"),
        ("(cond (#f 1) (else 2 3))", "3"),
        ("(case 3 ((1 2) 'low) ((3 4) 'mid) (else 'high))", "mid"),
        ("(case 'x ((y) 1) (else => (lambda (k) (list k))))", "(x)"),
        ("(case 2 ((2) => (lambda (k) (+ k 1))) (else 0))", "3"),
        ("(list (and) (and 1 2) (and #f 2) (or) (or #f 3) (when #t 1 2) (unless #f 3))", "(#t 2 #f #f 3 2 3)"),
        ("(define f (case-lambda ((a) (list 'one a)) ((a b) (list 'two a b)) ((a . r) (list 'rest a r)))) (list (f 1) (f 1 2) (f 1 2 3))", "((one 1) (two 1 2) (rest 1 (2 3)))"),
        ("(define f (case-lambda (() 0) (args args))) (list (f) (f 1))", "(0 (1))"),
        ("`(1 ,(+ 1 1) ,@(list 3 4) . 5)", "(1 2 3 4 . 5)"),
        ("`(1 `(2 ,(3 ,(+ 1 3))))", "(1 (quasiquote (2 (unquote (3 4)))))"),
        ("`(a . ,(+ 1 2))", "(a . 3)"),
        ("`#(1 ,@(list 2 3) ,4)", "#(1 2 3 4)"),
        ("`(,@'(1 2) ,@'(3))", "(1 2 3)"),
        ("(let ((x '(a b))) `(x ,x ,@x))", "(x (a b) a b)"),
        ("`((,@(list 1)) ())", "((1) ())"),
        ("(define-record-type <point> (make-point x y) point? (x point-x set-point-x!) (y point-y)) (define p (make-point 1 2)) (set-point-x! p 10) (list (point-x p) (point-y p) (point? p) (point? 5))", "(10 2 #t #f)"),
        ("(define (f) (define-record-type thing (make-thing a) thing? (a thing-a) (b thing-b set-b!)) (let ((t (make-thing 1))) (list (thing-a t) (thing-b t)))) (f)", "(1 #f)"),
        ("(force (delay (+ 1 2)))", "3"),
        ("(force (delay-force (delay 4)))", "4"),
        ("(define p (make-parameter 1)) (list (parameterize ((p 2)) (p)) (p))", "(2 1)"),
        ("(guard (e ((symbol? e) (list 'sym e)) ((string? e) 's)) (raise 'boom))", "(sym boom)"),
        ("(guard (e (#t 'outer)) (guard (e ((string? e) 'inner)) (raise 'x)))", "outer"),
        ("(guard (e ((assq 'a e) => cdr)) (raise (list (cons 'a 42))))", "42"),
        ("(guard (e (else 1)) (assert (= 1 2)))", "1"),
        ("((cut list 1 <> 3 <...>) 2 4 5)", "(1 2 3 4 5)"),
        ("(and-let* ((x 5) ((> x 3)) (y (* x 2))) (+ x y))", "15"),
        ("(define-syntax while (syntax-rules () ((_ c b ...) (let lp () (when c b ... (lp)))))) (define i 0) (while (< i 3) (set! i (+ i 1))) i", "3"),
        ("(cond-expand ((and r7rs (not foo)) 1) (else 2))", "1"),
        ("(cond-expand ((library (scheme base)) 'yes) (else 'no))", "yes"),
        ("(cond-expand ((library (no such)) 'yes) (else 'no))", "no"),
        ("(define (f) (g)) (define (g) 7) (f)", "7"),
        ("(define (f) (filter 1 2)) (define (filter a b) (list a b)) (f)", "(1 2)"),
        ("(define (map f x) 'mine) (map car '())", "mine"),
        ("(let ((if list)) (if 1 2 3))", "(1 2 3)"),
        ("(define (f else) (cond (else 'x) (#t 'y))) (f #f)", "y"),
        ("(define list vector) (list 1)", "#(1)"),
        ("(begin) (begin (define a 1)) (begin a)", "1"),
        ("'#0=(a . #0#) 1", "1"),
        ("(let ((=> #f)) (cond (#t => 'ok)))", "ok"),
    ],
)  # fmt: skip
def test_core_forms_mean_what_r7rs_says(source: str, expected: str) -> None:
    assert shown(source) == expected


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("(if)", "P110"), ("(if 1 2 3 4)", "P110"), ("(lambda (x))", "P110"), ("(lambda (x x) x)", "P112"),
        ("(lambda (1) 2)", "P110"), ("(let ((x)) x)", "P110"), ("(let ((x 1) (x 2)) x)", "P112"), ("()", "P110"),
        ("(set! 1 2)", "P110"), ("(set! car 1)", "P119"), ("(set! if 1)", "P111"), ("(define)", "P110"),
        ("(define x)", "P110"), ("(list if)", "P111"), ("(list (define x 1))", "P117"), ("(if 1 (define x 1))", "P117"),
        ("(else 1)", "P111"), ("(list . 1)", "P110"), ("(f 1 . 2)", "P110"), ("(cond 1)", "P110"),
        ("(cond (else 1) (2 3))", "P110"), ("(case)", "P110"), ("(case 1 (2 3))", "P110"), ("(quote)", "P110"),
        ("(define (f) (define x 1))", "P110"), ("(define (f) (define x 1) (define x 2) x)", "P112"),
        ("(define-syntax x 5)", "P114"), ("(define-record-type p (mk z) p? (x px))", "P110"),
        ("(import (scheme bse))", "P120"), ("(import (only (scheme base) foo))", "P121"), ("(import 5)", "P123"),
        ("(import (python os))", "P310"), ('(syntax-error "no" x)', "P118"), ("(let loop)", "P110"),
        ("`,@x", "P110"), ("(define-syntax f (syntax-rules () ((_) 1))) (f 2)", "P113"), ('(include "none.scm")', "P124"),
        ("(define-syntax f (syntax-rules () ((_ x) (f x)))) (f 1)", "P116"),
        ("(define-syntax f (syntax-rules () ((_ x ...) (x)))) 1", "P114"),
        ("(define-syntax f (syntax-rules () ((_ x) (x ...)))) 1", "P114"),
        ("(define-syntax f (syntax-rules () ((_ x x) x))) 1", "P114"),
        ("(guard (e) )", "P110"), ("(let-syntax ((a 1)) 2)", "P114"), ("#0=(list #0#)", "P110"),
    ],
)  # fmt: skip
def test_wrong_forms_are_errors_with_a_place(source: str, code: str) -> None:
    with pytest.raises(SyntaxErrors) as caught:
        expand_program(source, "t.scm", resolver=RESOLVER)
    error = caught.value.errors[0]
    assert error.code == code
    assert error.span is not None
    assert error.source


def test_all_errors_of_a_program_are_collected_in_order() -> None:
    source = "(define (f) (if))\n(define ok 1)\n(let ((x)) x)\n(list"
    with pytest.raises(SyntaxErrors) as caught:
        expand_program(source, "t.scm", resolver=RESOLVER)
    assert [e.span.line for e in caught.value.errors if e.span] == [1, 3, 4]


def test_an_error_in_an_expansion_names_the_use_and_the_template() -> None:
    source = "(define-syntax my (syntax-rules ()\n ((_ x)\n  (if x))))\n(my 5)"
    with pytest.raises(SyntaxErrors) as caught:
        expand_program(source, "t.scm", resolver=RESOLVER)
    error = caught.value.errors[0]
    assert error.span is not None
    assert error.span.line == 4
    assert [note.message for note in error.notes] == [
        "in the expansion of my at t.scm:4:1, template at t.scm:3:3"
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("(define (f x) x) (f)", ["P131"]),
        ("(car 1 2)", ["P131"]),
        ("(define (f x) (g x)) (f 1)", ["P130"]),
        ("(let ((g (lambda (x . r) x))) (g))", ["P131"]),
        ("(define f (lambda (x) x)) (set! f car) (f)", []),
        ("(define (f x) x) (define (f) 1) (f)", []),
        ("((lambda (x) x))", ["P131"]),
        ("(5 5)", ["P132"]),
        ("(filter 1)", ["P131"]),
        ("(set! zork 1)", ["P130"]),
        ("(define (car x y z) x) (car 1 2 3)", []),
    ],
)
def test_check_finds_unbound_names_and_wrong_arities(source: str, expected: list[str]) -> None:
    program = expand_program(source, "t.scm", resolver=RESOLVER)
    assert [e.code for e in check_program(program)] == expected


def test_an_unbound_name_gets_a_suggestion() -> None:
    program = expand_program("(define (total xs) 1) (totl '())", "t.scm", resolver=RESOLVER)
    assert program.warnings[0].hint == "did you mean total?"


def test_a_program_without_import_gets_the_usual_libraries_and_a_notice() -> None:
    program = expand_program("(define (main) 1)", "t.scm", resolver=RESOLVER)
    assert program.main
    assert "(scheme base)" in program.notices[0]
    assert not expand_program("(import (scheme base)) 1", "t.scm", resolver=RESOLVER).notices


def test_deep_nesting_and_long_chains_need_no_python_stack() -> None:
    deep = "(list " * 900 + "1" + ")" * 900
    expand_program(deep, "t.scm", resolver=RESOLVER)
    expand_program("'" + "(" * 900 + ")" * 900, "t.scm", resolver=RESOLVER)
    expand_program("`" + "(,x " * 300 + ")" * 300, "t.scm", resolver=RESOLVER)
    clauses = " ".join(f"((= x {n}) {n})" for n in range(5000))
    expand_program(f"(define (f x) (cond {clauses} (else 0)))", "t.scm", resolver=RESOLVER)
    rules = "(syntax-rules () ((_) 0) ((_ x y ...) (if x x (my-or y ...))))"
    uses = "#f " * 900
    expand_program(f"(define-syntax my-or {rules}) (my-or {uses})", "t.scm", resolver=RESOLVER)


@pytest.mark.parametrize(
    "template",
    ["(f x ...)", "(f x ... x ...)", "(list (f x ...))", "(begin (f x ...) 1)", "(f (x ...))"],
)
def test_a_macro_that_never_ends_is_an_error(template: str) -> None:
    source = f"(define-syntax f (syntax-rules () ((_ x ...) {template}))) (f 1 2)"
    for text in (source, f"(define (g) {source})", f"(define (g) {source} 1)"):
        with pytest.raises(SyntaxErrors) as caught:
            expand_program(text, "t.scm", resolver=RESOLVER)
        assert caught.value.errors[0].code == "P116"


def test_constants_of_two_uses_of_a_template_share_no_object() -> None:
    source = '(define-syntax s (syntax-rules () ((_) "abc"))) (eq? (s) (s))'
    assert shown(source) == "#f"


def test_an_error_of_the_evaluated_program_is_a_condition() -> None:
    with pytest.raises(SchemeError):
        run("(vector-ref (vector 1) 5)")
