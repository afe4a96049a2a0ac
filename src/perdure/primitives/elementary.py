"""Powers, roots, the elementary functions, and complex numbers.

Layer: primitives. Imports values.
Invariant: all that is defined for complex numbers takes them, and what takes a real number to one
outside the real line gives the complex result.
"""

from __future__ import annotations

from typing import Any

from perdure.primitives.registry import primitive
from perdure.values import elementary, powers
from perdure.values.numbers import check_number, check_real, parts, rectangular
from perdure.values.types import DEFAULT, Values

# -- powers and roots ----------------------------------------------------------------------


@primitive("expt")
def expt(z1: Any, z2: Any) -> Any:
    return powers.expt(z1, z2)


@primitive("sqrt")
def sqrt(z: Any) -> Any:
    return powers.sqrt(z)


@primitive("exact-integer-sqrt")
def exact_integer_sqrt(k: Any) -> Any:
    return Values(powers.exact_integer_sqrt(k))


# -- elementary functions ------------------------------------------------------------------


@primitive("exp")
def exp(z: Any) -> Any:
    return elementary.exp(z)


@primitive("log")
def log(z1: Any, z2: Any = DEFAULT) -> Any:
    return elementary.log(z1) if z2 is DEFAULT else elementary.log_in_base(z1, z2)


@primitive("sin")
def sin(z: Any) -> Any:
    return elementary.sin(z)


@primitive("cos")
def cos(z: Any) -> Any:
    return elementary.cos(z)


@primitive("tan")
def tan(z: Any) -> Any:
    return elementary.tan(z)


@primitive("asin")
def asin(z: Any) -> Any:
    return elementary.asin(z)


@primitive("acos")
def acos(z: Any) -> Any:
    return elementary.acos(z)


@primitive("atan")
def atan(y: Any, x: Any = DEFAULT) -> Any:
    return elementary.atan1(y) if x is DEFAULT else elementary.atan2(y, x)


# -- complex numbers -----------------------------------------------------------------------


@primitive("make-rectangular")
def make_rectangular(x1: Any, x2: Any) -> Any:
    check_real("make-rectangular", x1)
    return rectangular(x1, check_real("make-rectangular", x2))


@primitive("make-polar")
def make_polar(x3: Any, x4: Any) -> Any:
    check_real("make-polar", x3)
    return elementary.polar(x3, check_real("make-polar", x4))


@primitive("real-part")
def real_part(z: Any) -> Any:
    return parts(check_number("real-part", z))[0]


@primitive("imag-part")
def imag_part(z: Any) -> Any:
    return parts(check_number("imag-part", z))[1]


@primitive("magnitude")
def magnitude(z: Any) -> Any:
    return powers.magnitude(z)


@primitive("angle")
def angle(z: Any) -> Any:
    return elementary.angle(z)
