"""Groups of effects that are retried together: what each attempt has done, and what the next one must repeat.

Layer: machine. Imports machine.state, undo, registers, values.
Invariant: every effect that took place, or may have, in an attempt of a group is in its record until the next attempt has asked
for it again with equal arguments; then it has the same key. One that can neither be undone nor be repeated stops the
group before anything is undone.

A group is a transaction (`Transaction.group`), and so in the heap. Arguments are kept as a hash of what they were when the
effect was asked for: a roll-back changes the objects.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from perdure.machine.registers import REGISTERS
from perdure.machine.state import Request
from perdure.machine.undo import OPEN, Transaction, current
from perdure.values.barrier import touch
from perdure.values.conditions import condition
from perdure.values.lists import from_items, list_items
from perdure.values.printer import write_string
from perdure.values.types import (
    NIL,
    Box,
    Bytevector,
    Condition,
    HashTable,
    Pair,
    PythonProcedure,
    Record,
    String,
    Vector,
)

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


class Done(Struct, eq=False):
    """An effect that a group has asked for.

    `request` is the number of its request, 0 when that is over; `task` the task that asked; `arguments` a hash of them; `key`
    the idempotency key; `idempotent`: it may be performed again with that; `compensated`: leaving the transaction undoes it.
    """

    procedure: Any
    arguments: str
    key: str
    request: int
    task: int
    idempotent: bool = False
    compensated: bool = False
    oid: Any = 0


class Group(Struct, eq=False):
    """The record of one attempt.

    `done` is a list of what it has asked for, newest first; `earlier` a list of what attempts before it did and it has not
    asked for yet, and of what they did and was undone: to ask for that is nothing new; `again`: it failed and is followed by another attempt.
    """

    done: Any
    earlier: Any
    again: bool = False
    oid: Any = 0


def around(machine: Machine) -> Iterator[Transaction]:
    """Give the groups that the running task is in, innermost first; what a compensation does is in none that it undoes."""
    found = None
    if machine.root.transactions and not in_compensation(machine):
        found = current(machine)
    while found is not None:
        if found.group is not None and found.status == OPEN:
            yield found
        found = None if found.compensates else found.outer


def innermost(machine: Machine) -> Transaction | None:
    """Return the innermost group that the running task is in, or None."""
    return next(around(machine), None)


def in_compensation(machine: Machine) -> bool:
    """Return whether a compensation was begun after the innermost transaction was entered."""
    hooks = machine.hooks
    bindings = REGISTERS.dynamic.parameters
    while bindings is not NIL:
        if bindings.car.car is hooks.transaction:
            return False
        if bindings.car.car is hooks.compensating:
            return bindings.car.cdr is not None
        bindings = bindings.cdr
    return False


# -- what is asked for ---------------------------------------------------------------------------


def asked(machine: Machine, request: Request) -> None:
    """Record an effect that the running task asks for; one that is repeated gets the key that it had."""
    transaction = innermost(machine)
    if transaction is None:
        return
    group: Group = transaction.group
    procedure, *arguments = request.arguments
    hashed = fingerprint(arguments)
    for each in around(machine):
        repeated = _repeated(each.group, procedure, hashed)
        if repeated is not None:
            touch(each.group)
            each.group.earlier = without(each.group.earlier, repeated)
            request.key = repeated.key
            break
    key = request.key or f"{machine.root.run_id}/{request.number}"
    idempotent = machine.is_idempotent(procedure)
    done = Done(procedure, hashed, key, request.number, request.task, idempotent)
    touch(group)
    group.done = Pair(done, group.done)


def _repeated(group: Group, procedure: Any, hashed: str) -> Done | None:
    for done in owed(group):
        if done.procedure is procedure and done.arguments == hashed:
            return done
    return None


def owed(group: Group) -> list[Done]:
    """Return what attempts before did, was not undone, and was not asked for again yet."""
    return [done for done in list_items("retrying", group.earlier) if not done.compensated]


def without(items: Any, item: Any) -> Any:
    """Return a list without an item that is in it once; what is behind that is shared."""
    before: list[Any] = []
    while items.car is not item:
        before.append(items.car)
        items = items.cdr
    return from_items(before, items.cdr)


def settled(machine: Machine, number: int, *, happened: bool, repeatable: bool) -> None:
    """Take note that an effect is over.

    Args:
      machine: the run.
      number: its request's.
      happened: it returned; else it raised.
      repeatable: it may be performed again.
    """
    group, done = _find(machine, number)
    if done is None:
        return
    if not happened and repeatable and not done.idempotent:
        _forget(group, done)  # its error means that nothing happened
        return
    touch(done)
    done.request = 0
    done.idempotent = done.idempotent or (happened and repeatable)


def withdrawn(machine: Machine, request: Request) -> None:
    """Take note that nobody waits any more for an effect: if it was begun, it may have taken place."""
    group, done = _find(machine, request.number)
    if done is None:
        return
    if not request.started and request.attempt == 0:
        _forget(group, done)
    else:
        touch(done)
        done.request = 0


def _find(machine: Machine, number: int) -> tuple[Any, Done | None]:
    for transaction in machine.root.transactions:
        group = transaction.group
        if group is not None:
            dones = group.done
            while dones is not NIL:
                if dones.car.request == number:
                    return group, dones.car
                dones = dones.cdr
    return None, None


def _forget(group: Group, done: Done) -> None:
    touch(group)
    group.done = without(group.done, done)


def compensate_since(machine: Machine, before: Any) -> None:
    """Note that what the running task has done since the record was `before` is undone when the transaction is left."""
    transaction = innermost(machine)
    if transaction is None:
        return
    dones = transaction.group.done
    while dones is not NIL and dones is not before:
        if dones.car.task == machine.task.number:
            touch(dones.car)
            dones.car.compensated = True
        dones = dones.cdr


def record(machine: Machine) -> Any:
    """Return the record of the group that the running task is in, for `compensate_since`."""
    transaction = innermost(machine)
    return NIL if transaction is None else transaction.group.done


# -- attempts ------------------------------------------------------------------------------------


def _began(machine: Machine, done: Done) -> bool:
    """Return whether an effect took place, or may have."""
    if not done.request:
        return True
    entry = machine.root.requests.entries.get(done.request)
    return entry is None or bool(entry[1].started or entry[1].attempt)


def _done_inside(machine: Machine, transaction: Transaction) -> list[Done]:
    """Return what a group has asked for, and what groups have inside of it that are not over."""
    found: list[Done] = []
    for each in machine.root.transactions:
        outer: Transaction | None = each
        while outer is not None and outer is not transaction:
            outer = None if outer.compensates else outer.outer
        if outer is not None and each.group is not None:
            found += list_items("retrying", each.group.done)
    return found


def refusal(machine: Machine, transaction: Transaction) -> Condition | None:
    """Return why a group can't be retried: an effect that was done can neither be undone nor be repeated; or None."""
    for done in _done_inside(machine, transaction):
        if not (done.compensated or done.idempotent) and _began(machine, done):
            name = _name(done.procedure)
            return condition(
                "retry-refused",
                f"retrying: {name} was called, and what it did can't be undone or done again: it has no "
                f"compensation, and is not idempotent",
            )
    return None


