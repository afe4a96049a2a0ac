"""Write a live heap as a full snapshot or as a delta.

Layer: snapshot. Imports machine, values, base; never store or engine.
Invariant: equal heaps with equal object ids encode to equal bytes; a delta costs what changed.

    full   [2, "full", next id, root id, definitions, globals, [[id, tag, field ...] ...]]
    delta  [2, first new id, next number, time, changes, [[tag, field ...] ...], definitions, globals]

A delta's new objects have the ids from `first new id` on, in order, so they need not be written.
Next number and time are fields of the root, which change in every turn; `null` as the time since
which a request is waited for is that time. Definitions and globals are left out if there are none
of either.
A change is one of

    [id, tag, field ...]               a whole object
    [id, "~", index, form ...]         some fields of one
    [id, "=", slot, form ...]          slots of a vector or bytevector
    [id, "+", old, new ...]            keys of a hash table, replaced by equal ones
    [id, "-", [key ...], key, value ...]   keys removed, then set

docs/reference/snapshot-format.md is the full description.

Not recursive: objects are queued when a reference to them is written. Not one `isinstance` chain:
a class is a dictionary key.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any

from perdure.base.errors import SnapshotError
from perdure.machine.state import Frame, Request
from perdure.snapshot.atoms import ENCODERS, SMALL, encode_integer, interned_form
from perdure.snapshot.classes import (
    CLASS_SPECS,
    DIFFED,
    FRAME,
    PROCEDURE,
    SINCE_FIELD,
    TABLE,
    UNINTERNED,
    trim,
)
from perdure.values.barrier import ConstantId, NativeId
from perdure.values.types import Bytevector, HashTable, Symbol

if TYPE_CHECKING:
    from perdure.snapshot.heap import Heap

VERSION = 2
EMPTY_CELL = "#-"

Value = Callable[[Any], Any]

_ABSENT: Any = object()
_HEAP_CLASSES = frozenset({*CLASS_SPECS, Frame, HashTable})


class Encoder:
    """Writes one heap. `definitions` are the hashes used so far; `seen` is for full snapshots
    only.
    """

    def __init__(self, heap: Heap, definitions: list[str], *, full: bool) -> None:
        self.heap = heap
        self.definitions = definitions
        self.indices = {hashed: index for index, hashed in enumerate(definitions)}
        self.queue: list[Any] = []
        self.seen: set[int] | None = set() if full else None
        self.value = _full_values(self, self.seen) if self.seen is not None else _delta_values(self)

    def index(self, definition: str) -> int:
        """Return the number of a definition in this run's table."""
        found = self.indices.get(definition)
        if found is None:
            found = self.indices[definition] = len(self.definitions)
            self.definitions.append(definition)
        return found

    def record(self, found: Any) -> list[Any]:
        """Return the record of an object, without its id, as it stands in a document."""
        kind = type(found)
        spec = CLASS_SPECS.get(kind)
        value = self.value
        if spec is not None:
            record: list[Any] = spec.encode(found, value)
            if spec.defaults:
                if kind is Request and self.seen is None and found.since == self.heap.root.time:
                    record[SINCE_FIELD] = None
                if spec.tag in DIFFED:
                    self.heap.last[found.oid] = spec.held(found)
                return trim(record, spec)
            return record
        if kind is Frame:
            site = found.site
            return [
                FRAME,
                self.index(site.definition),
                site.number,
                site.mode,
                value(found.next),
                *[value(x) for x in found.values],
            ]
        if kind is HashTable:
            record = [TABLE, found.kind]
            for entry in found.entries.values():
                record += (value(entry[0]), value(entry[1]))
            return record
        if kind is Symbol:
            return [UNINTERNED, found.name]
        return self._procedure(found)

    def _procedure(self, found: FunctionType) -> list[Any]:
        identity = self.heap.codec.provider.identify(found.__code__)
        assert identity is not None
        record: list[Any] = [PROCEDURE, self.index(identity[0]), identity[1]]
        for cell in found.__closure__ or ():
            try:
                record.append(self.value(cell.cell_contents))
            except ValueError:
                record.append(EMPTY_CELL)
        return record

    def other(self, found: Any) -> Any:
        """Return the form of a value that is neither an object of a heap class nor a number or
        boolean.
        """
        kind = type(found)
        if kind is Symbol:
            form = interned_form(found)
            return self._symbol(found) if form is None else form
        encode = ENCODERS.get(kind)
        if encode is not None:
            return encode(found)
        native = self.heap.codec.names.get(id(found))
        if native is not None:
            return "p" + native
        if kind is FunctionType:
            return self._function(found)
        what = found.__name__ if kind is BuiltinFunctionType else kind.__name__
        raise SnapshotError("P504", f"can't save a value of the Python type {what}")

    def shared(self, oid: Any) -> Any:
        """Return the form of an object that belongs to no run: part of a constant, or of the
        library.
        """
        if type(oid) is ConstantId:
            return ["k", self.index(oid.definition), oid.part]
        assert type(oid) is NativeId, oid
        return "p" + oid.name

    def _symbol(self, found: Symbol) -> list[int]:
        # Symbols have no slot for an id, so the heap remembers those of the few uninterned ones.
        oid = self.heap.uninterned.get(found, 0)
        if not oid:
            oid = self.heap.uninterned[found] = self._new_id(found)
        return self._refer(found, oid)

    def _function(self, found: FunctionType) -> Any:
        oid = found.__dict__.get("oid", 0)
        if not oid:
            provider = self.heap.codec.provider
            identity = provider.identify(found.__code__)
            if identity is None:
                raise SnapshotError(
                    "P504", f"can't save the procedure {found.__name__}: it is not compiled code"
                )
            # A procedure without free variables exists once in a namespace, so its name says
            # everything.
            home = found.__globals__
            if not found.__closure__ and provider.static(*identity, home) is found:
                return ["s", self.index(identity[0]), identity[1]]
            oid = found.oid = self._new_id(found)  # type: ignore[attr-defined]
        return self._refer(found, oid)

    def _new_id(self, found: Any) -> int:
        oid = self.heap.next_oid
        self.heap.next_oid = oid + 1
        if self.seen is None:
            self.queue.append(found)
        return oid

    def _refer(self, found: Any, oid: int) -> list[int]:
        if self.seen is not None and oid not in self.seen:
            self.seen.add(oid)
            self.queue.append(found)
        return [oid]


