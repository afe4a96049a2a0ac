"""The undo log of transactions: who owns what, and what was there before.

Layer: machine. Imports machine.state, registers, values.
Invariants: the first write inside a transaction to something that existed at its entry adds an `Undo` to the transaction, before
the write; undoing these newest first gives the heap of the entry. What a transaction has an `Undo` for it *owns*: nobody else
writes it but transactions inside of it, so that no write of another is lost when it is undone. What was made since the entry
(its object id says so) is not in the log, and stays as it is.

Everything durable is in the heap: the transactions hang on the run's root, their undo entries on them. The tables of the
guard are made again from these when a run was restored.
Not copies of the whole heap at entry: a transaction costs what it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from perdure.machine.registers import REGISTERS, parameter_value
from perdure.machine.state import Parameter, Root
from perdure.values import barrier
from perdure.values.conditions import SchemeError, fail
from perdure.values.ports import Port
from perdure.values.tables import key_for
from perdure.values.types import (
    NIL,
    Box,
    Bytevector,
    HashTable,
    Pair,
    Promise,
    Record,
    Singleton,
    String,
    Symbol,
    UserTable,
    Vector,
    intern,
)

if TYPE_CHECKING:
    from perdure.machine.machine import Machine

OPEN, LEFT, CLOSED = "open", "left", "closed"
"""The states of a transaction: its body runs; it was left and is being undone; it is over."""

UNDONE: frozenset[Any] = frozenset(
    {
        Pair,
        Box,
        String,
        Vector,
        Bytevector,
        HashTable,
        UserTable,
        Record,
        Promise,
        Parameter,
        Port,
    }
)
"""The classes of what is undone: the data of programs. Tasks, requests, messages and channels are not: others see them."""

FLAG = "!guarded"
"""What emitted code tests before it sets a global variable."""


class Undo(Struct, eq=False):
    """What was there before a transaction's first write to it.

    `target` is the object, or the symbol of a global variable; if `whole`, `old` is a copy of the object, or the variable's
    value. Else `place` is a slot and `old` what it held, or a key and `old` the pair of key and value, or FALSE if there was
    none. `owner` is the enclosing transaction that owned it before, or FALSE. `next` is the one before.
    """

    target: Any
    whole: bool
    place: Any
    old: Any
    owner: Any
    next: Any
    oid: Any = 0


class Transaction(Struct, eq=False):
    """An extent that is undone when it is left for good other than by its normal end.

    `task` is the number of the task that entered it; `outer` the enclosing one or FALSE; `leave` the continuation of its end.
    `first_new` is the first object id that nothing had at its entry, 0 until the turn of the entry is saved. `undo` is the
    newest `Undo`; `compensations` is a list of procedures, newest first; `tasks` a list of the tasks that were started inside.
    `group` is what machine/groups.py keeps if its effects are retried together, or FALSE; `compensates`: it is part of a compensation.
    """

    number: int
    task: int
    outer: Any
    leave: Any
    first_new: int = 0
    status: str = OPEN
    undo: Any = None
    compensations: Any = NIL
    tasks: Any = NIL
    group: Any = None
    compensates: bool = False
    oid: Any = 0


_WHOLE = Singleton("whole")
_ABSENT = Singleton("absent")

_FIELDS: dict[Any, tuple[str, ...]] = {
    cls: tuple(f.name for f in msgspec.structs.fields(cls) if f.name != "oid") for cls in UNDONE
}


def _copy_of(held: Any) -> Any:
    kind = type(held)
    return held.copy() if kind is list or kind is dict or kind is bytearray else held


def shallow_copy(target: Any) -> Any:
    """Return a new object that holds what an object holds."""
    kind = type(target)
    return kind(*[_copy_of(getattr(target, name)) for name in _FIELDS[kind]])


class Guard:
    """Is told of each write in a run while it has transactions.

    Owners are kept by object id (or the name of a global variable) and part: a slot, a normalised key, or `_WHOLE`.
    Of nested transactions the innermost one counts as the owner.
    """

    def __init__(self, log: barrier.WriteLog, root: Root, parameter: Parameter) -> None:
        self._log = log
        self._parameter = parameter
        self._not_data = {id(table) for table in (root.tasks, root.requests, root.messages)}
        self._marked: dict[int, Any] = {}
        self._owners: dict[int | str, dict[Any, Transaction]] = {}
        self._dynamic: Any = None
        self._current: Transaction | None = None
        self._added: set[tuple[int, int | str, Any]] = set()
        """Keys that a transaction has added to a table: (its number, the table, the key). To remove one again needs no copy."""
        for transaction in sorted(root.transactions, key=lambda t: t.number):
            for entry in entries_of(transaction):
                self._own(transaction, entry)

    # -- which transaction ------------------------------------------------------------------------

    def current(self) -> Transaction | None:
        """Return the innermost open transaction that the running task is in."""
        if REGISTERS.dynamic is not self._dynamic:
            self._dynamic = REGISTERS.dynamic
            self._current = parameter_value(self._parameter)
        found = self._current
        while found is not None and found.status == CLOSED:
            found = found.outer
        return found

    def _may_note(self, owner: Transaction | None, writer: Transaction | None, target: Any) -> bool:
        """Return whether a write is the writing transaction's own, to be noted in it.

        What a transaction of the same task changes that has been left for a while (`guard` does, to look for a
        clause) is still undone with it, so the task may write there, and the enclosing transaction notes nothing.

        Raises:
          SchemeError: a conflict-error: the owner is a transaction that the task is not in.
        """
        if owner is None or owner.status == CLOSED:
            return True
        inside = writer
        while inside is not None:
            if inside is owner:
                return True
            inside = inside.outer
        if owner.task == REGISTERS.machine.task.number:
            return False
        what = target if type(target) is not Symbol else intern(target.name.rpartition(":")[2])
        raise fail(
            "conflict-error",
            f"a transaction of task {owner.task}, which is still open, has changed this before:",
            what,
        )

    # -- writes -----------------------------------------------------------------------------------

    def whole(self, changed: Any, oid: int) -> None:
        """Note an object before it changes as a whole; it will be marked."""
        kind = type(changed)
        if kind in UNDONE and self._is_data(changed, kind):
            self._note_whole(changed, oid, self.current())
        self._marked[oid] = changed

    def _note_whole(self, changed: Any, oid: int, writer: Transaction | None) -> None:
        owned = self._owners.get(oid)
        if owned is not None:
            if writer is not None and owned.get(_WHOLE) is writer:
                return
            # All are asked: each may refuse.
            if not all([self._may_note(o, writer, changed) for o in owned.values()]):  # noqa: C419
                return
        if writer is not None and oid < writer.first_new:
            self._note(writer, oid, _WHOLE, changed, shallow_copy(changed))

    def _is_data(self, changed: Any, kind: type) -> bool:
        if kind is HashTable:
            return id(changed) not in self._not_data
        return kind is not Port or not changed.path  # what is in a file stays there

    def slot(self, changed: Any, oid: int, slot: int) -> None:
        """Note a slot of a vector or bytevector before it changes."""
        writer = self.current()
        if self._is_new_part(writer, oid, slot, changed):
            assert writer is not None
            held = changed.items[slot] if type(changed) is Vector else changed.octets[slot]
            self._note(writer, oid, slot, changed, held, slot)

    def key(self, table: Any, oid: int, key: Any, given: Any, *, removed: bool) -> None:
        """Note a key of a hash table before it is set or removed.

        A key that is removed loses its place in the order: then the whole table is noted, once.
        """
        if id(table) in self._not_data:
            return
        writer = self.current()
        if removed and not (writer is not None and (writer.number, oid, key) in self._added):
            self._note_whole(table, oid, writer)
        elif self._is_new_part(writer, oid, key, table):
            assert writer is not None
            entry = table.entries.get(key)
            old = None if entry is None else Pair(*entry)
            self._note(writer, oid, key, table, old, given if entry is None else entry[0])

    def binding(self, name: str) -> None:
        """Note a global variable before it is set; one that has no value yet is made by the writer."""
        namespace = REGISTERS.machine.namespace
        if name not in namespace:
            return
        writer = self.current()
        owner = self._owners.get(name, {}).get(_WHOLE)
        symbol = intern(name)
        if owner is not writer and self._may_note(owner, writer, symbol) and writer is not None:
            self._note(writer, name, _WHOLE, symbol, namespace[name])

    def _is_new_part(self, writer: Transaction | None, oid: int, part: Any, changed: Any) -> bool:
        """Return whether the writer is to note a part; raise a conflict-error if it may not write there."""
        owned = self._owners.get(oid)
        if owned is not None:
            owner, of_all = owned.get(part), owned.get(_WHOLE)
            if writer is not None and (owner is writer or of_all is writer):
                return False
            if not (
                self._may_note(of_all, writer, changed) and self._may_note(owner, writer, changed)
            ):
                return False
        return writer is not None and oid < writer.first_new

    def _note(
        self,
        writer: Transaction,
        oid: int | str,
        part: Any,
        target: Any,
        old: Any,
        place: Any = None,
    ) -> None:
        owned = self._owners.get(oid)
        before = None if owned is None else owned.get(part)
        entry = Undo(target, part is _WHOLE, place, old, before, writer.undo)
        self._mark(writer)
        writer.undo = entry
        self._own(writer, entry, oid, part)

    def _own(
        self, owner: Transaction, entry: Undo, oid: int | str = 0, part: Any = _ABSENT
    ) -> None:
        if part is _ABSENT:
            oid, part = _part(entry)
        self._owners.setdefault(oid, {})[part] = owner
        if entry.old is None and not entry.whole and type(entry.target) is HashTable:
            self._added.add((owner.number, oid, part))

    def _mark(self, changed: Any) -> None:
        """Record that an object of the log itself changes; nobody owns these."""
        oid = changed.oid
        if oid:
            self._log.whole[oid] = changed
            self._marked[oid] = changed
            changed.oid = 0

    # -- ends -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let the next write to each object be seen: another task's, or this one's in another transaction."""
        for oid, marked in self._marked.items():
            marked.oid = oid
        self._marked.clear()

    def hand_over(self, transaction: Transaction) -> None:
        """Give what a transaction owns to the enclosing one, which undoes it if it is left; or let go of it."""
        self.settle()
        outer = transaction.outer
        kept: list[Undo] = []
        for entry in entries_of(transaction):
            oid, part = _part(entry)
            self._added.discard((transaction.number, oid, part))
            is_new = outer is not None and type(oid) is int and oid >= outer.first_new
            if outer is None or is_new or entry.owner is outer:
                self._disown(oid, part, entry.owner)
            elif self._owners.get(oid, {}).get(_WHOLE) is outer:
                self._disown(oid, part, entry.owner)  # its copy is older
            else:
                kept.append(entry)
        if outer is not None and kept:
            self._relink(kept, outer)
            for entry in kept:
                self._own(outer, entry)
        self._mark(transaction)
        transaction.undo = None

    def _relink(self, kept: list[Undo], outer: Transaction) -> None:
        """Put entries, newest first, on top of those of the enclosing transaction."""
        for entry, below in zip(kept, [*kept[1:], outer.undo], strict=True):
            if entry.next is not below:
                self._mark(entry)
                entry.next = below
        self._mark(outer)
        outer.undo = kept[0]

    def _disown(self, oid: int | str, part: Any, before: Transaction | None) -> None:
        """Give a part back to who owned it before."""
        owned = self._owners.get(oid, {})
        if before is not None:
            owned[part] = before
        elif owned.pop(part, None) is not None and not owned:
            del self._owners[oid]

    def roll_back(self, transaction: Transaction) -> None:
        """Undo what a transaction has written, newest first, and let go of it."""
        self.settle()
        entries = [*entries_of(transaction)]
        places = [_part(entry) for entry in entries]
        # The guard is not told of these writes; all that they mark gets its id back at the end.
        self._log.guard = None
        try:
            for entry in entries:
                _restore(entry)
        finally:
            self._log.guard = self
            self._log.settle()
        for entry, (oid, part) in zip(entries, places, strict=True):
            self._added.discard((transaction.number, oid, part))
            self._disown(oid, part, entry.owner)
        self._mark(transaction)
        transaction.undo = None


