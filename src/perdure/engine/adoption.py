"""Requests of a machine become things that the engine waits for or has to do.

Layer: engine. Imports live, effects, machine, values, base.
Invariant: only an effect that had started, had not finished and is not idempotent is ever in doubt (rule 1).
"""

from __future__ import annotations

from perdure.base.errors import CallError
from perdure.engine.effects import outcome_unknown, shown_name
from perdure.engine.live import LiveRun, timer_due
from perdure.machine.requests import TIMED
from perdure.machine.state import Request
from perdure.machine.turn import Raised


def adopt(live: LiveRun, request: Request) -> None:
    """Take a request of the machine into the run's outside state: an effect, a timer or a child's end."""
    if request.kind == "effect":
        if request.due and not request.started:
            live.set_alarm(request.due, request.number)
        else:
            live.pending.append(request.number)
    elif request.kind in TIMED:
        live.set_alarm(timer_due(request), request.number)
    elif request.kind == "child":
        child = request.arguments[0].text
        live.children.setdefault(child, set()).add(request.number)
        live.unwatched.append(child)


def adopt_all(live: LiveRun) -> None:
    """Take over the requests of a run that was just loaded; what had started and is not finished is in doubt."""
    for request in live.requests():
        if request.kind == "effect" and request.started:
            try:
                function = live.modules.function(request.arguments[0])
            except CallError as error:
                live.blocked[request.number] = error.message
                live.pending.append(request.number)
                continue
            if not function.mark.idempotent:
                name = shown_name(request.arguments[0])
                key = key_of(live.run_id, request)
                why = "the worker that performed it died or was stopped"
                live.events.append(Raised(request.number, outcome_unknown(name, key, why)))
                continue
        adopt(live, request)


def key_of(run_id: str, request: Request) -> str:
    """Return the idempotency key of a request: stable over attempts and processes."""
    return request.key or f"{run_id}/{request.number}"