def fail(transaction: Transaction) -> None:
    """Note that an attempt is followed by another, which takes its record over."""
    touch(transaction.group)
    transaction.group.again = True


def to_repeat(machine: Machine, transaction: Transaction) -> Any:
    """Return what is `earlier` for the next attempt, oldest first."""
    group: Group = transaction.group
    dones = list_items("retrying", group.done)
    mine = [done for done in reversed(dones) if _began(machine, done)]
    kept: dict[Any, Done] = {}
    for done in [*list_items("retrying", group.earlier), *mine]:
        undone = (id(done.procedure), done.arguments)
        kept[undone if done.compensated else id(done)] = done
    return from_items([*kept.values()])


def other_arguments(machine: Machine, operations: tuple[Any, ...]) -> tuple[Condition, Any] | None:
    """Return why an effect is not to be asked for, and its function: an earlier attempt called that with other arguments.

    None if nothing is in the way.
    """
    earlier = [d for each in around(machine) for d in list_items("retrying", each.group.earlier)]
    for operation in operations if earlier else ():
        if operation.kind == "effect":
            procedure, *arguments = operation.arguments
            mine = [done for done in earlier if done.procedure is procedure]
            hashed = fingerprint(arguments)
            is_new = all(done.arguments != hashed for done in mine)
            if is_new and not all(done.compensated for done in mine):
                message = (
                    f"retrying: {_name(procedure)} is called with other arguments than in an "
                    f"earlier attempt, which was not undone"
                )
                return condition("retry-refused", message), procedure
    return None


