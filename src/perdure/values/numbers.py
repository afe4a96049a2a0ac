"""Exact rationals, and the four operations, comparisons and predicates on all numbers.

Layer: values. Imports types, conditions.
Invariant: a result is normalised: a rational with denominator 1 is an int. So `type(x) is int` is
"exact integer" everywhere, and equal exact numbers have one representation.

Compiled code emits plain `a + b` and `a < b`; the functions here are its slow path, and what
procedures like `+` are as values. They try the operator first and look at types only when it
fails: Python's TypeError is the guard (types.py). Not `fractions.Fraction`: it makes normalised
ints only on request, takes Python's `/` for division, which compiled code must not find on
numbers it may not divide, and costs five times as much.
"""

from __future__ import annotations

from math import copysign, gcd, inf, isfinite, nan
from typing import Any

from msgspec import Struct

from perdure.values.conditions import SchemeError, fail, wrong_type


class Ratnum(Struct, frozen=True, eq=False, gc=False):
    """An exact rational that is no integer, in lowest terms; the denominator is at least 2.

    Make one with `ratio`. The names of the fields are those that Python's ints have, too.
    """

    numerator: int
    denominator: int

    def __add__(self, other: Any) -> Any:
        n, d = self.numerator, self.denominator
        if type(other) is int:
            return Ratnum(n + other * d, d)
        if type(other) is Ratnum:
            return ratio(n * other.denominator + other.numerator * d, d * other.denominator)
        if type(other) is float:
            return to_float(self) + other
        return NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        n, d = self.numerator, self.denominator
        if type(other) is int:
            return Ratnum(n - other * d, d)
        if type(other) is Ratnum:
            return ratio(n * other.denominator - other.numerator * d, d * other.denominator)
        if type(other) is float:
            return to_float(self) - other
        return NotImplemented

    def __rsub__(self, other: Any) -> Any:
        if type(other) is int:
            return Ratnum(other * self.denominator - self.numerator, self.denominator)
        if type(other) is float:
            return other - to_float(self)
        return NotImplemented

    def __mul__(self, other: Any) -> Any:
        if type(other) is int:
            return ratio(self.numerator * other, self.denominator)
        if type(other) is Ratnum:
            return ratio(self.numerator * other.numerator, self.denominator * other.denominator)
        if type(other) is float:
            return to_float(self) * other
        return NotImplemented

    __rmul__ = __mul__

    def __neg__(self) -> Ratnum:
        return Ratnum(-self.numerator, self.denominator)

    def __abs__(self) -> Ratnum:
        return Ratnum(abs(self.numerator), self.denominator)

    def __eq__(self, other: object) -> bool:
        if type(other) is Ratnum:
            return self.numerator == other.numerator and self.denominator == other.denominator
        return type(other) is float and isfinite(other) and _order(self, other) == 0

    def __hash__(self) -> int:
        return hash((self.numerator, self.denominator))

    def __lt__(self, other: Any) -> Any:
        order = _order(self, other)
        return order if order is NotImplemented else order < 0

    def __le__(self, other: Any) -> Any:
        order = _order(self, other)
        return order if order is NotImplemented else order <= 0

    def __gt__(self, other: Any) -> Any:
        order = _order(self, other)
        return order if order is NotImplemented else order > 0

    def __ge__(self, other: Any) -> Any:
        order = _order(self, other)
        return order if order is NotImplemented else order >= 0

    def __repr__(self) -> str:
        return f"{self.numerator:#x}/{self.denominator:#x}"


def _order(a: Ratnum, b: Any) -> Any:
    """Return a number with the sign of a - b (NaN of NaN); NotImplemented if b is no number."""
    if type(b) is int:
        return a.numerator - b * a.denominator
    if type(b) is Ratnum:
        return a.numerator * b.denominator - b.numerator * a.denominator
    if type(b) is not float:
        return NotImplemented
    if not isfinite(b):
        return -b
    # Not in floats: 1/3 and the float next to it must not compare equal.
    n, d = b.as_integer_ratio()
    return a.numerator * d - n * a.denominator


NUMBERS = frozenset((int, float, Ratnum))


def ratio(numerator: int, denominator: int) -> Any:
    """Return the normalised quotient of two exact integers; the denominator must not be 0."""
    divisor = gcd(numerator, denominator)
    if denominator < 0:
        divisor = -divisor
    if divisor != 1:
        numerator //= divisor
        denominator //= divisor
    return numerator if denominator == 1 else Ratnum(numerator, denominator)


def to_float(x: Any) -> float:
    """Return the float nearest to any number; what is too large becomes an infinity."""
    try:
        return x.numerator / x.denominator if type(x) is Ratnum else float(x)
    except OverflowError:
        return inf if x > 0 else -inf


def _not_numbers(procedure: str, a: Any, b: Any) -> SchemeError:
    return wrong_type(procedure, "a number", a if type(a) not in NUMBERS else b)


def check_number(procedure: str, x: Any) -> Any:
    """Return x if it is a number; else raise the type error."""
    if type(x) not in NUMBERS:
        raise wrong_type(procedure, "a number", x)
    return x


