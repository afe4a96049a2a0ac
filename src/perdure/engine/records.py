"""Small documents that the engine stores: arguments, results, error reports, console lines.

Layer: engine. Imports snapshot.exchange, values, base.
Invariant: the result of a run that completed is `=` and the value in the codec's tagged form, so that it reaches another
run as what it was (rule 12), or JSON with the key "written" if it can't cross; that of any other run is JSON with "error".
A run that gave an exit code to `exit` has `!`, the code and one of the first two.
"""

from __future__ import annotations

import json
import re
from typing import Any

from msgspec import Struct

from perdure.base.errors import SnapshotError
from perdure.snapshot import exchange
from perdure.values.conditions import SchemeError
from perdure.values.printer import report_string, write_string
from perdure.values.types import Condition, Vector

_WRITTEN_MAX_CHARS = 1_000_000
_CODE = re.compile(rb"!(\d{1,3})")


CANCELLED = "cancelled"
"""The kind of the report of a run that was cancelled."""

PAUSED = "paused"
"""The detail of a run that is paused, and the kind of its report."""


EFFECT_MISSING = "effect-missing"
"""The kind of the report of a run that is parked because nobody has the function of an effect."""


class ErrorReport(Struct, frozen=True, kw_only=True):
    """Why a run is parked or has failed.

    `kind`, `code` and `message` are the condition's; `text` is the whole report as a terminal shows it, with the
    place, the source line and the stack. Of a cancelled run, `reason` is what whoever cancelled it said, and `forced` says that
    its clean-up was cut short. Of an effect that raised, `types` are the names of the exception's type and its base classes.
    """

    kind: str
    code: str
    message: str
    text: str
    reason: str = ""
    forced: bool = False
    types: tuple[str, ...] = ()


class Result(Struct, frozen=True, kw_only=True):
    """How a run ended, or why it is parked.

    `value` is a heap value; `written` is how `write` shows it. `crosses` is False for a value that can't be stored
    (a procedure): then `value` is meaningless. `error` is there unless the run completed. `exit_code` is what the
    program gave to `exit`, 0 to 255; None if it just ended.
    """

    value: Any = None
    written: str = ""
    crosses: bool = True
    error: ErrorReport | None = None
    exit_code: int | None = None


def dump_arguments(arguments: list[Any]) -> bytes:
    """Return heap values as a run's stored arguments. Raises SchemeError if one can't cross."""
    return exchange.dump_value(Vector(list(arguments)))


def join_arguments(exported: tuple[bytes, ...]) -> bytes:
    """Return arguments that were exported one by one as a run's stored arguments."""
    return exchange.dump_value(Vector([exchange.load_value(one) for one in exported]))


def load_arguments(stored: bytes) -> list[Any]:
    """Return a run's stored arguments as fresh heap values."""
    items: list[Any] = exchange.load_value(stored).items
    return items


def dump_result(value: Any, exit_code: int | None = None) -> bytes:
    """Return the document of a run that completed."""
    code = b"" if exit_code is None else b"!%d" % exit_code
    try:
        return code + b"=" + exchange.dump_value(value)
    except SchemeError:
        written = {"written": write_string(value, limit_chars=_WRITTEN_MAX_CHARS)}
        return code + json.dumps(written).encode()


def dump_error(report: ErrorReport) -> bytes:
    """Return the document of a run that is parked, failed or cancelled."""
    error: dict[str, Any] = {
        "kind": report.kind,
        "code": report.code,
        "message": report.message,
        "text": report.text,
    }
    if report.types:
        error["types"] = report.types
    if report.kind == CANCELLED:
        error |= {"reason": report.reason, "forced": report.forced}
    return json.dumps({"error": error}, ensure_ascii=False).encode("utf-8", "replace")


def load_result(stored: bytes) -> Result:
    """Return what a stored document says.

    Raises:
      SnapshotError: it is damaged.
    """
    code, stored = _split_code(stored)
    if stored.startswith(b"="):
        value = exchange.load_value(stored[1:])
        return Result(value=value, written=write_string(value), exit_code=code)
    try:
        document = json.loads(stored)
        if "written" in document:
            return Result(written=document["written"], crosses=False, exit_code=code)
        error = document["error"]
        report = ErrorReport(
            kind=error["kind"],
            code=error["code"],
            message=error["message"],
            text=error["text"],
            reason=error.get("reason", ""),
            forced=error.get("forced", False),
            types=tuple(error.get("types", ())),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotError("P502", f"the stored result of a run is damaged: {error}") from error
    return Result(error=report)


def _split_code(stored: bytes) -> tuple[int | None, bytes]:
    """Return the exit code of a result's document, and the rest."""
    found = _CODE.match(stored)
    return (int(found[1]), stored[found.end() :]) if found else (None, stored)


def kind_and_message(raised: Any) -> tuple[str, str, str]:
    """Return kind, code and message of a raised object."""
    if type(raised) is Condition:
        return raised.kind, raised.code, report_string(raised)
    return "raised", "P230", f"raised: {write_string(raised, limit_chars=500)}"


def dump_line(line: str | None) -> bytes:
    """Return a console line, or the end of input, as an inbox payload."""
    return json.dumps(line).encode()


def load_line(stored: bytes) -> str | None:
    """Return what `dump_line` was given."""
    line: str | None = json.loads(stored)
    return line
