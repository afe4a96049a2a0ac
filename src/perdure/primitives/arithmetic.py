"""The operations on numbers: + - * / and their kin, division with remainder, rounding, text.

Layer: primitives. Imports values.
Invariant: what compiled code open-codes (+ - * < = quotient …) has its full form here: it is the
slow path, and gives the good error. The case of two arguments is tested first everywhere.
"""

from __future__ import annotations

import math
from typing import Any

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values import arithmetic as ar
from perdure.values import operations as op
from perdure.values.conditions import fail
from perdure.values.numbers import REALS, check_number, check_real
from perdure.values.numerals import (
    COMPLEX_RADIX_MAX,
    check_printable,
    number_text,
    parse_number,
)
from perdure.values.types import DEFAULT, String, Values


@primitive("+")
def plus(*z: Any) -> Any:
    if len(z) == 2:
        return op.add(z[0], z[1])
    total: Any = 0
    for x in z:
        total = op.add(total, x)
    return total


@primitive("*")
def times(*z: Any) -> Any:
    if len(z) == 2:
        return op.multiply(z[0], z[1])
    total: Any = 1
    for x in z:
        total = op.multiply(total, x)
    return total


@primitive("-")
def minus(z: Any, *more: Any) -> Any:
    if len(more) == 1:
        return op.subtract(z, more[0])
    if not more:
        return op.negate(z)
    for x in more:
        z = op.subtract(z, x)
    return z


@primitive("/")
def over(z: Any, *more: Any) -> Any:
    if len(more) == 1:
        return op.divide(z, more[0])
    if not more:
        return op.divide(1, z)
    for x in more:
        z = op.divide(z, x)
    return z


@primitive("abs")
def absolute(x: Any) -> Any:
    return abs(check_real("abs", x))


@primitive("square")
def square(z: Any) -> Any:
    return op.multiply(check_number("square", z), z)


@primitive("1+")
def increment(z: Any) -> Any:
    return op.add(z, 1)


@primitive("-1+", "1-")
def decrement(z: Any) -> Any:
    return op.subtract(z, 1)


@primitive("max")
def largest(x: Any, *more: Any) -> Any:
    return op.extreme("max", (x, *more), largest=True)


@primitive("min")
def smallest(x: Any, *more: Any) -> Any:
    return op.extreme("min", (x, *more), largest=False)


# -- integer division ----------------------------------------------------------------------


@primitive("quotient")
def quotient(n1: Any, n2: Any) -> Any:
    return ar.truncate_divide(n1, n2, "quotient")[0]


@primitive("remainder")
def remainder(n1: Any, n2: Any) -> Any:
    return ar.truncate_divide(n1, n2, "remainder")[1]


@primitive("modulo")
def modulo(n1: Any, n2: Any) -> Any:
    return ar.floor_divide(n1, n2, "modulo")[1]


@primitive("truncate-quotient")
def truncate_quotient(n1: Any, n2: Any) -> Any:
    return ar.truncate_divide(n1, n2, "truncate-quotient")[0]


@primitive("truncate-remainder")
def truncate_remainder(n1: Any, n2: Any) -> Any:
    return ar.truncate_divide(n1, n2, "truncate-remainder")[1]


@primitive("floor-quotient")
def floor_quotient(n1: Any, n2: Any) -> Any:
    return ar.floor_divide(n1, n2, "floor-quotient")[0]


@primitive("floor-remainder")
def floor_remainder(n1: Any, n2: Any) -> Any:
    return ar.floor_divide(n1, n2, "floor-remainder")[1]


@primitive("floor/")
def floor_both(n1: Any, n2: Any) -> Any:
    return Values(ar.floor_divide(n1, n2, "floor/"))


@primitive("truncate/")
def truncate_both(n1: Any, n2: Any) -> Any:
    return Values(ar.truncate_divide(n1, n2, "truncate/"))


@primitive("gcd")
def greatest_divisor(*n: Any) -> Any:
    return ar.gcd_lcm("gcd", n, math.gcd)


@primitive("lcm")
def least_multiple(*n: Any) -> Any:
    return ar.gcd_lcm("lcm", n, math.lcm)


@primitive("numerator")
def numerator(q: Any) -> Any:
    return ar.numerator(q)


@primitive("denominator")
def denominator(q: Any) -> Any:
    return ar.denominator(q)


# -- rounding and exactness ----------------------------------------------------------------


@primitive("floor")
def floor(x: Any) -> Any:
    return ar.rounded("floor", x)


@primitive("ceiling")
def ceiling(x: Any) -> Any:
    return ar.rounded("ceiling", x)


@primitive("truncate")
def truncate(x: Any) -> Any:
    return ar.rounded("truncate", x)


@primitive("round")
def round_even(x: Any) -> Any:
    return ar.rounded("round", x)


@primitive("exact", "inexact->exact")
def exact(z: Any) -> Any:
    return op.exact(z)


@primitive("inexact", "exact->inexact")
def inexact(z: Any) -> Any:
    return op.inexact(z)


@primitive("rationalize")
def rationalize(x: Any, y: Any) -> Any:
    return ar.rationalize(x, y)


@primitive("floor->exact")
def floor_exact(x: Any) -> Any:
    return op.exact(ar.rounded("floor", x))


@primitive("ceiling->exact")
def ceiling_exact(x: Any) -> Any:
    return op.exact(ar.rounded("ceiling", x))


@primitive("truncate->exact")
def truncate_exact(x: Any) -> Any:
    return op.exact(ar.rounded("truncate", x))


@primitive("round->exact")
def round_exact(x: Any) -> Any:
    return op.exact(ar.rounded("round", x))


# -- text ----------------------------------------------------------------------------------

_SHORT = 10**18
"""Smaller numbers need no check of their length before they are written out."""


@primitive("number->string")
def number_to_string(z: Any, radix: Any = DEFAULT) -> Any:
    if radix is DEFAULT and type(z) is int and -_SHORT < z < _SHORT:
        return String(str(z))
    base = 10 if radix is DEFAULT else checks.radix("number->string", radix)
    check_printable("number->string", check_number("number->string", z))
    if base > COMPLEX_RADIX_MAX and type(z) not in REALS:
        raise fail(
            "range-error",
            f"number->string: the radix of a complex number is at most {COMPLEX_RADIX_MAX}, got",
            base,
        )
    return String(number_text(z, base))


@primitive("string->number")
def string_to_number(string: Any, radix: Any = DEFAULT) -> Any:
    text = checks.text("string->number", string)
    return parse_number(text, 10 if radix is DEFAULT else checks.radix("string->number", radix))
