"""What a test puts in the place of Python functions, and the modules that a program under test sees.

Layer: testing. Imports engine, values, base.
Invariant: a function that the test neither stubs nor allows is never called. A stub takes the place of the function alone:
its mark (idempotent, retry, timeout) and its number of arguments stay those of the function that it stands for, if that
can be imported, so that retries and doubts in a test are those of production.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from perdure.base.errors import CallError
from perdure.base.marks import ATTRIBUTE, Mark
from perdure.engine.loading import ModulesByDirectory, Programs
from perdure.engine.python_modules import (
    Function,
    PythonModules,
    connection_placed,
    describe,
)
from perdure.values.types import HOST

_MISSING: Any = object()


class Later(Struct, frozen=True):
    """What a stub returns (or is) whose effect takes simulated time: `value` comes after so many seconds.

    A value that is an exception is raised then.
    """

    seconds: float
    value: Any = None


class Target(Struct, frozen=True):
    """What stands for a Python function in a world; the `call` of its `Function`.

    Attributes:
      module: of the function.
      name: in programs.
      given: the stub, or the function itself if it is real.
      allowed: whether the test said anything of it; if not, a call of it is an error of the test.
      real: whether it is the function itself.
    """

    module: str
    name: str
    given: Any
    allowed: bool
    real: bool

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return what the stub says: of a callable its result, else the value itself."""
        given = self.given
        if callable(given) and not is_error(given):
            called = connection_placed(given) if "connection" in named else given
            given = called(*arguments, **named)
        if is_error(given):
            raise given
        return given


def target_of(function: Function) -> Target:
    """Return what stands for a function of a world; the modules of a world have no others."""
    made = function.call
    target = made.target if isinstance(made, Within) else made
    assert isinstance(target, Target), f"{target} is not of a world"
    return target