def not_repeated(transaction: Transaction) -> Condition | None:
    """Return why an attempt is not to end normally: something that an earlier one did was not asked for again; or None."""
    missing = owed(transaction.group)
    if not missing:
        return None
    message = (
        f"retrying: an earlier attempt has called {_name(missing[0].procedure)}, which was not "
        f"undone, and this one did not call it again"
    )
    return condition("retry-refused", message)


def forget_earlier(machine: Machine, procedure: Any) -> None:
    """Leave what earlier attempts of the groups here did with a function as it is."""
    for each in around(machine):
        group: Group = each.group
        earlier = list_items("retrying", group.earlier)
        touch(group)
        group.earlier = from_items([done for done in earlier if done.procedure is not procedure])


def hand_over(transaction: Transaction, *, undone: bool) -> None:
    """Give the record of a group that is over to the one around it, if it is not retried itself.

    Args:
      transaction: the group.
      undone: it was left: what had compensations is not done any more.
    """
    group: Group | None = transaction.group
    outer = transaction.outer
    while outer is not None and outer.group is None:
        outer = outer.outer
    if group is None or group.again or outer is None or transaction.compensates:
        return
    dones = outer.group.done
    left = [*list_items("retrying", group.done), *owed(group)]
    for done in reversed(left):
        if not (undone and done.compensated):
            dones = Pair(done, dones)
    touch(outer.group)
    outer.group.done = dones


def _name(procedure: Any) -> str:
    return procedure.function.replace("_", "-") if type(procedure) is PythonProcedure else "?"


# -- arguments -----------------------------------------------------------------------------------


def fingerprint(arguments: list[Any]) -> str:
    """Return a text that is the same for arguments that are equal, and for no others."""
    hashed = hashlib.sha256()
    seen: dict[int, int] = {}
    todo: list[Any] = [*reversed(arguments)]
    hashed.update(f"{len(arguments)}".encode())
    while todo:
        value = todo.pop()
        parts = _parts(value)
        if parts is None:
            shown = value.text if type(value) is String else write_string(value)
            hashed.update(
                f"{type(value).__name__} {len(shown)} {shown};".encode("utf-8", "replace")
            )
            continue
        if id(value) in seen:
            hashed.update(f"again {seen[id(value)]};".encode())
            continue
        seen[id(value)] = len(seen)
        hashed.update(f"{type(value).__name__} {len(parts)};".encode())
        todo += reversed(parts)
    return hashed.hexdigest()[:32]


def _parts(value: Any) -> list[Any] | None:
    """Return the parts of a compound value, or None for what is compared as it is written."""
    kind = type(value)
    if kind is Pair:
        return [value.car, value.cdr]
    if kind is Vector:
        return [*value.items]
    if kind is HashTable:
        return [part for entry in value.entries.values() for part in entry]
    if kind is Record:
        return [String(value.rtd.type_name), *value.fields]
    if kind is Box:
        return [value.contents]
    if kind is Bytevector:
        return [*value.octets]
    return None
