"""Requests that complete: what every way of waiting has in common.

Layer: machine. Imports machine.state and values.
Invariant: when one request of a wait completes, the others are withdrawn in the same step, and the task is ready.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine import groups
from perdure.machine.state import Channel, Frame, Request, Task
from perdure.values.barrier import touch
from perdure.values.lists import from_items
from perdure.values.tables import table_delete, table_ref
from perdure.values.types import UNSPECIFIED, Condition

if TYPE_CHECKING:
    from perdure.machine.machine import Machine

OUTSIDE = frozenset({"effect", "timer", "alarm", "force", "patience", "child"})
"""Kinds of request that the engine acts upon; the others complete inside the run."""


TIMED = frozenset({"timer", "alarm", "force", "patience"})
"""Kinds of request that the engine answers when a time has come, their first argument."""

JOINS = frozenset({"join", "end"})
"""Kinds of request that wait for other tasks of the run."""

PATIENCE = "patience"
"""The kind of request that ends the rest of a parked task (machine/parking.py)."""

IDLE = JOINS | {"force", PATIENCE}
"""Kinds of request that do not keep a run going: with no others, it rests when its tasks are parked."""

FINISHED = frozenset({"completed", "failed", "cancelled"})
"""The states of a task that has ended."""


class Now:
    """An operation's value, had without waiting."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Failed(Now):
    """An error that an operation has at once; it is raised in the waiting task."""

    __slots__ = ()


def complete(machine: Machine, request: Request, value: Any) -> None:
    """Complete a request with a value: its task goes on."""
    task = withdraw_all(machine, request)
    machine.make_ready(task, request.wrap, (value,))


def fail_request(machine: Machine, request: Request, raised: Any) -> None:
    """Complete a request with an error, which is raised in its task."""
    redo = machine.redo_of(request)
    task = withdraw_all(machine, request)
    if isinstance(raised, Condition) and raised.frame is None and request.kind == "effect":
        if raised.oid:
            touch(raised)
        # A report is about the call: what is done again may begin with its operands. Only a tail call has left no frame.
        kept = request.asked
        tail = kept is not None and kept[:1] != () and type(kept[0]) is Frame
        raised.frame = redo if tail else task.stack
    machine.make_ready(task, machine.hooks.raise_error, (raised, redo))


def withdraw_all(machine: Machine, done: Request) -> Task:
    """Withdraw the requests of a wait and return its task; `done` itself is over, not withdrawn."""
    task: Task = machine.task_numbered(done.task)
    withdraw_task(machine, task, keep=done.number)
    table_delete(machine.root.requests, done.number)
    return task


def withdraw_task(machine: Machine, task: Task, *, keep: int = 0) -> None:
    """Withdraw all requests that a task waits for."""
    for number in task.waits:
        if number != keep:
            withdraw(machine, number)
    if task.oid:
        touch(task)
    task.waits = ()


def withdraw(machine: Machine, number: int) -> None:
    """Take one request back: nobody waits for it any more."""
    request = table_ref(machine.root.requests, number)
    if request is None:
        return
    table_delete(machine.root.requests, number)
    if request.kind in OUTSIDE:
        machine.withdraw_outside(request)
        if request.kind == "effect" and machine.root.transactions:
            groups.withdrawn(machine, request)
    elif request.kind in {"get", "put"}:
        _dequeue(request)


def task_ended(machine: Machine, number: int, status: str, result: Any) -> None:
    """Tell a join request that a task it waits for has ended.

    Args:
      machine: the run.
      number: the request's; it may be gone.
      status: "completed", or anything else: then `result` is what is raised in the joining task.
      result: the task's value, or the condition.
    """
    request: Request | None = table_ref(machine.root.requests, number)
    if request is None:
        return
    if request.kind == "end":
        complete(machine, request, UNSPECIFIED)
    elif status != "completed":
        fail_request(machine, request, result)
    elif len(request.arguments) == 1:
        complete(machine, request, result)
    else:
        if request.oid:
            touch(request)
        request.remaining -= 1
        if request.remaining == 0:
            results = [task.result for task in request.arguments]
            complete(machine, request, from_items(results))


def _dequeue(request: Request) -> None:
    """Take a withdrawn request from its channel, if it is still there."""
    channel: Channel = request.arguments[0]
    queue = channel.putting if request.kind == "put" else channel.getting
    for index, waiting_request in enumerate(queue):
        if waiting_request is request:
            if channel.oid:
                touch(channel)
            del queue[index]
            return
