"""Random small programs mean what a tiny evaluator says that they mean.

Goal: the compiler's decisions (fusion, loops, boxes, static procedures) never change a value.
Method: Hypothesis makes well-typed expressions over integers as trees; each is written out as Scheme and run on the machine, straight
and saved at every site, and evaluated by thirty lines of Python. Operands are evaluated from left to right.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import Saved, Variation, run, world

NAMES = ("a", "b", "c", "d")
LOOP_MAX = 3
EXAMPLES = 2_000 if os.environ.get("PERDURE_SWEEP") == "1" else 60


def trees():
    numbers = st.integers(-9, 9)
    leaves = numbers | st.sampled_from(NAMES)

    def grow(inner):
        name = st.sampled_from(NAMES)
        return st.one_of(
            st.tuples(st.sampled_from(["+", "-", "*", "f", "cons", "list", "g"]), inner, inner),
            st.tuples(st.just("if"), st.sampled_from(["<", "=", ">"]), inner, inner, inner, inner),
            st.tuples(st.just("and"), inner, inner, inner),
            st.tuples(st.just("let"), name, inner, inner),
            st.tuples(st.just("lambda"), name, inner, inner),
            st.tuples(st.just("set!"), name, inner, inner),
            st.tuples(st.just("capture"), name, inner, inner),
            st.tuples(st.just("loop"), name, name, st.integers(0, LOOP_MAX), inner, inner),
            st.tuples(st.just("recur"), name, st.integers(0, LOOP_MAX), inner, inner),
            st.tuples(st.just("escape"), inner, inner),
        )

    return st.recursive(leaves, grow, max_leaves=25)


def scheme(tree) -> str:
    """Return a tree as Scheme."""
    if not isinstance(tree, tuple):
        return str(tree)
    kind, *parts = tree
    match kind:
        case "+" | "-" | "f" | "g":
            return f"({kind} {scheme(parts[0])} {scheme(parts[1])})"
        case "*":
            return f"(modulo (* {scheme(parts[0])} {scheme(parts[1])}) 1009)"
        case "cons":
            return f"(car (cons {scheme(parts[0])} {scheme(parts[1])}))"
        case "list":
            return f"(vector-ref (vector {scheme(parts[0])} {scheme(parts[1])}) 1)"
        case "if":
            op, *of = parts
            x, y, then, otherwise = map(scheme, of)
            return f"(if ({op} {x} {y}) {then} {otherwise})"
        case "and":
            x, y, z = map(scheme, parts)
            return f"(if (and (< {x} {y}) (not (= {y} {z}))) {z} (or (and (> {x} 0) {y}) {z}))"
        case "let":
            return f"(let (({parts[0]} {scheme(parts[1])})) {scheme(parts[2])})"
        case "lambda":
            return f"((lambda ({parts[0]}) {scheme(parts[2])}) {scheme(parts[1])})"
        case "set!":
            return f"(begin (set! {parts[0]} {scheme(parts[1])}) {scheme(parts[2])})"
        case "capture":  # a closure that is called after what it closes over may have changed
            return f"(let ((thunk (lambda () {scheme(parts[1])}))) (let ((got {scheme(parts[2])})) (+ got (thunk))))"
        case "loop":
            i, acc, count, start, step = parts
            acc = acc if acc != i else "z"
            return (
                f"(let loop (({i} {count}) ({acc} {scheme(start)}))"
                f" (if (<= {i} 0) {acc} (loop (- (min {i} {count}) 1) {scheme(step)})))"
            )
        case "recur":
            i, count, start, step = parts
            return (
                f"(let recur ((n {count}) ({i} {scheme(start)}))"
                f" (if (= n 0) {i} (+ {i} (recur (- n 1) {scheme(step)}))))"
            )
        case "escape":
            return f"(call/cc (lambda (k) (+ {scheme(parts[0])} (k {scheme(parts[1])}))))"
    raise AssertionError(kind)


def value(tree, scope) -> int:
    """Return what a tree evaluates to; variables are lists of one value."""
    if isinstance(tree, int):
        return tree
    if isinstance(tree, str):
        return scope[tree][0]
    kind, *parts = tree
    match kind:
        case "+" | "-" | "*" | "f" | "g" | "cons" | "list" | "escape":
            x, y = value(parts[0], scope), value(parts[1], scope)
            return {
                "+": x + y,
                "-": x - y,
                "*": x * y % 1009,
                "f": x - 2 * y if x < y else x,
                "g": x + y + 1,
                "cons": x,
                "list": y,
                "escape": y,
            }[kind]
        case "if":
            op, *of = parts
            x, y = value(of[0], scope), value(of[1], scope)
            chosen = {"<": x < y, "=": x == y, ">": x > y}[op]
            return value(of[2] if chosen else of[3], scope)
        case "and":
            x, y, z = parts
            if value(x, scope) < value(y, scope) and value(y, scope) != value(z, scope):
                return value(z, scope)
            return value(y, scope) if value(x, scope) > 0 else value(z, scope)
        case "let" | "lambda":
            return value(parts[2], {**scope, parts[0]: [value(parts[1], scope)]})
        case "set!":
            scope[parts[0]][0] = value(parts[1], scope)
            return value(parts[2], scope)
        case "capture":
            got = value(parts[2], scope)
            return got + value(parts[1], scope)
        case "loop":
            i, acc, count, start, step = parts
            acc = acc if acc != i else "z"
            inner = {**scope, i: [count], acc: [value(start, scope)]}
            while inner[i][0] > 0:
                following = min(inner[i][0], count) - 1
                inner = {**scope, i: [following], acc: [value(step, inner)]}
            return inner[acc][0]
        case "recur":
            i, count, start, step = parts
            return _recur(i, count, value(start, scope), step, scope)
    raise AssertionError(kind)


def _recur(i, n, x, step, scope) -> int:
    inner = {**scope, i: [x]}
    if n == 0:
        return x
    before = inner[i][0]
    return before + _recur(i, n - 1, value(step, inner), step, scope)


PRELUDE = """
(define (f x y) (if (< x y) (let loop ((y y) (i 2)) (if (= i 0) (- x (* 2 y)) (loop y (- i 1)))) x))
(define (g x y) (define (h z) (+ x z 1)) (h y))
"""


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(trees())
def test_a_random_program_has_the_value_that_the_reference_gives(tree):
    scope = {name: [number] for number, name in enumerate(NAMES, 1)}
    wanted = str(value(tree, scope)), [scope[name][0] for name in NAMES]
    body = f"(define (main-part a b c d) (let* ((result {scheme(tree)})) (list result a b c d)))"
    source = f"{PRELUDE}{body}(main-part 1 2 3 4)"
    compiled = world().toolchain.compile_source(source, "random.scm")
    expected = f"({wanted[0]} {' '.join(map(str, wanted[1]))})"
    for variation in (Variation(), Saved(), Saved(chain=2)):
        ended = run(compiled, variation)
        assert (ended.status, ended.result) == ("completed", expected), source
