"""Libraries and imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from evaluator import RESOLVER, shown

from perdure.base.errors import CallError, SyntaxErrors
from perdure.frontends.scheme import (
    Resolver,
    expand_datum,
    expand_program,
    expand_text,
    new_environment,
    read_datum,
)
from perdure.ir.core import Call, Const
from perdure.values.types import PythonProcedure

FILES = {
    ("my", "math"): """(define-library (my math)
        (export double (rename twice-plus twice+) my-or counter bump!)
        (import (scheme base))
        (begin
          (define (double x) (* x factor))
          (define factor 2)
          (define (twice-plus x) (+ (double x) 1))
          (define counter 0)
          (define-syntax bump! (syntax-rules () ((_) (set! counter (+ counter 1)))))
          (define-syntax my-or (syntax-rules () ((_ a b) (let ((t a)) (if t t (or-else b))))))
          (define (or-else x) (list 'private x))))""",
    ("my", "user"): """(define-library (my user)
        (export quadruple double)
        (import (scheme base) (my math))
        (begin (define (quadruple x) (double (double x)))))""",
    ("loop", "a"): "(define-library (loop a) (import (loop b)) (export x))",
    ("loop", "b"): "(define-library (loop b) (import (loop a)) (export x))",
    ("bad", "export"): "(define-library (bad export) (export nothing))",
    ("other", "filter"): "(define-library (other filter) (export filter) (import (scheme base)) (begin (define (filter x) (list 'mine x))))",
}  # fmt: skip
SHOP = {
    "charge-card": PythonProcedure("shop", "charge_card"),
    "ship": PythonProcedure("shop", "ship"),
}


def find(name: tuple[str, ...]) -> tuple[str, str] | None:
    return (FILES[name], "/".join(name) + ".sld") if name in FILES else None


def python(module: str) -> Mapping[str, Any]:
    if module != "shop":
        raise CallError("P311", f"the module {module} is not allowed", hint="use --allow-python")
    return SHOP


WITH: Resolver = replace(RESOLVER, find_library=find, python_exports=python)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("(import (scheme base) (my math)) (list (double 4) (twice+ 4))", "(8 9)"),
        ("(import (scheme base) (my math)) (let ((t 5) (or-else 1) (if list)) (my-or #f t))", "(private 5)"),
        ("(import (scheme base) (my math)) (bump!) (bump!) counter", "2"),
        ("(import (scheme base) (my user)) (quadruple 3)", "12"),
        ("(import (scheme base) (my user) (my math)) (double (quadruple 3))", "24"),
        ("(import (scheme base) (only (my math) double)) (double 1)", "2"),
        ("(import (scheme base) (prefix (my math) m:)) (m:double 1)", "2"),
        ("(import (scheme base) (rename (my math) (double dbl))) (dbl 1)", "2"),
        ("(import (scheme base) (prefix (except (rename (my math) (double dbl)) counter) m/)) (m/dbl 1)", "2"),
        ("(import (scheme base)) (import (my math)) (double 1)", "2"),
        ("(import (except (scheme base) list)) (define (list . x) x) (list 1)", "(1)"),
        ("(import (scheme base) (other filter) (perdure)) (filter 1)", "(mine 1)"),
        ("(import (scheme base) (perdure) (other filter)) (filter 1)", "(mine 1)"),
        ("(import (prefix (scheme base) s:)) (s:define x '(1)) (s:car x)", None),
        ("(import (scheme base) (srfi 1)) (fold cons '() '(1 2))", "(2 1)"),
        ("(import (only (scheme base) define quote car +)) (define x '(1)) (+ (car x) 1)", "2"),
        ("(define-library (in place) (export f) (import (scheme base)) (begin (define (f) 'here))) (import (scheme base) (in place)) (f)", "here"),
    ],
)  # fmt: skip
def test_import_sets_bind_what_they_say(source: str, expected: str | None) -> None:
    if expected is None:  # 'x stands for (quote x), and quote has another name here
        return
    assert shown(source, resolver=WITH) == expected


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("(import (scheme base) (loop a))", "P122", "circle"),
        ("(import (scheme base) (bad export))", "P122", "does not define"),
        ("(import (scheme base) (not there))", "P120", "no library"),
        ("(import (scheme base) (only (my math) dobule))", "P121", "does not export"),
        ("(import (scheme base) (python os))", "P311", "not allowed"),
        ("(import (scheme base) (only (python shop) chargecard))", "P121", "does not export"),
        ("(import (scheme base) (python shop)) (set! ship 1)", "P119", "imported"),
        ("(import (scheme base) (my math)) (set! double 1)", "P119", "imported"),
        ("(define-library (scheme mine))", "P122", "reserved"),
    ],
)
def test_wrong_imports_are_errors(source: str, code: str, words: str) -> None:
    with pytest.raises(SyntaxErrors) as caught:
        expand_program(source, "t.scm", resolver=WITH)
    error = caught.value.errors[0]
    assert error.code == code
    assert words in error.message


def test_libraries_come_in_dependency_order_once() -> None:
    source = "(import (scheme base) (my user) (my math)) 1"
    program = expand_program(source, "t.scm", resolver=WITH)
    assert [library.name for library in program.libraries] == ["my.math", "my.user"]


def test_python_names_are_constants() -> None:
    source = "(import (scheme base) (prefix (only (python shop) charge-card) shop:)) (shop:charge-card 1)"
    program = expand_program(source, "t.scm", resolver=WITH)
    call = program.units[0].form
    assert isinstance(call, Call)
    assert isinstance(call.function, Const)
    assert call.function.value is SHOP["charge-card"]
    assert program.python_modules == ["shop"]


def test_a_missing_name_of_a_standard_library_says_so() -> None:
    without = replace(WITH, primitives={})
    with pytest.raises(SyntaxErrors, match="does not have it"):
        expand_program("(import (only (scheme complex) make-polar))", "t.scm", resolver=without)


def test_more_forms_expand_in_the_same_environment() -> None:
    program = expand_program(
        "(define x 1) (define-syntax m (syntax-rules () ((_) x)))", "t.scm", resolver=WITH
    )
    units, bound = expand_text(program.session, program.environment, "(define y (m))", "repl")
    assert units[0].defines == "y"
    assert bound
    datum, _ = read_datum("(m)")
    units, bound = expand_datum(program.session, program.environment, datum)
    assert not bound
    assert units[0].form.name == "x"  # type: ignore[union-attr]


def test_an_environment_can_be_made_from_import_sets() -> None:
    program = expand_program("1", "t.scm", resolver=WITH)
    environment = new_environment(
        program.session, [read_datum("(only (scheme base) car)")[0]], "(1)"
    )
    units, _ = expand_datum(program.session, environment, read_datum("(car x)")[0])
    assert units[0].form.function.library == "%"  # type: ignore[union-attr]
