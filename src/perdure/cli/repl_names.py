"""What names mean in a session: for completion, `,describe` and `,apropos`.

Layer: cli. Imports frontends, machine, primitives, values.
Invariant: looks and changes nothing. Names that begin with % belong to the library itself: nobody is told of them.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from perdure.frontends.scheme.bindings import (
    Binding,
    Constant,
    CoreForm,
    Environment,
    Global,
    Macro,
)
from perdure.frontends.scheme.bundled import bundled_names, bundled_source
from perdure.frontends.scheme.exports import TABLES
from perdure.frontends.scheme.libraries import LibraryExpander
from perdure.frontends.scheme.reader import read_program
from perdure.frontends.scheme.syntax import Form, Identifier
from perdure.machine.machine import Machine
from perdure.primitives import TABLE
from perdure.values.printer import write_string
from perdure.values.types import PythonProcedure, intern

SHOWN_MAX = 60
"""Names that `,apropos` lists."""

_VALUE_CHARS = 400
_NUMBERED = re.compile(r"\.\d+$")


def names_of(machine: Machine) -> tuple[LibraryExpander, Environment]:
    """Return what the names of a session's environment mean."""
    evaluator = machine.evaluator
    found: tuple[LibraryExpander, Environment] = evaluator.names(evaluator.program_environment())
    return found


def bound_names(machine: Machine) -> list[str]:
    """Return the names that are bound, in order."""
    _, environment = names_of(machine)
    return sorted(s.name for s in environment.names if not s.name.startswith("%"))


# -- describe ------------------------------------------------------------------------------------


def description(
    machine: Machine, name: str, python_text: Callable[[PythonProcedure], str]
) -> list[str]:
    """Return what a name is, where it is from, and its value, as lines.

    Args:
      machine: the session's.
      name: what is asked for.
      python_text: gives what is written about a function of a Python module.
    """
    expander, environment = names_of(machine)
    symbol = intern(name)
    binding = environment.names.get(symbol)
    if binding is None:
        return _unbound(expander, environment, name)
    library = environment.imported.get(symbol, ("", False))[0]
    source = f"from ({library})" if library else "of this session"
    if isinstance(binding, CoreForm):
        return [f"{name} is syntax, {source}"]
    if isinstance(binding, Macro):
        return [f"{name} is a macro, {source}"]
    known, value = _value(machine, binding)
    if not known:
        return [f"{name} is a variable {source}, and has no value yet"]
    if not callable(value):
        return [f"{name} is a variable, {source}", f"  value: {_written(value)}"]
    if isinstance(value, PythonProcedure):
        said = python_text(value)
        lines = [f"{name} is the function {value.function} of the Python module {value.module}"]
        return [*lines, f"  {said}"] if said else lines
    formals = _formals(expander, binding, value)
    if formals is None:
        return [f"{name} is a variable, {source}", f"  value: {_written(value)}"]
    call = f"({name} {formals})" if formals else f"({name})"
    lines = [f"{name} is a procedure, {source}", f"  {call}"]
    place = _place(machine, value) if not library else ""
    lines += [f"  defined at {place}"] if place else []
    said = first_line(value)
    return [*lines, f"  {said}"] if said else lines


def _unbound(expander: LibraryExpander, environment: Environment, name: str) -> list[str]:
    lines = [f"{name} is not bound"]
    exporters = [library for library, names in _exports(expander).items() if name in names]
    if exporters:
        lines += [f"  ({library}) exports it: (import ({library}))" for library in exporters]
        return lines
    near = difflib.get_close_matches(name, [symbol.name for symbol in environment.names], 1)
    return [*lines, f"  did you mean {near[0]}?"] if near else lines


def _value(machine: Machine, binding: Binding) -> tuple[bool, Any]:
    """Return whether a binding has a value, and the value."""
    if isinstance(binding, Constant):
        return True, binding.value
    assert isinstance(binding, Global), "no local variable is in an environment"
    key = f"{binding.library}:{binding.name}"
    for namespace in (machine.namespace, machine.namespace["__builtins__"]):
        if key in namespace:
            return True, namespace[key]
    return False, None


