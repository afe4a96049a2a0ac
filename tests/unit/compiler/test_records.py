"""Calls of record procedures become operations, and only where nothing can change what the procedures are.

Goal: compiler.records. Method: look at the normal form of a caller, and run programs that change an accessor.
"""

from __future__ import annotations

import pytest
from forms import definitions, result, shape

POINT = "(define-record-type point (make-point x y) point? (x point-x set-point-x!) (y point-y))"


def caller(source):
    """Return the kinds of the statements of the procedure `f`."""
    (found,) = [d for d in definitions(source) if d.name == "f"]
    return shape(found.lambdas[1].body)


@pytest.mark.parametrize(
    ("call", "operation"),
    [
        ("(point-x p)", "%record-ref"),
        ("(point? p)", "%record?"),
        ("(make-point p 1)", "%make-record"),
    ],
)
def test_a_call_of_a_record_procedure_is_its_operation(call, operation):
    assert caller(f"{POINT} (define (f p) {call})") == [operation, "return"]


def test_a_wrong_number_of_arguments_stays_a_call():
    assert caller(f"{POINT} (define (f p) (point-x p p))") == ["tail"]


@pytest.mark.parametrize(
    "change",
    [
        "(set! point-x car)",
        "(define (point-x p) 5)",
        "(import (scheme eval)) (define e eval)",
        "(import (scheme load)) (define l load)",
        "(import (scheme repl)) (define i interaction-environment)",
    ],
)
def test_what_may_be_changed_stays_a_call(change):
    imports = "(import (scheme base))"
    assert caller(f"{imports} {POINT} (define (f p) (point-x p)) {change}") == ["tail"]


def test_an_accessor_that_the_program_evaluates_anew_is_the_new_one():
    source = (
        "(import (scheme base) (scheme eval) (scheme repl))"
        f"{POINT} (define (f p) (point-x p))"
        "(eval '(set! point-x (lambda (p) 'new)) (interaction-environment))"
        "(define (main) (f (make-point 1 2)))"
    )
    assert result(source) == "new"
