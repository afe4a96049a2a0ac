"""Parts of strings: searching, comparing and cutting between two positions (SRFI 13, SRFI 130).

Layer: primitives. Imports values.
Invariant: none takes a procedure; a criterion is a character or the content of a set of characters (charsets.py).
The libraries check and complete the positions with `%string-range` before they go on with them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from perdure.primitives import checks
from perdure.primitives.chars import downcase, foldcase, upcase
from perdure.primitives.charsets import membership
from perdure.primitives.registry import primitive
from perdure.values.conditions import fail
from perdure.values.lists import list_items
from perdure.values.types import DEFAULT, Char, Pair, String


def _part(string: Any, start: Any, end: Any, procedure: str) -> str:
    text = checks.text(procedure, string)
    first, last = checks.span(procedure, start, end, len(text))
    return text[first:last]


@primitive("%string-range")
def string_range(procedure: Any, string: Any, range: Any) -> Any:
    """Return (start . end), checked, of a list of at most two optional arguments."""
    name = checks.symbol_name("%string-range", procedure)
    text = checks.text(name, string)
    given = list_items(name, range)
    if len(given) > 2:
        raise fail("arity-error", f"{name}: at most a start and an end may follow, got", range)
    start, end = [*given, DEFAULT, DEFAULT][:2]
    return Pair(*checks.span(name, start, end, len(text)))


# -- scanning ----------------------------------------------------------------------------


@primitive("%string-scan")
def string_scan(string: Any, criterion: Any, start: Any, end: Any, wanted: Any) -> Any:
    """Return the first position whose character meets the criterion (or, with #f as `wanted`, does not), or #f."""
    text = checks.text("string-index", string)
    first, last = checks.span("string-index", start, end, len(text))
    holds, right = membership("string-index", criterion), wanted is not None
    for place in range(first, last):
        if holds(text[place]) is right:
            return place
    return None


@primitive("%string-scan-back")
def string_scan_back(string: Any, criterion: Any, start: Any, end: Any, wanted: Any) -> Any:
    """Return the last position whose character meets the criterion (or, with #f as `wanted`, does not), or #f."""
    text = checks.text("string-index-right", string)
    first, last = checks.span("string-index-right", start, end, len(text))
    holds, right = membership("string-index-right", criterion), wanted is not None
    for place in reversed(range(first, last)):
        if holds(text[place]) is right:
            return place
    return None


@primitive("%string-find")
def string_find(string: Any, pattern: Any, start: Any, end: Any, fold: Any) -> Any:
    """Return the first position of a pattern in a part of a string, or #f; with `fold`, in any case."""
    text = checks.text("string-contains", string)
    wanted = checks.text("string-contains", pattern)
    first, last = checks.span("string-contains", start, end, len(text))
    if fold is not None:
        text, wanted = _folded(text), _folded(wanted)
    place = text.find(wanted, first, last)
    return None if place < 0 else place


@primitive("%string-find-back")
def string_find_back(string: Any, pattern: Any, start: Any, end: Any) -> Any:
    """Return the last position of a pattern in a part of a string, or #f."""
    text = checks.text("string-contains-right", string)
    wanted = checks.text("string-contains-right", pattern)
    first, last = checks.span("string-contains-right", start, end, len(text))
    place = text.rfind(wanted, first, last)
    return None if place < 0 else place


# -- comparing ---------------------------------------------------------------------------


def _folded(text: str) -> str:
    """Return a text in which case does not count, character by character: positions stay."""
    return text.casefold() if text.isascii() else "".join(map(foldcase, text))


def _common(one: str, other: str) -> int:
    if one == other:
        return len(one)
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@primitive("%string-common-prefix")
def common_prefix(string1: Any, string2: Any, fold: Any) -> Any:
    """Return how many characters two strings have in common at their starts."""
    one = checks.text("string-prefix-length", string1)
    other = checks.text("string-prefix-length", string2)
    if fold is not None:
        one, other = _folded(one), _folded(other)
    return _common(one, other)


@primitive("%string-common-suffix")
def common_suffix(string1: Any, string2: Any, fold: Any) -> Any:
    """Return how many characters two strings have in common at their ends."""
    one = checks.text("string-suffix-length", string1)
    other = checks.text("string-suffix-length", string2)
    if fold is not None:
        one, other = _folded(one), _folded(other)
    return _common(one[::-1], other[::-1])


@primitive("%string-fold-case")
def fold_case(string: Any) -> Any:
    """Return the string in which case does not count; no character becomes two."""
    return String(_folded(checks.text("string-ci", string)))


_HASH_BITS = 29
"""A hash is small enough to be a fixnum anywhere."""


@primitive("%string-hash-of")
def string_hash_of(string: Any, bound: Any) -> Any:
    """Return a hash below a bound, if it is not 0: the same in every process."""
    text = checks.text("string-hash", string)
    below = checks.count("string-hash", bound)
    found = zlib.crc32(text.encode("utf-8", "surrogatepass")) >> (32 - _HASH_BITS)
    return found % below if below else found


# -- making ------------------------------------------------------------------------------


def _mapping(name: str, mapped: Callable[[str], str]) -> None:
    @primitive(name)
    def convert(string: Any) -> Any:
        return String("".join(map(mapped, checks.text(name, string))))


# The simple mappings of characters: unlike `string-upcase`, they keep the length, so that a part may be replaced.
_mapping("%string-simple-upcase", upcase)
_mapping("%string-simple-downcase", downcase)


@primitive("%string-titlecase")
def titlecase(string: Any) -> Any:
    """Return the string with every word's first letter in title case and the others in lower case."""
    letters, inside = [], False
    for value in checks.text("string-titlecase", string):
        title = value.title()
        letters.append(downcase(value) if inside else title if len(title) == 1 else value)
        inside = value.isalpha()
    return String("".join(letters))


@primitive("%string-cyclic")
def string_cyclic(string: Any, from_: Any, to: Any) -> Any:
    """Return the characters from `from` to `to` - 1 of a string that repeats itself both ways without end."""
    text = checks.text("xsubstring", string)
    for bound in (from_, to):
        if type(bound) is not int:
            raise fail("type-error", "xsubstring: expected an exact integer, got", bound)
    if to < from_:
        raise fail("range-error", f"xsubstring: the start {from_} is after the end {to}")
    if from_ == to:
        return String("")
    if not text:
        raise fail("range-error", "xsubstring: an empty string can't be repeated")
    size = checks.within("xsubstring", to - from_)
    first = from_ % len(text)
    return String((text * (-(-(first + size) // len(text))))[first : first + size])


@primitive("%string-kept")
def string_kept(string: Any, criterion: Any, start: Any, end: Any, wanted: Any) -> Any:
    """Return the characters of a part that meet the criterion (or, with #f as `wanted`, do not), as a string."""
    text = _part(string, start, end, "string-filter")
    holds, right = membership("string-filter", criterion), wanted is not None
    return String("".join([value for value in text if holds(value) is right]))


@primitive("%string-of")
def string_of(pieces: Any) -> Any:
    """Return the characters and strings of a list as one string."""
    row = list_items("string-unfold", pieces)
    texts = [
        each.value if type(each) is Char else checks.text("string-unfold", each) for each in row
    ]
    checks.within("string-unfold", sum(map(len, texts)))
    return String("".join(texts))
