"""Fold a full snapshot and its deltas into one record per object, before any object is made.

Layer: snapshot. Imports base.
Invariant: after folding, `Folded.records` is what a full snapshot of the final state would hold,
garbage included.

Folding on records, not on objects: a slot that changed in a hundred deltas is decoded once, and an
object that became garbage never. Keys of hash tables are compared by their forms, which are
canonical.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from perdure.base.errors import SnapshotError
from perdure.snapshot.atoms import bad
from perdure.snapshot.classes import (
    BYTES,
    NEXT_NUMBER_FIELD,
    REQUEST,
    SINCE_FIELD,
    SPECS,
    TABLE,
    TIME_FIELD,
    VECTOR,
    octets,
    widen,
)

VERSION = 2
FULL_LENGTH, DELTA_1_LENGTH, DELTA_LENGTHS = 7, 7, (6, 8)


class Folded(Struct, eq=False):
    """The final state as records.

    Args:
      records: by object id, `[tag, field, ...]`; bytevectors and tables that had deltas are in
        their opened forms.
      bindings: global names and the forms of their values.
      definitions: the run's table of definition hashes.
      next_id, root_id: as in the format.
    """

    records: dict[int, list[Any]]
    bindings: dict[str, Any]
    definitions: list[str]
    next_id: int
    root_id: int


class OpenTable(Struct, eq=False):
    """A hash table while it is folded: entries by the hashable form of their key."""

    entries: dict[Any, tuple[Any, Any]]


def fold(documents: list[Any]) -> Folded:
    """Return the final state of a chain.

    Args:
      documents: a full snapshot and the deltas after it, parsed, in order.

    Raises:
      SnapshotError: naming the document and the place in it.
    """
    number, place = 0, "header"
    try:
        if not documents:
            raise bad("there is no snapshot")
        folded = _full(documents[0])
        for number, document in enumerate(documents[1:], 1):  # noqa: B007 - used in the handler
            place = "header"
            changes = _delta(folded, document)
            for change in changes:
                place = f"change of object {change[0]!r:.20}"
                _change(folded.records, change)
    except SnapshotError as error:
        what = "snapshot" if number == 0 else f"delta {number}"
        raise SnapshotError(
            error.code, f"{what}, {place}: {error.message}", hint=error.hint
        ) from None
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        what = "snapshot" if number == 0 else f"delta {number}"
        raise SnapshotError("P502", f"{what}, {place}: wrong structure ({error})") from None
    return folded


def written_objects(document: Any) -> int:
    """Return how many objects a document holds: all of them in a full snapshot, new and changed ones in a delta."""
    if document[1] == "full":
        return len(document[6])
    changes, fresh = document[5:7] if document[1] == "delta" else document[4:6]
    return len(changes) + len(fresh)


def _version(document: Any) -> int:
    if type(document) is not list or not document:
        raise bad("this is not a document")
    version = document[0]
    if type(version) is not int or not version >= 1:
        raise bad(f"the version is {version!r:.20}")
    if version > VERSION:
        raise SnapshotError(
            "P506",
            f"it has format version {version}, this release reads up to {VERSION}",
            hint="use the release of perdure that wrote it, or a later one",
        )
    return version


def _full(document: Any) -> Folded:
    _version(document)
    if len(document) != FULL_LENGTH or document[1] != "full":
        raise bad("this is not a full document")
    _, _, next_id, root_id, definitions, bindings, records = document
    if type(next_id) is not int or type(root_id) is not int:
        raise bad("the next id and the root id must be integers")
    by_id: dict[int, list[Any]] = {}
    for record in records:
        oid = record[0]
        if type(record) is not list or type(oid) is not int or not 0 < oid < next_id:
            raise bad(f"an object has the id {oid!r:.20}")
        if oid in by_id:
            raise bad(f"two objects have the id {oid}")
        by_id[oid] = _checked(record[1:])
    return Folded(by_id, _bindings(bindings), _hashes(definitions), next_id, root_id)


def _delta(folded: Folded, document: Any) -> list[Any]:
    first, definitions, bindings, changes, fresh = _parts(folded, document)
    if type(first) is not int or first != folded.next_id:
        raise bad(f"it begins at object {first!r:.20}, the chain is at {folded.next_id}")
    folded.definitions += _hashes(definitions)
    folded.bindings.update(_bindings(bindings))
    for oid, record in enumerate(fresh, first):
        folded.records[oid] = _checked(record)
    folded.next_id = first + len(fresh)
    return changes if type(changes) is list else [changes]


def _parts(folded: Folded, document: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return first id, definitions, globals, changes and objects of a delta, its header applied."""
    if _version(document) == 1:
        if len(document) != DELTA_1_LENGTH or document[1] != "delta":
            raise bad("this is not a delta document")
        _, _, first, definitions, bindings, changes, fresh = document
        return first, definitions, bindings, changes, fresh
    if len(document) not in DELTA_LENGTHS:
        raise bad("this is not a delta document")
    _, first, next_number, time, changes, fresh, *rest = document
    definitions, bindings = rest or ([], [])
    root = folded.records[folded.root_id]
    root[NEXT_NUMBER_FIELD], root[TIME_FIELD] = next_number, time
    for record in fresh:
        _date(record, 0, time)
    for change in changes:
        _date(change, 1, time)
    return first, definitions, bindings, changes, fresh