def check_integer(procedure: str, x: Any) -> Any:
    """Return x if it is an integer, exact or not; else raise the type error."""
    if type(x) is int or (type(x) is float and x.is_integer()):
        return x
    raise wrong_type(procedure, "an integer", x)


def check_exact_integer(procedure: str, x: Any) -> int:
    """Return x if it is an exact integer; else raise the type error."""
    if type(x) is not int:
        raise wrong_type(procedure, "an exact integer", x)
    return x


# -- the four operations -------------------------------------------------------------------


def add(a: Any, b: Any) -> Any:
    """Return a + b. Raises a type-error condition."""
    try:
        return a + b
    except TypeError:
        raise _not_numbers("+", a, b) from None
    except OverflowError:
        return to_float(a) + to_float(b)


def subtract(a: Any, b: Any) -> Any:
    """Return a - b. Raises a type-error condition."""
    try:
        return a - b
    except TypeError:
        raise _not_numbers("-", a, b) from None
    except OverflowError:
        return to_float(a) - to_float(b)


def multiply(a: Any, b: Any) -> Any:
    """Return a * b. Raises a type-error condition."""
    try:
        return a * b
    except TypeError:
        raise _not_numbers("*", a, b) from None
    except OverflowError:
        return to_float(a) * to_float(b)


def divide(a: Any, b: Any) -> Any:
    """Return a / b: exact for exact numbers, never Python's float of two ints.

    Raises:
      SchemeError: type-error, or divide-error for an exact 0 as divisor.
    """
    if type(a) not in NUMBERS or type(b) not in NUMBERS:
        raise _not_numbers("/", a, b)
    if type(b) is int and b == 0:
        raise fail("divide-error", "/: division by zero:", a, b)
    if type(a) is float or type(b) is float:
        return divide_floats(to_float(a), to_float(b))
    return ratio(a.numerator * b.denominator, a.denominator * b.numerator)


def divide_floats(a: float, b: float) -> float:
    """Return a / b as IEEE 754 defines it, infinities and NaN where Python raises."""
    if b:
        return a / b
    if a != a or b != b or a == 0:  # noqa: PLR0124 - the test for NaN
        return nan
    return copysign(inf, a) * copysign(1.0, b)


def negate(a: Any) -> Any:
    """Return -a; of 0.0 it is -0.0, which 0 - a is not."""
    return -check_number("-", a)


# -- comparison ----------------------------------------------------------------------------


def num_eq(a: Any, b: Any) -> bool:
    """Return whether two numbers are equal in value, exactness aside."""
    if type(a) not in NUMBERS or type(b) not in NUMBERS:
        raise _not_numbers("=", a, b)
    return bool(a == b)


def less(a: Any, b: Any) -> bool:
    """Return whether a < b. Raises a type-error condition."""
    try:
        return a < b  # type: ignore[no-any-return]
    except TypeError:
        raise _not_numbers("<", a, b) from None


def greater(a: Any, b: Any) -> bool:
    """Return whether a > b. Raises a type-error condition."""
    try:
        return a > b  # type: ignore[no-any-return]
    except TypeError:
        raise _not_numbers(">", a, b) from None


def less_eq(a: Any, b: Any) -> bool:
    """Return whether a <= b. Raises a type-error condition."""
    try:
        return a <= b  # type: ignore[no-any-return]
    except TypeError:
        raise _not_numbers("<=", a, b) from None


def greater_eq(a: Any, b: Any) -> bool:
    """Return whether a >= b. Raises a type-error condition."""
    try:
        return a >= b  # type: ignore[no-any-return]
    except TypeError:
        raise _not_numbers(">=", a, b) from None


def extreme(procedure: str, numbers: tuple[Any, ...], *, largest: bool) -> Any:
    """Return the largest or smallest of some numbers; inexact if any of them is, NaN if any is."""
    best = check_number(procedure, numbers[0])
    inexact = type(best) is float
    for x in numbers[1:]:
        check_number(procedure, x)
        inexact = inexact or type(x) is float
        if x != x or (best == best and (x > best if largest else x < best)):  # noqa: PLR0124
            best = x
    return to_float(best) if inexact else best


# -- kinds of numbers ----------------------------------------------------------------------


def is_number(x: Any) -> bool:
    """Return whether x is a number at all."""
    return type(x) in NUMBERS


def is_rational(x: Any) -> bool:
    """Return whether x is a rational number: exact, or a finite float."""
    return type(x) is int or type(x) is Ratnum or (type(x) is float and isfinite(x))


def is_integer(x: Any) -> bool:
    """Return whether x is an integer, exact or not."""
    return type(x) is int or (type(x) is float and x.is_integer())


def exact(x: Any) -> Any:
    """Return the exact number equal to x. Raises a range-error condition for infinities and NaN."""
    if type(x) is not float:
        return check_number("exact", x)
    if not isfinite(x):
        raise fail("range-error", "exact: expected a finite number, got", x)
    return ratio(*x.as_integer_ratio())


def inexact(x: Any) -> float:
    """Return the float nearest to x."""
    return to_float(check_number("inexact", x))
