"""How a run stands: its state, and what it ended with.

Layer: app. Imports engine, base.
Invariant: an answer is plain data; asking again gives a new one.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from perdure.base.errors import CallError, RunStopped
from perdure.engine import records
from perdure.engine.boundary import BoundaryError, to_python
from perdure.engine.records import PAUSED


class Answer(Struct, frozen=True, kw_only=True):
    """How a run stands: its state, and what it ended with.

    `result` is there for a run that completed; `error` for one that is parked, failed or cancelled.
    """

    run_id: str
    status: str
    result: records.Result | None = None
    error: records.ErrorReport | None = None


def value_of(answer: Answer) -> Any:
    """Return a completed run's result as Python data. Raises RunStopped, CallError."""
    if answer.error is not None or answer.result is None:
        raise stopped(answer)
    if not answer.result.crosses:
        raise CallError(
            "P306",
            f"the result of run {answer.run_id} is {answer.result.written}, which can't cross to Python",
        )
    try:
        return to_python(answer.result.value, "the result")
    except BoundaryError as error:
        raise CallError("P306", f"run {answer.run_id}: {error.reason}") from None


def stopped(answer: Answer) -> RunStopped:
    """Return the error that says why a run has no result."""
    error = answer.error
    assert error is not None, f"run {answer.run_id} is {answer.status}: it has not stopped"
    hint = ""
    if error.kind == PAUSED:
        hint = f"`perdure resume {answer.run_id}` lets it go on"
    elif answer.status == "parked":
        hint = f"`perdure show {answer.run_id}`, then `perdure retry {answer.run_id}` or `perdure cancel {answer.run_id}`"
    return RunStopped(
        error.code,
        f"run {answer.run_id} is {answer.status}: {error.message}",
        run_id=answer.run_id,
        status=answer.status,
        kind=error.kind,
        report=error.text,
        hint=hint,
    )