def _date(record: list[Any], tag: int, time: Any) -> None:
    """Give a request without a time that of its delta."""
    if record[tag] == REQUEST and record[tag + SINCE_FIELD] is None:
        record[tag + SINCE_FIELD] = time


def _checked(record: Any) -> list[Any]:
    if type(record) is not list or not record or type(record[0]) is not str:
        raise bad("a record must begin with a tag")
    return record


def _hashes(definitions: Any) -> list[str]:
    if type(definitions) is not list or not all(type(one) is str for one in definitions):
        raise bad("definitions must be strings")
    return list(definitions)


def _bindings(bindings: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, form in bindings:
        if type(name) is not str:
            raise bad(f"a global is called {name!r:.40}")
        found[name] = form
    return found


def _change(records: dict[int, list[Any]], change: Any) -> None:
    oid, mark = change[0], change[1]
    if type(oid) is not int or oid not in records:
        raise bad("there is no such object")
    record = records[oid]
    if mark == "~":
        spec = SPECS[record[0]]
        record = records[oid] = widen(record, spec)
        for index, form in _pairs(change, 2):
            if type(index) is not int or not 0 < index < len(record):
                raise bad(f"there is no field {index!r:.20}")
            record[index] = form
    elif mark == "=":
        _slots(record, change)
    elif mark in ("+", "-"):
        _keys(record, change)
    else:
        records[oid] = _checked(change[1:])


def _pairs(forms: list[Any], start: int) -> list[tuple[Any, Any]]:
    if (len(forms) - start) % 2:
        raise bad("a pair is incomplete")
    return list(zip(forms[start::2], forms[start + 1 :: 2], strict=True))


def _slots(record: list[Any], change: list[Any]) -> None:
    target: Any
    if record[0] == BYTES:
        record[1] = octets(record[1])
        target, offset = record[1], 0
    elif record[0] == VECTOR:
        target, offset = record, 1
    else:
        raise bad(f"an object {record[0]!r} has no slots")
    for slot, form in _pairs(change, 2):
        if type(slot) is not int or not 0 <= slot < len(target) - offset:
            raise bad(f"there is no slot {slot!r:.20}")
        target[slot + offset] = form


def key_form(form: Any) -> Any:
    """Return a hashable stand-in for a form: forms that are equal have equal ones."""
    if type(form) is list:
        return tuple(form)
    if type(form) is bool:
        raise bad("a boolean is no value")
    return form


def _keys(record: list[Any], change: list[Any]) -> None:
    if record[0] != TABLE:
        raise bad(f"an object {record[0]!r} has no keys")
    opened = record[2] if len(record) == 3 else None
    if type(opened) is not OpenTable:
        opened = OpenTable({key_form(k): (k, v) for k, v in _pairs(record, 2)})
        del record[2:]
        record.append(opened)
    entries = opened.entries
    if change[1] == "+":
        # A key that is replaced by an equal one keeps its place: rebuilt, because dictionaries
        # can't rename.
        renamed = {key_form(old): new for old, new in _pairs(change, 2)}
        opened.entries = {
            key_form(renamed.get(form, k)): (renamed.get(form, k), v)
            for form, (k, v) in entries.items()
        }
        return
    for form in change[2]:
        if entries.pop(key_form(form), None) is None:
            raise bad(f"a removed key is not there: {form!r:.40}")
    for k, v in _pairs(change, 3):
        entries[key_form(k)] = (k, v)
