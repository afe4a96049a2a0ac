"""The data structures of the Python programs: what a Python programmer would write in place of Scheme's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


class Pair:
    """A pair as Python has it: slots and `__init__`. The empty list is None."""

    __slots__ = ("car", "cdr")

    def __init__(self, car: Any, cdr: Any) -> None:
        self.car = car
        self.cdr = cdr


class Text:
    """A mutable string: a box with a Python string."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Port:
    """An output port: pieces that are joined in the end."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[str] = []


class Escape(Exception):
    """A one-shot, upward continuation; what Python has in place of `call/cc`."""

    value: Any = None


def from_items(items: Iterable[Any]) -> Pair | None:
    """Return a list of pairs with these items."""
    made: Pair | None = None
    for item in reversed(list(items)):
        made = Pair(item, made)
    return made


def items(pairs: Pair | None) -> Iterator[Any]:
    """Yield the items of a list of pairs."""
    while pairs is not None:
        yield pairs.car
        pairs = pairs.cdr


def nested(value: Any) -> Any:
    """Return nested Python lists and tuples as lists of pairs: lists become pairs, strings stay symbols."""
    if isinstance(value, list):
        return from_items(nested(v) for v in value)
    return value


def reverse(pairs: Pair | None) -> Pair | None:
    """Return a list of pairs in reverse."""
    made = None
    while pairs is not None:
        made = Pair(pairs.car, made)
        pairs = pairs.cdr
    return made


def append(first: Pair | None, second: Any) -> Any:
    """Return a copy of the first list that ends in the second one."""
    made = second
    for item in reversed(list(items(first))):
        made = Pair(item, made)
    return made


def length(pairs: Pair | None) -> int:
    """Return the length of a list of pairs."""
    count = 0
    while pairs is not None:
        count += 1
        pairs = pairs.cdr
    return count
