"""Division with remainder, rounding, powers, roots and the elementary functions.

Layer: values. Imports numbers, conditions, limits.
Invariant: an exact result is given where R7RS asks for one (and for `(exp 0)`, `(sqrt 9/4)` and
their like), a float otherwise; what would be a complex number is a range-error that says so; what
would be larger than limits.INTEGER_MAX_BITS is a quota-error before any of it is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import copysign, inf, isfinite, isqrt, nan
from typing import Any

from perdure.base import limits
from perdure.values.conditions import SchemeError, fail, wrong_type
from perdure.values.numbers import (
    Ratnum,
    check_exact_integer,
    check_integer,
    check_number,
    divide,
    exact,
    ratio,
    to_float,
)

# -- integer division ----------------------------------------------------------------------


def _floor_pair(n: int, d: int) -> tuple[int, int]:
    return divmod(n, d)


def _truncate_pair(n: int, d: int) -> tuple[int, int]:
    q, r = divmod(n, d)
    return (q + 1, r - d) if r and (n < 0) != (d < 0) else (q, r)


def _divided(
    procedure: str, pair: Callable[[int, int], tuple[int, int]], n: Any, d: Any
) -> tuple[Any, Any]:
    check_integer(procedure, n)
    check_integer(procedure, d)
    if d == 0:
        raise fail("divide-error", f"{procedure}: division by zero:", n, d)
    q, r = pair(int(n), int(d))
    if type(n) is int and type(d) is int:
        return q, r
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
    return (
        to_float(exact(x).numerator) if type(x) is float else check_number("numerator", x).numerator
    )


def denominator(x: Any) -> Any:
    """Return the denominator of a rational in lowest terms; inexact of an inexact one."""
    if type(x) is float:
        return to_float(exact(x).denominator)
    return check_number("denominator", x).denominator


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
    if type(x) is int:
        return x
    of_float, of_ratio = _ROUNDED[procedure]
    if type(x) is float:
        # -0.5 rounds to -0.0, and an infinity to itself.
        return copysign(float(of_float(x)), x) if isfinite(x) else x
    if type(x) is Ratnum:
        return of_ratio(x.numerator, x.denominator)
    raise wrong_type(procedure, "a number", x)


def rationalize(x: Any, tolerance: Any) -> Any:
    """Return the simplest rational that differs from x by no more than a tolerance."""
    check_number("rationalize", x)
    check_number("rationalize", tolerance)
    if not isfinite(to_float(x)) or not isfinite(to_float(tolerance)):
        if to_float(tolerance) in (inf, -inf):
            return 0.0 if isfinite(to_float(x)) else nan
        return to_float(x) + to_float(tolerance)
    inexact = type(x) is float or type(tolerance) is float
    centre, width = exact(x), abs(exact(tolerance))
    found = _simplest(centre - width, centre + width)
    return to_float(found) if inexact else found


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


# -- powers and roots ----------------------------------------------------------------------


def _no_complex(procedure: str, *arguments: Any) -> SchemeError:
    return fail(
        "range-error",
        f"{procedure}: the result would be a complex number, and these are not supported:",
        *arguments,
    )


def check_bits(procedure: str, bits: int) -> None:
    """Raise a quota-error condition if an exact integer of so many bits is too large to make."""
    if bits > limits.INTEGER_MAX_BITS:
        raise fail(
            "quota-error",
            f"{procedure}: the result would have more than {limits.INTEGER_MAX_BITS} bits",
        )


def expt(base: Any, power: Any) -> Any:
    """Return base to a power: exact if the base is exact and the power an exact integer."""
    check_number("expt", base)
    check_number("expt", power)
    if type(power) is int and type(base) is not float:
        return _exact_power(base, power)
    if type(power) is Ratnum and power.denominator == 2 and type(base) is not float and base >= 0:
        root = sqrt(base)
        if type(root) is not float:
            return expt(root, power.numerator)
    return _float_power(base, power)


def _exact_power(base: Any, power: int) -> Any:
    n, d = base.numerator, base.denominator
    if power == 0:
        return 1
    if power < 0:
        if n == 0:
            raise fail("divide-error", "expt: division by zero:", base, power)
        n, d, power = (d, n, -power) if n > 0 else (-d, -n, -power)
    if d == 1 and n in (0, 1, -1):
        return n if power % 2 else n * n
    check_bits("expt", max(abs(n), d).bit_length() * power)
    return n**power if d == 1 else ratio(n**power, d**power)


def _float_power(base: Any, power: Any) -> float:
    x, y = to_float(base), to_float(power)
    if x < 0 and isfinite(x) and isfinite(y) and not y.is_integer():
        raise _no_complex("expt", base, power)
    try:
        return math.pow(x, y)
    except OverflowError:
        # The power of a negative base is odd only if the float is: all that are larger are even.
        return -inf if x < 0 and math.fmod(y, 2) else inf
    except ValueError:
        # 0.0 to a negative power.
        return copysign(inf, x) if math.fmod(y, 2) and y.is_integer() else inf


def exact_integer_sqrt(n: Any) -> tuple[int, int]:
    """Return the largest s with s * s <= n, and n - s * s."""
    if check_exact_integer("exact-integer-sqrt", n) < 0:
        raise fail("range-error", "exact-integer-sqrt: expected a nonnegative integer, got", n)
    root = isqrt(n)
    return root, n - root * root


def sqrt(x: Any) -> Any:
    """Return the square root: exact for exact squares."""
    if check_number("sqrt", x) < 0:
        raise _no_complex("sqrt", x)
    if type(x) is float:
        return math.sqrt(x)
    n, d = isqrt(x.numerator), isqrt(x.denominator)
    if n * n == x.numerator and d * d == x.denominator:
        return ratio(n, d)
    approximate = to_float(x)
    if 1e-300 < approximate < inf:
        return math.sqrt(approximate)
    # Outside the range of floats the root may still be inside: scale by a power of 4.
    shift = (x.denominator.bit_length() - x.numerator.bit_length()) // 2 + 64
    scaled = (x.numerator << 2 * shift) if shift >= 0 else x.numerator >> -2 * shift
    return to_float(divide(isqrt(scaled // x.denominator), expt(2, shift)))


# -- elementary functions ------------------------------------------------------------------


def exp(x: Any) -> Any:
    """Return e to the power x."""
    if type(check_number("exp", x)) is int and x == 0:
        return 1
    try:
        return math.exp(to_float(x))
    except OverflowError:
        return inf


def log(x: Any) -> Any:
    """Return the natural logarithm."""
    if type(check_number("log", x)) is float:
        if x < 0:
            raise _no_complex("log", x)
        return math.log(x) if x else -inf
    if x == 1:
        return 0
    if x == 0:
        raise fail("range-error", "log: expected a number that is not zero, got", x)
    if x < 0:
        raise _no_complex("log", x)
    approximate = to_float(x)
    if type(x) is int or not 1e-300 < approximate < inf:
        return math.log(x.numerator) - math.log(x.denominator)
    return math.log(approximate)


def _elementary(name: str, function: Callable[[float], float], fixed: tuple[int, int]) -> Any:
    point, value = fixed

    def apply(x: Any) -> Any:
        if type(check_number(name, x)) is int and x == point:
            return value
        try:
            return function(to_float(x))
        except ValueError:
            if not isfinite(to_float(x)):
                return nan
            raise _no_complex(name, x) from None

    return apply


sin = _elementary("sin", math.sin, (0, 0))
cos = _elementary("cos", math.cos, (0, 1))
tan = _elementary("tan", math.tan, (0, 0))
asin = _elementary("asin", math.asin, (0, 0))
acos = _elementary("acos", math.acos, (1, 0))
atan1 = _elementary("atan", math.atan, (0, 0))


def atan2(y: Any, x: Any) -> Any:
    """Return the angle of the point (x, y)."""
    check_number("atan", y)
    check_number("atan", x)
    if type(y) is int and y == 0 and type(x) is not float:
        if x == 0:
            raise fail("range-error", "atan: the angle of the point 0 0 is not defined")
        if x > 0:
            return 0
    return math.atan2(to_float(y), to_float(x))


# -- bits ----------------------------------------------------------------------------------


def arithmetic_shift(n: Any, count: Any) -> int:
    """Return n shifted left by count bits, or right if count is negative."""
    check_exact_integer("arithmetic-shift", n)
    if check_exact_integer("arithmetic-shift", count) <= 0:
        return n >> min(-count, n.bit_length() + 1)  # type: ignore[no-any-return]
    if n == 0:
        return 0
    check_bits("arithmetic-shift", n.bit_length() + count)
    return n << count  # type: ignore[no-any-return]