def _delta_values(encoder: Encoder) -> Value:
    """Return the function that gives the form of a value and queues new objects only."""
    heap, queue, other, shared = encoder.heap, encoder.queue, encoder.other, encoder.shared

    def value(found: Any) -> Any:
        if found is None:
            return None
        kind = type(found)
        if kind is int:
            return found if -SMALL < found < SMALL else encode_integer(found)
        if kind in _HEAP_CLASSES:
            oid = found.oid
            if type(oid) is not int:
                return shared(oid)
            if not oid:
                oid = found.oid = heap.next_oid
                heap.next_oid = oid + 1
                queue.append(found)
            return [oid]
        return other(found)

    return value


def _full_values(encoder: Encoder, seen: set[int]) -> Value:
    """Return the function that gives the form of a value and queues every object once."""
    heap, queue, other, shared = encoder.heap, encoder.queue, encoder.other, encoder.shared

    def value(found: Any) -> Any:
        if found is None:
            return None
        kind = type(found)
        if kind is int:
            return found if -SMALL < found < SMALL else encode_integer(found)
        if kind in _HEAP_CLASSES:
            oid = found.oid
            if type(oid) is not int:
                return shared(oid)
            if not oid:
                oid = found.oid = heap.next_oid
                heap.next_oid = oid + 1
            if oid not in seen:
                seen.add(oid)
                queue.append(found)
            return [oid]
        return other(found)

    return value


def full(heap: Heap) -> list[Any]:
    """Return the document of everything reachable from the root and the globals.

    The definitions are numbered anew, so that those that nothing refers to are left out.
    """
    heap.log.settle()
    heap.last.clear()
    encoder = Encoder(heap, [], full=True)
    root_id = encoder.value(heap.root)[0]
    is_global = heap.codec.is_global
    names = sorted(name for name in heap.namespace if is_global(name))
    bindings = [[name, encoder.value(heap.namespace[name])] for name in names]
    records = []
    for found in encoder.queue:
        oid = heap.uninterned[found] if type(found) is Symbol else found.oid
        records.append([oid, *encoder.record(found)])
    records.sort(key=_by_id)
    assert encoder.seen is not None
    heap.uninterned = {s: oid for s, oid in heap.uninterned.items() if oid in encoder.seen}
    heap.encoder = Encoder(heap, encoder.definitions, full=False)
    heap.saved_globals = dict(heap.namespace)
    heap.log.clear()
    heap.log.next_oid = heap.next_oid
    return [VERSION, "full", heap.next_oid, root_id, encoder.definitions, bindings, records]


