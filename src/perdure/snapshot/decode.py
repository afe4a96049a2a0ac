"""Make a live heap from a full snapshot and its deltas.

Layer: snapshot. Imports machine, values, base; never store or engine.
Invariant: the outcome is a whole heap or a SnapshotError; nothing is half-loaded, and no other
exception escapes, whatever the bytes are. Only objects reachable from the root and the globals are
made.

Objects are made empty when they are first referred to and filled from a queue, so cycles and depth
cost nothing; hash tables come last, because keys are computed from what the key objects hold.
"""

from __future__ import annotations

import gc
from types import CellType, FunctionType
from typing import Any

from perdure.base.errors import SnapshotError
from perdure.machine.code import CodeProvider, Site
from perdure.machine.state import Frame, Root
from perdure.snapshot.atoms import bad, decode_atom
from perdure.snapshot.classes import (
    DIFFED,
    FRAME,
    PROCEDURE,
    RECORD,
    SPECS,
    TABLE,
    UNINTERNED,
    text,
    widen,
)
from perdure.snapshot.encode import EMPTY_CELL
from perdure.snapshot.fold import Folded, OpenTable, fold
from perdure.values.conditions import SchemeError
from perdure.values.ports import CONSOLE, CONSOLE_PORTS
from perdure.values.tables import KINDS, key_for
from perdure.values.types import NIL, HashTable, RecordType, Symbol

STRUCTURE_ERRORS = (
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    SchemeError,
)
"""What reading a damaged structure can raise; anything else is an error of ours."""


