"""Cancellation: how tasks are told to end, and how they do.

Layer: machine. Imports machine.state, tasks, shielding, requests and values.
Invariant: cancelling is an escape: the task goes on by leaving its dynamic extents (library procedure %unwind), which may block;
no handler sees it. A task leaves its extents once, and not before it has left its shields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perdure.machine import shielding, tasks
from perdure.machine.requests import FINISHED, withdraw
from perdure.machine.state import Request, Task
from perdure.values.barrier import touch

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def cancel(machine: Machine, task: Task) -> bool:
    """Cancel a task, at once or when it has left its shields. Return whether it leaves its extents now."""
    if task.status in FINISHED or task.cancelling:
        return False
    if shielding.depth(machine, task):
        if task.oid:
            touch(task)
        task.cancel_asked = True
        return False
    unwind(machine, task)
    return True


def unwind(machine: Machine, task: Task) -> None:
    """Let a task that is not over leave all of its extents; then it is over."""
    if task.oid:
        touch(task)
    task.cancelling = True
    task.cancel_asked = False
    task.interrupts = ()
    for number in tasks.alarms_of(machine, task):
        withdraw(machine, number)
    if machine.running and task is machine.task:
        machine.callee, machine.arguments = machine.hooks.unwind, ()
        machine.stack = None
        return
    if task.status == "ready":
        machine.ready.remove(task.number)
    tasks.interrupt(machine, task, machine.hooks.unwind, ())
    task.stack = None


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


def cancel_run(machine: Machine) -> None:
    """Cancel every task of the run."""
    if machine.root.oid:
        touch(machine.root)
    machine.root.cancelled = True
    for _, task in list(machine.root.tasks.entries.values()):
        cancel(machine, task)
