"""Expand whole programs, and single forms in a program's environment.

Layer: frontends. Imports ir, values, base.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perdure.base.errors import ProgramError, SyntaxErrors
from perdure.frontends.scheme.bindings import Environment
from perdure.frontends.scheme.bundled import bundled_path
from perdure.frontends.scheme.check import unbound_names, wrong_calls
from perdure.frontends.scheme.libraries import Library, LibraryExpander, Resolver
from perdure.frontends.scheme.reader import read_forms
from perdure.frontends.scheme.syntax import Form, Identifier, Syntax, from_datum
from perdure.frontends.scheme.toplevel import TopLevel
from perdure.ir.core import Unit
from perdure.values.types import intern

DEFAULT_IMPORTS = ("scheme base", "scheme write", "perdure")
PROGRAM = ""
"""The library name of a program's own globals."""


@dataclass
class Program:
    """An expanded program.

    Attributes:
      units: its top-level forms in order.
      libraries: the user libraries that it needs, each after those it imports.
      bundled: the names of the bundled libraries that it and its libraries import.
      notices: what to tell the user that is no error.
      warnings: unbound names, as errors with their places; `eval` may still define them.
      main: it defines `main`.
      python_modules: the Python modules that it imports.
      environment, session: for expanding more forms (`expand_more`).
      sources: the text of every file of the user's that was read, by path.
    """

    units: list[Unit]
    libraries: list[Library]
    bundled: list[str]
    notices: list[str]
    warnings: list[ProgramError]
    main: bool
    python_modules: list[str]
    environment: Environment
    session: LibraryExpander
    sources: dict[str, str]


def expand_program(source: str, file: str, *, resolver: Resolver) -> Program:
    """Return the expanded program of a source text.

    Raises:
      SyntaxErrors: everything that is wrong with it, in the order of the text.
    """
    session = LibraryExpander(resolver)
    environment = session.new_environment(PROGRAM)
    forms, errors, notices = _read(session, environment, source, file)
    units, more, _ = _expand(session, environment, forms, file)
    errors = _in_order([*errors, *more], file)
    if errors:
        raise SyntaxErrors(errors)
    ours = {bundled_path(name) for name in session.bundled}
    program = Program(
        units,
        list(session.loaded.values()),
        list(session.bundled),
        notices,
        [],
        "main" in environment.defined,
        session.python_modules,
        environment,
        session,
        {path: text for path, text in session.sources.items() if path not in ours},
    )
    program.warnings = unbound_names(program)
    return program


def check_program(program: Program) -> list[ProgramError]:
    """Return what `check` reports of a program that expands: unbound names and calls that can't be right."""
    return _in_order([*program.warnings, *wrong_calls(program)], "")


def name_program(session: LibraryExpander, source: str, file: str) -> Environment:
    """Return the environment of a program that expands, with all names that it binds; nothing is expanded."""
    environment = session.new_environment(PROGRAM)
    with session.naming():
        forms, _, _ = _read(session, environment, source, file)
        _expand(session, environment, forms, file)
    return environment


def expand_text(
    session: LibraryExpander, environment: Environment, source: str, file: str
) -> tuple[list[Unit], bool]:
    """Return the units of more text in an environment, and whether it bound names: for a REPL and `load`.

    Raises:
      SyntaxErrors: what is wrong with the text; definitions before the error stay bound.
    """
    session.sources[file] = source
    session.steps_taken = 0
    forms, errors = read_forms(source, file, environment.scopes)
    units, more, bound = _expand(session, environment, forms, file)
    if errors or more:
        raise SyntaxErrors(_in_order([*errors, *more], file))
    return units, bound


def expand_datum(
    session: LibraryExpander, environment: Environment, datum: Any
) -> tuple[list[Unit], bool]:
    """Return the units of a heap datum in an environment, and whether it bound names: for `eval`.

    Raises:
      SyntaxErrors: what is wrong with it.
    """
    session.steps_taken = 0
    form = from_datum(datum, environment.scopes)
    units, errors, bound = _expand(session, environment, [form], "")
    if errors:
        raise SyntaxErrors(errors)
    return units, bound


def new_environment(session: LibraryExpander, imports: list[Any], library: str) -> Environment:
    """Return a fresh environment with import sets, given as heap data: `environment` of (scheme eval).

    Args:
      session: where it belongs.
      imports: the import sets.
      library: the name that its globals have.

    Raises:
      ProgramError: an import set is wrong.
    """
    environment = session.new_environment(library)
    for datum in imports:
        stx = from_datum(datum, environment.scopes)
        name, names = session.import_set(stx)
        session.bind_imports(name, names, environment, stx)
    return environment


def _read(
    session: LibraryExpander, environment: Environment, source: str, file: str
) -> tuple[list[Syntax], list[ProgramError], list[str]]:
    """Return a program's forms, what is wrong with its text, and notices; without an import it gets the default ones."""
    session.sources[file] = source
    forms, errors = read_forms(source, file, environment.scopes)
    notices: list[str] = []
    if not any(_is_import(form) for form in forms):
        for name in DEFAULT_IMPORTS:
            session.import_default(name, environment)
        listed = " ".join(f"({name})" for name in DEFAULT_IMPORTS)
        if not any(_is_library(form) for form in forms):
            notices.append(f"{file} has no import: it gets {listed}")
    return forms, errors, notices


def _expand(
    session: LibraryExpander, environment: Environment, forms: list[Syntax], file: str
) -> tuple[list[Unit], list[ProgramError], bool]:
    session.errors = []

    def special(form: Form, name: str) -> None:
        if name == "import":
            session.import_form(form, environment)
        else:
            session.define_library(form, file)

    top = TopLevel(session, environment, special)
    top.collect(forms)
    units = top.finish()
    return units, session.errors, top.bound


def _head(stx: Syntax) -> Any:
    head = stx.items[0] if isinstance(stx, Form) and stx.items else None
    return head.symbol if isinstance(head, Identifier) else None


def _is_import(stx: Syntax) -> bool:
    return _head(stx) is intern("import")


def _is_library(stx: Syntax) -> bool:
    return _head(stx) is intern("define-library")


def _in_order(errors: list[ProgramError], file: str) -> list[ProgramError]:
    flat: list[ProgramError] = []
    for error in errors:
        flat += error.errors if isinstance(error, SyntaxErrors) else [error]

    def key(error: ProgramError) -> tuple[Any, ...]:
        span = error.span
        return (
            (True, "", 0, 0)
            if span is None
            else (span.file != file, span.file, span.line, span.column)
        )

    return sorted(flat, key=key)
