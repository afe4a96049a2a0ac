"""Python modules whose functions are a program's built-ins: finding, refusing, importing, exporting.

Layer: engine. Imports values, base.
Invariant: a program reaches the modules that stand beside its file and those that the configuration allows, and no
others; of those, public functions only. A module beside the program is loaded from its file and never by searching
`sys.path`, so a program's `shop.py` and an installed package `shop` can't take each other's place.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct

from perdure.base import limits
from perdure.base.errors import CallError, PerdureError
from perdure.base.marks import ATTRIBUTE, Mark, mark_of
from perdure.values.types import HOST, PythonProcedure, python_procedure

_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)*")


class Function(Struct, frozen=True, eq=False):
    """A Python function as the engine calls it.

    `least` and `most` count positional arguments; `most` is None for any number. `wants_key`: it has a parameter named
    `idempotency_key`, which the engine fills in; `wants_cancellation`: one named `cancellation`. `deadline_at`: the engine fills in
    a parameter named `deadline` unless more positional arguments are given; -1: it has none that is keyword-only or has a default,
    since a required one is a word of the author's own. `connection` is no
    positional argument of a transactional effect. `result_max_bytes` bounds what it may return.
    """

    call: Callable[..., Any]
    mark: Mark
    asynchronous: bool
    wants_key: bool
    least: int
    most: int | None
    wants_cancellation: bool = False
    deadline_at: int = -1
    result_max_bytes: int = limits.PAYLOAD_MAX_BYTES


class PythonModules:
    """The modules that programs of one directory may import, and the host's own functions.

    Args:
      directory: where the program's file lies, or None for a program that has none.
      allowed: names of further modules that may be imported, by Python's own rules; a package allows its submodules.
      host: the functions that the library asks the host for (host.py); no program can import them.
    """

    def __init__(
        self,
        directory: str | Path | None,
        allowed: Iterable[str] = (),
        host: Mapping[str, Function] | None = None,
    ) -> None:
        self.directory = None if directory is None else Path(directory).resolve()
        self.allowed = frozenset(allowed)
        self._functions: dict[str, Mapping[str, Function]] = {HOST: host or {}}
        self._exports: dict[str, dict[str, PythonProcedure]] = {}
        self._lock = threading.Lock()

    def exports(self, module: str) -> dict[str, PythonProcedure]:
        """Return what `(import (python module))` binds: names in programs to procedures.

        Raises:
          CallError: P310 the module is refused, P311 it is not there, P312 it raised when it was imported.
        """
        with self._lock:
            found = self._exports.get(module)
            if found is None:
                functions = self._load(module)
                found = {
                    function.mark.name or name.replace("_", "-"): python_procedure(
                        module, name, function.mark.pure
                    )
                    for name, function in functions.items()
                }
                self._exports[module] = found
            return found

    def function(self, procedure: PythonProcedure) -> Function:
        """Return the Python function that a procedure stands for.

        Raises:
          CallError: the module can't be had, or P313: it has no such function any more.
        """
        functions = self._functions.get(procedure.module)
        if functions is None:
            self.exports(procedure.module)
            functions = self._functions[procedure.module]
        function = functions.get(procedure.function)
        if function is None:
            raise CallError(
                "P313",
                f"the Python module {procedure.module!r} has no public function {procedure.function!r}",
                hint="put it back, or cancel the run",
            )
        return function

    def _load(self, module: str) -> Mapping[str, Function]:
        functions = self._functions.get(module)
        if functions is None:
            functions = public_functions(self._import(module))
            self._functions[module] = functions
        return functions

    def _import(self, module: str) -> ModuleType:
        if not _NAME.fullmatch(module):
            raise CallError("P310", f"{module!r} is not the name of a Python module")
        path = self._beside(module)
        if path is not None:
            return self._guarded(module, lambda: _from_file(module, path, self.directory))
        parts = module.split(".")
        if any(".".join(parts[:n]) in self.allowed for n in range(1, len(parts) + 1)):
            return self._guarded(module, lambda: importlib.import_module(module))
        where = f"in {self.directory}" if self.directory else "beside the program"
        if importlib.util.find_spec(parts[0]) is not None:
            raise CallError(
                "P310",
                f"the Python module {module!r} is refused: it is not a file {where}, and it is not allowed",
                hint=f"wrap what you need in a module beside the program, or say --allow-python {module}",
            )
        raise CallError(
            "P311",
            f"there is no Python module {module!r}: {parts[0]}.py is not {where}",
            hint="check the name",
        )

    def _beside(self, module: str) -> Path | None:
        if self.directory is None:
            return None
        base = self.directory.joinpath(*module.split("."))
        for candidate in (base.with_suffix(".py"), base / "__init__.py"):
            if candidate.is_file():
                return candidate
        return None

    def _guarded(self, module: str, load: Callable[[], ModuleType]) -> ModuleType:
        try:
            return load()
        except PerdureError:
            raise
        except (Exception, SystemExit) as error:
            raise CallError(
                "P312",
                f"the Python module {module!r} can't be imported: {_one_line(error)}{_place(error)}",
                hint="correct the module; a missing dependency must be installed for this Python",
            ) from error


def public_functions(module: ModuleType) -> dict[str, Function]:
    """Return a module's own public functions, and whatever else in it carries a mark, by their Python names."""
    found: dict[str, Function] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or not callable(value) or isinstance(value, type):
            continue
        marked = isinstance(getattr(value, ATTRIBUTE, None), Mark)
        plain = inspect.isroutine(value) or hasattr(value, "__wrapped__")
        own = plain and getattr(value, "__module__", None) == module.__name__
        if marked or own:
            found[name] = describe(value)
    return found


