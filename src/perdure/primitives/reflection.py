"""Records by the names of their fields: what a general accessor needs.

Layer: primitives. Imports values.
Invariant: a name is looked up in the record's own type; of two fields with one name the first counts.
"""

from __future__ import annotations

from typing import Any

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.barrier import touch
from perdure.values.conditions import fail, wrong_type
from perdure.values.types import UNSPECIFIED, Record


def _place(procedure: str, record: Any, field: Any) -> int:
    if type(record) is not Record:
        raise wrong_type(procedure, "a record", record)
    name = checks.symbol_name(procedure, field)
    if name not in record.rtd.field_names:
        raise fail("range-error", f"{procedure}: the record has no field", field, record)
    return record.rtd.field_names.index(name)


@primitive("%record-field-ref")
def field_ref(record: Any, field: Any) -> Any:
    place = _place("ref", record, field)
    return record.fields[place]


@primitive("%record-field-set!")
def field_set(record: Any, field: Any, value: Any) -> Any:
    place = _place("set!", record, field)
    if record.oid:
        touch(record)
    record.fields[place] = value
    return UNSPECIFIED
