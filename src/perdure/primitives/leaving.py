"""Leaving the run: what `exit` and `emergency-exit` are built on.

Layer: primitives. Imports machine and values.
Invariant: the end of the main task is the end of the run, and its value is the run's result; so whoever leaves the run
lets the main task end. Only `emergency-exit` ends tasks without their cleaning up.
"""

from __future__ import annotations

from typing import Any

from perdure.machine import cancelling, tasks
from perdure.machine.machine import AGAIN, Machine
from perdure.machine.registers import REGISTERS, identity
from perdure.machine.requests import FINISHED
from perdure.machine.signals import Isolated
from perdure.primitives.registry import primitive
from perdure.values.types import DEFAULT, TRUE, UNSPECIFIED


def exit_code(value: Any) -> int | None:
    """Return the exit code of a process that `exit` is called in, or None for a value that is none."""
    if value is DEFAULT or value is TRUE:
        return 0
    if value is None:
        return 1
    return value & 255 if type(value) is int else None


def _end_here(machine: Machine, value: Any) -> Any:
    """Let the running task end with a value, from wherever it is."""
    machine.stack = None
    machine.callee, machine.arguments = identity, (value,)
    return AGAIN


def _exit(machine: Machine, value: Any) -> Any:
    machine.root.exit_code = exit_code(value)
    return _end_here(machine, UNSPECIFIED if value is DEFAULT else value)


@primitive("%exit")
def leave(obj: Any = DEFAULT) -> Any:
    """End the main task, which is the running one, and with it the run."""
    raise Isolated(_exit, obj)


def _leave_everything(machine: Machine, value: Any) -> Any:
    main = machine.task_numbered(machine.root.main_task)
    if main.status not in FINISHED:
        machine.root.exit_code = exit_code(value)
    result = UNSPECIFIED if value is DEFAULT else value
    tasks.abandon_others(machine, result)
    if machine.task is not main:
        machine.task.cancelling = True
    return _end_here(machine, result)


@primitive("%emergency-exit")
def leave_at_once(obj: Any = DEFAULT) -> Any:
    """End every task where it is."""
    raise Isolated(_leave_everything, obj)


@primitive("%main-task?")
def is_main_task() -> Any:
    machine = REGISTERS.machine
    return TRUE if machine.task.number == machine.root.main_task else None


def _in_main_task(machine: Machine, thunk: Any) -> Any:
    main = machine.task_numbered(machine.root.main_task)
    if main.status in FINISHED:
        return _end_here(machine, UNSPECIFIED)
    tasks.redirect(machine, main, thunk)
    if machine.task.cancelling:
        return _end_here(machine, UNSPECIFIED)
    cancelling.unwind(machine, machine.task)
    return AGAIN


@primitive("%in-main-task")
def in_main_task(thunk: Any) -> Any:
    """Let the main task call a thunk in place of all that it has left to do, and cancel this one."""
    raise Isolated(_in_main_task, thunk)
