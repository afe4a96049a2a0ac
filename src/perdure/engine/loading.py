"""From the store to a live run, and from a source file to the store.

Layer: engine. Imports toolchain, snapshot, store.api, machine, values, base.
Invariant: hashes are checked before anything is decoded; a run that can't be decoded is never half-loaded.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from perdure.base import limits
from perdure.base.errors import SnapshotError
from perdure.engine import inspection, jsonable, records
from perdure.engine.adoption import adopt_all
from perdure.engine.boundary import BoundaryError, to_python
from perdure.engine.effects import call_builtin, is_idempotent
from perdure.engine.host import NONE, Files, host_functions
from perdure.engine.live import LiveRun
from perdure.engine.python_modules import Function, PythonModules
from perdure.engine.stored import checked_payloads
from perdure.frontends.scheme.reader import read_source
from perdure.machine.registers import EVALUATOR
from perdure.snapshot import exchange
from perdure.snapshot.heap import Codec
from perdure.store.api import Claim, Loaded, Store
from perdure.toolchain.toolchain import CompiledProgram, Toolchain
from perdure.values.conditions import fail
from perdure.values.printer import display_string
from perdure.values.types import PythonProcedure, String


class ModulesByDirectory:
    """The Python modules of every directory that programs lie in; what the toolchain asks for exports."""

    def __init__(
        self,
        allowed: Iterable[str],
        fallback: str | Path | None,
        host: Mapping[str, Function],
    ) -> None:
        self._allowed = tuple(allowed)
        self._fallback = fallback
        self._host = host
        self._known: dict[str, PythonModules] = {}
        self.lock = threading.RLock()

    def of(self, directory: str) -> PythonModules:
        """Return the modules of a program in that directory; if it is not there, those of the fallback."""
        found = self._known.get(directory)
        if found is None:
            there = directory if directory and Path(directory).is_dir() else self._fallback
            found = self._known[directory] = self._made(there)
        return found

    def _made(self, directory: str | Path | None) -> PythonModules:
        return PythonModules(directory, self._allowed, self._host)

    def exports(self, module: str, directory: str) -> dict[str, PythonProcedure]:
        """Return what a module exports to a program in that directory. Raises CallError."""
        return self.of(directory).exports(module)


class _StoredDefinitions(Mapping[str, bytes]):
    """The definitions in a store, read when they are asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, hashed: str) -> bytes:
        found = self._store.get_definitions([hashed])
        return found[hashed]

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the definitions of a store are not counted")

    def __len__(self) -> int:
        raise TypeError("the definitions of a store are not counted")


