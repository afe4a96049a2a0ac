"""Shields and time limits: what lib/cancellation.sld and lib/deadline.sld are built on.

Layer: primitives. Imports machine and values.
Invariant: whether a task is shielded is read from its dynamic state alone (machine/shielding.py).
"""

from __future__ import annotations

from typing import Any

from perdure.machine import cancelling, deadlines, shielding
from perdure.machine.machine import AGAIN, Machine
from perdure.machine.registers import REGISTERS
from perdure.machine.signals import Isolated
from perdure.primitives.registry import primitive
from perdure.values.types import UNSPECIFIED, Pair


def _deeper(machine: Machine) -> Any:
    task = machine.task
    return Pair(task.number, shielding.depth(machine, task) + 1)


@primitive("%deeper-shield")
def deeper_shield() -> Any:
    """Return what %shield is to be bound to for one more shield of the running task."""
    raise Isolated(_deeper)


def _left(machine: Machine) -> Any:
    return AGAIN if cancelling.deliver(machine) else UNSPECIFIED


@primitive("current-deadline")
def current_deadline() -> Any:
    """Return when the earliest time limit around the running task is over, in seconds since the epoch; #f without any."""
    return deadlines.current_deadline(REGISTERS.machine)


@primitive("%shield-left")
def shield_left() -> Any:
    """Let a cancellation or an alarm that a shield held up take effect, unless another shield does."""
    raise Isolated(_left)