class Decoder:
    """Makes the objects of one folded state.

    `namespace` is the globals dictionary that procedures get, but those of definitions that are at
    home elsewhere (`homes`: the frozen namespaces of the standard library). `natives` maps names
    to primitives and library values.
    """

    def __init__(
        self,
        folded: Folded,
        provider: CodeProvider,
        natives: dict[str, Any],
        homes: dict[str, dict[str, Any]],
        namespace: dict[str, Any],
    ) -> None:
        self.folded = folded
        self.provider = provider
        self.natives = natives
        self.homes = homes
        self.namespace = namespace
        self.objects: dict[int, Any] = {}
        self.uninterned: dict[Symbol, int] = {}
        self.last: dict[int, Any] = {}
        self.queue: list[int] = []
        self.tables: list[tuple[HashTable, list[Any]]] = []
        self.typed_records: list[Any] = []
        self.linked: set[str] = set()
        self.place: int | str = "root"
        """What is made at the moment, for error messages: an object's id, or words."""

    def value(self, form: Any) -> Any:
        """Return the value of a form; objects may be still empty."""
        kind = type(form)
        if kind is int or form is None or kind is float:
            return form
        if kind is list:
            if len(form) == 1:
                found = self.objects.get(form[0])
                return found if found is not None else self._make(form[0])
            return self._named(form) if form else NIL
        if kind is str:
            if form[:1] == "p":
                return self.natives[form[1:]]
            return decode_atom(form)
        raise bad(f"{form!r:.40} is not a value")

    def _named(self, form: list[Any]) -> Any:
        what, index, number = form
        if type(index) is not int or type(number) is not int or index < 0 or number < 0:
            raise bad(f"{form!r:.60} is not a value")
        if what == "s":
            definition = self._definition(index)
            return self.provider.static(definition, number, self._home(definition))
        if what != "k":
            raise bad(f"{form!r:.60} is not a value")
        if self.folded.definitions[index] == CONSOLE:
            return CONSOLE_PORTS[number]
        return self.provider.constant(self._definition(index), number)

    def _definition(self, index: Any) -> str:
        """Return a definition's hash; its constants and helpers are in the namespace from now
        on.
        """
        if type(index) is not int or index < 0:
            raise bad(f"there is no definition {index!r:.20}")
        found = self.folded.definitions[index]
        if found not in self.linked:
            self.provider.link(found, self._home(found))
            self.linked.add(found)
        return found

    def _home(self, definition: str) -> dict[str, Any]:
        return self.homes.get(definition, self.namespace)

    def _function(self, definition: str, number: int, forms: tuple[Any, ...]) -> Any:
        code = self.provider.lambda_code(definition, number)
        if len(code.co_freevars) != len(forms):
            raise bad(f"a procedure has {len(forms)} variables, its code {len(code.co_freevars)}")
        cells = tuple([CellType() for _ in forms])
        return FunctionType(code, self._home(definition), code.co_name, None, cells or None)

    def _make(self, oid: Any) -> Any:
        """Return a new empty object for an id that was not met before, and queue it."""
        if type(oid) is not int:
            raise bad(f"{oid!r:.20} is not an object id")
        record = self.folded.records.get(oid)
        if record is None:
            raise bad(f"there is no object {oid}")
        tag = record[0]
        spec = SPECS.get(tag)
        found: Any
        if spec is not None:
            found = spec.shell(oid)
        elif tag == FRAME:
            site = self._site(record)
            found = Frame(site, (), None, oid)
        elif tag == TABLE:
            if record[1] not in KINDS:
                raise bad(f"a hash table has the kind {record[1]!r:.20}")
            found = HashTable(record[1], {}, oid)
        elif tag == PROCEDURE:
            _, index, number, *forms = record
            if type(number) is not int:
                raise bad("a procedure has no number")
            found = self._function(self._definition(index), number, tuple(forms))
            found.oid = oid
        elif tag == UNINTERNED:
            found = Symbol(text(record[1]))
            self.uninterned[found] = oid
        else:
            raise bad(f"object {oid} has the unknown tag {tag!r:.20}")
        self.objects[oid] = found
        self.queue.append(oid)
        return found

    def _site(self, record: list[Any]) -> Site:
        _, index, number, mode, _, *values = record
        if type(number) is not int or type(mode) is not int or mode not in (0, 1):
            raise bad("a frame has no site")
        site = self.provider.site(self._definition(index), number, mode)
        if len(site.names) != len(values):
            raise bad(f"a frame has {len(values)} values, its site {len(site.names)} variables")
        return site

    def fill(self, oid: int) -> None:
        """Give an object its fields."""
        found, record = self.objects[oid], self.folded.records[oid]
        tag, value = record[0], self.value
        spec = SPECS.get(tag)
        if spec is not None:
            if spec.width:
                widen(record, spec)
            spec.fill(found, record, value)
            if tag == RECORD:
                self.typed_records.append(found)
            elif tag in DIFFED:
                self.last[oid] = found
        elif tag == FRAME:
            found.next = value(record[4])
            if found.next is not None and type(found.next) is not Frame:
                raise bad("the frame under a frame is none")
            found.values = tuple([value(form) for form in record[5:]])
        elif tag == TABLE:
            self._table(found, record)
        elif tag == PROCEDURE:
            for cell, form in zip(found.__closure__ or (), record[3:], strict=True):
                if form != EMPTY_CELL:
                    cell.cell_contents = value(form)

    def _table(self, found: HashTable, record: list[Any]) -> None:
        if len(record) == 3 and type(record[2]) is OpenTable:
            pairs = [(self.value(k), self.value(v)) for k, v in record[2].entries.values()]
        else:
            forms = record[2:]
            if len(forms) % 2:
                raise bad("a hash table has a key without a value")
            values = [self.value(form) for form in forms]
            pairs = list(zip(values[::2], values[1::2], strict=True))
        self.tables.append((found, pairs))

    def run(self) -> tuple[Root, dict[str, Any]]:
        """Make everything; return the root and the globals."""
        root = self.value([self.folded.root_id])
        if type(root) is not Root:
            raise bad("the root object is not a root")
        bindings = {}
        for name, form in self.folded.bindings.items():
            self.place = f"global {name}"
            bindings[name] = self.value(form)
        fill = self.fill
        for oid in self.queue:  # grows while it is walked
            self.place = oid
            fill(oid)
        for table, pairs in self.tables:
            self.place = f"hash table {table.oid}"
            kind, entries = table.kind, table.entries
            for pair in pairs:
                entries[key_for(kind, pair[0])] = pair
        for one in self.typed_records:
            self.place = f"record {one.oid}"
            if type(one.rtd) is not RecordType or len(one.fields) != len(one.rtd.field_names):
                raise bad("a record does not fit its type")
        return root, bindings


def _place(decoder: Decoder) -> str:
    place = decoder.place
    return f"object {place}" if type(place) is int else str(place)


def decode(
    documents: list[Any],
    provider: CodeProvider,
    natives: dict[str, Any],
    homes: dict[str, dict[str, Any]],
    namespace: dict[str, Any],
) -> tuple[Decoder, Root, dict[str, Any]]:
    """Return the root and the globals of a chain of documents, and the decoder with the run's
    tables.

    The collector is paused meanwhile: it would walk the growing heap again and again and find
      nothing.

    Raises:
      SnapshotError: the documents are not what an encoder of ours wrote, with the place.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        decoder = Decoder(fold(documents), provider, natives, homes, namespace)
        try:
            root, bindings = decoder.run()
        except SnapshotError as error:
            message = f"{_place(decoder)}: {error.message}"
            raise SnapshotError(error.code, message, hint=error.hint) from None
        except STRUCTURE_ERRORS as error:
            message = f"{_place(decoder)}: wrong structure ({error})"
            raise SnapshotError("P502", message) from None
    finally:
        if was_enabled:
            gc.enable()
    return decoder, root, bindings
