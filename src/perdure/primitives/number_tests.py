"""Comparisons and predicates on numbers.

Layer: primitives. Imports values.
Invariant: all arguments are checked, also those after the one that settles the answer.
"""

from __future__ import annotations

from cmath import isfinite, isinf
from collections.abc import Callable
from typing import Any

from perdure.primitives.registry import primitive
from perdure.values import operations as op
from perdure.values.numbers import (
    EXACT,
    NUMBERS,
    RATIONALS,
    REALS,
    check_integer,
    check_number,
    check_real,
)
from perdure.values.numbers import is_integer as integral
from perdure.values.numbers import is_rational as rational
from perdure.values.types import TRUE


def _chain(holds: Callable[[Any, Any], bool], x: Any, more: tuple[Any, ...]) -> Any:
    if len(more) == 1:
        return TRUE if holds(x, more[0]) else None
    if not more:
        # Compared with itself, a number passes the check that the comparison makes.
        holds(x, x)
    result: Any = TRUE
    for y in more:
        if not holds(x, y):
            result = None
        x = y
    return result


@primitive("=")
def equals(z: Any, *more: Any) -> Any:
    return _chain(op.num_eq, z, more)


@primitive("<")
def less(x: Any, *more: Any) -> Any:
    return _chain(op.less, x, more)


@primitive(">")
def greater(x: Any, *more: Any) -> Any:
    return _chain(op.greater, x, more)


@primitive("<=")
def less_eq(x: Any, *more: Any) -> Any:
    return _chain(op.less_eq, x, more)


@primitive(">=")
def greater_eq(x: Any, *more: Any) -> Any:
    return _chain(op.greater_eq, x, more)


@primitive("zero?")
def is_zero(z: Any) -> Any:
    return TRUE if check_number("zero?", z) == 0 else None


@primitive("positive?")
def is_positive(x: Any) -> Any:
    return TRUE if check_real("positive?", x) > 0 else None


@primitive("negative?")
def is_negative(x: Any) -> Any:
    return TRUE if check_real("negative?", x) < 0 else None


@primitive("odd?")
def is_odd(n: Any) -> Any:
    return TRUE if check_integer("odd?", n) % 2 else None


@primitive("even?")
def is_even(n: Any) -> Any:
    return None if check_integer("even?", n) % 2 else TRUE


@primitive("number?", "complex?")
def is_number(obj: Any) -> Any:
    return TRUE if type(obj) in NUMBERS else None


@primitive("real?")
def is_real(obj: Any) -> Any:
    return TRUE if type(obj) in REALS else None


@primitive("rational?")
def is_rational(obj: Any) -> Any:
    return TRUE if rational(obj) else None


@primitive("integer?")
def is_integer(obj: Any) -> Any:
    return TRUE if integral(obj) else None


@primitive("exact-integer?")
def is_exact_integer(obj: Any) -> Any:
    return TRUE if type(obj) is int else None


@primitive("exact-rational?")
def is_exact_rational(obj: Any) -> Any:
    return TRUE if type(obj) in RATIONALS else None


@primitive("exact-nonnegative-integer?")
def is_natural(obj: Any) -> Any:
    return TRUE if type(obj) is int and obj >= 0 else None


@primitive("exact?")
def is_exact(z: Any) -> Any:
    return TRUE if type(check_number("exact?", z)) in EXACT else None


@primitive("inexact?")
def is_inexact(z: Any) -> Any:
    return None if type(check_number("inexact?", z)) in EXACT else TRUE


@primitive("finite?")
def is_finite(z: Any) -> Any:
    return TRUE if type(check_number("finite?", z)) in EXACT or isfinite(z) else None


@primitive("infinite?")
def is_infinite(z: Any) -> Any:
    return TRUE if type(check_number("infinite?", z)) not in EXACT and isinf(z) else None


@primitive("nan?")
def is_nan(z: Any) -> Any:
    return TRUE if check_number("nan?", z) != z else None
