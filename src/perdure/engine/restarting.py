"""Restarts from outside: what an operator is offered, what a restart would do, and its row in an inbox.

Layer: engine. Imports inspection, machine, snapshot.exchange, values, base.
Invariant: looks and changes nothing; a restart takes effect in a turn (machine/restarts.py), where it is refused if it can't be
taken any more.

A row's payload is a line of JSON with name, task and frame, and then the arguments in the codec's tagged form.
"""

from __future__ import annotations

import json
from typing import Any

from perdure.base.errors import SnapshotError
from perdure.engine import inspection
from perdure.engine.inspection import RestartView
from perdure.machine import restarts
from perdure.machine.machine import Machine
from perdure.machine.state import Frame, Signalled, Task
from perdure.machine.turn import Restart
from perdure.snapshot import exchange
from perdure.values.printer import write_string
from perdure.values.types import Vector

_VALUE_CHARS = 60


def dump(restart: Restart) -> bytes:
    """Return a restart as the payload of an inbox row. Raises SchemeError: an argument can't cross."""
    head = {"name": restart.name, "task": restart.task, "frame": restart.frame}
    return json.dumps(head).encode() + b"\n" + exchange.dump_value(Vector(list(restart.arguments)))


def load(payload: bytes) -> Restart:
    """Return the restart of an inbox row. Raises SnapshotError: it is damaged."""
    head, _, arguments = payload.partition(b"\n")
    try:
        said = json.loads(head)
        name, task, frame = said["name"], said["task"], said["frame"]
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotError("P502", f"a stored restart is damaged: {error}") from None
    return Restart(name, tuple(exchange.load_value(arguments).items), task, frame)


def offered(machine: Machine) -> tuple[RestartView, ...]:
    """Return the restarts of all parked tasks, those of the main one first."""
    return tuple(view for task in restarts.parked(machine) for view in offered_by(machine, task))


def offered_by(machine: Machine, task: Task) -> tuple[RestartView, ...]:
    """Return the restarts of a parked task, innermost first."""
    return tuple(
        RestartView(
            task=task.number,
            name=offer.name,
            parameters=offer.parameters,
            description=offer.description,
        )
        for offer in restarts.offers_of(machine, task)
    )


def described(machine: Machine, restart: Restart) -> list[str]:
    """Return what a restart would do, a line for each task that takes it.

    Raises:
      SchemeError: it can't be taken.
    """
    found = restarts.plans(machine, restart.task, restart.name, restart.arguments, restart.frame)
    several = len(restarts.parked(machine)) > 1
    lines = []
    for task, taken in found:
        text = _text(machine, task, taken, restart)
        lines.append(f"task {task.number}: {text}" if several else text)
    return lines


def _text(
    machine: Machine, task: Task, taken: restarts.Plan | restarts.Aborted, restart: Restart
) -> str:
    place = restarts.parked_at(task)
    where = _where(machine, place)
    if isinstance(taken, restarts.Aborted):
        what = "the run" if taken.task.number == machine.root.main_task else "the task"
        return f"end {what} as failed, after its clean-up"
    value = _shown(restart.arguments[-1]) if restart.arguments else ""
    name = restart.name
    if taken.own or name not in restarts.STANDARD:
        given = "".join(f" {_shown(each)}" for each in restart.arguments)
        return f"call the program's restart ({name}{given})"
    if name == "use-value":
        return f"go on with {value} as the value of the operation{where}"
    if name == "return":
        assert taken.frame is not None, "return has found its frame"
        return f"return {value} from {_frame_text(machine, taken.frame)}"
    if name == "raise":
        return f"raise {_shown(restart.arguments[0])}{where}"
    if taken.variable is None:
        return f"do the operation{where} again"
    return f"set {_variable_text(machine, taken)} to {value}, and do the operation{where} again"


def _variable_text(machine: Machine, taken: restarts.Plan) -> str:
    found = taken.variable
    assert found is not None, "set has found its variable"
    if found.frame is None:
        return f"the global variable {found.name}"
    owner = _frame_text(machine, found.frame)
    if found.boxed:
        return f"{found.name} of {owner}"
    return f"{found.name} of {owner} (a copy: closures keep the old value)"


def _frame_text(machine: Machine, frame: Frame) -> str:
    site = frame.site
    provider = machine.provider
    span = provider.span(site.definition, site.number)
    name = provider.procedure_name(site.definition, site.number)
    return f"{name} ({span.file}:{span.line})" if span is not None else name


def _where(machine: Machine, place: Signalled) -> str:
    redo = place.redo
    if redo is not None and isinstance(redo.stack, Frame):
        # Not where the condition arose: that may be in a task that this one waits for.
        stack, at = redo.stack, redo.failed
    else:
        stack = inspection.stack_of_error(place.raised) or place.stack
        at = inspection.failed_site(place.raised, stack)
    span = inspection.innermost_span(stack, machine.provider, at)
    return f" at {span}" if span is not None else ""


def _shown(value: Any) -> str:
    return write_string(value, limit_chars=_VALUE_CHARS)
