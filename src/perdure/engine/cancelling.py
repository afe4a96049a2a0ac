"""Cancellation of runs as the engine sees it: the order, the runs that go with it, and effects that were in progress.

Layer: engine. Imports live, records, effects, machine.turn, store.api and base.
Invariant: the runs that a run has started are told in the commit that takes its own cancellation, so they are told if and only if it
is cancelled. What its clean-up starts is not told: that is part of the clean-up.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from perdure.base import limits
from perdure.engine import records
from perdure.engine.live import LiveRun
from perdure.machine.state import Root
from perdure.machine.turn import Cancel, Event, Outcome, Raised
from perdure.store.api import UNFINISHED, LogLine, RunFilter, Send, Store
from perdure.values.tables import table_ref
from perdure.values.types import intern


def dump_order(reason: str = "", deadline_s: float | None = None, *, force: bool = False) -> bytes:
    """Return an order to cancel as the payload of an inbox row of kind `cancel`."""
    order: dict[str, object] = {"reason": reason}
    if deadline_s is not None:
        order["deadline_s"] = deadline_s
    if force:
        order["force"] = True
    return json.dumps(order, ensure_ascii=False).encode("utf-8", "replace")


def load_order(payload: bytes) -> Cancel:
    """Return what an order says; earlier releases wrote the reason alone."""
    text = payload.decode("utf-8", "replace")
    try:
        order = json.loads(text)
        seconds = order.get("deadline_s")
        return Cancel(
            str(order["reason"]),
            None if seconds is None else float(seconds),
            bool(order.get("force")),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return Cancel(text)


def sends_to_children(store: Store, live: LiveRun, cancel: Cancel) -> tuple[Send, ...]:
    """Return the orders for the runs that a run had started before it was cancelled and that have not ended.

    Raises:
      StoreError: the store can't be asked.
    """
    if live.root.children == 0:
        return ()
    why = f"run {live.run_id}, which started it, was cancelled"
    reason = f"{why}: {cancel.reason}" if cancel.reason else why
    order = dump_order(reason, cancel.deadline_s, force=cancel.force)
    sends: list[Send] = []
    last = ""
    while len(sends) < limits.CHILDREN_CANCELLED_MAX:
        page = store.list_runs(RunFilter(UNFINISHED, "", live.run_id, older_than=last))
        sends += [Send(run.run_id, "cancel", "", live.run_id, order) for run in page]
        if not page:
            break
        last = page[-1].run_id
    return tuple(sends)


def lines_of_withdrawn(live: LiveRun, outcome: Outcome) -> tuple[LogLine, ...]:
    """Return a line for each effect that was in progress, may not be repeated, and is waited for no more.

    Nobody will take its outcome, so that it was under way must be known from somewhere.
    """
    lines = []
    for number in outcome.withdrawn:
        call = live.calls.get(number)
        if call is not None and not call.function.mark.idempotent:
            message = f"{call.name} was in progress when it was no longer waited for: it may have taken place"
            lines.append(LogLine("warning", message, _fields(number, call.key)))
    return tuple(lines)


def lines_of_doubts(events: Sequence[Event]) -> tuple[LogLine, ...]:
    """Return a line for each effect of which a run that is cancelled hears that nobody knows whether it took place.

    If it was cancelled before it could look at that, this is all that is left of it.
    """
    lines = []
    for event in events:
        if isinstance(event, Raised) and event.condition.kind == "outcome-unknown":
            key = table_ref(event.condition.detail, intern("idempotency-key"))
            lines.append(
                LogLine("warning", event.condition.message, _fields(event.request, key.text))
            )
    return tuple(lines)


def late_line(name: str, number: int, key: str, ended: str) -> LogLine:
    """Return a line about the outcome of an effect that came when nobody waited for it any more."""
    return LogLine(
        "warning", f"{name} {ended} when it was no longer waited for", _fields(number, key)
    )


def _fields(number: int, key: str) -> str:
    return json.dumps({"request": number, "idempotency-key": key})


def report(root: Root) -> records.ErrorReport:
    """Return the report of a run that was cancelled."""
    message = "the run was cancelled"
    if root.reason:
        message += f": {root.reason}"
    if root.forced:
        message += " (by force: what was left of its clean-up is not done)"
    return records.ErrorReport(
        kind=records.CANCELLED,
        code="P302",
        message=message,
        text=message,
        reason=root.reason,
        forced=root.forced,
    )


def paused_report(run_id: str) -> records.ErrorReport:
    """Return the report of a run that is paused."""
    message = "the run is paused"
    text = f"run {run_id} is paused: `perdure resume {run_id}` lets it go on"
    return records.ErrorReport(kind=records.PAUSED, code="P308", message=message, text=text)
