"""Division with remainder, rounding, the simplest rational, and shifts.

Layer: values. Imports numbers, operations, conditions, limits.
Invariant: the result is inexact if an argument is; what would be larger than
limits.INTEGER_MAX_BITS is a quota-error before any of it is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import copysign, isfinite, nan
from typing import Any

from perdure.base import limits
from perdure.values.conditions import fail
from perdure.values.numbers import (
    check_exact_integer,
    check_integer,
    check_rational,
    check_real,
    to_float,
)
from perdure.values.operations import divide, exact

# -- integer division ----------------------------------------------------------------------


def _floor_pair(n: int, d: int) -> tuple[int, int]:
    return divmod(n, d)


def _truncate_pair(n: int, d: int) -> tuple[int, int]:
    q, r = divmod(n, d)
    return (q + 1, r - d) if r and (n < 0) != (d < 0) else (q, r)


def _divided(
    procedure: str, pair: Callable[[int, int], tuple[int, int]], n: Any, d: Any
) -> tuple[Any, Any]:
    if type(n) is int and type(d) is int and d:
        return pair(n, d)
    check_integer(procedure, n)
    check_integer(procedure, d)
    if d == 0:
        raise fail("divide-error", f"{procedure}: division by zero:", n, d)
    q, r = pair(int(n), int(d))
    return to_float(q), to_float(r)


def floor_divide(n: Any, d: Any, procedure: str = "floor/") -> tuple[Any, Any]:
    """Return quotient and remainder, rounding down: the remainder has the divisor's sign."""
    return _divided(procedure, _floor_pair, n, d)


def truncate_divide(n: Any, d: Any, procedure: str = "truncate/") -> tuple[Any, Any]:
    """Return quotient and remainder, rounding to zero: the remainder has the dividend's sign."""
    return _divided(procedure, _truncate_pair, n, d)


def gcd_lcm(procedure: str, numbers: tuple[Any, ...], fold: Callable[..., int]) -> Any:
    """Return math.gcd or math.lcm of integers; inexact if any of them is."""
    for x in numbers:
        check_integer(procedure, x)
    result = fold(*(int(x) for x in numbers))
    return to_float(result) if any(type(x) is float for x in numbers) else result


def numerator(x: Any) -> Any:
    """Return the numerator of a rational in lowest terms; inexact of an inexact one."""
    n = exact(check_rational("numerator", x)).numerator
    return to_float(n) if type(x) is float else n


def denominator(x: Any) -> Any:
    """Return the denominator of a rational in lowest terms; inexact of an inexact one."""
    d = exact(check_rational("denominator", x)).denominator
    return to_float(d) if type(x) is float else d


# -- rounding ------------------------------------------------------------------------------


def _nearest(n: int, d: int) -> int:
    q, r = divmod(n, d)
    return q + 1 if 2 * r > d or (2 * r == d and q % 2) else q


_ROUNDED: dict[str, tuple[Callable[[float], int], Callable[[int, int], int]]] = {
    "floor": (math.floor, lambda n, d: n // d),
    "ceiling": (math.ceil, lambda n, d: -(-n // d)),
    "truncate": (math.trunc, lambda n, d: n // d if n >= 0 else -(-n // d)),
    "round": (round, _nearest),
}


def rounded(procedure: str, x: Any) -> Any:
    """Return x rounded to an integer: "floor", "ceiling", "truncate" or "round" (to even)."""
    of_float, of_ratio = _ROUNDED[procedure]
    if type(x) is float:
        # -0.5 rounds to -0.0, and an infinity to itself.
        return copysign(float(of_float(x)), x) if isfinite(x) else x
    check_real(procedure, x)
    return x if type(x) is int else of_ratio(x.numerator, x.denominator)


def rationalize(x: Any, tolerance: Any) -> Any:
    """Return the simplest rational that differs from x by no more than a tolerance."""
    check_real("rationalize", x)
    check_real("rationalize", tolerance)
    inexact = type(x) is float or type(tolerance) is float
    if inexact and not (isfinite(to_float(x)) and isfinite(to_float(tolerance))):
        return _rationalize_unbounded(to_float(x), to_float(tolerance))
    centre, width = exact(x), abs(exact(tolerance))
    found = _simplest(centre - width, centre + width)
    return to_float(found) if inexact else found


def _rationalize_unbounded(x: float, tolerance: float) -> float:
    """Return the simplest float near x where one of the two is an infinity or NaN."""
    if math.isinf(tolerance):
        return 0.0 if isfinite(x) else nan
    return x + tolerance


def _simplest(low: Any, high: Any) -> Any:
    """Return the rational of least denominator from low to high, by continued fractions."""
    if low <= 0 <= high:
        return 0
    if high < 0:
        return -_simplest(-high, -low)
    wholes = []
    while True:
        whole = rounded("floor", low)
        if whole == low or rounded("floor", high) > whole:
            found: Any = low if whole == low else whole + 1
            break
        wholes.append(whole)
        low, high = divide(1, high - whole), divide(1, low - whole)
    for whole in reversed(wholes):
        found = whole + divide(1, found)
    return found


# -- size and shifts ----------------------------------------------------------------------


def check_bits(procedure: str, bits: int) -> None:
    """Raise a quota-error condition if an exact integer of so many bits is too large to make."""
    if bits > limits.INTEGER_MAX_BITS:
        raise fail(
            "quota-error",
            f"{procedure}: the result would have more than {limits.INTEGER_MAX_BITS} bits",
        )


def arithmetic_shift(n: Any, count: Any) -> int:
    """Return n shifted left by count bits, or right if count is negative."""
    check_exact_integer("arithmetic-shift", n)
    if check_exact_integer("arithmetic-shift", count) <= 0:
        return n >> min(-count, n.bit_length() + 1)  # type: ignore[no-any-return]
    if n == 0:
        return 0
    check_bits("arithmetic-shift", n.bit_length() + count)
    return n << count  # type: ignore[no-any-return]