class Within(Struct, frozen=True):
    """What the engine calls in the place of a transactional function: it has the world perform it."""

    target: Target
    stubs: Stubs

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return what the function or its stub returns."""
        return self.stubs.perform(self.target, arguments, named)


class Stubs:
    """What a test says of the functions that its programs call.

    Args:
      given: stubs by name: "charge-card", or "shop.charge-card" if that is not clear enough; Python's spelling does, too.
      real: True if all others may really be called, else the names of functions or modules that may.
      without: modules that are not imported at all; their functions are those that are stubbed.

    Attributes:
      perform: performs a transactional function, given what it stands for, its arguments and what the engine fills in.
    """

    perform: Callable[[Target, tuple[Any, ...], dict[str, Any]], Any]

    def __init__(
        self,
        given: Mapping[str, Any],
        real: bool | Collection[str] = False,
        without: Collection[str] = (),
    ) -> None:
        self.given = {spelled(name): stub for name, stub in given.items()}
        self.without = frozenset(without)
        self._all_real = real is True
        self._real = frozenset() if isinstance(real, bool) else {spelled(name) for name in real}

    def of(self, module: str, name: str) -> Any:
        """Return the stub of a function, or a value that `is_missing` knows."""
        found = self.given.get(f"{spelled(module)}.{name}", _MISSING)
        return self.given.get(name, _MISSING) if found is _MISSING else found

    def replace(self, name: str, stub: Any) -> None:
        """Put another stub in the place of one. Raises CallError: there was none of that name."""
        if spelled(name) not in self.given:
            there = ", ".join(sorted(self.given)) or "none"
            raise CallError("P303", f"there is no stub {name!r} to be replaced; there are: {there}")
        self.given[spelled(name)] = stub

    def is_real(self, module: str, name: str) -> bool:
        """Return whether a function that is not stubbed may be called."""
        module = spelled(module)
        return self._all_real or bool({module, name, f"{module}.{name}"} & self._real)

    def names_for(self, module: str) -> list[str]:
        """Return the names of the stubs that can belong to a module which is not imported."""
        prefix = f"{spelled(module)}."
        plain = [name for name in self.given if "." not in name]
        return plain + [name.removeprefix(prefix) for name in self.given if name.startswith(prefix)]


def is_missing(stub: Any) -> bool:
    """Return whether `Stubs.of` has found nothing."""
    return stub is _MISSING


def spelled(name: str) -> str:
    """Return a name as programs spell it."""
    return name.replace("_", "-")


class StubbedModules(PythonModules):
    """The modules of one directory as a world has them; arguments as those of PythonModules, and the stubs."""

    def __init__(
        self,
        directory: Any,
        allowed: Collection[str],
        host: Mapping[str, Function],
        stubs: Stubs,
    ) -> None:
        wrapped = {
            name: replace(function, call=Target(HOST, name, function.call, True, True))
            for name, function in host.items()
        }
        super().__init__(directory, allowed, wrapped)
        self._stubs = stubs
        self.absent: set[str] = set()
        self.real: list[Callable[..., Any]] = []
        self.names: set[str] = set()

    def forget(self) -> None:
        """Look at the stubs anew when a function is called next."""
        for module in self._functions.keys() - {HOST}:
            self._functions[module] = self._stand_ins(module)

    def _load(self, module: str) -> Mapping[str, Function]:
        found = self._functions.get(module)
        if found is None:
            found = self._functions[module] = self._stand_ins(module)
            for function in found.values():
                name = target_of(function).name
                self.names |= {name, f"{spelled(module)}.{name}"}
        return found

    def _stand_ins(self, module: str) -> dict[str, Function]:
        stubs = self._stubs
        real: Mapping[str, Function] = {}
        if module not in stubs.without:
            try:
                real = super()._load(module)
            except CallError as error:
                if not stubs.names_for(module):
                    raise CallError(
                        error.code,
                        error.message,
                        hint=f'a test needs no module: stubs={{"{module}.NAME": ...}} names its functions',
                    ) from error
            self._functions.pop(module, None)
        self.real += [function.call for function in real.values()]
        stand_ins = {}
        for python_name, function in real.items():
            name = function.mark.name or spelled(python_name)
            stub = stubs.of(module, name)
            if is_missing(stub):
                allowed = function.mark.pure or stubs.is_real(module, name)
                target = Target(module, name, function.call, allowed, real=True)
                stand_ins[python_name] = replace(function, call=target)
            else:
                stand_ins[python_name] = _stand_in(
                    Target(module, name, stub, True, False), function
                )
        if not real:
            self.absent.add(module)
            for name in stubs.names_for(module):
                target = Target(module, name, stubs.of(module, name), allowed=True, real=False)
                stand_ins[name.replace("-", "_")] = _stand_in(target, None)
        return {name: self._apart(function) for name, function in stand_ins.items()}

    def _apart(self, function: Function) -> Function:
        """Return a function that the world performs itself if it is a transactional one."""
        if not function.mark.transactional:
            return function
        assert isinstance(function.call, Target), "that is what stands for it so far"
        return replace(function, call=Within(function.call, self._stubs), wants_key=True)


def _stand_in(target: Target, original: Function | None) -> Function:
    """Return a stub as the engine calls it, in the place of the original if that is known."""
    stub = target.given
    if callable(stub) and not is_error(stub):
        found = describe(stub)
    else:
        found = replace(describe(_constant), call=stub)
    own = isinstance(getattr(stub, ATTRIBUTE, None), Mark)
    mark = found.mark if own or original is None else original.mark
    # A stub that does not take what the program gives is the test's fault, so any number of arguments gets to it.
    least, most = (0, None) if original is None else (original.least, original.most)
    return replace(found, call=target, mark=mark, least=least, most=most)


def _constant(*arguments: Any) -> None:
    """Stand for a stub that is a value: it takes any arguments."""


def is_error(given: Any) -> bool:
    """Return whether a stub is an exception or a type of one."""
    return isinstance(given, BaseException) or (
        isinstance(given, type) and issubclass(given, BaseException)
    )


class WorldModules(ModulesByDirectory):
    """The modules of one world."""

    def __init__(
        self,
        stubs: Stubs,
        *,
        allowed: Collection[str],
        directory: Any,
        host: Mapping[str, Function],
    ) -> None:
        super().__init__(allowed, directory, host)
        self.stubs = stubs

    def absent(self, modules: Collection[str]) -> list[str]:
        """Return those modules that were not imported, so that the stubs are all that there is of them."""
        missing = {name for modules in self._stubbed for name in modules.absent}
        return sorted(missing & set(modules))

    def check_name(self, name: str) -> str:
        """Return a function's name as programs spell it. Raises CallError: no program that was compiled imports it."""
        known = {one for modules in self._stubbed for one in modules.names}
        wanted = spelled(name)
        if known and wanted not in known | self.stubs.given.keys():
            there = ", ".join(sorted(one for one in known if "." not in one))
            raise CallError(
                "P303", f"no program of this world has a function {wanted}; there are: {there}"
            )
        return wanted

    def real_functions(self) -> list[Callable[..., Any]]:
        """Return the functions of the modules that were imported."""
        return [call for modules in self._stubbed for call in modules.real]

    def forget(self) -> None:
        """Look at the stubs anew."""
        for modules in self._stubbed:
            modules.forget()

    @property
    def _stubbed(self) -> list[StubbedModules]:
        """All modules; `_made` makes no others."""
        return [known for known in self._known.values() if isinstance(known, StubbedModules)]

    def _made(self, directory: Any) -> PythonModules:
        return StubbedModules(directory, self._allowed, self._host, self.stubs)


class SharedModules(ModulesByDirectory):
    """The modules of whichever world is at work: all worlds of a process share one toolchain, which takes long to make."""

    def __init__(self) -> None:
        super().__init__((), None, {})
        self._here = threading.local()
        self._last: tuple[ModulesByDirectory, int] | None = None

    @property
    def seed(self) -> int:
        """The seed of the world at work."""
        return self._at_work()[1]

    def of(self, directory: str) -> PythonModules:
        """Return the modules that the world at work has for a directory."""
        return self._at_work()[0].of(directory)

    def _at_work(self) -> tuple[ModulesByDirectory, int]:
        found: tuple[ModulesByDirectory, int] | None = getattr(self._here, "world", self._last)
        assert found is not None, "a world is at work"
        return found

    @contextmanager
    def used_by(self, world: ModulesByDirectory, seed: int) -> Iterator[None]:
        """Let a world be at work in this thread. The last one stays it, for whoever looks at its runs afterwards."""
        before = getattr(self._here, "world", None)
        self._here.world = self._last = (world, seed)
        try:
            yield
        finally:
            if before is not None:
                self._here.world = before


_shared: tuple[Programs, SharedModules] | None = None


def shared_programs() -> tuple[Programs, SharedModules]:
    """Return the toolchain of all worlds of this process; made at the first call, which takes a third of a second."""
    global _shared
    if _shared is None:
        modules = SharedModules()
        programs = Programs(modules=modules, run_seed=lambda: modules.seed)
        _shared = programs, modules
    return _shared
