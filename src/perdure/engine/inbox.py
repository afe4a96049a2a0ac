"""Rows of a run's inbox become events of its next turn.

Layer: engine. Imports live, records, machine.turn, snapshot.exchange, store.api, values.
Invariant: a row is taken into memory once, and named in the commit of the turn that took it.
"""

from __future__ import annotations

from collections.abc import Sequence

from perdure.base.errors import SnapshotError
from perdure.engine import cancelling, hastening, records, restarting
from perdure.engine.live import LiveRun
from perdure.machine.turn import Arrived, Pause, Raised, Resume, Retry, Returned, Typed
from perdure.snapshot import exchange
from perdure.store.api import InboxRow
from perdure.values.conditions import condition
from perdure.values.types import String


def read(live: LiveRun, rows: Sequence[InboxRow]) -> None:
    """Add the events of those rows that are new to the run.

    Raises:
      SnapshotError: a stored payload is damaged.
    """
    for row in rows:
        if row.row in live.taken:
            continue
        live.taken.add(row.row)
        live.consumed.append(row.row)
        if row.kind == "message":
            value = exchange.load_value(row.payload)
            live.events.append(Arrived(row.message_id, row.sender, value))
        elif row.kind == "console":
            live.events.append(Typed(records.load_line(row.payload)))
        elif row.kind == "cancel":
            live.events.append(cancelling.load_order(row.payload))
        elif row.kind == "pause":
            live.events.append(Pause())
        elif row.kind == "resume":
            live.events.append(Resume())
        elif row.kind == "retry" and row.payload:
            live.events.append(hastening.load(live, row.payload))
        elif row.kind == "restart":
            wish = restarting.load(row.payload)
            if wish.name == "retry":
                live.blocked.clear()
            live.events.append(wish)
        elif row.kind == "retry":
            live.blocked.clear()
            live.events.append(Retry())
        elif row.kind == "finished":
            child_ended(live, row.sender, row.message_id, row.payload)
        else:
            raise SnapshotError("P502", f"a row of the inbox has the unknown kind {row.kind!r:.40}")


def child_ended(live: LiveRun, child: str, status: str, stored: bytes) -> None:
    """Tell the tasks that wait for another run how it ended."""
    for number in sorted(live.children.pop(child, ())):
        if status != "completed":
            result = records.load_result(stored) if stored else records.Result()
            why = (
                f": {result.error.message}"
                if result.error is not None and status != "cancelled"
                else ""
            )
            live.events.append(
                Raised(number, _failed(f"run {child} ended as {status}{why}", child))
            )
            continue
        # Each waiting task gets a copy of its own.
        result = records.load_result(stored)
        if result.crosses:
            live.events.append(Returned(number, result.value))
        else:
            reason = f"run {child}: its result {result.written[:200]} can't cross between runs"
            live.events.append(Raised(number, condition("boundary-error", reason)))


def child_missing(live: LiveRun, child: str) -> None:
    """Tell the tasks that wait for a run that there is none."""
    reason = (
        f"there is no run {child}: it was never started, or its program's name is not registered"
    )
    for number in sorted(live.children.pop(child, ())):
        live.events.append(Raised(number, _failed(reason, child)))


def _failed(message: str, child: str) -> object:
    return condition("child-error", message, detail=String(child))