def _formals(expander: LibraryExpander, binding: Binding, value: Any) -> str | None:
    """Return a procedure's parameters as text; None for what is called and is no procedure of a program."""
    primitive = TABLE.get(getattr(value, "__name__", ""))
    if primitive is not None and primitive.function is value:
        return primitive.formals
    if isinstance(binding, Global):
        known = expander.resolver.standard.arities.get(f"{binding.library}:{binding.name}")
        if known is not None:
            return known[2]
    if not isinstance(value, FunctionType):
        return None
    code = value.__code__
    count = code.co_argcount
    words = [_NUMBERED.sub("", word) for word in code.co_varnames[:count]]
    if code.co_flags & 0x04:
        words += [".", _NUMBERED.sub("", code.co_varnames[count])]
    return " ".join(words)


def _place(machine: Machine, value: Any) -> str:
    """Return where the first statement of a procedure stands, "" if that is not known."""
    provider: Any = machine.provider
    identity = provider.identify(value.__code__) if isinstance(value, FunctionType) else None
    spans = provider.loaded(identity[0]).spans if identity is not None else {}
    return str(spans[min(spans)]) if spans else ""


def first_line(function: Any) -> str:
    """Return the first line of what is written about a Python function, "" if that is nothing."""
    text = inspect.getdoc(function) if isinstance(function, FunctionType) else None
    return text.partition("\n")[0] if text else ""


def _written(value: Any) -> str:
    return write_string(value, limit_chars=_VALUE_CHARS)


# -- apropos -------------------------------------------------------------------------------------


def apropos(machine: Machine, part: str) -> list[str]:
    """Return the names that contain a text, each with where it is from, as lines; bound ones come first."""
    expander, environment = names_of(machine)
    bound: dict[str, str] = {}
    for symbol in environment.names:
        library = environment.imported.get(symbol, ("", False))[0]
        bound[symbol.name] = f"({library})" if library else "this session"
    rows = [(name, bound[name]) for name in sorted(bound) if _matches(name, part)]
    others: dict[str, list[str]] = {}
    for library, names in _exports(expander).items():
        for name in names:
            if name not in bound and _matches(name, part):
                others.setdefault(name, []).append(f"({library})")
    rows += [(name, f"{' '.join(others[name])}, not imported") for name in sorted(others)]
    width = max((len(name) for name, _ in rows[:SHOWN_MAX]), default=0)
    lines = [f"{name.ljust(width)}  {source}" for name, source in rows[:SHOWN_MAX]]
    if len(rows) > SHOWN_MAX:
        lines.append(f"and {len(rows) - SHOWN_MAX} more")
    return lines or [f"no name contains {part}"]


def _matches(name: str, part: str) -> bool:
    return part in name and not name.startswith("%")


def _exports(expander: LibraryExpander) -> dict[str, list[str]]:
    """Return what libraries export that can be imported: standard ones, bundled ones, those that are loaded."""
    found = {name: list(expander.standard.find(name) or ()) for name in [*TABLES, "perdure"]}
    found |= _bundled_exports()
    found |= {name: list(library.exports) for name, library in expander.loaded.items()}
    return found


@functools.cache
def _bundled_exports() -> dict[str, list[str]]:
    """Return what bundled libraries export, by their texts: loading them all would take long."""
    return {name: list(_exported(name)) for name in bundled_names() if name != "perdure repl"}


def _exported(library: str) -> Iterator[str]:
    (form,) = read_program(bundled_source(library), library)
    assert isinstance(form, Form), library
    for declaration in form.items[2:]:
        parts = declaration.items if isinstance(declaration, Form) else []
        if parts and isinstance(parts[0], Identifier) and parts[0].name == "export":
            for spec in parts[1:]:
                outer = spec.items[2] if isinstance(spec, Form) else spec
                if isinstance(outer, Identifier):
                    yield outer.name
