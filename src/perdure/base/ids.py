"""Identifiers: of runs, of messages, and what may be one; names of programs.

Layer: base. Imports errors, limits.
Invariant: a generated id sorts by the time it was made, to the millisecond; an id that a user gives is printable
and has no blanks, so that it can be copied from a terminal.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from perdure.base import limits
from perdure.base.errors import CallError

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(now: float) -> str:
    """Return a fresh id of 18 characters: 48 bits of the time in milliseconds, 42 random bits."""
    number = (int(now * 1000) & (1 << 48) - 1) << 42 | secrets.randbits(42)
    return "".join(_DIGITS[number >> shift & 31] for shift in range(85, -1, -5))


def program_name(program: str) -> str:
    """Return the name of a program, of which maybe the file is given."""
    return Path(program).stem if program.endswith(".scm") else program


def check_run_id(run_id: str) -> str:
    """Return the id if it may be a run's.

    Raises:
      CallError: it is empty, too long, or has blanks or characters that don't print.
    """
    return _check(run_id, "run id")


def check_message_id(message_id: str) -> str:
    """Return the id if it may be a message's.

    Raises:
      CallError: it is empty, too long, or has blanks or characters that don't print.
    """
    return _check(message_id, "message id")


def _check(given: str, what: str) -> str:
    if not given:
        raise CallError("P301", f"the {what} is empty", hint="give at least one character")
    if len(given) > limits.RUN_ID_MAX_CHARS:
        raise CallError(
            "P301",
            f"the {what} {given[:40]!r}... has {len(given)} characters, "
            f"at most {limits.RUN_ID_MAX_CHARS} are allowed",
        )
    if not given.isprintable() or any(c.isspace() for c in given):
        raise CallError(
            "P301",
            f"the {what} {given!r} has blanks or characters that don't print",
            hint="use letters, digits and punctuation",
        )
    return given
