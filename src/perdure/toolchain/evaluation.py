"""`eval`, `environment` and their kin: code that a run compiles while it runs.

Layer: toolchain. Imports frontends, compiler, machine, values.
Invariant: what names mean is kept in memory only as a cache of the run's heap: an environment's imports and history make it again, in
another process, from the texts that are stored with the run. Code is stored like all code, by its hash, with the turn that made it.
An expression that binds nothing leaves nothing behind but its code.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from perdure.base.errors import PerdureError, ProgramError, SyntaxErrors
from perdure.compiler.provider import Provider
from perdure.frontends.scheme.bindings import Environment as Names
from perdure.frontends.scheme.bundled import bundled_path
from perdure.frontends.scheme.libraries import LibraryExpander, Resolver
from perdure.frontends.scheme.program import (
    PROGRAM,
    expand_datum,
    expand_text,
    name_program,
    new_environment,
)
from perdure.frontends.scheme.syntax import Atom
from perdure.ir.core import Unit
from perdure.machine.machine import Machine
from perdure.machine.state import Environment, Evaluation
from perdure.toolchain.compiling import Compiled, assigned_globals, compile_unit, encode_spans
from perdure.values.barrier import touch
from perdure.values.conditions import SchemeError, condition
from perdure.values.lists import from_items, list_items
from perdure.values.types import NIL, Pair, String, Vector

LOADING = Atom(None, None)
"""Stands for the import that loads a library again."""


class Tools(Protocol):
    """What is needed of the toolchain."""

    provider: Provider

    @property
    def programs(self) -> Mapping[str, Any]:
        """The programs that were compiled or loaded, by hash."""

    def resolver(self, base: Path, directory: str, texts: Mapping[str, str]) -> Resolver:
        """Return what the front end needs to know of a program's surroundings."""

    def add(self, compiled: Compiled) -> None:
        """Make a definition known."""

    def load_bundled(self, names: Iterable[str]) -> None:
        """Load bundled libraries."""


class _Session:
    """The names of a run's environments in memory; `loaded`, `bundled` and `sources` are those that the run has on record."""

    def __init__(self, expander: LibraryExpander, program: Names) -> None:
        self.expander = expander
        self.program = program
        self.names: dict[str, Names] = {}
        self.loaded = set(expander.loaded)
        self.bundled = set(expander.bundled)
        self.sources = set(expander.sources)


