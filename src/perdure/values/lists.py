"""Scheme lists to Python lists and back.

Layer: values. Imports types, conditions.
Invariant: every walk ends: a circular list is found out (Brent's method) after at most three
times its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from perdure.values.conditions import wrong_type
from perdure.values.types import NIL, Pair


def from_items(items: Sequence[Any], tail: Any = NIL) -> Any:
    """Return a new list of the items that ends in `tail`."""
    for item in reversed(items):
        tail = Pair(item, tail)
    return tail


def split_list(argument: Any) -> tuple[list[Any], Any]:
    """Return the elements of a chain of pairs and what follows the last pair: NIL if it is a list.

    For a circular list, what follows is one of its pairs, and the elements are some of its own.
    """
    items: list[Any] = []
    append = items.append
    rest = turtle = argument
    stride = 64
    while True:
        for _ in range(stride):
            if type(rest) is not Pair:
                return items, rest
            append(rest.car)
            rest = rest.cdr
            if rest is turtle:
                return items, rest
        turtle = rest
        stride *= 2


def list_items(procedure: str, argument: Any, expected: str = "a list") -> list[Any]:
    """Return the elements of a Scheme list.

    Raises:
      SchemeError: type-error, if it is improper or circular.
    """
    items, rest = split_list(argument)
    if rest is not NIL:
        raise wrong_type(procedure, expected, argument)
    return items


def pairs_of(procedure: str, argument: Any) -> Iterator[Pair]:
    """Yield the pairs of a list one by one; at the end raise the type-error if it was no list."""
    rest = turtle = argument
    stride = steps = 64
    while type(rest) is Pair:
        yield rest
        rest = rest.cdr
        if rest is turtle:
            raise wrong_type(procedure, "a list", argument)
        steps -= 1
        if not steps:
            turtle = rest
            steps = stride = stride * 2
    if rest is not NIL:
        raise wrong_type(procedure, "a list", argument)
