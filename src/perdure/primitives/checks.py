"""Checks of arguments that the families of primitives share.

Layer: primitives. Imports values, limits.
Invariant: a check raises a condition or returns what the caller goes on with; it never changes
anything. Every size that a program chooses passes `size` before anything of that size is made.
"""

from __future__ import annotations

from typing import Any

from perdure.base import limits
from perdure.machine import watchdog
from perdure.values.conditions import SchemeError, condition, fail, wrong_type
from perdure.values.numerals import integer_text
from perdure.values.types import (
    DEFAULT,
    Bytevector,
    Char,
    HashTable,
    Pair,
    String,
    Symbol,
    Vector,
)


def pair(procedure: str, x: Any) -> Pair:
    """Return x if it is a pair."""
    if type(x) is not Pair:
        raise wrong_type(procedure, "a pair", x)
    return x


def text(procedure: str, x: Any) -> str:
    """Return the text of a string."""
    if type(x) is not String:
        raise wrong_type(procedure, "a string", x)
    return x.text


def items(procedure: str, x: Any) -> list[Any]:
    """Return the slots of a vector, not a copy."""
    if type(x) is not Vector:
        raise wrong_type(procedure, "a vector", x)
    return x.items


def octets(procedure: str, x: Any) -> bytearray:
    """Return the bytes of a bytevector, not a copy."""
    if type(x) is not Bytevector:
        raise wrong_type(procedure, "a bytevector", x)
    return x.octets


def letter(procedure: str, x: Any) -> str:
    """Return the Python string of a character."""
    if type(x) is not Char:
        raise wrong_type(procedure, "a character", x)
    return x.value


def symbol_name(procedure: str, x: Any) -> str:
    """Return the name of a symbol."""
    if type(x) is not Symbol:
        raise wrong_type(procedure, "a symbol", x)
    return x.name


def table(procedure: str, x: Any) -> HashTable:
    """Return x if it is a hash table."""
    if type(x) is not HashTable:
        raise wrong_type(procedure, "a hash table", x)
    return x


def octet(procedure: str, x: Any) -> int:
    """Return x if it is a byte."""
    if type(x) is not int or not 0 <= x <= 255:
        raise wrong_type(procedure, "an exact integer from 0 to 255", x)
    return x


def _number(n: int) -> str:
    return integer_text(n) if n.bit_length() < 200 else "a huge integer"


def out_of_range(
    procedure: str, found: int, length: int, *, most: int | None = None
) -> SchemeError:
    """Return the error of an index: `vector-ref: index out of range: 5 (length 3)`.

    Args:
      procedure: who found it.
      found: the index.
      length: how many elements there are.
      most: the largest that was right, if that is not the length; it is the condition's detail.
    """
    message = f"{procedure}: index out of range: {_number(found)} (length {length})"
    largest = length if most is None else most
    return SchemeError(condition("range-error", message, detail=largest))


def index(procedure: str, x: Any, length: int) -> int:
    """Return x if it is an exact integer from 0 to length - 1."""
    if type(x) is not int:
        raise wrong_type(procedure, "an exact integer as index", x)
    if not 0 <= x < length:
        raise out_of_range(procedure, x, length, most=length - 1)
    return x


def span(procedure: str, start: Any, end: Any, length: int) -> tuple[int, int]:
    """Return the bounds of a part; either may be DEFAULT. Checks 0 <= start <= end <= length."""
    last = length if end is DEFAULT else end
    first = 0 if start is DEFAULT else start
    for bound in (first, last):
        if type(bound) is not int:
            raise wrong_type(procedure, "an exact integer as index", bound)
        if not 0 <= bound <= length:
            raise out_of_range(procedure, bound, length)
    if first > last:
        raise fail("range-error", f"{procedure}: the start {first} is after the end {last}")
    return first, last


def count(procedure: str, x: Any) -> int:
    """Return x if it is an exact integer and not negative."""
    if type(x) is not int or x < 0:
        raise wrong_type(procedure, "a nonnegative exact integer", x)
    return x


def within(procedure: str, size: int) -> int:
    """Return a size that was computed, if one object may be so large."""
    # Eight bytes an element, as in a vector: what alone would take more than a run may have is refused before it is made.
    most = min(limits.OBJECT_MAX_SLOTS, watchdog.memory_max_bytes() // 8)
    if size > most:
        raise fail(
            "quota-error",
            f"{procedure}: the result would have {_number(size)} elements, more than the limit of {most}",
        )
    return size


def size(procedure: str, x: Any) -> int:
    """Return x if it is a size that a program may ask for."""
    return within(procedure, count(procedure, x))


def radix(procedure: str, x: Any) -> int:
    """Return x if numbers can be written in that radix."""
    if type(x) is not int or not 2 <= x <= 36:
        raise wrong_type(procedure, "a radix from 2 to 36", x)
    return x