class Evaluator:
    """Compiles for one live run."""

    def __init__(self, tools: Tools, machine: Machine) -> None:
        self._tools = tools
        self._machine = machine
        self._cached: _Session | None = None
        evaluation = machine.root.evaluation
        if evaluation is not None:
            tools.load_bundled([name.text for name in list_items("eval", evaluation.bundled)])
            for entry in reversed(self._texts()):
                for place in list_items("eval", entry.items[2]):
                    tools.provider.place(place.car.text, place.cdr.text.encode())

    # -- what the primitives call -------------------------------------------------------------

    def program_environment(self) -> Environment:
        """Return the environment of the program itself: always the same object."""
        evaluation = self._evaluation()
        if evaluation.program is None:
            touch(evaluation)
            evaluation.program = Environment(PROGRAM, NIL, NIL)
        return evaluation.program  # type: ignore[no-any-return]

    def environment(self, imports: list[Any]) -> tuple[list[Any], Environment]:
        """Return thunks that bring new libraries into the run, to be called first, and a new environment with imports.

        Raises:
          SchemeError: an import set is wrong.
        """
        evaluation = self._evaluation()
        number = evaluation.environments + 1
        made = Environment(f"({number})", from_items(imports), NIL)
        with self._reporting(""):
            session = self._session()
            session.names[made.library] = new_environment(session.expander, imports, made.library)
            thunks = self._bring_libraries(session)
        touch(evaluation)
        evaluation.environments = number
        return thunks, made

    def datum(self, environment: Environment, datum: Any) -> list[Any]:
        """Return thunks that evaluate a datum, to be called in order. Raises SchemeError: its syntax is wrong."""
        with self._reporting(""):
            session = self._session()
            names = self._names(session, environment)
            units, bound = expand_datum(session.expander, names, datum)
            thunks = self._bring_libraries(session)
            made = self._compiled(names.library, units, keeps_top=False)
            thunks += [self._thunk(compiled) for compiled in made]
        if bound:
            self._record(environment, datum)
        return thunks

    def text(self, environment: Environment, text: str, file: str) -> tuple[list[Any], list[Any]]:
        """Return thunks that bring new libraries into the run, and thunks that evaluate the forms of a text, each to be called in order.

        Raises:
          SchemeError: something is wrong with the text; its `detail` is the report of all errors.
        """
        with self._reporting(file):
            session = self._session()
            names = self._names(session, environment)
            session.sources.add(file)
            units, _ = expand_text(session.expander, names, text, file)
            libraries = self._bring_libraries(session)
            made = self._compiled(names.library, units)
        places = []
        for each in made:
            spans = encode_spans(each.spans)
            # The same code may have been evaluated before, from another text.
            self._tools.provider.place(each.digest, spans)
            places.append(Pair(String(each.digest), String(spans.decode())))
        self._record(environment, Vector([String(file), String(text), from_items(places)]))
        return libraries, [self._thunk(compiled) for compiled in made]

    def names(self, environment: Environment) -> tuple[LibraryExpander, Names]:
        """Return what the names of an environment mean, for looking them up."""
        session = self._session()
        return session.expander, self._names(session, environment)

    def sources(self) -> dict[str, str]:
        """Return the texts of the run's code by file name: the program's, and those that were evaluated in its environment."""
        program: dict[str, str] = self._tools.programs[self._machine.root.program].sources
        return program | {entry.items[0].text: entry.items[1].text for entry in self._texts()}

    def _texts(self) -> list[Vector]:
        evaluation = self._machine.root.evaluation
        if evaluation is None or evaluation.program is None:
            return []
        return [e for e in list_items("eval", evaluation.program.history) if type(e) is Vector]

    # -- names in memory ----------------------------------------------------------------------

    def _evaluation(self) -> Evaluation:
        root = self._machine.root
        if root.evaluation is None:
            root.evaluation = Evaluation(0, None, NIL, NIL)
        return root.evaluation  # type: ignore[no-any-return]

    def _session(self) -> _Session:
        """Return the names of this run's program, and of the libraries that evaluation has loaded."""
        if self._cached is None:
            root = self._machine.root
            program = self._tools.programs[root.program]
            loaded = [entry.items for entry in list_items("eval", self._evaluation().libraries)]
            texts = dict(program.sources)
            for _, files in loaded:
                texts |= {f.car.text: f.cdr.text for f in list_items("eval", files)}
            resolver = self._tools.resolver(Path(program.file).parent, program.directory, texts)
            expander = LibraryExpander(resolver)
            names = name_program(expander, program.sources[program.file], program.file)
            with expander.naming():
                for name, _ in reversed(loaded):
                    expander.exports_of(name.text, LOADING)
            self._cached = _Session(expander, names)
        return self._cached

    def _names(self, session: _Session, environment: Environment) -> Names:
        """Return an environment's names, made again from its imports and history if they are not in memory."""
        found = session.names.get(environment.library)
        if found is not None:
            return found
        expander = session.expander
        found = session.program
        if environment.library != PROGRAM:
            imports = list_items("eval", environment.imports)
            found = new_environment(expander, imports, environment.library)
        session.names[environment.library] = found
        with expander.naming():
            for entry in reversed(list_items("eval", environment.history)):
                if type(entry) is Vector:
                    file, text, _ = entry.items
                    expand_text(expander, found, text.text, file.text)
                    session.sources.add(file.text)
                else:
                    expand_datum(expander, found, entry)
        return found

    @contextlib.contextmanager
    def _reporting(self, file: str) -> Iterator[None]:
        """Turn errors of the front end into conditions; the names in memory are given up, since they may be half bound."""
        try:
            yield
        except PerdureError as error:
            self._cached = None
            first = error.errors[0] if isinstance(error, SyntaxErrors) else error
            place = (
                f"{first.span}: " if file and isinstance(first, ProgramError) and first.span else ""
            )
            raise SchemeError(
                condition("syntax-error", f"{place}{first.message}", detail=String(str(error)))
            ) from None

    # -- what a turn leaves in the heap -------------------------------------------------------

    def _bring_libraries(self, session: _Session) -> list[Any]:
        """Return thunks that run the libraries that the last form loaded, and record them."""
        expander = session.expander
        evaluation = self._evaluation()
        thunks: list[Any] = []
        fresh = [name for name in expander.bundled if name not in session.bundled]
        if fresh:
            touch(evaluation)
            for name in fresh:
                evaluation.bundled = Pair(String(name), evaluation.bundled)
            session.bundled.update(fresh)
        ours = {bundled_path(name) for name in expander.bundled}
        new = [name for name in expander.loaded if name not in session.loaded]
        for name in new:
            library = expander.loaded[name]
            paths = [p for p in expander.sources if p not in session.sources and p not in ours]
            files = [Pair(String(path), String(expander.sources[path])) for path in paths]
            touch(evaluation)
            entry = Vector([String(name), from_items(files)])
            evaluation.libraries = Pair(entry, evaluation.libraries)
            session.sources.update(paths)
            session.loaded.add(name)
            made = self._compiled(library.name, library.units)
            thunks += [self._thunk(compiled) for compiled in made]
        return thunks

    def _record(self, environment: Environment, entry: Any) -> None:
        touch(environment)
        environment.history = Pair(entry, environment.history)

    def _compiled(
        self, library: str, units: list[Unit], *, keeps_top: bool = True
    ) -> list[Compiled]:
        assigned = assigned_globals(units)
        made = [compile_unit(library, unit, assigned, keeps_top=keeps_top) for unit in units]
        for each in made:
            self._tools.add(each)
        return made

    def _thunk(self, compiled: Compiled) -> Any:
        return self._tools.provider.static(compiled.digest, 0, self._machine.namespace)
