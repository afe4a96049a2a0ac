"""Sets of characters (SRFI 14), as its library stores them.

Layer: primitives. Imports values.
Invariant: the content of a set is either a symbol, which names a property of Unicode, or a string of the first and
the last character of each stretch, in order: "09az" is the digits and the small letters. No primitive changes one: each
result is a new string, so a set that the standard library holds never becomes a part of a run's own.

Not one list of ranges for each standard set: `char-set:letter` would have some 600 of them, computed at every start,
and each snapshot that refers to it would hold them.
"""

from __future__ import annotations

import functools
import unicodedata
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from perdure.primitives import checks
from perdure.primitives.chars import is_space
from perdure.primitives.registry import primitive
from perdure.values.conditions import fail, wrong_type
from perdure.values.lists import list_items
from perdure.values.types import TRUE, Char, String, Symbol, Vector, char

_SURROGATES = (0xD800, 0xE000)
_LAST = 0x110000
_ASSIGNED = (range(0x40000), range(0xE0000, 0xE1000))
"""Where characters with properties are; what lies outside is unassigned or for private use."""


def _categories(*names: str) -> Callable[[str], bool]:
    return lambda value: unicodedata.category(value).startswith(names)


def _is_blank(value: str) -> bool:
    return value == "\t" or unicodedata.category(value) == "Zs"


def _is_graphic(value: str) -> bool:
    return unicodedata.category(value).startswith(("L", "Nd", "P", "S"))


PROPERTIES: dict[str, Callable[[str], bool]] = {
    # SRFI 14 leaves out what only looks like a letter, such as circled ones.
    "lower-case": lambda value: value.islower() and value.isalpha(),
    "upper-case": lambda value: value.isupper() and value.isalpha(),
    "title-case": _categories("Lt"),
    "letter": str.isalpha,
    "digit": str.isdecimal,
    "letter+digit": lambda value: value.isalpha() or value.isdecimal(),
    "graphic": _is_graphic,
    "printing": lambda value: _is_graphic(value) or is_space(value),
    "whitespace": is_space,
    "iso-control": _categories("Cc"),
    "punctuation": _categories("P"),
    "symbol": _categories("S"),
    "hex-digit": lambda value: value in "0123456789abcdefABCDEF",
    "blank": _is_blank,
    "ascii": str.isascii,
    "empty": lambda _: False,
    "full": lambda _: True,
}


def _from_codes(codes: Iterable[int]) -> list[int]:
    """Return the bounds of a set of code points that go up: where it begins and ends, by turns."""
    bounds: list[int] = []
    for code in codes:
        if bounds and bounds[-1] == code:
            bounds[-1] = code + 1
        else:
            bounds += (code, code + 1)
    return bounds


@functools.cache
def _property_bounds(name: str) -> list[int]:
    if name == "full":
        return [0, _SURROGATES[0], _SURROGATES[1], _LAST]
    holds = PROPERTIES[name]
    return _from_codes(code for part in _ASSIGNED for code in part if holds(chr(code)))


def _bounds(content: Any) -> list[int]:
    """Return where a set begins and where it ends, by turns: an end is the first code point behind."""
    if type(content) is Symbol and content.name in PROPERTIES:
        return _property_bounds(content.name)
    if type(content) is not String:
        raise wrong_type("char-set", "the content of a set of characters", content)
    stretches = zip(content.text[::2], content.text[1::2], strict=False)
    return [code for first, last in stretches for code in (ord(first), ord(last) + 1)]


def _content(bounds: list[int]) -> String:
    stretches = zip(bounds[::2], bounds[1::2], strict=False)
    return String("".join([chr(a) + chr(b - 1) for a, b in stretches if a < b]))


def membership(procedure: str, criterion: Any) -> Callable[[str], bool]:
    """Return the test for one character, or for being in a set whose content is given."""
    if type(criterion) is Char:
        return criterion.value.__eq__
    if type(criterion) is Symbol and criterion.name in PROPERTIES:
        return PROPERTIES[criterion.name]
    if type(criterion) is String:
        return functools.partial(_is_within, criterion.text)
    raise wrong_type(procedure, "a character or a set of characters", criterion)


def _is_within(stretches: str, value: str) -> bool:
    place = bisect_right(stretches, value)
    # Behind an even number of bounds, the character can only be the last one of a stretch.
    return place % 2 == 1 or (place > 0 and stretches[place - 1] == value)


