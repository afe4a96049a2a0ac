"""What compiled code calls before it changes an object that was saved, or that it can't change.

Layer: primitives. Imports values.
Invariant: each of these marks the object as changed, or raises the condition that the primitive itself would raise; so the
store that follows in compiled code can't fail any more. Compiled code calls them only where `oid` is set or the place is in
doubt: a store into a fresh object costs one test.
"""

from __future__ import annotations

from typing import Any

from perdure.primitives.records import record_ref
from perdure.primitives.vectors import vector_ref
from perdure.values.barrier import touch, touch_slot
from perdure.values.conditions import wrong_type
from perdure.values.types import Pair


def touch_pair(pair: Any) -> None:
    """Prepare a pair for a store."""
    if type(pair) is not Pair:
        raise wrong_type("set-car!", "a pair", pair)
    touch(pair)


def touch_item(vector: Any, k: Any) -> None:
    """Prepare a slot of a vector for a store."""
    vector_ref(vector, k)
    if vector.oid:
        touch_slot(vector, k)


def touch_field(record: Any, rtd: Any, index: Any, procedure: Any) -> None:
    """Prepare a field of a record for a store."""
    record_ref(record, rtd, index, procedure)
    if record.oid:
        touch(record)
