"""How events change a run at the start of a turn.

Layer: machine. Imports machine.turn, requests, waiting, mailbox, tasks.
Invariant: an event for a request that is no longer waited for changes nothing: it came too late, and is only logged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from perdure.machine import cancelling, groups, mailbox, parking, restarts, tasks, turn, waiting
from perdure.machine.requests import PATIENCE, complete, fail_request
from perdure.values.barrier import touch
from perdure.values.conditions import SchemeError
from perdure.values.policies import with_attempts
from perdure.values.printer import report_string
from perdure.values.tables import table_delete, table_ref
from perdure.values.types import UNSPECIFIED

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def apply(machine: Machine, event: turn.Event) -> None:
    """Let an event take effect; tasks that can go on become ready."""
    _APPLY[type(event)](machine, event)


def _returned(machine: Machine, event: turn.Returned) -> None:
    request = table_ref(machine.root.requests, event.request)
    if request is not None:
        if machine.root.transactions:
            groups.settled(machine, request.number, happened=True, repeatable=event.repeatable)
        complete(machine, request, event.value)


def _raised(machine: Machine, event: turn.Raised) -> None:
    request = table_ref(machine.root.requests, event.request)
    if request is not None:
        if machine.root.transactions:
            groups.settled(machine, request.number, happened=False, repeatable=event.repeatable)
        fail_request(machine, request, event.condition)


def _fired(machine: Machine, event: turn.Fired) -> None:
    request = table_ref(machine.root.requests, event.request)
    if request is None:
        return
    if request.kind == "alarm":
        table_delete(machine.root.requests, request.number)
        tasks.alarm(machine, request)
    elif request.kind == PATIENCE:
        table_delete(machine.root.requests, request.number)
        parking.patience_over(machine, request)
    elif request.kind == "force":
        table_delete(machine.root.requests, request.number)
        cancelling.forced(machine, request)
    else:
        complete(machine, request, UNSPECIFIED)


def _hastened(machine: Machine, event: turn.Hasten) -> None:
    request = table_ref(machine.root.requests, event.request)
    if request is None or event.refused:
        return
    if request.oid:
        touch(request)
    if event.attempts is not None:
        request.policy = with_attempts(request.policy, event.attempts)
    if event.due is not None and request.due:
        request.due = max(event.due, machine.now)


def _pause(machine: Machine, _: turn.Pause) -> None:
    machine.root.paused = True


def _resume(machine: Machine, _: turn.Resume) -> None:
    machine.root.paused = False


def _restart(machine: Machine, event: turn.Restart) -> None:
    try:
        for task in restarts.restart(machine, event.task, event.name, event.arguments, event.frame):
            parking.forget_patience(machine, task)
    except SchemeError as refused:
        machine.refused.append(report_string(refused.condition))


_APPLY: dict[type, Callable[[Machine, Any], None]] = {
    turn.Returned: _returned,
    turn.Raised: _raised,
    turn.Fired: _fired,
    turn.Arrived: lambda machine, e: mailbox.arrived(machine, e.message_id, e.sender, e.value),
    turn.Typed: lambda machine, e: waiting.typed(machine, e.line),
    turn.Cancel: cancelling.cancel_run,
    turn.Hasten: _hastened,
    turn.Pause: _pause,
    turn.Resume: _resume,
    turn.Retry: lambda machine, _: _restart(machine, turn.Restart("retry")),
    turn.Restart: _restart,
}
