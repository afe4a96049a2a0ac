"""Tasks: how they begin, end, are joined and interrupted.

Layer: machine. Imports machine.state, requests, mailbox and values.
Invariant: a task's end completes the requests of all that join it, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine import mailbox, shielding, transactions
from perdure.machine.registers import NO_DYNAMIC, REGISTERS
from perdure.machine.requests import FINISHED, task_ended, withdraw, withdraw_task
from perdure.machine.state import Dynamic, Request, Task
from perdure.values.barrier import touch
from perdure.values.conditions import condition
from perdure.values.tables import table_delete, table_ref, table_set
from perdure.values.types import NIL, Condition

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def spawn(machine: Machine, function: Any, arguments: tuple[Any, ...], name: str) -> Task:
    """Return a new task, ready to run; it inherits the parameters of the running one, not its handlers."""
    parameters = REGISTERS.dynamic.parameters if machine.running else NIL
    parent = machine.task.number if machine.running else 0
    number = machine.new_number()
    dynamic = Dynamic(NIL, NIL, parameters) if parameters is not NIL else NO_DYNAMIC
    task = Task(number, name, parent, "ready", None, dynamic, function, arguments)
    table_set(machine.root.tasks, number, task)
    machine.ready.append(number)
    if machine.running:
        task.cleans_up = machine.task.cancelling or machine.task.cleans_up
        transactions.adopt(machine, task)
    return task


def end(machine: Machine, task: Task, status: str, result: Any) -> None:
    """End a task; whoever joins it goes on. A task that nobody holds leaves the table."""
    if task.oid:
        touch(task)
    task.status, task.result = status, result
    task.stack, task.function, task.arguments = None, None, ()
    task.dynamic = NO_DYNAMIC
    joiners, task.joiners = task.joiners, ()
    if machine.root.transactions:
        transactions.abandon(machine, task)
    if task.number != machine.root.main_task:
        table_delete(machine.root.tasks, task.number)
    mailbox.release_all(machine, task.number)
    if task.forcing:
        withdraw(machine, task.forcing)
    if status == "cancelled":
        result = was_cancelled(task)
    for number in joiners:
        task_ended(machine, number, status, result)


def was_cancelled(task: Task) -> Any:
    """Return the condition that is raised in whoever joins a task that was cancelled."""
    why = f": {task.reason}" if task.reason else ""
    return condition("child-error", f"join: task {task.number} was cancelled{why}")


def fails_its_joiner(machine: Machine, task: Task, raised: Any) -> bool:
    """Return whether a task that joins this one has handlers for what was raised in it.

    An error in the clean-up of a cancelled one is not for those: it would end the rest of the clean-up.
    """
    return not stays_parked(machine, task, raised) and any(
        _has_handlers(machine, number) for number in task.joiners
    )


def stays_parked(machine: Machine, task: Task, raised: Any) -> bool:
    """Return whether what was raised in a task is nobody else's: it cleans up, undoes a transaction, or asks for leave."""
    asks = isinstance(raised, Condition) and raised.kind == "retry-refused"
    return asks or task.cancelling or transactions.is_compensating(machine, task)


def _has_handlers(machine: Machine, number: int) -> bool:
    """Whether the task behind a join request would handle an error, itself or through one that joins it."""
    seen: set[int] = set()
    work = [number]
    while work:
        request: Request | None = table_ref(machine.root.requests, work.pop())
        if request is None or request.task in seen:
            continue
        seen.add(request.task)
        task = machine.task_numbered(request.task)
        if task.dynamic.handlers is not NIL:
            return True
        if not transactions.is_compensating(machine, task):
            work += task.joiners
    return False


def fail_parked(machine: Machine, task: Task) -> None:
    """End a parked task as failed: its error is raised in the tasks that join it."""
    end(machine, task, "failed", task.result)


def interrupt(machine: Machine, task: Task, function: Any, arguments: tuple[Any, ...]) -> None:
    """Make a task that is not running call a procedure on top of its stack, instead of what it waits for."""
    withdraw_task(machine, task)
    mailbox.release_all(machine, task.number)
    machine.make_ready(task, None, ())
    task.function, task.arguments = function, arguments


def alarm(machine: Machine, request: Request) -> None:
    """An alarm is due: interrupt its task as soon as it waits."""
    task = machine.task_numbered(request.task)
    held_up = shielding.alarm_depth(request) < shielding.depth(machine, task)
    if task.status == "waiting" and not held_up:
        interrupt(machine, task, machine.hooks.alarm, (request.arguments[1],))
    elif task.status not in FINISHED:
        if task.oid:
            touch(task)
        task.interrupts = (*task.interrupts, request)


def redirect(machine: Machine, task: Task, function: Any) -> None:
    """Make a task that is not running call a procedure instead of all that it has left to do; it keeps its extents.

    A shielded one calls it when it has left its shield.
    """
    if task.oid:
        touch(task)
    if shielding.depth(machine, task):
        task.interrupts = (function, *task.interrupts)
        return
    task.interrupts = ()
    for number in alarms_of(machine, task):
        withdraw(machine, number)
    if task.status == "ready":
        machine.ready.remove(task.number)
    interrupt(machine, task, function, ())
    task.stack, task.result, task.arguments = None, None, ()


def abandon_others(machine: Machine, result: Any) -> None:
    """End every task but the running one where it is, without its afters; the main one has a result."""
    others = [task for _, task in machine.root.tasks.entries.values() if task is not machine.task]
    live = [task for task in others if task.status not in FINISHED]
    for task in live:
        for number in alarms_of(machine, task):
            withdraw(machine, number)
        withdraw_task(machine, task)
    for task in live:
        main = task.number == machine.root.main_task
        end(machine, task, "completed" if main else "cancelled", result)
    machine.ready.clear()


def alarms_of(machine: Machine, task: Task) -> list[int]:
    """Return the numbers of a task's alarms."""
    return [r.number for r in machine.waiting_for("alarm") if r.task == task.number]
