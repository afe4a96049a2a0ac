"""The write barrier: which saved objects changed since the last commit.

Layer: values. Imports limits.
Invariant: an object whose `oid` is truthy is unchanged since it was saved, or its changed slots are in
the log. So a mutating primitive does nothing more than `if x.oid: touch(x)` *before* its first write.

An object's `oid` slot has one of three kinds of value:
- 0: never saved, or already marked as changed: the barrier is not needed;
- a positive int: its id in the run's saved heap;
- anything else (a `ConstantId` or `NativeId`): it is part of a program's literal constants, or of the standard
  library, and can't be changed.

Marking sets the slot to 0, so that the second write to an object costs nothing; the log keeps the id,
and `settle` puts it back when the delta is encoded.
Not a dirty *flag* beside the id: every constructor would pay for one more field.

While a transaction is open in the run, the log has a *guard* (machine/undo.py), which is told of each write before it is
done: it keeps what was there, or refuses. A part of an object must not escape it, so then no write of a slot or key marks its
object: what is recorded as a whole and has its id was written part by part, or by somebody whose turn is over.
"""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct

from perdure.base import limits


class ConstantId(Struct, frozen=True):
    """The identity of a part of a literal constant: which definition, which part of it."""

    definition: str
    part: int


class NativeId(Struct, frozen=True):
    """The identity of an object of the frozen standard library, shared by all runs: its name there."""

    name: str


class Guard(Protocol):
    """Is told of writes before they are done, and refuses some: by raising what the program gets."""

    def whole(self, changed: Any, oid: int) -> None:
        """A saved object is about to change as a whole, and to be marked."""

    def slot(self, changed: Any, oid: int, slot: int) -> None:
        """A slot of a saved vector or bytevector is about to change."""

    def key(self, table: Any, oid: int, key: Any, given: Any, *, removed: bool) -> None:
        """A normalised key of a saved table is about to be set, with `given` as the key object, or removed."""

    def binding(self, name: str) -> None:
        """A global variable, by its name in the run's namespace, is about to be set."""

    def settle(self) -> None:
        """Another task runs now: its first write to an object is to be seen again."""


class WriteLog:
    """What changed in one run's heap since its last commit.

    Attributes:
      guard: who is told of each write, or None if no transaction is open.
      next_oid: the first id that an object made since the last commit may get.
    """

    def __init__(self) -> None:
        self.guard: Guard | None = None
        self.next_oid = 1
        self.whole: dict[int, Any] = {}
        self.slots: dict[int, tuple[Any, set[int]]] = {}
        self.keys: dict[int, tuple[Any, dict[Any, bool]]] = {}
        self.originals: dict[int, dict[Any, Any]] = {}
        """For touched keys that are saved: the key object that is saved, which is what a delta removes or renames."""

    def settle(self) -> None:
        """Give the changed objects their ids back; call before encoding."""
        for oid, changed in self.whole.items():
            changed.oid = oid

    def clear(self) -> None:
        """Forget all changes; call once they are saved."""
        self.whole.clear()
        self.slots.clear()
        self.keys.clear()
        self.originals.clear()


class ConstantMutation(Exception):
    """A program tried to change a literal constant; the caller turns it into a condition."""


_log = WriteLog()


def use(log: WriteLog) -> None:
    """Make `log` the one that primitives write to: the log of the run that is evaluated now."""
    global _log
    _log = log


def touch(changed: Any) -> None:
    """Record that a saved object is about to change as a whole.

    Raises:
      ConstantMutation: it is part of a literal constant.
    """
    oid = changed.oid
    if type(oid) is not int:
        raise ConstantMutation
    if oid:
        if _log.guard is not None:
            _log.guard.whole(changed, oid)
        _record_whole(oid, changed)
        changed.oid = 0


def _record_whole(oid: int, changed: Any) -> None:
    _log.whole[oid] = changed
    _log.slots.pop(oid, None)
    _log.keys.pop(oid, None)
    _log.originals.pop(oid, None)


def touch_global(name: str) -> None:
    """Record that a global variable is about to be set: for the guard alone, the codec compares all of them."""
    if _log.guard is not None:
        _log.guard.binding(name)


def touch_slot(changed: Any, slot: int) -> None:
    """Record that one slot of a saved vector or bytevector is about to change."""
    oid = changed.oid
    if type(oid) is not int:
        raise ConstantMutation
    guard = _log.guard
    if guard is not None:
        guard.slot(changed, oid, slot)
        if oid in _log.whole:
            return
    entry = _log.slots.get(oid)
    if entry is None:
        entry = _log.slots[oid] = (changed, set())
    slots = entry[1]
    slots.add(slot)
    if len(slots) > limits.SLOT_CHANGES_MAX:
        _become_whole(oid, changed)


def _become_whole(oid: int, changed: Any) -> None:
    """Record an object as a whole of which many parts have changed."""
    if _log.guard is None:
        touch(changed)
    else:
        _record_whole(oid, changed)


def touch_key(changed: Any, key: Any, given: Any, *, removed: bool) -> None:
    """Record that one key of a saved hash table is about to be set or removed.

    Args:
      changed: the hash table.
      key: the normalised key (`values.tables`).
      given: the key as the program has it.
      removed: a key that was ever removed loses its place in the order, also when it is set again.
    """
    oid = changed.oid
    if type(oid) is not int:
        raise ConstantMutation
    guard = _log.guard
    if guard is not None:
        guard.key(changed, oid, key, given, removed=removed)
        if oid in _log.whole:
            return
    entry = _log.keys.get(oid)
    if entry is None:
        entry = _log.keys[oid] = (changed, {})
        _log.originals[oid] = {}
    keys = entry[1]
    if key not in keys:
        saved = changed.entries.get(key)
        if saved is not None:
            _log.originals[oid][key] = saved[0]
    keys[key] = removed or keys.get(key, False)
    if len(keys) > limits.SLOT_CHANGES_MAX:
        _become_whole(oid, changed)
