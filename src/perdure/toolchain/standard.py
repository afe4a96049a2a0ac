"""The standard library, compiled: the core that every program has, and the bundled libraries that some import.

Layer: toolchain. Imports frontends, compiler, machine, primitives.
Invariant: all of it lives in the frozen namespace and is the same for every run of the process; nothing there is ever assigned. A bundled
library is loaded once, when a program, a snapshot or `eval` first needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from perdure.compiler.provider import Provider, dump_procedures, load_procedures
from perdure.frontends.scheme.bundled import BundledIndex, is_bundled
from perdure.frontends.scheme.exports import StandardIndex
from perdure.frontends.scheme.libraries import Resolver
from perdure.frontends.scheme.standard import expand_bundled, load_standard
from perdure.ir.core import Unit
from perdure.machine.stepping import unstepped
from perdure.machine.watchdog import unwatched
from perdure.primitives import TABLE
from perdure.toolchain.cache import Cache
from perdure.toolchain.compiling import assigned_globals, compile_unit
from perdure.toolchain.moved import MOVED

Units = list[tuple[str, bytes, bytes]]
"""Compiled units in order: digest, definition, and the code of its procedures for this Python."""


def arities() -> dict[str, tuple[int, int | None, str]]:
    """Return the arity of every primitive, as the front end wants it."""
    return {name: (p.least, p.most, p.formals) for name, p in TABLE.items()}


class Standard:
    """The standard library of a process; making one loads the core.

    Attributes:
      index: the exports of the core.
      natives: primitives and the values of the library's globals, by name: what snapshots refer to. Looking up a name of a
        bundled library loads that library.
    """

    def __init__(self, provider: Provider, frozen: dict[str, Any], cache_dir: Path) -> None:
        self._provider = provider
        self._frozen = frozen
        self._cache = Cache(cache_dir)
        self._bundled: dict[str, BundledIndex] = {}
        self._loading: list[str] = []
        self.announce: Callable[[dict[str, Any]], None] = lambda _: None
        """Is told the natives that come later."""
        self.natives = Natives(self._load_owner)
        units, index = self._cached("standard", self._compile_core)
        self.index = msgspec.json.decode(index, type=StandardIndex)
        self._run(units)
        frozen.update((old, frozen[new]) for old, new in MOVED.items())
        self.natives.update(self._globals(lambda _: True))

    def bundled(self, name: str) -> BundledIndex:
        """Return the index of a bundled library, which is loaded if it was not.

        Raises:
          SyntaxErrors: its file is wrong.
        """
        found = self._bundled.get(name)
        if found is None:
            assert name not in self._loading, f"bundled libraries in a circle: {self._loading}"
            self._loading.append(name)
            try:
                made = self._cached(name.replace(" ", "-"), lambda: self._compile_bundled(name))
                found = msgspec.json.decode(made[1], type=BundledIndex)
                for other in found.requires:
                    self.bundled(other)
                self._run(made[0])
            finally:
                self._loading.pop()
            self._bundled[name] = found
            prefix = name.replace(" ", ".") + ":"
            more = self._globals(lambda key: key.startswith(prefix))
            self.natives.update(more)
            self.announce(more)
        return found

    def _load_owner(self, key: str) -> None:
        """Load the bundled library that a native is of, if there is one."""
        name = key.partition(":")[0].replace(".", " ")
        if name not in self._bundled and is_bundled(name):
            self.bundled(name)

    def _globals(self, wanted: Callable[[str], bool]) -> dict[str, Any]:
        return {
            key: value
            for key, value in self._frozen.items()
            if ":" in key
            and not key.startswith("!")
            and wanted(key)
            and (callable(value) or isinstance(value, Struct))
        }

    def _run(self, units: Units) -> None:
        """Run the units' top-level forms, in the frozen namespace."""
        with unwatched(), unstepped():
            for digest, data, procedures in units:
                # Without places: a report shows the program's frames, not the library's.
                self._provider.add(digest, data, procedures=load_procedures(procedures))
                self._provider.link(digest, self._frozen)
                self._frozen[f"{digest}!0"]()

    def _cached(self, name: str, make: Callable[[], tuple[Units, bytes]]) -> tuple[Units, bytes]:
        found = self._cache.read(name)
        if found is None:
            found = make()
            self._cache.write(name, found)
        return found  # type: ignore[no-any-return]

    def _compile_core(self) -> tuple[Units, bytes]:
        libraries, index = load_standard(arities())
        return self._compiled(libraries), msgspec.json.encode(index)

    def _compile_bundled(self, name: str) -> tuple[Units, bytes]:
        resolver = Resolver(primitives=arities(), standard=self.index, bundled=self.bundled)
        units, index = expand_bundled(name, resolver)
        return self._compiled([(name.replace(" ", "."), units)]), msgspec.json.encode(index)

    def _compiled(self, libraries: list[tuple[str, list[Unit]]]) -> Units:
        assigned = assigned_globals(u for _, units in libraries for u in units)
        assert not assigned, f"the standard library is shared by all runs, but assigns {assigned}"
        maker = Provider()
        made = []
        for library, units in libraries:
            for unit in units:
                compiled = compile_unit(library, unit, assigned)
                maker.add(compiled.digest, compiled.data)
                procedures = dump_procedures(maker.loaded(compiled.digest).procedures)
                made.append((compiled.digest, compiled.data, procedures))
        return made


class Natives(dict[str, Any]):
    """Values by name; a name that is not there is asked for once more, when its library is loaded."""

    def __init__(self, load: Callable[[str], None]) -> None:
        super().__init__()
        self._load = load

    def __missing__(self, key: str) -> Any:
        self._load(key)
        if key in self:
            return self[key]
        raise KeyError(key)
