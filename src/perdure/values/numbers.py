"""What the numbers are: exact rationals and exact complex numbers beside Python's own classes.

Layer: values. Imports conditions.
Invariant: every number has one representation, so its class says what it is.

| number                 | class          | normalised                                         |
|------------------------|----------------|----------------------------------------------------|
| exact integer          | `int`          |                                                    |
| other exact rational   | `Ratnum`       | in lowest terms, the denominator is at least 2     |
| inexact real           | `float`        |                                                    |
| exact, not real        | `ExactComplex` | the imaginary part is not 0                        |
| inexact, not real      | `complex`      | its imaginary part is a float, so it may be 0.0    |

Both parts of a complex number are exact or both inexact, as `exact?` knows no third answer. What
`rectangular` makes of an exact zero imaginary part is real.

Compiled code emits plain `a + b` and `a < b`, and Python's TypeError is the guard (types.py). So
these classes have operators for + - * and, where they have an order, for comparison, and for
nothing else. Not `fractions.Fraction`: it makes normalised ints only on request, takes Python's
`/` for division, which compiled code must not find on numbers it may not divide, and costs five
times as much. Inexact complex numbers are Python's, for speed: their products follow the textbook
formula, so an infinite part may make the other part NaN.
"""

from __future__ import annotations

from math import gcd, inf, isfinite
from typing import Any

from msgspec import Struct

from perdure.values.conditions import SchemeError, wrong_type


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
        if type(other) in INEXACT:
            return to_float(self) + other
        return NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        n, d = self.numerator, self.denominator
        if type(other) is int:
            return Ratnum(n - other * d, d)
        if type(other) is Ratnum:
            return ratio(n * other.denominator - other.numerator * d, d * other.denominator)
        if type(other) in INEXACT:
            return to_float(self) - other
        return NotImplemented

    def __rsub__(self, other: Any) -> Any:
        if type(other) is int:
            return Ratnum(other * self.denominator - self.numerator, self.denominator)
        if type(other) in INEXACT:
            return other - to_float(self)
        return NotImplemented

    def __mul__(self, other: Any) -> Any:
        if type(other) is int:
            return ratio(self.numerator * other, self.denominator)
        if type(other) is Ratnum:
            return ratio(self.numerator * other.numerator, self.denominator * other.denominator)
        if type(other) in INEXACT:
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
        if type(other) is complex:
            return other.imag == 0 and self == other.real
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
    """Return a number with the sign of a - b (NaN of NaN); NotImplemented if b has no order."""
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


class ExactComplex(Struct, frozen=True, eq=False, gc=False):
    """An exact complex number that is not real: its parts are ints or Ratnums, `imag` is not 0.

    Make one with `rectangular`. The names of the fields are those of Python's `complex`.
    """

    real: Any
    imag: Any

    def __add__(self, other: Any) -> Any:
        if type(other) is ExactComplex:
            return rectangular(self.real + other.real, self.imag + other.imag)
        if type(other) in RATIONALS:
            return ExactComplex(self.real + other, self.imag)
        if type(other) in INEXACT:
            return to_inexact(self) + other
        return NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if type(other) is ExactComplex:
            return rectangular(self.real - other.real, self.imag - other.imag)
        if type(other) in RATIONALS:
            return ExactComplex(self.real - other, self.imag)
        if type(other) in INEXACT:
            return to_inexact(self) - other
        return NotImplemented

    def __rsub__(self, other: Any) -> Any:
        if type(other) in RATIONALS:
            return ExactComplex(other - self.real, -self.imag)
        if type(other) in INEXACT:
            return other - to_inexact(self)
        return NotImplemented

    def __mul__(self, other: Any) -> Any:
        if type(other) is ExactComplex:
            return rectangular(
                self.real * other.real - self.imag * other.imag,
                self.real * other.imag + self.imag * other.real,
            )
        if type(other) in RATIONALS:
            return rectangular(self.real * other, self.imag * other)
        if type(other) in INEXACT:
            return to_inexact(self) * other
        return NotImplemented

    __rmul__ = __mul__

    def __neg__(self) -> ExactComplex:
        return ExactComplex(-self.real, -self.imag)

    def __eq__(self, other: object) -> bool:
        if type(other) is ExactComplex or type(other) is complex:
            return bool(self.real == other.real and self.imag == other.imag)
        return False

    def __hash__(self) -> int:
        return hash((self.real, self.imag))

    def __repr__(self) -> str:
        return f"({self.real!r})+({self.imag!r})i"


