"""Powers, roots and magnitudes of all numbers.

Layer: values. Imports numbers, operations, arithmetic, elementary, conditions.
Invariant: the result is exact where the arguments are and an exact one exists as a root or an
integral power; a power that would be too large is a quota-error before any of it is computed.
"""

from __future__ import annotations

import cmath
import math
from math import copysign, inf, isfinite, isqrt
from typing import Any

from perdure.values.arithmetic import check_bits
from perdure.values.conditions import SchemeError, fail
from perdure.values.elementary import exp, log
from perdure.values.numbers import (
    EXACT,
    RATIONALS,
    REALS,
    ExactComplex,
    Ratnum,
    check_exact_integer,
    check_number,
    parts,
    ratio,
    rectangular,
    to_float,
    to_inexact,
)
from perdure.values.operations import divide, multiply

# -- roots ---------------------------------------------------------------------------------


def exact_integer_sqrt(n: Any) -> tuple[int, int]:
    """Return the largest s with s * s <= n, and n - s * s."""
    if check_exact_integer("exact-integer-sqrt", n) < 0:
        raise fail("range-error", "exact-integer-sqrt: expected a nonnegative integer, got", n)
    root = isqrt(n)
    return root, n - root * root


def sqrt(z: Any) -> Any:
    """Return the principal square root: exact for exact squares."""
    if type(check_number("sqrt", z)) not in REALS:
        return _complex_sqrt(z)
    if z < 0:
        return rectangular(0, _real_sqrt(-z))
    return _real_sqrt(z)


def _real_sqrt(x: Any) -> Any:
    """Return the root of a real number that is not negative."""
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
    return to_float(divide(isqrt(scaled // x.denominator), _exact_power(2, shift)))


def _complex_sqrt(z: Any) -> Any:
    if type(z) is complex:
        return cmath.sqrt(z)
    size = magnitude(z)
    if type(size) in RATIONALS:
        half = divide(size + z.real, 2)
        root = _real_sqrt(half)
        if type(root) in RATIONALS:
            return rectangular(root, divide(z.imag, 2 * root))
    approximate = to_inexact(z)
    if cmath.isfinite(approximate):
        return cmath.sqrt(approximate)
    # As above: the root of what is beyond the floats may be one of them.
    shift = max(abs(z.real), abs(z.imag))
    power = _exact_power(2, (shift.numerator // shift.denominator).bit_length() // 2)
    return multiply(cmath.sqrt(to_inexact(divide(z, power * power))), power)


def magnitude(z: Any) -> Any:
    """Return the distance from 0: exact if z is exact and its norm an exact square."""
    if type(check_number("magnitude", z)) is complex:
        return math.hypot(z.real, z.imag)
    if type(z) is ExactComplex:
        return _real_sqrt(z.real * z.real + z.imag * z.imag)
    return abs(z)


# -- powers --------------------------------------------------------------------------------


def expt(base: Any, power: Any) -> Any:
    """Return base to a power: exact if the base is exact and the power an exact integer."""
    check_number("expt", base)
    check_number("expt", power)
    if type(power) is int and type(base) in EXACT:
        if type(base) is ExactComplex:
            return _exact_complex_power(base, power)
        return _exact_power(base, power)
    if base == 0 and type(base) is not float:
        return _power_of_zero(base, power)
    if type(power) is Ratnum and power.denominator == 2 and type(base) in EXACT:
        root = sqrt(base)
        if type(root) in EXACT:
            return expt(root, power.numerator)
    if type(base) in REALS and type(power) in REALS:
        return _float_power(to_float(base), to_float(power))
    return _complex_power(to_inexact(base), to_inexact(power))


def _division_by_zero(base: Any, power: Any) -> SchemeError:
    return fail("divide-error", "expt: division by zero:", base, power)


def _exact_power(base: Any, power: int) -> Any:
    n, d = base.numerator, base.denominator
    if power == 0:
        return 1
    if power < 0:
        if n == 0:
            raise _division_by_zero(base, power)
        n, d, power = (d, n, -power) if n > 0 else (-d, -n, -power)
    if d == 1 and n in (0, 1, -1):
        return n if power % 2 else n * n
    check_bits("expt", max(abs(n), d).bit_length() * power)
    # Powers of numbers without a common divisor have none.
    return n**power if d == 1 else Ratnum(n**power, d**power)


def _exact_complex_power(base: ExactComplex, power: int) -> Any:
    if power < 0:
        return divide(1, _exact_complex_power(base, -power))
    if base.real == 0 and abs(base.imag) == 1:
        power %= 4
    sizes = [x.bit_length() for part in parts(base) for x in (part.numerator, part.denominator)]
    check_bits("expt", max(sizes) * power)
    result, square = 1, base
    while power:
        if power & 1:
            result = square * result
        power >>= 1
        square = square * square if power else square
    return result


def _power_of_zero(base: Any, power: Any) -> Any:
    """Return what R7RS makes of 0 to a power that is no exact integer; exact if the base is."""
    if power == 0:
        return base + 1
    if parts(power)[0] <= 0:
        raise _division_by_zero(base, power)
    return base


def _float_power(x: float, y: float) -> Any:
    if x < 0 and isfinite(x) and isfinite(y) and not y.is_integer():
        return _complex_power(x, y)
    try:
        return math.pow(x, y)
    except OverflowError:
        # The power of a negative base is odd only if the float is: all that are larger are even.
        return -inf if x < 0 and math.fmod(y, 2) else inf
    except ValueError:
        # 0.0 to a negative power.
        return copysign(inf, x) if math.fmod(y, 2) and y.is_integer() else inf


def _complex_power(base: Any, power: Any) -> Any:
    if base == 0:
        return _power_of_zero(base, power)
    try:
        return complex(base) ** complex(power)
    except ArithmeticError:
        # Python has no infinite powers, and calls an infinite exponent a division by zero.
        return exp(power * log(base))
