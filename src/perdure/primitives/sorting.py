"""Sorting by an order that Python knows, too: what `sort` tries first.

Layer: primitives. Imports values.
Invariant: the result is the one that the library's merge sort would give (lib/sort.sld), in the same order of equal
elements; where Python's own comparison might differ, or would fail, there is none.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from perdure.primitives.registry import TABLE, primitive
from perdure.values.lists import from_items, split_list
from perdure.values.types import NIL, Char, String

_REALS = frozenset((int, float))
_ORDERS: dict[str, tuple[frozenset[type], Any, bool]] = {
    "<": (_REALS, None, False),
    ">": (_REALS, None, True),
    "string<?": (frozenset((String,)), attrgetter("text"), False),
    "string>?": (frozenset((String,)), attrgetter("text"), True),
    "char<?": (frozenset((Char,)), attrgetter("value"), False),
    "char>?": (frozenset((Char,)), attrgetter("value"), True),
}
"""Procedures that are an order, the classes that Python orders the same way, by which key, and whether it falls."""


@primitive("%sorted-by-order")
def sorted_by_order(items: Any, less: Any) -> Any:
    """Return a list sorted, or FALSE if the order is none of ours or an element is none that Python may compare."""
    found = next((o for n, o in _ORDERS.items() if TABLE[n].function is less), None)
    if found is None:
        return None
    kinds, key, falls = found
    row, rest = split_list(items)
    if rest is not NIL:
        return None
    met = {*map(type, row)}
    if not met <= kinds:
        return None
    if float in met and any(x != x for x in row):  # noqa: PLR0124 - the test for NaN
        return None
    row.sort(key=key, reverse=falls)
    return from_items(row)
