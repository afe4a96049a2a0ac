"""`perdure check`: everything that is wrong with programs, found without running them.

Layer: cli. Imports engine, frontends, base.
Invariant: exit code 0 means that the programs can be started, and that nothing in them is known to fail.
"""

from __future__ import annotations

from typing import Any

from perdure.base.errors import Note, ProgramError, SyntaxErrors
from perdure.base.spans import Span
from perdure.cli import console
from perdure.engine.loading import Programs
from perdure.frontends.scheme.reader import read_source


def check(*, file: str, more: tuple[str, ...], allow_python: tuple[str, ...], json: bool) -> int:
    """Print the errors, warnings and notices of programs."""
    del json
    programs = Programs(allowed=allow_python)
    lines: list[str] = []
    document: list[dict[str, Any]] = []
    total = 0
    for path in (file, *more):
        problems, notices = _checked(programs, path)
        total += len(problems)
        lines += [str(problem) for problem in problems]
        lines += [f"notice: {text}" for text in notices]
        lines.append(f"{path}: {_counted(problems)}")
        document += [_problem(problem, path) for problem in problems]
        document += [_notice(text, path) for text in notices]
    console.answer("\n".join(lines), document)
    return console.WRONG_CALL if total else console.OK


def _checked(programs: Programs, file: str) -> tuple[list[ProgramError], list[str]]:
    try:
        return programs.toolchain.check_source(read_source(file), file)
    except SyntaxErrors as error:
        return list(error.errors), []
    except ProgramError as error:
        return [error], []


def _counted(problems: list[ProgramError]) -> str:
    warnings = sum(problem.warning for problem in problems)
    counts = {"error": len(problems) - warnings, "warning": warnings}
    shown = [f"{n} {word}{'s' if n > 1 else ''}" for word, n in counts.items() if n]
    return ", ".join(shown) or "no errors"


def _problem(problem: ProgramError, file: str) -> dict[str, Any]:
    """Return an error or warning as an editor wants it."""
    return {
        **_place(problem.span, file),
        "code": problem.code,
        "severity": "warning" if problem.warning else "error",
        "message": problem.message,
        "hint": problem.hint,
        "notes": [_note(note, file) for note in problem.notes],
    }


def _note(note: Note, file: str) -> dict[str, Any]:
    return {**_place(note.span, file), "message": note.message}


def _notice(text: str, file: str) -> dict[str, Any]:
    shared = {"code": "", "severity": "information", "message": text, "hint": "", "notes": []}
    return _place(None, file) | shared


def _place(span: Span | None, file: str) -> dict[str, Any]:
    """Return a span as data; what has no place of its own stands at the beginning of the file."""
    span = span or Span(file, 1, 1, 1, 1)
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
