"""The operations on numbers: + - * / and their kin, rounding, roots, elementary functions, text.

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
from perdure.values import numbers as nu
from perdure.values.numerals import check_printable, number_text, parse_number
from perdure.values.types import DEFAULT, String, Values


@primitive("+")
def plus(*z: Any) -> Any:
    if len(z) == 2:
        return nu.add(z[0], z[1])
    total: Any = 0
    for x in z:
        total = nu.add(total, x)
    return total


@primitive("*")
def times(*z: Any) -> Any:
    if len(z) == 2:
        return nu.multiply(z[0], z[1])
    total: Any = 1
    for x in z:
        total = nu.multiply(total, x)
    return total


@primitive("-")
def minus(z: Any, *more: Any) -> Any:
    if len(more) == 1:
        return nu.subtract(z, more[0])
    if not more:
        return nu.negate(z)
    for x in more:
        z = nu.subtract(z, x)
    return z


@primitive("/")
def over(z: Any, *more: Any) -> Any:
    if len(more) == 1:
        return nu.divide(z, more[0])
    if not more:
        return nu.divide(1, z)
    for x in more:
        z = nu.divide(z, x)
    return z


@primitive("abs", "magnitude")
def absolute(x: Any) -> Any:
    if type(nu.check_number("abs", x)) is float:
        return math.fabs(x)
    return -x if x < 0 else x


@primitive("square")
def square(z: Any) -> Any:
    return nu.multiply(nu.check_number("square", z), z)


@primitive("1+")
def increment(z: Any) -> Any:
    return nu.add(z, 1)


@primitive("-1+", "1-")
def decrement(z: Any) -> Any:
    return nu.subtract(z, 1)


@primitive("max")
def largest(x: Any, *more: Any) -> Any:
    return nu.extreme("max", (x, *more), largest=True)


@primitive("min")
def smallest(x: Any, *more: Any) -> Any:
    return nu.extreme("min", (x, *more), largest=False)


# -- integer division ----------------------------------------------------------------------


@primitive("quotient", "truncate-quotient")
def quotient(n1: Any, n2: Any) -> Any:
    return ar.truncate_divide(n1, n2, "quotient")[0]


@primitive("remainder", "truncate-remainder")
def remainder(n1: Any, n2: Any) -> Any:
    return ar.truncate_divide(n1, n2, "remainder")[1]


@primitive("modulo", "floor-remainder")
def modulo(n1: Any, n2: Any) -> Any:
    return ar.floor_divide(n1, n2, "modulo")[1]


@primitive("floor-quotient")
def floor_quotient(n1: Any, n2: Any) -> Any:
    return ar.floor_divide(n1, n2, "floor-quotient")[0]


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
    return nu.exact(z)


@primitive("inexact", "exact->inexact")
def inexact(z: Any) -> Any:
    return nu.inexact(z)


@primitive("rationalize")
def rationalize(x: Any, y: Any) -> Any:
    return ar.rationalize(x, y)


@primitive("real-part")
def real_part(z: Any) -> Any:
    return nu.check_number("real-part", z)


@primitive("imag-part")
def imag_part(z: Any) -> Any:
    nu.check_number("imag-part", z)
    return 0


@primitive("angle")
def angle(z: Any) -> Any:
    return ar.atan2(0, nu.check_number("angle", z)) if z != 0 else 0


@primitive("floor->exact")
def floor_exact(x: Any) -> Any:
    return nu.exact(ar.rounded("floor", x))


@primitive("ceiling->exact")
def ceiling_exact(x: Any) -> Any:
    return nu.exact(ar.rounded("ceiling", x))


@primitive("truncate->exact")
def truncate_exact(x: Any) -> Any:
    return nu.exact(ar.rounded("truncate", x))


@primitive("round->exact")
def round_exact(x: Any) -> Any:
    return nu.exact(ar.rounded("round", x))


# -- powers, roots, elementary functions ---------------------------------------------------


@primitive("expt")
def expt(z1: Any, z2: Any) -> Any:
    return ar.expt(z1, z2)


@primitive("sqrt")
def sqrt(z: Any) -> Any:
    return ar.sqrt(z)


@primitive("exact-integer-sqrt")
def exact_integer_sqrt(k: Any) -> Any:
    return Values(ar.exact_integer_sqrt(k))


@primitive("exp")
def exp(z: Any) -> Any:
    return ar.exp(z)


@primitive("log")
def log(z1: Any, z2: Any = DEFAULT) -> Any:
    return ar.log(z1) if z2 is DEFAULT else nu.divide(ar.log(z1), ar.log(z2))


@primitive("sin")
def sin(z: Any) -> Any:
    return ar.sin(z)


@primitive("cos")
def cos(z: Any) -> Any:
    return ar.cos(z)


@primitive("tan")
def tan(z: Any) -> Any:
    return ar.tan(z)


@primitive("asin")
def asin(z: Any) -> Any:
    return ar.asin(z)


@primitive("acos")
def acos(z: Any) -> Any:
    return ar.acos(z)


@primitive("atan")
def atan(y: Any, x: Any = DEFAULT) -> Any:
    return ar.atan1(y) if x is DEFAULT else ar.atan2(y, x)


# -- bits (SRFI 151) -----------------------------------------------------------------------


@primitive("bitwise-and")
def bitwise_and(*i: Any) -> Any:
    total = -1
    for x in i:
        total &= nu.check_exact_integer("bitwise-and", x)
    return total


@primitive("bitwise-or", "bitwise-ior")
def bitwise_or(*i: Any) -> Any:
    total = 0
    for x in i:
        total |= nu.check_exact_integer("bitwise-or", x)
    return total


@primitive("bitwise-xor")
def bitwise_xor(*i: Any) -> Any:
    total = 0
    for x in i:
        total ^= nu.check_exact_integer("bitwise-xor", x)
    return total


@primitive("bitwise-not")
def bitwise_not(i: Any) -> Any:
    return ~nu.check_exact_integer("bitwise-not", i)


@primitive("arithmetic-shift")
def arithmetic_shift(i: Any, count: Any) -> Any:
    return ar.arithmetic_shift(i, count)


@primitive("bit-count")
def bit_count(i: Any) -> Any:
    n = nu.check_exact_integer("bit-count", i)
    return (n if n >= 0 else ~n).bit_count()


@primitive("integer-length")
def integer_length(i: Any) -> Any:
    n = nu.check_exact_integer("integer-length", i)
    return (n if n >= 0 else ~n).bit_length()


# -- text ----------------------------------------------------------------------------------


@primitive("number->string")
def number_to_string(z: Any, radix: Any = DEFAULT) -> Any:
    base = 10 if radix is DEFAULT else checks.radix("number->string", radix)
    check_printable("number->string", nu.check_number("number->string", z))
    return String(number_text(z, base))


@primitive("string->number")
def string_to_number(string: Any, radix: Any = DEFAULT) -> Any:
    text = checks.text("string->number", string)
    return parse_number(text, 10 if radix is DEFAULT else checks.radix("string->number", radix))
