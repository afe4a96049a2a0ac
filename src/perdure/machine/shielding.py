"""Shields: extents in which a task is neither cancelled nor interrupted.

Layer: machine. Imports machine.state, registers and values.
Invariant: a shield is a binding of the library's parameter %shield to (task . depth), so it is left with the extent that bound
it, however that is left, and a task that inherits the binding is not shielded by it: the number is another's. Only when the whole run
is to end, tasks that were spawned in a shield go on as long as that lasts: what is done there needs them. What came meanwhile
is kept in the task (`cancel_asked`, `interrupts`) and takes effect when the shield is left, or at the next wait.

Not a counter in the task: an escape or a continuation that goes on elsewhere would leave it wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine.registers import bound, dynamic_of
from perdure.machine.state import Request, Task
from perdure.values.barrier import touch
from perdure.values.types import NIL

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def depth(machine: Machine, task: Task) -> int:
    """Return in how many shields of its own a task is."""
    found = bound(dynamic_of(machine, task), machine.hooks.shield)
    return found.cdr if found is not None and found.car == task.number else 0


def holders(machine: Machine, task: Task) -> list[Task]:
    """Return the tasks in whose shields a task was spawned, and which are still in these."""
    return [owner for owner, level in _inherited(machine, task) if depth(machine, owner) >= level]


def spawned_in(machine: Machine, task: Task) -> list[Task]:
    """Return the tasks that are not over in whose shields a task was spawned, by them or by tasks that were."""
    return [owner for owner, _ in _inherited(machine, task)]


def _inherited(machine: Machine, task: Task) -> list[tuple[Task, int]]:
    bindings = dynamic_of(machine, task).parameters
    found: list[tuple[Task, int]] = []
    while bindings is not NIL:
        binding = bindings.car
        if binding.car is machine.hooks.shield and binding.cdr.car != task.number:
            entry = machine.root.tasks.entries.get(binding.cdr.car)
            if entry is not None:
                found.append((entry[1], binding.cdr.cdr))
        bindings = bindings.cdr
    return found


def alarm_depth(interrupt: Any) -> int:
    """Return in how many shields an alarm was set: it interrupts whatever is not shielded deeper."""
    if type(interrupt) is Request and len(interrupt.arguments) > 2:
        level: int = interrupt.arguments[2]
        return level
    return 0


def forget(task: Task, number: int) -> None:
    """Withdraw an alarm that was due and did not interrupt its task yet."""
    kept = tuple(
        [one for one in task.interrupts if not (type(one) is Request and one.number == number)]
    )
    if len(kept) != len(task.interrupts):
        if task.oid:
            touch(task)
        task.interrupts = kept
