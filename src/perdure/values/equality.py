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

from perdure.values.numbers import Ratnum
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
        if a == b:
            return bool(a != 0) or copysign(1.0, a) == copysign(1.0, b)
        return bool(a != a and b != b)  # noqa: PLR0124 - the test for NaN
    return kind is Ratnum and bool(a == b)


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
                todo.extend(zip(reversed(a.items), reversed(b.items), strict=True))
        elif kind is Bytevector:
            if a.octets != b.octets:
                return False
        elif not eqv(a, b):
            return False
    return True
