"""Cancellation: how tasks are told to end, and how they do.

Layer: machine. Imports machine.state, tasks, shielding, requests, turn and values.
Invariant: cancelling is an escape: the task goes on by leaving its dynamic extents (library procedure %unwind), which may block;
no handler sees it. A task leaves its extents once, and not before it has left its shields. Only a deadline (a request of kind
`force`) or an operator ends it where it is.

An error in a step of the clean-up parks the task: whoever cancelled it is gone, and a handler outside belongs to an extent that is
being left. An escape out of a step is the end of that step, and the next one follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine import shielding, tasks, transactions
from perdure.machine.requests import FINISHED, withdraw, withdraw_task
from perdure.machine.state import Request, Task
from perdure.machine.turn import Cancel, Logged
from perdure.values.barrier import touch
from perdure.values.lists import list_items
from perdure.values.tables import table_set
from perdure.values.types import UNSPECIFIED, Pair, String, Vector, intern

if TYPE_CHECKING:
    from perdure.machine.machine import Machine

FORCE = "force"
"""The kind of a request that ends a task where it is, or, with 0 as its task, the run."""


def cancel(machine: Machine, task: Task, reason: str = "") -> bool:
    """Cancel a task, at once or when it has left its shields. Return whether it leaves its extents now."""
    if task.status in FINISHED or task.cancelling:
        return False
    if task.oid:
        touch(task)
    task.reason = task.reason or reason
    if shielding.depth(machine, task):
        task.cancel_asked = True
        return False
    unwind(machine, task)
    return True


def unwind(machine: Machine, task: Task) -> None:
    """Let a task that is not over leave all of its extents; then it is over."""
    if task.oid:
        touch(task)
    task.cancelling = True
    if task.cancel_asked:
        shields_left(machine, task)
    task.interrupts = ()
    for number in tasks.alarms_of(machine, task):
        withdraw(machine, number)
    if machine.running and task is machine.task:
        go_on_unwinding(machine)
        return
    if task.status == "ready":
        machine.ready.remove(task.number)
    tasks.interrupt(machine, task, machine.hooks.unwind, ())
    task.stack = None


def shields_left(machine: Machine, holder: Task) -> None:
    """Note that a task which was to be cancelled has left its shields: if the run is to end, so do those that it has spawned there."""
    holder.cancel_asked = False
    root = machine.root
    if root.cancelled or machine.task_numbered(root.main_task).status in FINISHED:
        for _, task in list(root.tasks.entries.values()):
            if holder in shielding.spawned_in(machine, task):
                cancel_unheld(machine, task, holder.reason)


def cancel_unheld(machine: Machine, task: Task, reason: str) -> None:
    """Cancel a task since the run is to end, unless another one needs it: for its clean-up, or for what it does in a shield."""
    if not task.cleans_up and not shielding.holders(machine, task):
        cancel(machine, task, reason)


def go_on_unwinding(machine: Machine) -> None:
    """Let the running task, which is being cancelled, give up what it is at and leave the extents that are left."""
    machine.callee, machine.arguments = machine.hooks.unwind, ()
    machine.stack = None


def deliver(machine: Machine) -> bool:
    """Let what came while the running task was shielded or did not wait take effect; return whether something did.

    The task goes on by leaving its extents if it was to be cancelled, else with the handler of its first alarm.
    """
    task = machine.task
    level = shielding.depth(machine, task)
    if task.cancel_asked and not level:
        unwind(machine, task)
        return True
    for index, interrupt in enumerate(task.interrupts):
        if shielding.alarm_depth(interrupt) >= level:
            if task.oid:
                touch(task)
            task.interrupts = task.interrupts[:index] + task.interrupts[index + 1 :]
            handler = interrupt.arguments[1] if type(interrupt) is Request else interrupt
            machine.callee, machine.arguments = machine.hooks.alarm, (handler,)
            return True
    return False


# -- the whole run ---------------------------------------------------------------------------------


def cancel_run(machine: Machine, event: Cancel) -> None:
    """Cancel every task of the run; the second time, only those that were shielded the first time.

    What the clean-up itself has spawned is left alone.
    """
    root = machine.root
    again = root.cancelled
    root.cancelled, root.paused = True, False
    root.reason = root.reason or event.reason
    if event.force:
        force_run(machine)
        return
    for _, task in list(root.tasks.entries.values()):
        if task.cancel_asked or not again:
            cancel_unheld(machine, task, event.reason)
    if event.deadline_s is not None:
        withdraw(machine, root.forcing)
        root.forcing = _force_at(machine, 0, machine.now + max(0.0, event.deadline_s))


def reason_of(machine: Machine, task: Task) -> str | None:
    """Return why a task is cancelled, or None if it is not."""
    if task.cancelling or task.cancel_asked:
        return task.reason
    return machine.root.reason if machine.root.cancelled else None


# -- by force --------------------------------------------------------------------------------------


def force_in(machine: Machine, task: Task, due: float) -> None:
    """End a task by force at a time, unless it has ended by then; this takes the place of an earlier such wish."""
    if task.status in FINISHED:
        return
    withdraw(machine, task.forcing)
    if task.oid:
        touch(task)
    task.forcing = _force_at(machine, task.number, due)


def _force_at(machine: Machine, task: int, due: float) -> int:
    number = machine.new_number()
    request = Request(number, task, 0, FORCE, (due,), None, machine.now)
    table_set(machine.root.requests, number, request)
    machine.new_requests.append(request)
    return number


def forced(machine: Machine, request: Request) -> None:
    """A deadline for cleaning up is over."""
    if request.task == 0:
        force_run(machine)
        return
    entry = machine.root.tasks.entries.get(request.task)
    if entry is not None:
        force(machine, entry[1])


def force_run(machine: Machine) -> None:
    """End every task of the run where it is."""
    machine.root.cancelled = machine.root.forced = True
    machine.root.paused = False
    for _, task in list(machine.root.tasks.entries.values()):
        force(machine, task)


def force(machine: Machine, task: Task) -> None:
    """End a task that does not run where it is, and with it what it has started in extents that end with it."""
    if task.status in FINISHED:
        return
    for child in [*_scoped(task), *transactions.started_in(machine, task)]:
        force(machine, child)
    fields: tuple[tuple[str, Any], ...] = (("task", task.number), ("state", intern(task.status)))
    if task.name:
        fields = (*fields, ("name", String(task.name)))
    machine.logged.append(
        Logged(
            "warning",
            "a task was ended by force: what was left of its clean-up is not done",
            fields,
        )
    )
    if task.status == "ready":
        machine.ready.remove(task.number)
    for number in tasks.alarms_of(machine, task):
        withdraw(machine, number)
    withdraw_task(machine, task)
    tasks.end(machine, task, "cancelled", UNSPECIFIED)
    if task.number == machine.root.main_task:
        for _, other in list(machine.root.tasks.entries.values()):
            cancel_unheld(machine, other, "the main task was ended by force")


def _scoped(task: Task) -> list[Task]:
    """Return the tasks of the scopes that a task is in, or that wait for it."""
    found: list[Task] = []
    work: list[Any] = [*list_items("cancel", task.dynamic.winders)]
    while work:
        before, held, _ = work.pop().items
        if before is None and type(held) is Pair:
            found += [one for one in list_items("cancel", held) if type(one) is Task]
        elif before is None and type(held) is Vector:
            work += held.items
    return found