@primitive("%char-set-has?")
def char_set_has(content: Any, char: Any) -> Any:
    value = checks.letter("char-set-contains?", char)
    return TRUE if membership("char-set-contains?", content)(value) else None


@primitive("%char-set-size")
def char_set_size(content: Any) -> Any:
    bounds = _bounds(content)
    return sum(bounds[1::2]) - sum(bounds[::2])


@primitive("%char-set-next")
def char_set_next(content: Any, code: Any) -> Any:
    """Return the first code point of a set that is not below `code`, or #f."""
    at = checks.count("char-set-cursor-next", code)
    if type(content) is String and at < _LAST:
        # No list of bounds: a walk asks once for each character.
        stretches, value = content.text, chr(at)
        if _is_within(stretches, value):
            return at
        place = bisect_right(stretches, value)
        return ord(stretches[place]) if place < len(stretches) else None
    bounds = _bounds(content)
    place = bisect_right(bounds, at)
    if place % 2:
        return at
    return bounds[place] if place < len(bounds) else None


@primitive("%char-set-chars")
def char_set_chars(content: Any) -> Any:
    """Return the characters of a set as a vector, in order."""
    bounds = _bounds(content)
    stretches = zip(bounds[::2], bounds[1::2], strict=False)
    return Vector([char(chr(code)) for first, end in stretches for code in range(first, end)])


# -- making ------------------------------------------------------------------------------


@primitive("%char-set-of")
def char_set_of(chars: Any) -> Any:
    """Return the content that holds the characters of a list."""
    row = list_items("list->char-set", chars, "a list of characters")
    return _content(_from_codes(sorted({ord(checks.letter("char-set", each)) for each in row})))


@primitive("%char-set-range")
def char_set_range(lower: Any, upper: Any, strict: Any) -> Any:
    """Return the content from `lower` to `upper` - 1; if `strict`, more than there is in Unicode is an error."""
    first = checks.count("ucs-range->char-set", lower)
    last = checks.count("ucs-range->char-set", upper)
    if first > last:
        raise fail("range-error", f"ucs-range->char-set: the start {first} is after the end {last}")
    if strict is not None and last > _LAST:
        raise checks.out_of_range("ucs-range->char-set", last, _LAST)
    wanted = [first, min(last, _LAST)] if first < min(last, _LAST) else []
    return _content(_merged(wanted, _property_bounds("full"), _OPERATIONS["intersection"]))


def _merged(one: list[int], other: list[int], keeps: Callable[[bool, bool], bool]) -> list[int]:
    """Return the bounds of a set that has a character if `keeps` says so of its being in two others."""
    result: list[int] = []
    i = j = 0
    inside = False
    while i < len(one) or j < len(other):
        next_one = one[i] if i < len(one) else _LAST
        next_other = other[j] if j < len(other) else _LAST
        at = min(next_one, next_other)
        if i < len(one) and next_one == at:
            i += 1
        if j < len(other) and next_other == at:
            j += 1
        if keeps(bool(i % 2), bool(j % 2)) != inside:
            inside = not inside
            result.append(at)
    return result


_OPERATIONS: dict[str, Callable[[bool, bool], bool]] = {
    "union": lambda a, b: a or b,
    "intersection": lambda a, b: a and b,
    "difference": lambda a, b: a and not b,
    "xor": lambda a, b: a != b,
}


@primitive("%char-set-combine")
def char_set_combine(operation: Any, content: Any, contents: Any) -> Any:
    """Return the union, intersection, difference or xor of a content with others, from left to right."""
    keeps = _OPERATIONS.get(checks.symbol_name("char-set-union", operation))
    if keeps is None:
        raise wrong_type("char-set-union", "an operation on sets", operation)
    result = _bounds(content)
    for each in list_items("char-set-union", contents):
        result = _merged(result, _bounds(each), keeps)
    return _content(result)


@primitive("%char-set-same?")
def char_sets_same(content1: Any, content2: Any) -> Any:
    return TRUE if _bounds(content1) == _bounds(content2) else None


@primitive("%char-set-within?")
def char_set_within(content1: Any, content2: Any) -> Any:
    outside = _merged(_bounds(content1), _bounds(content2), _OPERATIONS["difference"])
    return None if outside else TRUE


@primitive("%char-set-hash")
def char_set_hash(content: Any) -> Any:
    return zlib.crc32(repr(_bounds(content)).encode())
