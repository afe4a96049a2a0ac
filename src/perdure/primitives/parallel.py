"""Walking several lists at once, for `map` and its kin with more than one list.

Layer: primitives. Imports values.
Invariant: the walk is at its end when one list is: the others may be longer, or circular (SRFI 1).
"""

from __future__ import annotations

from typing import Any

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.conditions import wrong_type
from perdure.values.lists import from_items, list_items
from perdure.values.types import NIL, Pair


@primitive("%cars")
def cars(procedure: Any, lists: Any, tail: Any = NIL) -> Any:
    """Return a list of the lists' first elements that ends in `tail`, or #f when one of the lists is at its end."""
    row = []
    for each in list_items("map", lists, "a list of lists"):
        if type(each) is Pair:
            row.append(each.car)
        elif each is NIL:
            return None
        else:
            raise wrong_type(checks.symbol_name("%cars", procedure), "a list", each)
    return from_items(row, tail)


@primitive("%cdrs")
def cdrs(lists: Any) -> Any:
    """Return a list of what follows the lists' first elements."""
    row = list_items("map", lists, "a list of lists")
    return from_items([checks.pair("map", each).cdr for each in row])