def describe(call: Callable[..., Any]) -> Function:
    """Return how a Python function is to be called."""
    least, most, wants_key = 0, 0, False
    wants_cancellation, deadline_at = False, -1
    unlimited = False
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (ValueError, TypeError):
        parameters, unlimited = [], True
    for parameter in parameters:
        if parameter.name == "idempotency_key" and parameter.kind is not parameter.VAR_POSITIONAL:
            wants_key = True
        elif parameter.name == "cancellation" and parameter.kind is not parameter.VAR_POSITIONAL:
            wants_cancellation = True
        elif parameter.name == "deadline" and parameter.kind is parameter.KEYWORD_ONLY:
            deadline_at = sys.maxsize
        elif parameter.name == "connection" and mark_of(call).transactional:
            continue
        elif parameter.kind is parameter.VAR_POSITIONAL:
            unlimited = True
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            if parameter.name == "deadline" and parameter.default is not parameter.empty:
                deadline_at = most
            most += 1
            least += parameter.default is parameter.empty
    unwrapped = inspect.unwrap(call)
    asynchronous = inspect.iscoroutinefunction(unwrapped) or inspect.iscoroutinefunction(
        getattr(unwrapped, "__call__", None)  # noqa: B004 - an object whose call is async
    )
    return Function(
        connection_placed(call) if mark_of(call).transactional else call,
        mark_of(call),
        asynchronous,
        wants_key,
        least,
        None if unlimited else most,
        wants_cancellation,
        deadline_at,
    )


def connection_placed(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes its `connection` by name, wherever among its parameters that stands."""
    try:
        names = [
            parameter.name
            for parameter in inspect.signature(call).parameters.values()
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (ValueError, TypeError):
        return call
    if "connection" not in names[:-1]:
        return call  # the program's arguments can't come to its place
    place = names.index("connection")

    @functools.wraps(call)
    def placed(*arguments: Any, connection: Any, **named: Any) -> Any:
        if len(arguments) < place:
            return call(*arguments, connection=connection, **named)
        return call(*arguments[:place], connection, *arguments[place:], **named)

    return placed


def _from_file(module: str, path: Path, directory: Path | None) -> ModuleType:
    """Import a module from its file, once for each file, under a name of its own in `sys.modules`.

    While it is imported its directory is the last place where *its* imports are looked for: a module beside the
    program may use its neighbours, and still shadows nothing.
    """
    key = _registered_name(module, path)
    loaded = sys.modules.get(key)
    if loaded is not None:
        return loaded
    locations = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(key, path, submodule_search_locations=locations)
    assert spec is not None
    assert spec.loader is not None
    created = importlib.util.module_from_spec(spec)
    sys.modules[key] = created
    neighbourhood = str(directory or path.parent)
    sys.path.append(neighbourhood)
    try:
        spec.loader.exec_module(created)
    except BaseException:
        sys.modules.pop(key, None)
        raise
    finally:
        for index in range(len(sys.path) - 1, -1, -1):
            if sys.path[index] == neighbourhood:
                del sys.path[index]
                break
    return created


def _registered_name(module: str, path: Path) -> str:
    place = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    return f"perdure_{place}_{module.replace('.', '_')}"


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return ""
    steps = [s for s in traceback.extract_tb(error.__traceback__) if "importlib" not in s.filename]
    last = steps[-1] if steps else None
    if last is None or last.filename == __file__:
        return ""
    return f" ({last.filename}:{last.lineno})"
