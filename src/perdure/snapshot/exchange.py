"""Values between runs: messages, start arguments, results, in a self-contained form.

Layer: snapshot. Imports values and base.
Invariant: the form refers to nothing outside itself, keeps sharing and cycles, and decoding it
makes fresh objects.

    [1, form, [tag, field ...], [tag, field ...], ...]

The forms are those of a snapshot; `[n]` is the n-th record that follows, counted from 1. What has
no meaning in another run (procedures, continuations, ports, tasks, records, promises, boxes,
parameters) is refused with the path to it. A condition crosses without the continuation it carries.
"""

from __future__ import annotations

from typing import Any

from perdure.base import limits
from perdure.base.errors import SnapshotError
from perdure.snapshot.atoms import ENCODERS, bad, decode_atom, interned_form
from perdure.snapshot.classes import CLASS_SPECS, SPECS, TABLE, trim, widen
from perdure.snapshot.decode import STRUCTURE_ERRORS
from perdure.snapshot.wire import pack, unpack
from perdure.values.conditions import fail
from perdure.values.tables import KINDS, key_for
from perdure.values.types import (
    NIL,
    Bytevector,
    Condition,
    HashTable,
    Pair,
    String,
    Symbol,
    Vector,
)

VERSION = 1

_CROSSING = frozenset({Pair, String, Vector, Bytevector, HashTable, Condition})
_TAGS = frozenset({TABLE, *(spec.tag for kind, spec in CLASS_SPECS.items() if kind in _CROSSING)})
_KINDS_IN_WORDS = {
    "function": "a procedure",
    "builtin_function_or_method": "a procedure",
    "PythonProcedure": "a procedure",
    "Continuation": "a continuation",
    "Parameter": "a parameter",
    "Port": "a port",
    "Task": "a task",
    "Channel": "a channel",
    "Record": "a record",
    "RecordType": "a record type",
    "Promise": "a promise",
    "Box": "a box",
    "Values": "multiple values",
    "Operation": "an operation",
    "Symbol": "an uninterned symbol",
}


class _Writer:
    """Writes one value. `parents[i]` is (index of the object that refers to object i first, the
    step to it).
    """

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self.queue: list[Any] = []
        self.parents: list[tuple[int, str]] = []
        self.current = -1

    def form(self, found: Any, step: Any = "") -> Any:
        kind = type(found)
        if kind in _CROSSING:
            number = self.numbers.get(id(found))
            if number is None:
                self.queue.append(found)
                self.parents.append((self.current, step))
                number = self.numbers[id(found)] = len(self.queue)
            return [number]
        encode = ENCODERS.get(kind)
        if encode is not None:
            return encode(found)
        form = interned_form(found) if kind is Symbol else None
        if form is None:
            path = self.path(self.current, step)
            what = _KINDS_IN_WORDS.get(kind.__name__, f"a {kind.__name__.lower()}")
            raise fail(
                "boundary-error",
                f"{what} can't cross to another run; it is at {path} of",
                self.queue[0] if self.queue else found,
            )
        return form

    def record(self, index: int) -> list[Any]:
        self.current = index
        found = self.queue[index]
        kind, form = type(found), self.form
        if kind is Pair:
            return ["p", form(found.car, "car"), form(found.cdr, "cdr")]
        if kind is Vector:
            return ["v", *[form(item, slot) for slot, item in enumerate(found.items)]]
        if kind is HashTable:
            record: list[Any] = [TABLE, found.kind]
            for key, value in found.entries.values():
                record += (form(key, "a key"), form(value, key))
            return record
        spec = CLASS_SPECS[kind]
        if kind is Condition:
            found = Condition(found.kind, found.code, found.message, found.irritants, found.detail)
        return trim(spec.encode(found, form), spec)

    def path(self, index: int, step: Any) -> str:
        """Return the way to an offending part, as in `[2].cdr['price]`: indices of lists and
        vectors, keys of tables.
        """
        steps: list[Any] = [step]
        while index >= 0:
            index, step = self.parents[index]
            steps.append(step)
        shown: list[str] = []
        cdrs = 0
        for one in reversed(steps[:-1] if steps[-1] == "" else steps):
            if one == "cdr":
                cdrs += 1
            elif one == "car":
                shown.append(f"[{cdrs}]")
                cdrs = 0
            else:
                shown.append(".cdr" * bool(cdrs) + _step_text(one))
                cdrs = 0
        shown.append(f".cdr(x{cdrs})" if cdrs > 1 else ".cdr" * cdrs)
        return "".join(shown)[:200] or "the top"


