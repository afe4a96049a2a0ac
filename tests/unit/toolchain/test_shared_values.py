"""What the standard library holds in its variables can be referred to by a saved run.

Goal: a library's variables are shared by all runs, and only the variables have names. An object inside a value, without a name of its own,
would be saved as a part of one run's heap and taken for another run's object of the same number.
Method: walk from every value of every library.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any

from msgspec import Struct

from perdure.engine.loading import Programs
from perdure.frontends.scheme.bundled import bundled_names
from perdure.values.barrier import ConstantId, NativeId


def parts_of(value: Any) -> Iterator[Any]:
    if isinstance(value, FunctionType):
        yield from (cell.cell_contents for cell in value.__closure__ or ())
    elif isinstance(value, tuple | list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, Struct):
        yield from (getattr(value, name) for name in value.__struct_fields__ if name != "oid")


def nameless(value: Any, named: set[int]) -> Any:
    """Return an object under a value that a snapshot could not name, or None."""
    seen: set[int] = set()
    todo = [*parts_of(value)]
    while todo:
        part = todo.pop()
        if id(part) in seen or id(part) in named:
            continue
        seen.add(id(part))
        if isinstance(getattr(part, "oid", None), NativeId | ConstantId):
            continue
        if hasattr(part, "oid") or (isinstance(part, FunctionType) and part.__closure__):
            return part
        todo += parts_of(part)
    return None


def test_no_value_of_a_library_has_parts_without_a_name() -> None:
    toolchain = Programs().toolchain
    for name in bundled_names():
        toolchain.standard.bundled(name)
    natives = toolchain.natives
    named = {id(value) for value in natives.values()}
    found = {n: nameless(v, named) for n, v in natives.items() if not n.startswith("%:")}
    assert {n: part for n, part in found.items() if part is not None} == {}
