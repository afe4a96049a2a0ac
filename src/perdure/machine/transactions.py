"""Transactions: how they are entered, committed, left and ended.

Layer: machine. Imports machine.state, undo, requests, registers and values.
Invariant: a transaction is on the run's root from its entry until it is over, and in the winders of its task for as long; so
whoever leaves the extent finds it, whatever happens in between. Its entry ends the turn: then the run is saved, and every
object that it could write has an id.

How a body is run and undone is Scheme (lib/transaction.sld), for compensations block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine import groups
from perdure.machine.registers import bound, dynamic_of
from perdure.machine.requests import FINISHED
from perdure.machine.state import Task
from perdure.machine.undo import CLOSED, LEFT, OPEN, Transaction, current, guard_of
from perdure.values.barrier import touch
from perdure.values.conditions import fail
from perdure.values.lists import from_items, list_items
from perdure.values.types import NIL, Pair

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def make(machine: Machine, leave: Any) -> Transaction:
    """Return a transaction of the running task that was not entered yet; `leave` is the continuation of its end."""
    made = Transaction(machine.new_number(), machine.task.number, current(machine), leave)
    made.compensates = groups.in_compensation(machine)
    return made


def enter(machine: Machine, transaction: Transaction) -> None:
    """Enter a transaction, and end the turn."""
    machine.root.transactions = (*machine.root.transactions, transaction)
    machine.end_turn()


def adopt(machine: Machine, task: Task) -> None:
    """Note a task that was started in a transaction, which ends before that one does."""
    transaction = current(machine)
    if transaction is not None:
        tasks = Pair(task, _unfinished(transaction))
        touch(transaction)
        transaction.tasks = tasks


def _unfinished(transaction: Transaction) -> Any:
    """Return the list of tasks that are not over; it is made anew only if its newest one is over."""
    tasks = transaction.tasks
    if tasks is NIL or tasks.car.status not in FINISHED:
        return tasks
    return from_items([t for t in list_items("transaction", tasks) if t.status not in FINISHED])


def children(transaction: Transaction) -> list[Task]:
    """Return the tasks that were started inside and are not over, oldest first."""
    tasks = list_items("transaction", transaction.tasks)
    return [task for task in reversed(tasks) if task.status not in FINISHED]


def started_in(machine: Machine, task: Task) -> list[Task]:
    """Return the tasks that were started in transactions of a task and are not over: they end before these do."""
    mine = [each for each in machine.root.transactions if each.task == task.number]
    return [child for each in mine for child in children(each)]


def commit(machine: Machine, transaction: Transaction) -> None:
    """End a transaction normally: what it did is now the enclosing one's to undo, or for good."""
    guard = guard_of(machine)
    assert guard is not None
    assert transaction.status == OPEN
    guard.hand_over(transaction)
    outer = transaction.outer
    if outer is not None and transaction.compensations is not NIL:
        compensations = outer.compensations
        for each in reversed(list_items("transaction", transaction.compensations)):
            compensations = Pair(each, compensations)
        touch(outer)
        outer.compensations = compensations
    groups.hand_over(transaction, undone=False)
    touch(transaction)
    transaction.compensations = NIL
    close(machine, transaction)


def roll_back(machine: Machine, transaction: Transaction) -> None:
    """Undo all writes of a transaction, once; its compensations are still to be run."""
    if transaction.status != OPEN:
        return
    touch(transaction)
    transaction.status = LEFT
    guard = guard_of(machine)
    if guard is not None:
        guard.roll_back(transaction)


def close(machine: Machine, transaction: Transaction) -> None:
    """Note that a transaction is over."""
    if transaction.status != OPEN:
        groups.hand_over(transaction, undone=True)
    touch(transaction)
    transaction.status = CLOSED
    transaction.leave, transaction.tasks = None, NIL
    machine.root.transactions = tuple(
        [each for each in machine.root.transactions if each is not transaction]
    )


def compensate(transaction: Transaction, thunk: Any) -> None:
    """Add what is to be called if the transaction is left."""
    compensations = Pair(thunk, transaction.compensations)
    touch(transaction)
    transaction.compensations = compensations


def drop_compensation(transaction: Transaction, thunk: Any) -> None:
    """Take a compensation away that is there."""
    compensations = groups.without(transaction.compensations, thunk)
    touch(transaction)
    transaction.compensations = compensations


def next_compensation(transaction: Transaction) -> Any:
    """Take the newest compensation away and return it, or FALSE: once it has begun it is not begun again."""
    compensations = transaction.compensations
    if compensations is NIL:
        return None
    touch(transaction)
    transaction.compensations = compensations.cdr
    return compensations.car


def abandon(machine: Machine, task: Task) -> None:
    """End the transactions of a task that was ended where it was: the heap is rolled back, nothing is compensated."""
    mine = [each for each in machine.root.transactions if each.task == task.number]
    for transaction in reversed(mine):
        roll_back(machine, transaction)
        close(machine, transaction)


def required(machine: Machine, procedure: str) -> Transaction:
    """Return the transaction that the running task is in.

    Raises:
      SchemeError: error: there is none, or it is being undone.
    """
    found = current(machine)
    if found is None:
        raise fail("error", f"{procedure}: there is no transaction here")
    if found.status != OPEN:
        raise fail("error", f"{procedure}: the transaction was left and is being undone")
    return found


def is_compensating(machine: Machine, task: Task) -> bool:
    """Return whether a task is undoing a transaction: no handler outside of it takes its errors."""
    owner: Transaction | None = bound(dynamic_of(machine, task), machine.hooks.compensating)
    return owner is not None and owner.task == task.number
