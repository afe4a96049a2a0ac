"""The table of primitives: the procedures that are written in Python.

Layer: primitives. Imports values.
Invariant: a primitive either completes or has changed nothing, and it never calls a procedure of the program:
whatever takes a procedure is written in Scheme (frontends/scheme/lib). A primitive that can't be redone safely after
Python's own RecursionError, or needs the machine, raises `machine.signals.Isolated`: it is run on an empty stack.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from msgspec import Struct


class Primitive(Struct, frozen=True):
    """A primitive as the compiler, the machine and `check` see it; `most` is None for any number of arguments."""

    name: str
    function: Callable[..., Any]
    least: int
    most: int | None
    formals: str


TABLE: dict[str, Primitive] = {}


def primitive(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a Python function as a primitive under one or more Scheme names.

    The arity comes from the signature: positional parameters, defaults as optional ones, `*rest`. Parameter names are
    shown in arity errors, so they are Scheme's (R7RS's own) with `_` for `-`.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        least, words = 0, list[str]()
        most: int | None = 0
        for parameter in inspect.signature(function).parameters.values():
            shown = parameter.name.strip("_").replace("_", "-")
            if parameter.kind is parameter.VAR_POSITIONAL:
                most = None
                words.append(f"{shown} ...")
            else:
                assert most is not None
                most += 1
                if parameter.default is parameter.empty:
                    least += 1
                    words.append(shown)
                else:
                    words.append(f"[{shown}]")
        for name in names:
            assert name not in TABLE, f"primitive {name} is defined twice"
            TABLE[name] = Primitive(name, function, least, most, " ".join(words))
        # The printer and error messages show a procedure by its `__name__`.
        function.__name__ = names[0]
        return function

    return register
