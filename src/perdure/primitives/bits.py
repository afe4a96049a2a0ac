"""Exact integers as rows of bits, in two's complement without end: what SRFI 151 and 143 stand on.

Layer: primitives. Imports values.
Invariant: a shift that would make an integer beyond the limit of size is refused before it is made.
"""

from __future__ import annotations

from typing import Any

from perdure.primitives.registry import primitive
from perdure.values import arithmetic as ar
from perdure.values.numbers import check_exact_integer


@primitive("bitwise-and")
def bitwise_and(*i: Any) -> Any:
    total = -1
    for x in i:
        total &= check_exact_integer("bitwise-and", x)
    return total


@primitive("bitwise-ior", "bitwise-or")
def bitwise_ior(*i: Any) -> Any:
    total = 0
    for x in i:
        total |= check_exact_integer("bitwise-ior", x)
    return total


@primitive("bitwise-xor")
def bitwise_xor(*i: Any) -> Any:
    total = 0
    for x in i:
        total ^= check_exact_integer("bitwise-xor", x)
    return total


@primitive("bitwise-eqv")
def bitwise_eqv(*i: Any) -> Any:
    total = -1
    for x in i:
        total = ~(total ^ check_exact_integer("bitwise-eqv", x))
    return total


@primitive("bitwise-not")
def bitwise_not(i: Any) -> Any:
    return ~check_exact_integer("bitwise-not", i)


@primitive("arithmetic-shift")
def arithmetic_shift(i: Any, count: Any) -> Any:
    return ar.arithmetic_shift(i, count)


@primitive("bit-count")
def bit_count(i: Any) -> Any:
    """Return how many bits of i differ from its sign: ones of a natural, zeros of a negative number."""
    n = check_exact_integer("bit-count", i)
    return (n if n >= 0 else ~n).bit_count()


@primitive("integer-length")
def integer_length(i: Any) -> Any:
    """Return how many bits i has, its sign not counted."""
    n = check_exact_integer("integer-length", i)
    return (n if n >= 0 else ~n).bit_length()
