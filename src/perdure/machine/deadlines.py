"""Deadlines: by when what a task does is to be over.

Layer: machine. Imports machine.state, registers and values.
Invariant: a time limit is one alarm; the library's parameter %deadline names the alarms around a task, its own and those of the
tasks that it inherits from. One that has rung or was withdrawn is no limit any more: the clean-up after it has the time it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine.registers import REGISTERS
from perdure.values.numbers import to_float
from perdure.values.tables import table_ref
from perdure.values.types import NIL

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def current_deadline(machine: Machine) -> Any:
    """Return the earliest time limit around the running task, seconds since the epoch, or None."""
    found: Any = None
    bindings = REGISTERS.dynamic.parameters
    parameter = machine.hooks.deadline
    while bindings is not NIL:
        binding = bindings.car
        if binding.car is parameter:
            if binding.cdr is None:
                break
            alarm = table_ref(machine.root.requests, binding.cdr)
            if alarm is not None and (found is None or to_float(alarm.arguments[0]) < found):
                found = to_float(alarm.arguments[0])
        bindings = bindings.cdr
    return found