def _step_text(step: Any) -> str:
    if type(step) is int:
        return f"[{step}]"
    if type(step) is Symbol:
        return f"['{step.name}]"
    if type(step) is String:
        return f'["{step.text[:40]}"]'
    return f"[{step}]" if type(step) is str else "[…]"


def encode_value(value: Any) -> list[Any]:
    """Return the self-contained form of a value, JSON-able.

    Raises:
      SchemeError: boundary-error, with the path to the part that can't cross.
    """
    writer = _Writer()
    document: list[Any] = [VERSION, writer.form(value)]
    index = 0
    while index < len(writer.queue):
        document.append(writer.record(index))
        index += 1
    return document


def decode_value(document: Any) -> Any:
    """Return the value of a form, made of fresh objects.

    Raises:
      SnapshotError: P502, it is not one.
    """
    try:
        return _decode(document)
    except STRUCTURE_ERRORS as error:
        raise SnapshotError(
            "P502", f"a value between runs has a wrong structure: {error}"
        ) from None


def _decode(document: Any) -> Any:
    if type(document) is not list or len(document) < len(("version", "form")):
        raise bad("this is not a value between runs")
    if type(document[0]) is not int or document[0] != VERSION:
        raise SnapshotError("P506", f"a value between runs has format version {document[0]}")
    made: list[Any] = []
    for record in document[2:]:
        if type(record) is not list or record[0] not in _TAGS:
            raise bad(f"a value between runs can't hold {record!r:.40}")
        if record[0] == TABLE:
            if record[1] not in KINDS or len(record) % 2:
                raise bad("a hash table is malformed")
            made.append(HashTable(record[1], {}))
        else:
            made.append(SPECS[record[0]].shell(0))

    def value(form: Any) -> Any:
        kind = type(form)
        if kind is int or kind is float or form is None:
            return form
        if kind is str:
            return decode_atom(form)
        if kind is not list or len(form) > 1:
            raise bad(f"{form!r:.40} is not a value")
        if not form:
            return NIL
        number = form[0]
        if type(number) is not int or not 0 < number <= len(made):
            raise bad(f"there is no record {number!r:.20}")
        return made[number - 1]

    tables = []
    for found, record in zip(made, document[2:], strict=True):
        if type(found) is HashTable:
            tables.append((found, [value(form) for form in record[2:]]))
        else:
            spec = SPECS[record[0]]
            if spec.width:
                widen(record, spec)
            spec.fill(found, record, value)
    for table, values in tables:
        for key, item in zip(values[::2], values[1::2], strict=True):
            table.entries[key_for(table.kind, key)] = (key, item)
    return value(document[1])


def dump_value(value: Any) -> bytes:
    """Return the stored form of a value between runs.

    Raises:
      SchemeError: boundary-error: a part of it can't cross, or it is larger than
        limits.PAYLOAD_MAX_BYTES.
    """
    document = encode_value(value)
    payload = pack(document)
    if len(payload) > limits.PAYLOAD_MAX_BYTES:
        raise fail(
            "boundary-error",
            f"a value of {len(payload)} bytes can't cross to another run, "
            f"the limit is {limits.PAYLOAD_MAX_BYTES} bytes",
        )
    return payload


def load_value(payload: bytes) -> Any:
    """Return the value that `dump_value` was given, made of fresh objects.

    Raises:
      SnapshotError: the payload is damaged.
    """
    return decode_value(unpack(payload))
