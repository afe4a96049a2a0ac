"""Characters.

Layer: primitives. Imports values.
Invariant: a character is a Unicode scalar value: no surrogates. Case mappings are Unicode's simple ones, as R7RS
has it: what maps to several characters (ß to SS) maps to itself; strings.py maps whole strings.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from operator import eq, ge, gt, le, lt
from typing import Any

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.conditions import fail
from perdure.values.types import TRUE, Char, char

ORDERS: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (
    ("=?", eq),
    ("<?", lt),
    (">?", gt),
    ("<=?", le),
    (">=?", ge),
)


def upcase(value: str) -> str:
    """Return the character's simple upper case."""
    mapped = value.upper()
    if len(mapped) == 1:
        return mapped
    # A small iota below becomes a second letter in capitals, and stays one character in titles.
    title = value.title()
    return title if len(title) == 1 else value


def downcase(value: str) -> str:
    """Return the character's simple lower case."""
    # Only the I with a dot above becomes two characters, of which the second is the dot.
    return value.lower()[0]


def foldcase(value: str) -> str:
    """Return the character's simple case folding."""
    folded = value.casefold()
    if len(folded) == 1:
        return folded
    lower = value.lower()
    return lower if len(lower) == 1 else value


@primitive("char?")
def is_char(obj: Any) -> Any:
    return TRUE if type(obj) is Char else None


def _comparison(name: str, holds: Callable[[Any, Any], bool], fold: Callable[[str], str]) -> None:
    @primitive(name)
    def compare(char1: Any, *more: Any) -> Any:
        row = [fold(checks.letter(name, each)) for each in (char1, *more)]
        return TRUE if all(map(holds, row, row[1:])) else None


for _suffix, _holds in ORDERS:
    _comparison(f"char{_suffix}", _holds, str)
    _comparison(f"char-ci{_suffix}", _holds, foldcase)


@primitive("char->integer")
def char_to_integer(char: Any) -> Any:
    return ord(checks.letter("char->integer", char))


@primitive("integer->char")
def integer_to_char(n: Any) -> Any:
    code = checks.count("integer->char", n)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise fail("range-error", "integer->char: not the code of a character:", n)
    return char(chr(code))


@primitive("char-upcase")
def char_upcase(char_: Any) -> Any:
    return char(upcase(checks.letter("char-upcase", char_)))


@primitive("char-downcase")
def char_downcase(char_: Any) -> Any:
    return char(downcase(checks.letter("char-downcase", char_)))


@primitive("char-foldcase")
def char_foldcase(char_: Any) -> Any:
    return char(foldcase(checks.letter("char-foldcase", char_)))


@primitive("char-alphabetic?")
def is_alphabetic(char: Any) -> Any:
    value = checks.letter("char-alphabetic?", char)
    # Unicode's Alphabetic has also Roman numerals and letters in circles, which Python's does not.
    cased = value.isalpha() or value.isupper() or value.islower()
    return TRUE if cased or unicodedata.category(value) == "Nl" else None


@primitive("char-numeric?")
def is_numeric(char: Any) -> Any:
    return TRUE if checks.letter("char-numeric?", char).isdecimal() else None


@primitive("char-whitespace?")
def is_whitespace(char: Any) -> Any:
    return TRUE if is_space(checks.letter("char-whitespace?", char)) else None


def is_space(value: str) -> bool:
    """Return whether a character is white space in Unicode; unlike Python, not 1C to 1F."""
    return value.isspace() and not "\x1c" <= value <= "\x1f"


@primitive("char-upper-case?")
def is_upper(char: Any) -> Any:
    return TRUE if checks.letter("char-upper-case?", char).isupper() else None


@primitive("char-lower-case?")
def is_lower(char: Any) -> Any:
    return TRUE if checks.letter("char-lower-case?", char).islower() else None


@primitive("digit-value")
def digit_value(char: Any) -> Any:
    return unicodedata.decimal(checks.letter("digit-value", char), None)


@primitive("char->digit")
def char_to_digit(char: Any, radix: Any = 10) -> Any:
    value = unicodedata.digit(checks.letter("char->digit", char), -1)
    low = char.value.lower()
    if value < 0 and len(low) == 1 and "a" <= low <= "z":
        value = ord(low) - ord("a") + 10
    return value if 0 <= value < checks.radix("char->digit", radix) else None


@primitive("digit->char")
def digit_to_char(digit: Any, radix: Any = 10) -> Any:
    n = checks.count("digit->char", digit)
    if n >= checks.radix("digit->char", radix):
        return None
    return char("0123456789abcdefghijklmnopqrstuvwxyz"[n])
