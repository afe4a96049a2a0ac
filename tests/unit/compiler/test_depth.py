"""Programs that nest deeper, or are wider, than CPython's compiler and stack would take.

Goal: no size of a program ends in a Python error. Method: run generated sources and look at the values.
"""

from __future__ import annotations

import pytest
from forms import result

WIDE = 2_000
DEEP = 900


def nested(count, head, inner, tail):
    return head * count + inner + tail * count


CLAUSES = " ".join(f"((= (g x) {i}) (g {i}))" for i in range(WIDE))
LOOPING = " ".join(f"((= (g x) {i}) (if (= n 0) {i} (loop (- n 1))))" for i in range(WIDE))
G = "(define (g x) x)"

PROGRAMS = {
    "a cond of many clauses": (f"{G}(define (f x) (cond {CLAUSES} (else 7)))(f 1999)", "1999"),
    "one whose value is an operand": (
        f"{G}(define (f x) (+ 1 (cond {CLAUSES} (else 7))))(list (f 1999) (f -1))",
        "(2000 8)",
    ),
    "one in a loop": (
        f"{G}(define (f x n) (+ 1 (let loop ((n n)) (cond {LOOPING} (else 7)))))(f 1999 3)",
        "2000",
    ),
    "conditionals": (f"{G}(define (f x) {nested(DEEP, '(if (g x) ', '1', ' 2)')})(f 1)", "1"),
    "conditionals around a loop's next round": (
        (
            f"{G}(define (f x n) (let loop ((n n)) {nested(DEEP, '(if (g x) ', '(if (= n 0) 5 (loop (- n 1)))', ' 2)')}))"
            "(f 1 3)"
        ),
        "5",
    ),
    "lets": (
        "(define (f x0) "
        + "".join(f"(let ((x{i + 1} (+ x{i} 1))) " for i in range(DEEP))
        + f"x{DEEP}"
        + ")" * (DEEP + 1)
        + "(f 0)",
        str(DEEP),
    ),
    "calls": (f"{G}(define (f x) {nested(DEEP, '(g ', 'x', ')')})(f 3)", "3"),
    "sums": (f"(define (f x) {nested(DEEP, '(+ 1 ', 'x', ')')})(f 0)", str(DEEP)),
    "loops": (
        "(define (f) "
        + "".join(f"(let l{i} ((i{i} 0)) (if (= i{i} 1) 'x (begin " for i in range(30))
        + "'body"
        + "".join(f"(l{i} (+ i{i} 1))))) " for i in reversed(range(30)))
        + ")(f)",
        "x",
    ),
    "a long list": (f"(length '({' '.join(map(str, range(1000)))}))", "1000"),
    "a deep list": (f"(pair? '{nested(DEEP, '(', '', ')')})", "#t"),
    "many parameters": (
        (
            f"(define (f {' '.join(f'p{i}' for i in range(300))}) (list p0 p299))"
            f"(f {' '.join(map(str, range(300)))})"
        ),
        "(0 299)",
    ),
    "many statements": (f"(define n 0)(define (f) {'(set! n (+ n 1)) ' * WIDE} n)(f)", str(WIDE)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_may_nest_deeply_and_be_wide(name):
    source, expected = PROGRAMS[name]
    assert result(source) == expected
