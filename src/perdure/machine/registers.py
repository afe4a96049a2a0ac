"""The registers of the evaluator: what primitives read while a task runs.

Layer: machine. Imports machine.state, signals, watchdog, values and base.
Invariant: a process has one evaluator: it runs while it holds EVALUATOR, and loads these registers when it begins.
So a register needs no lock and no argument.
"""

from __future__ import annotations

import threading
from typing import Any

from perdure.base import limits
from perdure.machine import watchdog
from perdure.machine.signals import Exceeded, Preempt
from perdure.machine.state import Dynamic, RunValue, Task
from perdure.values.types import NIL

EVALUATOR = threading.RLock()
"""Held during a turn. Two engines in one process take turns; the interpreter lock would make them anyway."""

NO_DYNAMIC = Dynamic(NIL, NIL, NIL)


class Registers:
    """`dynamic` is the running task's dynamic state; `machine` is the one whose turn it is."""

    dynamic: Dynamic = NO_DYNAMIC
    machine: Any = None


REGISTERS = Registers()


def identity(value: Any) -> Any:
    """Return the value; what a task calls that goes on with one."""
    return value


def poll() -> None:
    """Stop the task, since the flag is set; compiled code calls this behind its test of the flag."""
    complaint = watchdog.complaint()
    if not complaint:
        raise Preempt
    overdrawn = watchdog.overdrawn()
    if overdrawn and watchdog.kept_bytes() < watchdog.memory_max_bytes():
        return  # what took so much memory is gone already
    if overdrawn > limits.OVERDRAWN_MAX:
        raise MemoryError(complaint)  # it was told, and goes on: the turn is not to be saved
    raise Exceeded(complaint)


def bound(dynamic: Dynamic, parameter: Any) -> Any:
    """Return what a parameter is bound to in a dynamic state, or what it holds by itself."""
    bindings = dynamic.parameters
    while bindings is not NIL:
        if bindings.car.car is parameter:
            return bindings.car.cdr
        bindings = bindings.cdr
    return parameter.held


def dynamic_of(machine: Any, task: Task) -> Dynamic:
    """Return the dynamic state of a task: of the running one, it is in its register."""
    return REGISTERS.dynamic if machine.running and task is machine.task else task.dynamic


def parameter_value(parameter: Any) -> Any:
    """Return the value of a parameter in the running task's dynamic state."""
    bindings = REGISTERS.dynamic.parameters  # as `bound`: programs read parameters in loops
    while bindings is not NIL:
        if bindings.car.car is parameter:
            return bindings.car.cdr
        bindings = bindings.cdr
    value = parameter.held
    return value if type(value) is not RunValue else run_value(value)


def run_value(value: RunValue) -> Any:
    """Return what a library's parameter is in the run in progress."""
    machine = REGISTERS.machine
    return value.initial if machine is None else machine.namespace.get(value.name, value.initial)
