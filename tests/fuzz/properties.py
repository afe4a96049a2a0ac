"""What must hold for every text, however wrong: it is read, expanded and checked, or refused with errors that have places.

Anything else that is raised is a bug of ours. The limits on the work of macros are lowered, so that one text costs milliseconds.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from perdure.base import limits
from perdure.base.errors import CallError, ProgramError, SyntaxErrors
from perdure.frontends.scheme.program import check_program
from perdure.frontends.scheme.reader import read_datum, read_forms
from perdure.toolchain.toolchain import Toolchain
from perdure.values.conditions import SchemeError
from perdure.values.types import EOF

FILE = "fuzz.scm"


class NoModules:
    """No Python module can be imported."""

    def exports(self, module: str, directory: str) -> object:
        raise CallError("P310", f"{module} of {directory} is not available")


@functools.cache
def toolchain() -> Toolchain:
    return Toolchain(NoModules())  # type: ignore[arg-type]


@contextmanager
def small_limits() -> Iterator[None]:
    """Bound the work of one text."""
    small = {
        "EXPANSION_STEPS_MAX": 1_000,
        "EXPANSION_DEPTH_MAX": 200,
        "EXPANSION_WORK_MAX": 20_000,
        "EXPANSION_PARTS_MAX": 5_000,
    }
    with patch.multiple(limits, **small):
        yield


def every_text_is_read_or_refused(text: str) -> None:
    """A program's text gives forms, and errors in its order; as data it gives a datum or a read-error."""
    _, errors = read_forms(text, FILE)
    lines = text.count("\n") + 1
    places = [(e.span.line, e.span.column) for e in errors if e.span is not None]
    assert len(places) == len(errors), "every error has a place"
    assert places == sorted(places)
    assert all(1 <= line <= lines and column >= 1 for line, column in places)
    _shown(errors)
    position = 0
    try:
        while True:
            datum, end = read_datum(text, position)
            if datum is EOF:
                break
            assert end > position, "reading goes on"
            position = end
    except SchemeError as error:
        assert error.condition.kind in ("read-error", "quota-error")


def every_text_is_expanded_or_refused(text: str) -> None:
    """A program's text gives units and warnings, or errors."""
    with small_limits():
        try:
            program = toolchain().expand(text, FILE)
        except SyntaxErrors as error:
            assert error.errors
            _shown(error.errors)
            return
        _shown(check_program(program))


def _shown(errors: list[ProgramError]) -> None:
    for error in errors:
        assert error.code.startswith("P")
        assert error.message
        assert str(error)
