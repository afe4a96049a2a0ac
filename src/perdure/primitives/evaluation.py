"""What `eval` and `environment` are built on (lib/eval.sld).

Layer: primitives. Imports machine and values.
Invariant: compiling needs the machine's evaluator and the empty stack, so each of these is isolated; they give thunks, which the
library calls, so that evaluated code is a part of the continuation like any other.
"""

from __future__ import annotations

from typing import Any

from perdure.machine.machine import Machine
from perdure.machine.signals import Isolated
from perdure.machine.state import Environment
from perdure.primitives.registry import primitive
from perdure.values.conditions import wrong_type
from perdure.values.lists import from_items, list_items
from perdure.values.types import TRUE, Pair, String


@primitive("environment?")
def is_environment(obj: Any) -> Any:
    """Return whether a value is what `eval` takes as its second argument."""
    return TRUE if type(obj) is Environment else None


def _environment(name: str, found: Any) -> Environment:
    if type(found) is not Environment:
        raise wrong_type(name, "an environment", found)
    return found


@primitive("%environment")
def environment(import_sets: Any) -> Any:
    """Return (thunks . environment) for a list of import sets."""
    raise Isolated(_new_environment, list_items("environment", import_sets))


def _new_environment(machine: Machine, import_sets: list[Any]) -> Any:
    thunks, made = machine.evaluator.environment(import_sets)
    return Pair(from_items(thunks), made)


@primitive("interaction-environment")
def interaction_environment() -> Any:
    """Return the environment of the program itself."""
    raise Isolated(lambda machine: machine.evaluator.program_environment())


@primitive("%compile-datum")
def compile_datum(datum: Any, environment: Any) -> Any:
    """Return the list of thunks that evaluate a datum."""
    target = _environment("eval", environment)
    raise Isolated(lambda machine: from_items(machine.evaluator.datum(target, datum)))


@primitive("%compile-text")
def compile_text(text: Any, file: Any, environment: Any) -> Any:
    """Return the thunks that evaluate a text, in two lists: its new libraries' and its forms', each of these giving its value."""
    if type(text) is not String or type(file) is not String:
        raise wrong_type("load", "a string", file if type(text) is String else text)
    target = _environment("load", environment)
    source, name = text.text, file.text
    raise Isolated(_compile_text, target, source, name)


def _compile_text(machine: Machine, target: Environment, source: str, name: str) -> Any:
    libraries, forms = machine.evaluator.text(target, source, name)
    return Pair(from_items(libraries), from_items(forms))
