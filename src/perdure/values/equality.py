"""`eqv?` and `equal?`.

Layer: values. Imports types, numbers.
Invariant: both end on every input, circular ones too, and neither uses the stack: a list may be a
million deep.

`eq?` is `eqv?`: numbers are compared by value, characters and symbols are interned, all else is
identity. A comparison of graphs that goes on for long keeps classes of objects found (or assumed)
equal, by union-find: objects of one class are not compared again, so shared and circular
structure costs no more than its size. Not from the start: most comparisons are short, and the
table would cost more than they do.
"""

from __future__ import annotations

from math import copysign
from typing import Any

from perdure.values.numbers import EXACT
from perdure.values.types import Box, Bytevector, Pair, String, Vector

_UNCLASSED_STEPS = 2_000
"""Objects that `equal` compares before it starts to keep classes."""


def eqv(a: Any, b: Any) -> bool:
    """Return whether a and b are the same object, or equal numbers of one exactness.

    0.0 and -0.0 differ; a NaN is the same as any other.
    """
    if a is b:
        return True
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is int:
        return bool(a == b)
    if kind is float:
        return _same_float(a, b)
    if kind is complex:
        return _same_float(a.real, b.real) and _same_float(a.imag, b.imag)
    return kind in EXACT and bool(a == b)


def _same_float(a: float, b: float) -> bool:
    if a == b:
        return a != 0 or copysign(1.0, a) == copysign(1.0, b)
    return a != a and b != b  # noqa: PLR0124 - the test for NaN


def _find(classes: dict[int, int], member: int) -> int:
    """Return the representative of a member's class, halving the path to it."""
    parent = classes.setdefault(member, member)
    while parent != member:
        above = classes[parent]
        classes[member] = above
        member, parent = above, classes[above]
    return member


def equal(a: Any, b: Any) -> bool:
    """Return whether a and b are equal in structure.

    Pairs, vectors, strings, bytevectors and boxes compare by content, all else by eqv?.
    """
    if a is b:
        return True
    steps = 0
    classes: dict[int, int] = {}
    todo = [(a, b)]
    while todo:
        a, b = todo.pop()
        while a is not b and type(a) is Pair and type(b) is Pair and steps < _UNCLASSED_STEPS:
            # Along a list: only what is not seen to be alike at once waits for its turn.
            steps += 1
            first, second = a.car, b.car
            a, b = a.cdr, b.cdr
            alike = first is second or (
                type(first) is int and type(second) is int and first == second
            )
            if not alike:
                todo.append((a, b))
                a, b = first, second
        if a is b:
            continue
        kind = type(a)
        if kind is not type(b):
            return False
        if kind is String:
            if a.text != b.text:
                return False
        elif kind is Pair or kind is Vector or kind is Box:
            steps += 1
            if steps > _UNCLASSED_STEPS:
                left, right = _find(classes, id(a)), _find(classes, id(b))
                if left == right:
                    continue
                classes[left] = right
            if kind is Pair:
                todo.append((a.cdr, b.cdr))
                todo.append((a.car, b.car))
            elif kind is Box:
                todo.append((a.contents, b.contents))
            elif len(a.items) != len(b.items):
                return False
            else:
                different = [
                    (x, y)
                    for x, y in zip(a.items, b.items, strict=True)
                    if not (x is y or (type(x) is int and type(y) is int and x == y))
                ]
                todo.extend(reversed(different))
        elif kind is Bytevector:
            if a.octets != b.octets:
                return False
        elif not eqv(a, b):
            return False
    return True