INEXACT = frozenset((float, complex))
RATIONALS = frozenset((int, Ratnum))
EXACT = RATIONALS | {ExactComplex}
REALS = RATIONALS | {float}
NUMBERS = EXACT | INEXACT


# -- making --------------------------------------------------------------------------------


def ratio(numerator: int, denominator: int) -> Any:
    """Return the normalised quotient of two exact integers; the denominator must not be 0."""
    divisor = gcd(numerator, denominator)
    if denominator < 0:
        divisor = -divisor
    if divisor != 1:
        numerator //= divisor
        denominator //= divisor
    return numerator if denominator == 1 else Ratnum(numerator, denominator)


def rectangular(real: Any, imag: Any) -> Any:
    """Return the number with two real parts; it is real if the imaginary part is an exact 0."""
    if type(imag) is int and imag == 0:
        return real
    if type(real) is float or type(imag) is float:
        return complex(to_float(real), to_float(imag))
    return ExactComplex(real, imag)


def to_float(x: Any) -> float:
    """Return the float nearest to a real number; what is too large becomes an infinity."""
    try:
        return x.numerator / x.denominator if type(x) is Ratnum else float(x)
    except OverflowError:
        return inf if x > 0 else -inf


def to_inexact(z: Any) -> Any:
    """Return the inexact number nearest to any number: a float, or a complex if it is not real."""
    if type(z) is complex:
        return z
    if type(z) is ExactComplex:
        return complex(to_float(z.real), to_float(z.imag))
    return to_float(z)


def parts(z: Any) -> tuple[Any, Any]:
    """Return the real and the imaginary part of any number; a real number's is an exact 0."""
    return (z, 0) if type(z) in REALS else (z.real, z.imag)


# -- checking ------------------------------------------------------------------------------


def check_number(procedure: str, x: Any) -> Any:
    """Return x if it is a number; else raise the type error."""
    if type(x) not in NUMBERS:
        raise wrong_type(procedure, "a number", x)
    return x


def not_real(procedure: str, x: Any) -> SchemeError:
    """Return the type error for what is no real number, maybe no number at all."""
    return wrong_type(procedure, "a real number" if type(x) in NUMBERS else "a number", x)


def check_real(procedure: str, x: Any) -> Any:
    """Return x if it is a real number; else raise the type error."""
    if type(x) not in REALS:
        raise not_real(procedure, x)
    return x


def check_rational(procedure: str, x: Any) -> Any:
    """Return x if it is a rational number: exact, or a finite float; else raise the type error."""
    if not is_rational(x):
        raise wrong_type(procedure, "a rational number" if type(x) in NUMBERS else "a number", x)
    return x


def check_integer(procedure: str, x: Any) -> Any:
    """Return x if it is an integer, exact or not; else raise the type error."""
    if not is_integer(x):
        raise wrong_type(procedure, "an integer", x)
    return x


def check_exact_integer(procedure: str, x: Any) -> int:
    """Return x if it is an exact integer; else raise the type error."""
    if type(x) is not int:
        raise wrong_type(procedure, "an exact integer", x)
    return x


def is_number(x: Any) -> bool:
    """Return whether x is a number at all."""
    return type(x) in NUMBERS


def is_rational(x: Any) -> bool:
    """Return whether x is a rational number: exact, or a finite float."""
    return type(x) in RATIONALS or (type(x) is float and isfinite(x))


def is_integer(x: Any) -> bool:
    """Return whether x is an integer, exact or not."""
    return type(x) is int or (type(x) is float and x.is_integer())
