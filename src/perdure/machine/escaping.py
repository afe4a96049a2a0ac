"""Escapes out of child tasks: a child of `all` or `race` goes on in a task above it.

Layer: machine. Imports machine.state, cancelling, tasks and values.
Invariant: only upward, and only out of the scope that the child belongs to: the task above waits for its children in that scope,
gives that up, leaves the scope, which cancels all of them, and goes on where the escape leads. The child itself leaves its own
extents and is over. Who is not in such a scope, or is told to enter one, stays where it is, with an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine import cancelling, tasks
from perdure.machine.state import Continuation, Task
from perdure.values.conditions import fail
from perdure.values.lists import list_items
from perdure.values.types import NIL, Pair

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def above(machine: Machine, child: Task, target: Continuation) -> Task | None:
    """Return the task above a child that a continuation belongs to, None if it can't be escaped to."""
    while True:
        entry = machine.root.tasks.entries.get(child.parent)
        if entry is None:
            return None
        parent: Task = entry[1]
        scope = _scope(parent, child)
        if scope is None:
            return None
        if parent.number == target.task:
            return None if _holds(target.dynamic.winders, scope) else parent
        child = parent


def is_reached(machine: Machine, task: Task, target: Continuation) -> bool:
    """Whether a task may go on in a continuation: its own, or one that it can escape to."""
    return target.task == task.number or above(machine, task, target) is not None


def escape(
    machine: Machine, child: Task, target: Continuation, function: Any, arguments: tuple[Any, ...]
) -> None:
    """Let the task above go on by calling a procedure, which leads to a continuation of it; the child leaves everything.

    If that task has been given something to do already, or is being cancelled, it leaves the child behind anyway.

    Raises:
      SchemeError: there is no such task.
    """
    parent = above(machine, child, target)
    if parent is None:
        raise fail("error", "a continuation of another task can't be entered from this one")
    if parent.status == "waiting" and (target.cancelling or not parent.cancelling):
        tasks.interrupt(machine, parent, function, arguments)
    cancelling.unwind(machine, child)


def _scope(parent: Task, child: Task) -> Any:
    """Return the winder of the scope of a task that a child belongs to, or None."""
    winders = parent.dynamic.winders
    while winders is not NIL:
        before, held = winders.car.items[0], winders.car.items[1]
        if before is None and type(held) is Pair:
            members = list_items("all", held)
            if any(one is child for one in members):
                return winders.car
        winders = winders.cdr
    return None


def _holds(winders: Any, wanted: Any) -> bool:
    while winders is not NIL:
        if winders.car is wanted:
            return True
        winders = winders.cdr
    return False
