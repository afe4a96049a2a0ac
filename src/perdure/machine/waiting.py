"""Waiting: from operations to requests, and back to the value that one of them completed with.

Layer: machine. Imports machine.state, turn and values; called by machine.machine.
Invariant: a waiting task has at least one request in the table, all of one wait; when one completes, the others are
withdrawn in the same step. What can complete at once never becomes a request.

`alarm` requests belong to no wait: they interrupt their task when they are due (rule: `with-timeout` runs in the same task).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine import channels, deadlines, groups, mailbox, restarts, tasks, transactions
from perdure.machine.registers import REGISTERS, parameter_value
from perdure.machine.requests import FINISHED, JOINS, OUTSIDE, Failed, Now, complete
from perdure.machine.state import Operation, Redo, Request, Task
from perdure.values.barrier import touch
from perdure.values.conditions import fail
from perdure.values.lists import from_items
from perdure.values.tables import table_ref, table_set
from perdure.values.types import UNSPECIFIED

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def begin(machine: Machine, operations: tuple[Any, ...]) -> None:
    """Let the running task wait for the first of several operations, or go on if one completes at once."""
    for operation in operations:
        if not isinstance(operation, Operation):
            raise fail("type-error", "select: expected an operation, got", operation)
    if not mailbox.looks_on(machine, operations):
        raise fail("error", "receive-message: its predicate must not block")
    for operation in operations:
        now = None if operation.kind in OUTSIDE else _at_once(machine, operation)
        if isinstance(now, Failed):
            again = Redo(machine.stack, REGISTERS.dynamic, machine.select, operations)
            machine.callee, machine.arguments = machine.hooks.raise_error, (now.value, again)
            return
        if now is not None:
            machine.go_on(operation.wrap, now.value)
            return
    task = machine.task
    if task.oid:
        touch(task)
    wait = machine.root.next_number + 1
    task.waits = tuple([register(machine, task, wait, operation) for operation in operations])
    machine.pause("waiting")
    if any([operation.kind == "receive" for operation in operations]):  # noqa: C419 - one or two
        mailbox.match(machine)


def register(machine: Machine, task: Task, wait: int, operation: Operation) -> int:
    """Enter an operation into the table of requests and return its number."""
    number = machine.new_number()
    kind = operation.kind
    request = Request(
        number, task.number, wait, kind, operation.arguments, operation.wrap, machine.now
    )
    table_set(machine.root.requests, number, request)
    if kind in OUTSIDE:
        if kind == "effect":
            request.asked = machine.asked
            request.policy = parameter_value(machine.hooks.retry)
            request.deadline = deadlines.current_deadline(machine) or 0.0
            groups.asked(machine, request)
        machine.new_requests.append(request)
    elif kind == "receive":
        selective = len(operation.arguments) == mailbox.SELECTIVE
        request.ticket = (operation.arguments[2] if selective else 0) or number
    elif kind in {"get", "put"}:
        channels.enqueue(operation, request)
    elif kind in JOINS:
        for joined in operation.arguments:
            if joined.status not in FINISHED:
                if joined.oid:
                    touch(joined)
                joined.joiners = (*joined.joiners, number)
                request.remaining += 1
    return number


def _at_once(machine: Machine, operation: Operation) -> Now | None:
    match operation.kind:
        case "receive":
            return mailbox.take(machine, operation)
        case "get" | "put":
            return channels.transfer(machine, operation)
        case "console":
            # What somebody has seen was not enough for him: only something else makes him look again.
            seen = operation.arguments[0].text if operation.arguments else ""
            ready = machine.root.typed != seen or machine.root.typed_end
            return Now(UNSPECIFIED) if ready else None
        case "join":
            return _joined(machine, operation.arguments)
        case "end":
            (task,) = operation.arguments
            _fail_parked(machine, task)
            return Now(UNSPECIFIED) if task.status in FINISHED else None
    return None


def _joined(machine: Machine, joined: tuple[Task, ...]) -> Now | None:
    """Return the results of tasks if all have one; raise the error of one that failed."""
    for task in joined:
        _fail_parked(machine, task)
        if task.status == "failed":
            return Failed(task.result)
        if task.status == "cancelled":
            return Failed(tasks.was_cancelled(task))
        if task is machine.task:
            raise fail("error", "join: a task can't wait for itself")
    if any(task.status != "completed" for task in joined):
        return None
    results = [task.result for task in joined]
    return Now(results[0] if len(results) == 1 else from_items(results))


def _fail_parked(machine: Machine, task: Task) -> None:
    """End a task that is parked at its error, or that joins such ones, if the running one, which waits for it, has handlers."""
    work = [] if machine.unhandled() else [task]
    seen: set[int] = set()
    while work:
        each = work.pop()
        if each.number in seen:
            continue
        seen.add(each.number)
        if each.status == "waiting" and not transactions.is_compensating(machine, each):
            waits = [table_ref(machine.root.requests, number) for number in each.waits]
            for request in waits:
                if request is not None and request.kind in JOINS:
                    work += request.arguments
        elif each.status == "parked" and not tasks.stays_parked(machine, each, each.result):
            restarts.fail_for_joiner(machine, each, restarts.parked_at(each))


INTERRUPT = "\x03"
"""The line that stands for Ctrl-C at the console."""


def typed(machine: Machine, line: str | None) -> None:
    """Take a line for the console, or None for the end of input; whoever waits for text looks again, in order."""
    root = machine.root
    if line == INTERRUPT and root.interrupt is not None:
        main = machine.task_numbered(root.main_task)
        if main.status not in FINISHED:
            tasks.redirect(machine, main, root.interrupt)
        return
    if line is None:
        root.typed_end = True
    else:
        root.typed += line + "\n"
    for request in machine.waiting_for("console"):
        complete(machine, request, UNSPECIFIED)
