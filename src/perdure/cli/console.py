"""What the commands print, and where: answers to standard output, everything else to standard error.

Layer: cli. Imports json when it is needed.
Invariant: with --json standard output has exactly one JSON document, an error's too; text that a terminal can't show is
replaced, never an error of its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sys
import traceback
from pathlib import Path
from typing import Any

OK, STOPPED, WRONG_CALL, DAMAGED, NOT_ENDED, INTERNAL = 0, 1, 2, 4, 6, 70
DEFAULT_DB = "sqlite:perdure.db"

_as_json = False
_mid_line = False


def begin(*, as_json: bool) -> None:
    """Say how answers are printed from now on."""
    global _as_json
    _as_json = as_json
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def database(url: str | None) -> str:
    """Return the URL of the database that is meant."""
    return url or os.environ.get("PERDURE_DB") or DEFAULT_DB


def answer(text: str, document: Any) -> None:
    """Print an answer: the text for people, or the document with --json."""
    if _as_json:
        import json

        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    if text:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()


def output(text: str) -> None:
    """Print what a program displayed."""
    global _mid_line
    stream = sys.stderr if _as_json else sys.stdout
    stream.write(text)
    stream.flush()
    shared = _as_json or (sys.stdout.isatty() and sys.stderr.isatty())
    _mid_line = shared and not text.endswith("\n")


def note(text: str) -> None:
    """Print something beside the answer; on a line of its own, where the program's output shares the terminal."""
    global _mid_line
    start = "\n" if _mid_line else ""
    _mid_line = False
    sys.stderr.write(f"{start}{text}\n")
    sys.stderr.flush()


def error(raised: Any) -> int:
    """Print an error of base/errors.py and return its exit code."""
    code: int = raised.exit_code
    errors = getattr(raised, "errors", None) or [raised]
    if _as_json:
        shown = [error_document(one) for one in errors]
        answer("", {"error": shown[0]} if len(shown) == 1 else {"error": shown[0], "errors": shown})
    else:
        note("\n".join(_shown(one) for one in errors))
    return code


def _shown(raised: Any) -> str:
    return str(raised) if getattr(raised, "span", None) is not None else f"error: {raised}"


def error_document(raised: Any) -> dict[str, Any]:
    """Return an error as data."""
    document: dict[str, Any] = {"code": raised.code, "message": raised.message}
    if raised.hint:
        document["next"] = raised.hint
    span = getattr(raised, "span", None)
    if span is not None:
        document |= {"file": span.file, "line": span.line, "column": span.column}
    return document


def plain_error(code: str, message: str, exit_code: int) -> int:
    """Print an error that has no object and return the exit code."""
    if _as_json:
        answer("", {"error": {"code": code, "message": message}})
    else:
        note(f"error: [{code}] {message}")
    return exit_code


def internal_error(raised: BaseException) -> int:
    """Print that something is wrong with Perdure itself, in one paragraph; the traceback goes to a file if asked for."""
    where = "set PERDURE_DEBUG=1 and try again to have the details in a file"
    asked = os.environ.get("PERDURE_DEBUG")
    if asked:
        path = Path(asked if "/" in asked else f"perdure-debug-{os.getpid()}.txt")
        with contextlib.suppress(OSError):
            path.write_text("".join(traceback.format_exception(raised)), encoding="utf-8")
            where = f"the details are in {path}"
    text = " ".join(str(raised).split())[:300]
    return plain_error(
        "P900",
        f"a bug in Perdure: {type(raised).__name__}: {text}; no committed state is lost; "
        f"{where}; please report it with the program and this message",
        INTERNAL,
    )


def flush() -> None:
    """Write out what is buffered; a reader that has gone is no error now."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def forget_output() -> None:
    """Drop what can't be written any more: nobody reads standard output."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def time_text(when: float | None) -> str:
    """Return a time as people read it, in their zone."""
    if when is None:
        return ""
    try:
        return dt.datetime.fromtimestamp(when).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "the end of time"


def age_text(seconds: float) -> str:
    """Return a length of time in one or two words."""
    seconds = max(0.0, seconds)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
