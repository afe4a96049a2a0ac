"""Records, as `define-record-type` needs them.

Layer: primitives. Imports values.
Invariant: an accessor's index was computed from the type by the expander, so that only the type
of the record is checked, not the index again; errors carry the accessor's own name.
"""

from __future__ import annotations

from typing import Any

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.barrier import touch
from perdure.values.conditions import SchemeError, fail, wrong_type
from perdure.values.lists import list_items
from perdure.values.printer import bare_name
from perdure.values.types import TRUE, UNSPECIFIED, Record, RecordType, Symbol


def _type(procedure: str, x: Any) -> RecordType:
    if type(x) is not RecordType:
        raise wrong_type(procedure, "a record type", x)
    return x


@primitive("%make-record-type")
def make_record_type(name: Any, fields: Any) -> Any:
    row = list_items("define-record-type", fields, "a list of symbols")
    names = tuple(checks.symbol_name("define-record-type", field) for field in row)
    return RecordType(checks.symbol_name("define-record-type", name), names)


@primitive("%make-record")
def make_record(rtd: Any, *fields: Any) -> Any:
    known = _type("%make-record", rtd)
    if len(fields) != len(known.field_names):
        raise fail(
            "arity-error",
            f"{bare_name(known.type_name)}: expected {len(known.field_names)} fields, "
            f"got {len(fields)}",
        )
    return Record(known, [*fields])


@primitive("%record?")
def is_record(obj: Any, rtd: Any) -> Any:
    return TRUE if type(obj) is Record and obj.rtd is rtd else None


@primitive("record?")
def is_any_record(obj: Any) -> Any:
    return TRUE if type(obj) is Record else None


@primitive("%record-type")
def record_type(record: Any) -> Any:
    if type(record) is not Record:
        raise wrong_type("record-type", "a record", record)
    return record.rtd


def _not_one(record: Any, rtd: Any, index: Any, procedure: Any) -> SchemeError:
    """Return the error of an access that is wrong: `point-x: expected a point, got 5`."""
    known = _type("%record-ref", rtd)
    name = procedure.name if type(procedure) is Symbol else "record-ref"
    if type(record) is Record and record.rtd is rtd:
        return wrong_type(name, "the index of a field", index)
    noun = bare_name(known.type_name)
    article = "an" if noun[:1].lower() in tuple("aeiou") else "a"
    return wrong_type(name, f"{article} {noun}", record)


def _is_field(record: Any, rtd: Any, index: Any) -> bool:
    return (
        type(record) is Record
        and record.rtd is rtd
        and type(index) is int
        and 0 <= index < len(record.fields)
    )


@primitive("%record-ref")
def record_ref(record: Any, rtd: Any, index: Any, procedure: Any) -> Any:
    if not _is_field(record, rtd, index):
        raise _not_one(record, rtd, index, procedure)
    return record.fields[index]


@primitive("%record-set!")
def record_set(record: Any, rtd: Any, index: Any, value: Any, procedure: Any) -> Any:
    if not _is_field(record, rtd, index):
        raise _not_one(record, rtd, index, procedure)
    if record.oid:
        touch(record)
    record.fields[index] = value
    return UNSPECIFIED
