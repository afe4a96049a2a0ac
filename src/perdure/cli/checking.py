"""`perdure check`: everything that is wrong with a program, found without running it.

Layer: cli. Imports app, base.
Invariant: exit code 0 means that the program can be started.
"""

from __future__ import annotations

from pathlib import Path

from perdure.base.errors import ProgramError, SyntaxErrors
from perdure.cli import console
from perdure.engine.loading import Programs
from perdure.frontends.scheme.reader import read_source


def check(*, file: str, allow_python: tuple[str, ...], json: bool) -> int:
    """Print the errors and notices of a program."""
    del json
    programs = Programs(allowed=allow_python)
    errors, found = _checked(programs, file)
    document = {
        "file": file,
        "errors": [console.error_document(error) for error in errors],
        "notices": found,
    }
    lines = [*(str(error) for error in errors), *(f"notice: {text}" for text in found)]
    if not errors:
        lines.append(f"{file}: no errors")
    elif len(errors) > 1:
        lines.append(f"{file}: {len(errors)} errors")
    console.answer("\n".join(lines), document)
    return console.WRONG_CALL if errors else console.OK


def _checked(programs: Programs, file: str) -> tuple[list[ProgramError], list[str]]:
    source = read_source(file)
    directory = str(Path(file).resolve().parent)
    try:
        with programs.modules.compiling(directory):
            return programs.toolchain.check_source(source, file)
    except SyntaxErrors as error:
        return list(error.errors), []
    except ProgramError as error:
        return [error], []