class Programs:
    """The toolchain and the codec of a process, and the programs that it has loaded.

    Args:
      allowed: Python modules that programs may import besides those beside their files.
      directory: where such modules are looked for when a program's own directory is not there.
      cache_dir: where the compiled standard library is kept; None for the user's cache directory.
      host: the functions of the host that the library asks for; None grants no file and no variable.
      run_seed: gives a new run the seed of its random numbers, 64 bits.
      chain_max: deltas after which a run gets a new full snapshot, at the least.
      modules: the Python modules, instead of those that `allowed`, `directory` and `host` describe.
    """

    def __init__(
        self,
        *,
        allowed: Iterable[str] = (),
        directory: str | Path | None = None,
        cache_dir: str | Path | None = None,
        host: Mapping[str, Function] | None = None,
        run_seed: Callable[[], int] = lambda: secrets.randbits(64),
        chain_max: int = limits.DELTA_CHAIN_MAX,
        modules: ModulesByDirectory | None = None,
    ) -> None:
        if modules is None:
            granted = host_functions(Files(NONE), {}) if host is None else host
            modules = ModulesByDirectory(allowed, directory, granted)
        self.modules = modules
        self.toolchain = Toolchain(self.modules, cache_dir=cache_dir)
        self.codec = Codec(
            self.toolchain.provider,
            self.toolchain.natives,
            self.toolchain.is_global,
            chain_max=chain_max,
        )
        self.toolchain.standard.announce = self.codec.add_natives
        self._run_seed = run_seed
        self._asked = threading.local()
        self.toolchain.provider.fetch = self._definition

    def compile_file(self, path: str | Path) -> CompiledProgram:
        """Return the program of a file. Raises ProgramError, CallError."""
        with self.modules.lock:
            return self.toolchain.compile_source(read_source(str(path)), str(path))

    def compile_source(self, text: str, file: str, directory: str) -> CompiledProgram:
        """Return the program of a text. Raises ProgramError, CallError."""
        with self.modules.lock:
            return self.toolchain.compile_source(text, file, directory)

    def program(self, store: Store, program_hash: str) -> CompiledProgram:
        """Return a stored program. Raises SnapshotError if it is missing or damaged."""
        self._asked.store = (
            store  # what this thread decodes next may need definitions that only it has
        )
        found = self.toolchain.programs.get(program_hash)
        if found is None:
            payload = store.get_program(program_hash)
            if payload is None:
                raise SnapshotError(
                    "P503", f"the program {program_hash[:16]} is not in the database"
                )
            with self.modules.lock:
                found = self.toolchain.load(payload, _StoredDefinitions(store))
        return found

    def _definition(self, digest: str) -> bytes | None:
        """Return a definition from the store that this thread works with."""
        store: Store | None = getattr(self._asked, "store", None)
        return None if store is None else store.get_definitions([digest]).get(digest)

    def save(self, store: Store, program: CompiledProgram) -> None:
        """Store a program and what it starts by a literal name, with their definitions, and let the names mean them.

        Raises:
          ProgramError, CallError: something is wrong with a program that it starts.
        """
        work = [(program.name, program)]
        seen = {program.name}
        while work:
            name, found = work.pop()
            if store.get_program(found.hash) is None:
                store.put_definitions(found.definitions)
                store.put_program(found.hash, found.payload)
            if store.get_name(name) != found.hash:
                store.set_name(name, found.hash)
            for started in found.starts:
                path = Path(
                    found.directory, started if started.endswith(".scm") else f"{started}.scm"
                )
                if started not in seen and path.is_file():
                    seen.add(started)
                    work.append((started, self.compile_file(path)))

    # -- runs ------------------------------------------------------------------------------

    def load(self, store: Store, claim: Claim, loaded: Loaded) -> LiveRun:
        """Return a claimed run, live, made of what is stored of it.

        Raises:
          SnapshotError: what is stored can't be trusted or decoded.
        """
        program = self.program(store, loaded.run.program_hash)
        with EVALUATOR:
            machine, heap = self._machine(store, loaded, program)
            live = LiveRun(claim.run_id, claim.epoch, program=program, machine=machine, heap=heap)
            live.modules = self.modules.of(program.directory)
            live.names = lambda name: _check_program(store, name)
            self.equip(live, machine, heap)
            live.seq = loaded.run.seq
            live.fresh = loaded.snapshot is None
            live.runnable = live.fresh or (bool(machine.root.ready) and not machine.root.paused)
            live.entry_hash = loaded.entries[-1].entry_hash if loaded.entries else loaded.chain_hash
            # Not the row's: that says "ready" while somebody is to run it, and "parked" after a quarantine.
            live.status = "ready" if live.runnable else machine.standing()[0]
            if not live.fresh:
                adopt_all(live)
        return live

    def equip(self, live: LiveRun, machine: Any, heap: Any) -> None:
        """Give a live run a machine and a heap, and the machine what it needs of the world."""
        modules = live.modules
        machine.log = heap.log
        machine.call_builtin = lambda procedure, given: call_builtin(modules, procedure, given)
        machine.is_idempotent = lambda procedure: is_idempotent(modules, procedure)
        machine.export_value = exchange.dump_value
        machine.check_program = live.names
        provider = self.toolchain.provider
        machine.report = lambda raised, stack, base: (
            inspection.report_of(
                machine.evaluator.sources(),
                raised,
                provider,
                stack,
                namespace=machine.namespace,
                base=base,
            ).text
        )
        live.machine, live.root, live.heap = machine, machine.root, heap

    def _machine(self, store: Store, loaded: Loaded, program: CompiledProgram) -> tuple[Any, Any]:
        if loaded.snapshot is None:
            arguments = records.load_arguments(loaded.arguments)
            machine = self.toolchain.new_run(
                program,
                loaded.run.run_id,
                arguments,
                store.now(),
                self._run_seed(),
                [_word(argument) for argument in arguments],
            )
            return machine, self.codec.create(machine.root, machine.namespace)
        return self.restored(self.checked(loaded), program)

    def restored(self, payloads: list[bytes], program: CompiledProgram) -> tuple[Any, Any]:
        """Return the machine and the heap that payloads stand for. Raises SnapshotError."""
        with self.modules.lock:
            heap = self.codec.decode(payloads, self.toolchain.fresh_namespace(program))
            return self.toolchain.attach(heap.root, heap.namespace), heap

    def checked(self, loaded: Loaded) -> list[bytes]:
        """Return the payloads of a stored run that was committed at least once, with their hashes checked.

        Raises:
          SnapshotError: a hash is wrong; nothing was parsed.
        """
        return checked_payloads(loaded)


def _word(argument: Any) -> str:
    """Return an argument as it is given on a command line: a string as it is, other data as JSON."""
    if type(argument) is String:
        return str(argument.text)
    try:
        return jsonable.text_of(to_python(argument))
    except BoundaryError:
        return display_string(argument)


def _check_program(store: Store, name: str) -> None:
    if store.get_name(name) is None:
        raise fail(
            "error",
            f"start-run: no program has the name {name}; `perdure start` and `run` register names",
        )
