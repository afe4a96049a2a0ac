"""An operator changes a retry that is waiting: when it runs, or how many attempts there are.

Layer: engine. Imports live, inspection, machine, values, base.
Invariant: what can't be changed is refused with a reason and changes nothing; the reason is in the run's log.
"""

from __future__ import annotations

import json
from typing import Any

from perdure.base.errors import SnapshotError
from perdure.engine.live import LiveRun
from perdure.machine.state import Request
from perdure.machine.turn import Hasten


def dump(number: int, due: float | None, attempts: int | None) -> bytes:
    """Return the payload of an inbox row that changes a waiting retry.

    Args:
      number: the request's.
      due: when the next attempt is to run, in seconds since the epoch, 0 for at once; None: as it is.
      attempts: how many attempts there are to be in all; None: as it is.
    """
    return json.dumps({"request": number, "due": due, "attempts": attempts}).encode()


def load(live: LiveRun, payload: bytes) -> Hasten:
    """Return the event that a row stands for.

    Raises:
      SnapshotError: the payload is damaged.
    """
    try:
        found = json.loads(payload)
        number, due, attempts = found["request"], found["due"], found["attempts"]
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotError("P502", f"a stored change of a retry is damaged: {error}") from error
    refused = refusal(live.request(number), due, attempts)
    return Hasten(number, due, attempts, refused)


def refusal(request: Request | None, due: float | None, attempts: int | None) -> str:
    """Return why a request's retry can't be changed in that way, or ""."""
    if request is None or request.kind != "effect":
        return "no effect with this number is waited for"
    if due is not None and request.started:
        return "an attempt is in progress"
    if due is not None and not request.due:
        return "it does not wait for another attempt"
    if attempts is not None and attempts <= request.attempt and not request.started:
        return f"it has had {request.attempt} attempts already"
    return ""


def changed(live: LiveRun, events: list[Any], now: float) -> None:
    """Wake a run for the retries that the events of its last turn have moved."""
    for event in events:
        if type(event) is not Hasten or event.refused or event.due is None:
            continue
        request = live.request(event.request)
        if request is None or request.started or not request.due:
            continue
        if request.due > now and request.number in live.pending:
            live.pending.remove(request.number)
        live.set_alarm(request.due, request.number)
