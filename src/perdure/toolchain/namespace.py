"""The frozen namespace: what all compiled code of a process sees behind its own globals.

Layer: toolchain. Imports machine, primitives, values.
Invariant: it is the `__builtins__` of every run's globals, and it holds nothing of Python's own: helpers of emitted code under
"!name", primitives under "%:name", the standard library under "library:name". So a program can reach no Python function that
is not listed here.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from perdure.machine import undo, watchdog
from perdure.machine.errors import source_name
from perdure.machine.registers import poll
from perdure.primitives import TABLE
from perdure.primitives.touching import touch_field, touch_item, touch_pair
from perdure.values.barrier import touch, touch_global
from perdure.values.conditions import fail
from perdure.values.equality import equal, eqv
from perdure.values.lists import from_items, list_items
from perdure.values.numbers import NUMBERS
from perdure.values.types import (
    CHARACTERS,
    EOF,
    NIL,
    UNINITIALISED,
    UNSPECIFIED,
    Box,
    Char,
    Pair,
    Record,
    String,
    Symbol,
    Vector,
)


def frozen_namespace() -> dict[str, Any]:
    """Return a new frozen namespace without the standard library, with the watchdog's flag in it."""
    namespace: dict[str, Any] = {
        "!nil": NIL,
        "!eof": EOF,
        "!unspecified": UNSPECIFIED,
        "!:uninitialised": UNINITIALISED,
        "!:unspecified": UNSPECIFIED,
        "!uninitialised": UNINITIALISED,
        "!Pair": Pair,
        "!Box": Box,
        "!Vector": Vector,
        "!String": String,
        "!Symbol": Symbol,
        "!Char": Char,
        "!Record": Record,
        "!int": int,
        "!type": type,
        "!len": len,
        "!numeric": NUMBERS,
        "!eqv": eqv,
        "!equal": equal,
        "!touch": touch,
        "!touch_global": touch_global,
        "!touch_pair": touch_pair,
        "!touch_item": touch_item,
        "!touch_field": touch_field,
        "!characters": CHARACTERS,
        "!ord": ord,
        "!modulo": TABLE["modulo"].function,
        "!remainder": TABLE["remainder"].function,
        "!quotient": TABLE["quotient"].function,
        "!vector_ref": TABLE["vector-ref"].function,
        "!is_alphabetic": TABLE["char-alphabetic?"].function,
        "!string_ref": TABLE["string-ref"].function,
        "!record_ref": TABLE["%record-ref"].function,
        "!list": from_items,
        "!spread": _spread,
        "!applicable": _applicable,
        "!read_early": _read_early,
        "!poll": poll,
    }
    namespace.update((f"%:{name}", entry.function) for name, entry in TABLE.items())
    namespace["__builtins__"] = namespace
    namespace[watchdog.FLAG] = False
    namespace[undo.FLAG] = False
    return namespace


def _spread(arguments: Any) -> list[Any]:
    """Return the last argument of `apply` as a Python list."""
    return list_items("apply", arguments)


def _read_early() -> Any:
    raise fail("unbound-error", "a letrec variable was read before it had a value")


_BY_FUNCTION = {id(entry.function): entry for entry in TABLE.values()}


def _applicable(function: Any, *arguments: Any) -> Any:
    """Return a procedure if it can be called with these arguments; the careful form asks before every call."""
    if not callable(function):
        raise fail("apply-error", "not a procedure:", function)
    entry = _BY_FUNCTION.get(id(function))
    count = len(arguments)
    if entry is not None:
        if count < entry.least or (entry.most is not None and count > entry.most):
            raise _arity(entry.name, entry.least, entry.most, entry.formals, count)
    elif isinstance(function, FunctionType):
        code = function.__code__
        least = code.co_argcount
        variadic = bool(code.co_flags & 0x04)
        if count < least or (count > least and not variadic):
            words = [source_name(variable) for variable in code.co_varnames[: least + variadic]]
            if variadic:
                words.insert(-1, ".")
            formals = " ".join(words)
            name = function.__name__
            raise _arity(name, least, None if variadic else least, formals, count)
    elif count > 1 and type(function).__name__ == "Parameter":
        raise _arity("a parameter", 0, 1, "[value]", count)
    return function


def _arity(name: str, least: int, most: int | None, formals: str, found: int) -> Exception:
    if most is None:
        wanted = f"at least {least}"
    elif least == most:
        wanted = str(least)
    else:
        wanted = f"{least} to {most}"
    plural = "" if least == 1 and most in (1, None) else "s"
    return fail(
        "arity-error",
        f"({name}{' ' if formals else ''}{formals}): "
        f"expected {wanted} argument{plural}, got {found}",
    )
