"""Comparisons and predicates on numbers.

Layer: primitives. Imports values.
Invariant: all arguments are checked, also those after the one that settles the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from perdure.primitives.registry import primitive
from perdure.values import numbers as nu
from perdure.values.numbers import NUMBERS, Ratnum
from perdure.values.types import TRUE


def _chain(name: str, holds: Callable[[Any, Any], bool], x: Any, more: tuple[Any, ...]) -> Any:
    if len(more) == 1:
        return TRUE if holds(x, more[0]) else None
    nu.check_number(name, x)
    result: Any = TRUE
    for y in more:
        if not holds(x, y):
            result = None
        x = y
    return result


@primitive("=")
def equals(x: Any, *more: Any) -> Any:
    return _chain("=", nu.num_eq, x, more)


@primitive("<")
def less(x: Any, *more: Any) -> Any:
    return _chain("<", nu.less, x, more)


@primitive(">")
def greater(x: Any, *more: Any) -> Any:
    return _chain(">", nu.greater, x, more)


@primitive("<=")
def less_eq(x: Any, *more: Any) -> Any:
    return _chain("<=", nu.less_eq, x, more)


@primitive(">=")
def greater_eq(x: Any, *more: Any) -> Any:
    return _chain(">=", nu.greater_eq, x, more)


@primitive("zero?")
def is_zero(z: Any) -> Any:
    return TRUE if nu.check_number("zero?", z) == 0 else None


@primitive("positive?")
def is_positive(x: Any) -> Any:
    return TRUE if nu.check_number("positive?", x) > 0 else None


@primitive("negative?")
def is_negative(x: Any) -> Any:
    return TRUE if nu.check_number("negative?", x) < 0 else None


@primitive("odd?")
def is_odd(n: Any) -> Any:
    return TRUE if nu.check_integer("odd?", n) % 2 else None


@primitive("even?")
def is_even(n: Any) -> Any:
    return None if nu.check_integer("even?", n) % 2 else TRUE


@primitive("number?", "complex?", "real?")
def is_number(obj: Any) -> Any:
    return TRUE if type(obj) in NUMBERS else None


@primitive("rational?")
def is_rational(obj: Any) -> Any:
    return TRUE if nu.is_rational(obj) else None


@primitive("integer?")
def is_integer(obj: Any) -> Any:
    return TRUE if nu.is_integer(obj) else None


@primitive("exact-integer?")
def is_exact_integer(obj: Any) -> Any:
    return TRUE if type(obj) is int else None


@primitive("exact-rational?")
def is_exact_rational(obj: Any) -> Any:
    return TRUE if type(obj) is int or type(obj) is Ratnum else None


@primitive("exact-nonnegative-integer?")
def is_natural(obj: Any) -> Any:
    return TRUE if type(obj) is int and obj >= 0 else None


@primitive("exact?")
def is_exact(z: Any) -> Any:
    return None if type(nu.check_number("exact?", z)) is float else TRUE


@primitive("inexact?")
def is_inexact(z: Any) -> Any:
    return TRUE if type(nu.check_number("inexact?", z)) is float else None


@primitive("finite?")
def is_finite(z: Any) -> Any:
    return None if type(nu.check_number("finite?", z)) is float and not isfinite(z) else TRUE


@primitive("infinite?")
def is_infinite(z: Any) -> Any:
    nu.check_number("infinite?", z)
    return TRUE if type(z) is float and z in (float("inf"), float("-inf")) else None


@primitive("nan?")
def is_nan(z: Any) -> Any:
    return TRUE if nu.check_number("nan?", z) != z else None
