"""A program from its source to a run: front end, compiler, code provider and frozen namespace of one process.

Layer: toolchain. Imports frontends, compiler, machine, primitives.
Invariant: a program is known by a hash of its payload: sources, units and places. Whoever has the payload and the
definitions that it names needs no source file.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from perdure.base.errors import ProgramError, SnapshotError
from perdure.base.spans import Span
from perdure.compiler.provider import Provider
from perdure.frontends.scheme.bundled import is_bundled
from perdure.frontends.scheme.libraries import Resolver
from perdure.frontends.scheme.program import Program, check_program, expand_program
from perdure.frontends.scheme.reader import read_from_port, read_source
from perdure.ir import core
from perdure.ir.walking import nodes
from perdure.machine import tasks
from perdure.machine.machine import Hooks, Machine
from perdure.machine.registers import NO_DYNAMIC
from perdure.machine.state import Root
from perdure.toolchain.cache import default_cache_dir
from perdure.toolchain.compiling import (
    Compiled,
    assigned_globals,
    compile_unit,
    encode_spans,
    fixed_records,
)
from perdure.toolchain.evaluation import Evaluator
from perdure.toolchain.namespace import frozen_namespace
from perdure.toolchain.standard import Standard, arities
from perdure.values import ports
from perdure.values.lists import from_items
from perdure.values.tables import make_table
from perdure.values.types import PythonProcedure, String

PAYLOAD_VERSION = 1


class PythonModules(Protocol):
    """Finds the Python modules that programs may import."""

    def exports(self, module: str, directory: str) -> Mapping[str, PythonProcedure]:
        """Return the procedures of a module by their Scheme names, for a program in a directory.

        Raises:
          CallError: the module is refused, or not there.
        """


class Payload(Struct):
    """A program as it is stored.

    `units` are the digests of its top-level forms in order, its libraries' first; `main` is the digest of the form that
    gives its main procedure, or ""; `spans` the places of each definition's sites; `directory` where its file lay, as an
    absolute path: Python modules are looked for there; `bundled` names the bundled libraries that it needs;
    `reads_command_line` says that it asks for its arguments itself.
    """

    version: int
    name: str
    file: str
    units: list[str]
    main: str
    starts: list[str]
    python_modules: list[str]
    sources: dict[str, str]
    spans: dict[str, dict[int, Span]]
    directory: str = ""
    bundled: list[str] = []
    reads_command_line: bool = False


class CompiledProgram:
    """A program that can be run: its payload, and the definitions it consists of."""

    def __init__(
        self, payload: Payload, data: bytes, definitions: Mapping[str, bytes], notices: list[str]
    ) -> None:
        self.hash = hashlib.sha256(data).hexdigest()[:32]
        self.payload = data
        self.name = payload.name
        self.file = payload.file
        self.directory = payload.directory
        self.units = payload.units
        self.main = payload.main
        self.takes_arguments = bool(payload.main) or payload.reads_command_line
        self.starts = payload.starts
        self.python_modules = payload.python_modules
        self.sources = payload.sources
        self.definitions = definitions
        self.notices = notices
        self.warnings: list[ProgramError] = []


class Toolchain:
    """Everything that turns source into machines. One for a process; making one loads the standard library.

    Attributes:
      provider: the code of all definitions.
      standard: the standard library.
      natives: its values by name, for the snapshot codec.
      programs: the programs that were compiled or loaded, by hash.
    """

    def __init__(self, python: PythonModules, cache_dir: str | Path | None = None) -> None:
        self.provider = Provider()
        self.programs: dict[str, CompiledProgram] = {}
        self._python = python
        self._frozen = frozen_namespace()
        folder = Path(cache_dir) if cache_dir is not None else default_cache_dir()
        self.standard = Standard(self.provider, self._frozen, folder)
        self.natives: dict[str, Any] = self.standard.natives
        # One object of the process stands in every run's graph: it has a name, so that no run gives it an id.
        self.natives["%:no-dynamic"] = NO_DYNAMIC
        ports.use_reader(read_from_port)

    @functools.cached_property
    def hooks(self) -> Hooks:
        """What machines need of the standard library."""
        found = {
            name: self._frozen[f"perdure.control:%{name}"]
            for name in ("signal", "rewind", "unwind", "alarm", "restart-at")
        }
        return Hooks(
            found["signal"],
            found["signal"],
            found["rewind"],
            found["unwind"],
            found["alarm"],
            self._frozen["perdure.control:current-output-port"],
            self._frozen["perdure.cancellation:%shield"],
            self._frozen["perdure.retry:%retry-policy"],
            self._frozen["perdure.deadline:%deadline"],
            self._frozen["perdure.transaction:%transaction"],
            self._frozen["perdure.transaction:%compensating"],
            found["restart-at"],
            self._frozen["perdure.restart:%signalled"],
            self._frozen["perdure.restart:%restarts"],
            self._frozen["perdure.restart:%consult"],
            self._frozen["perdure.transaction:%refused"],
        )

    @staticmethod
    def is_global(key: str) -> bool:
        """Whether a key of a run's namespace is a variable of the program (and not a helper of its code)."""
        return ":" in key

    def fresh_namespace(self, program: CompiledProgram) -> dict[str, Any]:
        """Return an empty globals dictionary for a run of a program."""
        del program
        return {"__builtins__": self._frozen}

    # -- programs -----------------------------------------------------------------------------------

    def resolver(self, base: Path, directory: str, texts: Mapping[str, str]) -> Resolver:
        """Return what the front end needs to know of a program's surroundings.

        Args:
          base: where its libraries and included files are, as its own file's path says it.
          directory: where its Python modules are.
          texts: files, by path, that are to be taken as they were when the program was compiled.
        """

        def find_library(name: tuple[str, ...]) -> tuple[str, str] | None:
            for ending in (".sld", ".scm"):
                path = base.joinpath(*name).with_name(name[-1] + ending)
                if str(path) in texts or path.is_file():
                    return read_file(str(path)), str(path)
            return None

        def read_file(path: str) -> str:
            return texts[path] if path in texts else read_source(path)

        return Resolver(
            primitives=arities(),
            standard=self.standard.index,
            bundled=self.standard.bundled,
            find_library=find_library,
            python_exports=lambda module: self._python.exports(module, directory),
            read_file=read_file,
        )

    def expand(self, source: str, file: str, directory: str | None = None) -> Program:
        """Return a program expanded and not compiled. Raises SyntaxErrors."""
        place = directory or str(Path(file).resolve().parent)
        return expand_program(source, file, resolver=self.resolver(Path(file).parent, place, {}))

    def check_source(self, source: str, file: str) -> tuple[list[ProgramError], list[str]]:
        """Return everything that is wrong with a program that expands, and its notices. Raises SyntaxErrors."""
        program = self.expand(source, file)
        return check_program(program), program.notices

    def compile_file(self, path: str) -> CompiledProgram:
        """Return the program in a file. Raises ProgramError: the file can't be read, or is wrong."""
        return self.compile_source(read_source(path), path)

    def compile_source(
        self, source: str, file: str, directory: str | None = None
    ) -> CompiledProgram:
        """Return the program of a source text.

        Args:
          source: the text.
          file: its path, for messages; libraries and included files lie beside it.
          directory: where its Python modules lie, if not there.

        Raises:
          SyntaxErrors: everything that is wrong with it.
        """
        program = self.expand(source, file, directory)
        named = [(library.name, unit) for library in program.libraries for unit in library.units]
        named += [("", unit) for unit in program.units]
        assigned = assigned_globals(unit for _, unit in named)
        records = fixed_records((unit for _, unit in named), assigned)
        compiled = [
            compile_unit(library, unit, assigned, records=records) for library, unit in named
        ]
        everything = list(compiled)
        main = ""
        if program.main:
            found = compile_unit("", core.Unit(core.GlobalRef("", "main")), assigned)
            everything.append(found)
            main = found.digest
        payload = Payload(
            PAYLOAD_VERSION,
            Path(file).stem,
            file,
            [c.digest for c in compiled],
            main,
            sorted(_started_names([unit for _, unit in named])),
            sorted(program.python_modules),
            program.sources,
            {c.digest: c.spans for c in everything},
            directory or str(Path(file).resolve().parent),
            program.bundled,
            _refers_to([unit for _, unit in named], "command-line"),
        )
        for each in everything:
            self.add(each)
        data = msgspec.json.encode(payload)
        result = CompiledProgram(
            payload, data, {c.digest: c.data for c in everything}, program.notices
        )
        result.warnings = program.warnings
        self.programs[result.hash] = result
        return result

    def add(self, compiled: Compiled) -> None:
        """Make a definition known to the provider."""
        self.provider.add(compiled.digest, compiled.data, spans=encode_spans(compiled.spans))

    def load(self, payload: bytes, definitions: Mapping[str, bytes]) -> CompiledProgram:
        """Return a stored program.

        Args:
          payload: what `CompiledProgram.payload` was.
          definitions: every definition that it names, by digest.

        Raises:
          SnapshotError: the payload is damaged, or a definition is missing.
        """
        try:
            found = msgspec.json.decode(payload, type=Payload)
        except msgspec.DecodeError as error:
            raise SnapshotError("P503", f"a stored program is damaged: {error}") from None
        self.load_bundled(found.bundled)
        for digest in {*found.units, found.main} - {""}:
            if not self.provider.knows(digest):
                try:
                    data = definitions[digest]
                except KeyError:
                    raise SnapshotError(
                        "P511", f"definition {digest} is not in the database"
                    ) from None
                spans = encode_spans(found.spans.get(digest, {}))
                self.provider.add(digest, data, spans=spans)
        result = CompiledProgram(found, payload, definitions, [])
        self.programs[result.hash] = result
        return result

    def load_bundled(self, names: Iterable[str]) -> None:
        """Load bundled libraries that stored code refers to. Raises SnapshotError: this release does not have one."""
        for name in names:
            if not is_bundled(name):
                raise SnapshotError("P511", f"this release of Perdure has no library ({name})")
            self.standard.bundled(name)

    # -- runs -----------------------------------------------------------------------------------------

    def new_run(
        self,
        program: CompiledProgram,
        run_id: str,
        arguments: list[Any],
        now: float,
        seed: int,
        words: Sequence[str] = (),
    ) -> Machine:
        """Return a machine whose main task will run the program's top-level forms, then its main procedure.

        Args:
          program: what is run.
          run_id: the run's id.
          arguments: what `main` is applied to, values of the run's heap.
          now: the time of the first turn.
          seed: the state of the run's generator of random numbers.
          words: the arguments as text, for its command line.
        """
        root = Root(
            run_id,
            program.hash,
            make_table("eqv"),
            make_table("eqv"),
            make_table("eqv"),
            (),
            1,
            0,
            seed,
            now,
            command_line=from_items([String(word) for word in (program.file, *words)]),
            children=0,
        )
        machine = self._machine(root, self.fresh_namespace(program))
        static = functools.partial(self.provider.static, number=0, namespace=machine.namespace)
        units = from_items([static(digest) for digest in program.units])
        main = static(program.main) if program.main else None
        boot = self._frozen["perdure.control:%boot"]
        tasks.spawn(machine, boot, (units, main, from_items(arguments)), "main")
        root.ready = tuple(machine.ready)
        return machine

    def attach(self, root: Root, namespace: dict[str, Any]) -> Machine:
        """Return a machine for a decoded run."""
        return self._machine(root, namespace)

    def _machine(self, root: Root, namespace: dict[str, Any]) -> Machine:
        machine = Machine(root, namespace, self.provider, self.hooks)
        machine.evaluator = Evaluator(self, machine)
        return machine


def _started_names(units: list[core.Unit]) -> set[str]:
    """Return the program names that are literal arguments of `start-run` and `start-run-detached`."""
    found: set[str] = set()
    for node in nodes(units):
        if isinstance(node, core.Call) and isinstance(node.function, core.GlobalRef):
            first = node.arguments[0] if node.arguments else None
            if node.function.name in ("start-run", "start-run-detached") and isinstance(
                first, core.Const
            ):
                name = getattr(first.value, "text", None) or getattr(first.value, "name", None)
                if name:
                    found.add(name)
    return found


def _refers_to(units: list[core.Unit], primitive: str) -> bool:
    """Return whether a primitive is referred to."""
    wanted = (core.PRIMITIVES, primitive)
    return any(
        isinstance(node, core.GlobalRef) and (node.library, node.name) == wanted
        for node in nodes(units)
    )