def _by_id(record: list[Any]) -> int:
    oid: int = record[0]
    return oid


def delta(heap: Heap) -> list[Any]:
    """Return the document of what changed since the last one; the objects get their ids, the log
    is cleared.
    """
    log = heap.log
    log.settle()
    encoder = heap.encoder
    first = heap.next_oid
    old_definitions = len(encoder.definitions)
    changes: list[Any] = []
    _fields(encoder, heap.root, changes)
    for oid in sorted([*log.whole, *log.slots, *log.keys]):
        if oid in log.whole:
            _whole(encoder, oid, log.whole[oid], changes)
        elif oid in log.slots:
            changes.append(_slots(encoder, oid, *log.slots[oid]))
        else:
            _keys(encoder, oid, *log.keys[oid], log.originals[oid], changes)
    bindings = _changed_globals(heap, encoder)
    queue = encoder.queue
    fresh = [encoder.record(found) for found in queue]
    queue.clear()
    log.clear()
    log.next_oid = heap.next_oid
    root = heap.root
    document = [VERSION, first, encode_integer(root.next_number), root.time, changes, fresh]
    if bindings or len(encoder.definitions) > old_definitions:
        document += (encoder.definitions[old_definitions:], bindings)
    return document


def _whole(encoder: Encoder, oid: int, found: Any, changes: list[Any]) -> None:
    if oid not in encoder.heap.last:
        changes.append([oid, *encoder.record(found)])
    elif found is not encoder.heap.root:
        _fields(encoder, found, changes)


def _fields(encoder: Encoder, found: Any, changes: list[Any]) -> None:
    last, oid = encoder.heap.last, found.oid
    spec = CLASS_SPECS[type(found)]
    change: list[Any] = [oid, "~"]
    spec.differ(found, last[oid], encoder.value, change)
    if len(change) > 2:
        last[oid] = spec.held(found)
        changes.append(change)


def _slots(encoder: Encoder, oid: int, found: Any, slots: set[int]) -> list[Any]:
    change: list[Any] = [oid, "="]
    if type(found) is Bytevector:
        for slot in sorted(slots):
            change += (slot, found.octets[slot])
    else:
        for slot in sorted(slots):
            change += (slot, encoder.value(found.items[slot]))
    return change


def _keys(
    encoder: Encoder,
    oid: int,
    table: HashTable,
    touched: dict[Any, bool],
    originals: dict[Any, Any],
    changes: list[Any],
) -> None:
    value, entries = encoder.value, table.entries
    removed: list[Any] = []
    renamed: list[Any] = []
    for key, was_removed in touched.items():
        saved = originals.get(key, _ABSENT)
        if saved is not _ABSENT:
            entry = entries.get(key)
            if was_removed or entry is None:
                removed.append(value(saved))
            elif entry[0] is not saved and value(entry[0]) != value(saved):
                renamed += (value(saved), value(entry[0]))
    if renamed:
        changes.append([oid, "+", *renamed])
    change: list[Any] = [oid, "-", removed]
    for key in _order(touched, entries):
        entry = entries[key]
        change += (value(entry[0]), value(entry[1]))
    if removed or len(change) > 3:
        changes.append(change)


def _order(touched: dict[Any, bool], entries: dict[Any, Any]) -> list[Any]:
    """Return the touched keys that are present, new ones in the order of the table.

    The log has them in the order in which they were first touched, which is the table's order but
    for keys that were removed and set again. Those lie in the tail of the table, and all keys
    behind the first of them are touched ones: so a walk from the end, until all were met, visits
      touched keys alone.
    """
    present = [key for key in touched if key in entries]
    again = sum([touched[key] for key in present])
    if not again:
        return present
    tail: list[Any] = []
    for key in reversed(entries):
        tail.append(key)
        again -= touched[key]
        if not again:
            break
    tail.reverse()
    in_tail = set(tail)
    return [key for key in present if key not in in_tail] + tail


def _changed_globals(heap: Heap, encoder: Encoder) -> list[Any]:
    namespace, saved = heap.namespace, heap.saved_globals
    # The usual case, nothing changed, is one pass in C.
    if len(namespace) == len(saved) and all(map(is_, namespace.values(), saved.values())):
        return []
    is_global = heap.codec.is_global
    changed = sorted(
        name
        for name, bound in namespace.items()
        if saved.get(name, _ABSENT) is not bound and is_global(name)
    )
    heap.saved_globals = dict(namespace)
    return [[name, encoder.value(namespace[name])] for name in changed]
