"""The four operations and the comparisons on all numbers, and the change from exact to inexact.

Layer: values. Imports numbers, conditions.
Invariant: what Python's operators compute or refuse is right for Scheme, or is put right here.

Compiled code emits plain `a + b` and `a < b`; the functions here are its slow path, and what
procedures like `+` are as values. They try the operator first and look at types only when it
fails.
"""

from __future__ import annotations

from math import copysign, inf, isfinite, nan
from typing import Any

from perdure.values.conditions import SchemeError, fail, wrong_type
from perdure.values.numbers import (
    EXACT,
    NUMBERS,
    REALS,
    check_number,
    check_real,
    not_real,
    parts,
    ratio,
    rectangular,
    to_float,
    to_inexact,
)


def _not_numbers(procedure: str, a: Any, b: Any) -> SchemeError:
    return wrong_type(procedure, "a number", a if type(a) not in NUMBERS else b)


def _not_reals(procedure: str, a: Any, b: Any) -> SchemeError:
    return not_real(procedure, a if type(a) not in REALS else b)


# -- the four operations -------------------------------------------------------------------


def add(a: Any, b: Any) -> Any:
    """Return a + b. Raises a type-error condition."""
    try:
        return a + b
    except TypeError:
        raise _not_numbers("+", a, b) from None
    except OverflowError:
        return to_inexact(a) + to_inexact(b)


def subtract(a: Any, b: Any) -> Any:
    """Return a - b. Raises a type-error condition."""
    try:
        return a - b
    except TypeError:
        raise _not_numbers("-", a, b) from None
    except OverflowError:
        return to_inexact(a) - to_inexact(b)


def multiply(a: Any, b: Any) -> Any:
    """Return a * b. Raises a type-error condition."""
    try:
        return a * b
    except TypeError:
        raise _not_numbers("*", a, b) from None
    except OverflowError:
        return to_inexact(a) * to_inexact(b)


def divide(a: Any, b: Any) -> Any:
    """Return a / b: exact for exact numbers, never Python's float of two ints.

    Raises:
      SchemeError: type-error, or divide-error for an exact number divided by an exact 0.
    """
    if type(a) not in NUMBERS or type(b) not in NUMBERS:
        raise _not_numbers("/", a, b)
    if type(a) in EXACT and type(b) in EXACT:
        if type(b) is int and b == 0:
            raise fail("divide-error", "/: division by zero:", a, b)
        if type(a) in REALS and type(b) in REALS:
            return ratio(a.numerator * b.denominator, a.denominator * b.numerator)
        return _divide_exact_complex(a, b)
    return _divide_inexact(to_inexact(a), to_inexact(b))


def _divide_exact_complex(a: Any, b: Any) -> Any:
    (a_real, a_imag), (b_real, b_imag) = parts(a), parts(b)
    norm = b_real * b_real + b_imag * b_imag
    return rectangular(
        divide(a_real * b_real + a_imag * b_imag, norm),
        divide(a_imag * b_real - a_real * b_imag, norm),
    )


def _divide_inexact(a: Any, b: Any) -> Any:
    if type(b) is complex:
        return a / b if b else complex(nan, nan)
    if type(a) is complex:
        return complex(divide_floats(a.real, b), divide_floats(a.imag, b))
    return divide_floats(a, b)


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
        raise _not_reals("<", a, b) from None


def greater(a: Any, b: Any) -> bool:
    """Return whether a > b. Raises a type-error condition."""
    try:
        return a > b  # type: ignore[no-any-return]
    except TypeError:
        raise _not_reals(">", a, b) from None


def less_eq(a: Any, b: Any) -> bool:
    """Return whether a <= b. Raises a type-error condition."""
    try:
        return a <= b  # type: ignore[no-any-return]
    except TypeError:
        raise _not_reals("<=", a, b) from None


def greater_eq(a: Any, b: Any) -> bool:
    """Return whether a >= b. Raises a type-error condition."""
    try:
        return a >= b  # type: ignore[no-any-return]
    except TypeError:
        raise _not_reals(">=", a, b) from None


def extreme(procedure: str, numbers: tuple[Any, ...], *, largest: bool) -> Any:
    """Return the largest or smallest of some numbers; inexact if any of them is, NaN if any is."""
    best = check_real(procedure, numbers[0])
    inexact = type(best) is float
    for x in numbers[1:]:
        check_real(procedure, x)
        inexact = inexact or type(x) is float
        if x != x or (best == best and (x > best if largest else x < best)):  # noqa: PLR0124
            best = x
    return to_float(best) if inexact else best


# -- exactness -----------------------------------------------------------------------------


def exact(z: Any) -> Any:
    """Return the exact number equal to z. Raises a range-error condition for infinities and NaN."""
    if type(check_number("exact", z)) in EXACT:
        return z
    if type(z) is complex:
        return rectangular(exact(z.real), exact(z.imag))
    if not isfinite(z):
        raise fail("range-error", "exact: expected a finite number, got", z)
    return ratio(*z.as_integer_ratio())


def inexact(z: Any) -> Any:
    """Return the inexact number nearest to z."""
    return to_inexact(check_number("inexact", z))
