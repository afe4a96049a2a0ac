"""Strings.

Layer: primitives. Imports values.
Invariant: a result's size is checked before it is made; positions are those of characters (code
points).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perdure.primitives import checks
from perdure.primitives.chars import ORDERS, is_space
from perdure.primitives.registry import primitive
from perdure.values.barrier import touch
from perdure.values.conditions import wrong_type
from perdure.values.lists import from_items, list_items
from perdure.values.types import DEFAULT, TRUE, UNSPECIFIED, Char, String, Vector, char


def _put(string: String, text: str) -> Any:
    if string.oid:
        touch(string)
    string.text = text
    return UNSPECIFIED


def _part(procedure: str, string: Any, start: Any, end: Any) -> str:
    text = checks.text(procedure, string)
    first, last = checks.span(procedure, start, end, len(text))
    return text[first:last]


def _letters(procedure: str, chars: Any) -> str:
    return "".join([checks.letter(procedure, each) for each in chars])


# -- making --------------------------------------------------------------------------------


@primitive("string?")
def is_string(obj: Any) -> Any:
    return TRUE if type(obj) is String else None


@primitive("make-string")
def make_string(k: Any, char: Any = DEFAULT) -> Any:
    fill = " " if char is DEFAULT else checks.letter("make-string", char)
    return String(fill * checks.size("make-string", k))


@primitive("string")
def string(*chars: Any) -> Any:
    return String(_letters("string", chars))


@primitive("string-copy")
def string_copy(string: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    return String(_part("string-copy", string, start, end))


@primitive("substring")
def substring(string: Any, start: Any, end: Any = DEFAULT) -> Any:
    return String(_part("substring", string, start, end))


@primitive("string-append")
def string_append(*strings: Any) -> Any:
    if len(strings) == 2:
        left, right = strings
        if type(left) is String and type(right) is String:
            checks.within("string-append", len(left.text) + len(right.text))
            return String(left.text + right.text)
    parts = [checks.text("string-append", each) for each in strings]
    checks.within("string-append", sum(map(len, parts)))
    return String("".join(parts))


@primitive("string-join")
def string_join(strings: Any, delimiter: Any = DEFAULT) -> Any:
    between = " " if delimiter is DEFAULT else checks.text("string-join", delimiter)
    row = list_items("string-join", strings, "a list of strings")
    parts = [checks.text("string-join", each) for each in row]
    checks.within("string-join", sum(map(len, parts)) + len(between) * len(parts))
    return String(between.join(parts))


@primitive("string-repeat")
def string_repeat(string: Any, k: Any) -> Any:
    text = checks.text("string-repeat", string)
    checks.within("string-repeat", len(text) * checks.count("string-repeat", k))
    return String(text * k if text else "")


@primitive("list->string")
def list_to_string(list: Any) -> Any:
    return String(_letters("list->string", list_items("list->string", list)))


@primitive("string->list")
def string_to_list(string: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    return from_items([char(c) for c in _part("string->list", string, start, end)])


@primitive("string->vector")
def string_to_vector(string: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    return Vector([char(c) for c in _part("string->vector", string, start, end)])


@primitive("vector->string")
def vector_to_string(vector: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    row = checks.items("vector->string", vector)
    first, last = checks.span("vector->string", start, end, len(row))
    return String(_letters("vector->string", row[first:last]))


# -- characters in strings -----------------------------------------------------------------


@primitive("string-length")
def string_length(string: Any) -> Any:
    return len(checks.text("string-length", string))


@primitive("string-null?")
def is_empty(string: Any) -> Any:
    return None if checks.text("string-null?", string) else TRUE


@primitive("string-ref")
def string_ref(string: Any, k: Any) -> Any:
    text = checks.text("string-ref", string)
    return char(text[checks.index("string-ref", k, len(text))])


@primitive("string-set!")
def string_set(string: Any, k: Any, char: Any) -> Any:
    text = checks.text("string-set!", string)
    at = checks.index("string-set!", k, len(text))
    return _put(string, f"{text[:at]}{checks.letter('string-set!', char)}{text[at + 1 :]}")


@primitive("string-fill!")
def string_fill(string: Any, fill: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    text = checks.text("string-fill!", string)
    first, last = checks.span("string-fill!", start, end, len(text))
    filler = checks.letter("string-fill!", fill)
    return _put(string, f"{text[:first]}{filler * (last - first)}{text[last:]}")


@primitive("string-copy!")
def string_copy_into(to: Any, at: Any, from_: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    text = checks.text("string-copy!", to)
    part = _part("string-copy!", from_, start, end)
    first, last = checks.span("string-copy!", at, DEFAULT, len(text))
    if len(part) > last - first:
        raise checks.out_of_range("string-copy!", first + len(part), len(text))
    return _put(to, f"{text[:first]}{part}{text[first + len(part) :]}")


# -- comparison ----------------------------------------------------------------------------


def _comparison(name: str, holds: Callable[[Any, Any], bool], fold: Callable[[str], str]) -> None:
    @primitive(name)
    def compare(string1: Any, *more: Any) -> Any:
        row = [fold(checks.text(name, each)) for each in (string1, *more)]
        return TRUE if all(map(holds, row, row[1:])) else None


for _suffix, _holds in ORDERS:
    _comparison(f"string{_suffix}", _holds, str)
    _comparison(f"string-ci{_suffix}", _holds, str.casefold)


# -- case ----------------------------------------------------------------------------------


@primitive("string-upcase")
def string_upcase(string: Any) -> Any:
    return String(checks.text("string-upcase", string).upper())


@primitive("string-downcase")
def string_downcase(string: Any) -> Any:
    return String(checks.text("string-downcase", string).lower())


@primitive("string-foldcase")
def string_foldcase(string: Any) -> Any:
    return String(checks.text("string-foldcase", string).casefold())


# -- searching, cutting, padding -----------------------------------------------------------


def _pattern(procedure: str, x: Any) -> str:
    """Return what to look for: a string, or a character as one."""
    if type(x) is Char:
        return x.value
    if type(x) is not String:
        raise wrong_type(procedure, "a string or character", x)
    return x.text


def _found(position: int) -> Any:
    return None if position < 0 else position


@primitive("string-contains")
def string_contains(string: Any, pattern: Any, start: Any = DEFAULT) -> Any:
    text = checks.text("string-contains", string)
    first, _ = checks.span("string-contains", start, DEFAULT, len(text))
    return _found(text.find(_pattern("string-contains", pattern), first))


@primitive("string-search-forward")
def search_forward(pattern: Any, string: Any, start: Any = DEFAULT) -> Any:
    text = checks.text("string-search-forward", string)
    first, _ = checks.span("string-search-forward", start, DEFAULT, len(text))
    return _found(text.find(_pattern("string-search-forward", pattern), first))


@primitive("string-search-backward")
def search_backward(pattern: Any, string: Any, end: Any = DEFAULT) -> Any:
    text = checks.text("string-search-backward", string)
    _, last = checks.span("string-search-backward", DEFAULT, end, len(text))
    wanted = _pattern("string-search-backward", pattern)
    position = text.rfind(wanted, 0, last)
    return None if position < 0 else position + len(wanted)


@primitive("string-index-of")
def string_index_of(string: Any, pattern: Any) -> Any:
    text = checks.text("string-index-of", string)
    return _found(text.find(_pattern("string-index-of", pattern)))


@primitive("string-prefix?")
def is_prefix(prefix: Any, string: Any) -> Any:
    text = checks.text("string-prefix?", string)
    return TRUE if text.startswith(checks.text("string-prefix?", prefix)) else None


@primitive("string-suffix?")
def is_suffix(suffix: Any, string: Any) -> Any:
    text = checks.text("string-suffix?", string)
    return TRUE if text.endswith(checks.text("string-suffix?", suffix)) else None


@primitive("string-split")
def string_split(string: Any, delimiter: Any = DEFAULT) -> Any:
    """Split at a string or character; without one, at runs of white space, as Python does."""
    text = checks.text("string-split", string)
    if delimiter is DEFAULT:
        parts = "".join([" " if is_space(c) else c for c in text]).split(" ")
        return from_items([String(part) for part in parts if part])
    between = _pattern("string-split", delimiter)
    return from_items([String(part) for part in (text.split(between) if between else text)])


@primitive("string-replace-all")
def string_replace(string: Any, old: Any, new: Any) -> Any:
    text = checks.text("string-replace-all", string)
    wanted = _pattern("string-replace-all", old)
    instead = _pattern("string-replace-all", new)
    checks.within("string-replace-all", len(text) + (text.count(wanted)) * len(instead))
    return String(text.replace(wanted, instead) if wanted else text)


def _space_ends(text: str, *, left: bool, right: bool) -> str:
    first, last = 0, len(text)
    while left and first < last and is_space(text[first]):
        first += 1
    while right and first < last and is_space(text[last - 1]):
        last -= 1
    return text[first:last]


@primitive("string-trim-both", "string-trim")
def string_trim(string: Any) -> Any:
    return String(_space_ends(checks.text("string-trim", string), left=True, right=True))


@primitive("string-trim-left")
def string_trim_left(string: Any) -> Any:
    return String(_space_ends(checks.text("string-trim-left", string), left=True, right=False))


@primitive("string-trim-right")
def string_trim_right(string: Any) -> Any:
    return String(_space_ends(checks.text("string-trim-right", string), left=False, right=True))


@primitive("string-reverse")
def string_reverse(string: Any) -> Any:
    return String(checks.text("string-reverse", string)[::-1])


@primitive("string-pad-left")
def string_pad_left(string: Any, n: Any, char: Any = DEFAULT) -> Any:
    """Return the string with n characters: filled or, as MIT Scheme has it, cut on the left."""
    text = checks.text("string-pad-left", string)
    width = checks.size("string-pad-left", n)
    fill = " " if char is DEFAULT else checks.letter("string-pad-left", char)
    return String(text.rjust(width, fill)[max(0, len(text) - width) :])


@primitive("string-pad-right")
def string_pad_right(string: Any, n: Any, char: Any = DEFAULT) -> Any:
    text = checks.text("string-pad-right", string)
    width = checks.size("string-pad-right", n)
    fill = " " if char is DEFAULT else checks.letter("string-pad-right", char)
    return String(text.ljust(width, fill)[:width])
