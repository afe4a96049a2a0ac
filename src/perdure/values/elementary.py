"""The exponential, the logarithm, the circular functions and their inverses, on all numbers.

Layer: values. Imports numbers, operations, conditions.
Invariant: an exact result is given where R7RS asks for one, `(exp 0)` and its like, an inexact one
otherwise. Branch cuts are those of R7RS: a real argument beyond the domain of a real function
lies on the side of the cut that its definition by logarithms gives.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from math import copysign, inf, isfinite, nan
from typing import Any

from perdure.values.conditions import fail
from perdure.values.numbers import (
    EXACT,
    REALS,
    ExactComplex,
    check_number,
    check_real,
    parts,
    rectangular,
    to_float,
    to_inexact,
)
from perdure.values.operations import divide

# -- exponential and logarithm -------------------------------------------------------------


def exp(z: Any) -> Any:
    """Return e to the power z."""
    if type(check_number("exp", z)) is int and z == 0:
        return 1
    try:
        return math.exp(to_float(z)) if type(z) in REALS else cmath.exp(to_inexact(z))
    except OverflowError:
        return inf if type(z) in REALS else cmath.rect(inf, to_float(z.imag))
    except ValueError:
        return complex(nan, nan)


def log(z: Any) -> Any:
    """Return the natural logarithm; its imaginary part is the angle of z."""
    if type(check_number("log", z)) is int and z in (0, 1):
        if z == 0:
            raise fail("range-error", "log: expected a number that is not zero, got", z)
        return 0
    if type(z) is complex:
        return cmath.log(z) if z else complex(-inf, math.atan2(z.imag, z.real))
    if type(z) not in REALS:
        return complex(_log_positive(z.real * z.real + z.imag * z.imag) / 2, angle(z))
    if z < 0:
        return complex(_log_positive(-z), math.pi)
    return _log_positive(z)


def _log_positive(x: Any) -> float:
    if type(x) is float:
        return math.log(x) if x else -inf
    approximate = to_float(x)
    if type(x) is int or not 1e-300 < approximate < inf:
        return math.log(x.numerator) - math.log(x.denominator)
    return math.log(approximate)


def log_in_base(z: Any, base: Any) -> Any:
    """Return the logarithm of z in a base: without rounding twice where Python knows how."""
    exact_positive = type(z) in REALS and type(base) is int and z > 0
    if exact_positive and base in (2, 10) and 0 < (x := to_float(z)) < inf:
        return math.log2(x) if base == 2 else math.log10(x)
    return divide(log(z), log(base))


# -- circular functions --------------------------------------------------------------------


def _unbounded(x: float) -> float:
    return copysign(inf, x) if x else x


def _large_sin(z: complex) -> complex:
    """Return the sine of a number with so large an imaginary part that the result is infinite."""
    return complex(_unbounded(math.sin(z.real)), _unbounded(math.cos(z.real)) * copysign(1, z.imag))


def _large_cos(z: complex) -> complex:
    return complex(
        _unbounded(math.cos(z.real)), _unbounded(math.sin(z.real)) * -copysign(1, z.imag)
    )


def _complex_atan(z: complex) -> complex:
    if z.real == 0 and abs(z.imag) == 1:
        return complex(z.real, copysign(inf, z.imag))
    return cmath.atan(z)


def _undefined(_: complex) -> complex:
    return complex(nan, nan)


def _elementary(
    name: str,
    of_real: Callable[[float], float],
    of_complex: Callable[[complex], complex],
    fixed: tuple[int, int],
    large: Callable[[complex], complex] = _undefined,
) -> Callable[[Any], Any]:
    """Return a function on all numbers.

    Args:
      name: the procedure, for messages.
      of_real, of_complex: the function on floats and on complex numbers.
      fixed: the exact argument with an exact result, and that.
      large: what it is where the result is beyond the floats.
    """
    point, value = fixed

    def apply(z: Any) -> Any:
        if type(check_number(name, z)) is int and z == point:
            return value
        x = to_inexact(z)
        try:
            return of_complex(x) if type(x) is complex else of_real(x)
        except OverflowError:
            return large(x)
        except ValueError:
            if type(x) is complex:
                return _undefined(x)
            # Beyond the domain, or an infinity. By the logarithms that define the inverse
            # functions, the sides of their cuts are below the positive axis, above the other.
            return of_complex(complex(x, copysign(0.0, -x))) if isfinite(x) else nan

    return apply


sin = _elementary("sin", math.sin, cmath.sin, (0, 0), _large_sin)
cos = _elementary("cos", math.cos, cmath.cos, (0, 1), _large_cos)
tan = _elementary("tan", math.tan, cmath.tan, (0, 0))
asin = _elementary("asin", math.asin, cmath.asin, (0, 0))
acos = _elementary("acos", math.acos, cmath.acos, (1, 0))
_atan = _elementary("atan", math.atan, _complex_atan, (0, 0))


def atan1(z: Any) -> Any:
    """Return the arc tangent. Raises a divide-error condition for the exact numbers +i and -i."""
    if type(z) is ExactComplex and z.real == 0 and abs(z.imag) == 1:
        raise fail("divide-error", "atan: not defined at", z)
    return _atan(z)


# -- polar form ----------------------------------------------------------------------------


def atan2(y: Any, x: Any) -> Any:
    """Return the angle of the point (x, y)."""
    check_real("atan", y)
    check_real("atan", x)
    if type(y) is int and y == 0 and type(x) is not float:
        if x == 0:
            raise fail("range-error", "atan: the angle of the point 0 0 is not defined")
        if x > 0:
            return 0
    across, up = to_float(x), to_float(y)
    if type(x) in EXACT and type(y) in EXACT and not (0 < abs(across) < inf and abs(up) < inf):
        # Beyond the range of floats the quotient still says the direction.
        largest = max(abs(x), abs(y))
        across, up = to_float(divide(x, largest)), to_float(divide(y, largest))
    return math.atan2(up, across)


def angle(z: Any) -> Any:
    """Return the angle of a number as a point of the plane; of an exact 0 it is 0."""
    if type(check_number("angle", z)) is int and z == 0:
        return 0
    x, y = parts(z)
    return atan2(y, x)


def polar(size: Any, direction: Any) -> Any:
    """Return the number with a magnitude and an angle, two real numbers."""
    if (type(direction) is int and direction == 0) or (type(size) is int and size == 0):
        return size
    radius, radians = to_float(size), to_float(direction)
    if not isfinite(radians):
        return complex(nan, nan)
    return rectangular(radius * math.cos(radians), radius * math.sin(radians))