def current(machine: Machine) -> Transaction | None:
    """Return the innermost transaction that the running task is in and that is not over."""
    guard = guard_of(machine)
    return None if guard is None else guard.current()


def guard_of(machine: Machine) -> Guard | None:
    """Return the guard of the turn in progress, or None if the run has no transactions."""
    found = machine.log.guard
    assert found is None or isinstance(found, Guard)
    return found


def entries_of(transaction: Transaction) -> Iterator[Undo]:
    """Give the undo entries of a transaction, newest first."""
    entry = transaction.undo
    while entry is not None:
        yield entry
        entry = entry.next


def _part(entry: Undo) -> tuple[int | str, Any]:
    """Return what an entry is about, as the guard's tables have it; the object has its id."""
    target = entry.target
    if type(target) is Symbol:
        return target.name, _WHOLE
    if entry.whole:
        return target.oid, _WHOLE
    if type(target) is not HashTable:
        return target.oid, entry.place
    try:
        return target.oid, key_for(target.kind, entry.place)
    except SchemeError:  # the key object was changed since, and is none any more
        return target.oid, _ABSENT


def _restore(entry: Undo) -> None:
    target, old = entry.target, entry.old
    kind = type(target)
    if kind is Symbol:
        REGISTERS.machine.namespace[target.name] = old
    elif entry.whole:
        if target.oid:
            barrier.touch(target)
        for name in _FIELDS[kind]:
            setattr(target, name, getattr(old, name))  # the copy is thrown away with the entry
    elif kind is HashTable:
        _restore_key(target, entry.place, old)
    else:
        if target.oid:
            barrier.touch_slot(target, entry.place)
        held = target.items if kind is Vector else target.octets
        held[entry.place] = old


def _restore_key(table: HashTable, given: Any, old: Any) -> None:
    key = _key_of(table, given)
    if old is None and key not in table.entries:
        return  # it is gone again
    if key is _ABSENT:
        key = key_for(table.kind, old.car)
    if table.oid:
        barrier.touch_key(table, key, given, removed=old is None)
    if old is None:
        del table.entries[key]
    else:
        table.entries[key] = (old.car, old.cdr)


def _key_of(table: HashTable, given: Any) -> Any:
    """Return the key under which a table has a key object, which may have been changed since it was added."""
    try:
        key = key_for(table.kind, given)
    except SchemeError:
        key = _ABSENT
    if key in table.entries:
        return key
    return next((k for k, entry in table.entries.items() if entry[0] is given), _ABSENT)


def arm(machine: Machine) -> None:
    """Let a turn begin: with a guard if the run has transactions, without one if it has none."""
    root, log = machine.root, machine.log
    open_ones = bool(root.transactions)
    builtins = machine.namespace["__builtins__"]
    if builtins[FLAG] is not open_ones:
        builtins[FLAG] = open_ones
    if not open_ones:
        log.guard = None
        return
    for transaction in root.transactions:
        if not transaction.first_new:
            assert log.next_oid > 1, "a run that enters a transaction is saved before it goes on"
            barrier.touch(transaction)
            transaction.first_new = log.next_oid
    if log.guard is None:
        log.guard = Guard(log, root, machine.hooks.transaction)
