"""A small world for the codec's tests: hand-written "compiled" code, a provider for it, and heaps
to save.

The provider knows one definition, `DEFINITION`, whose lambdas are the Python functions below and
whose sites have as many variables as their number says.
"""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import Any

from perdure.base.errors import SnapshotError
from perdure.machine.code import Site
from perdure.machine.state import Root, Task
from perdure.snapshot.heap import Codec, Heap
from perdure.values.barrier import ConstantId
from perdure.values.tables import make_table, table_set
from perdure.values.types import Pair, String

DEFINITION = "d" * 64
OTHER = "e" * 64


def make_adder(step: Any) -> Any:
    def adder(x: Any) -> Any:
        return x + step

    return adder


def make_knot() -> tuple[Any, Any]:
    def even(n: int) -> Any:
        return n == 0 or odd(n - 1)

    def odd(n: int) -> Any:
        return n != 0 and even(n - 1)

    return even, odd


def _free(x: Any) -> Any:
    return x


def native_car(x: Any) -> Any:
    return x.car


_even, _odd = make_knot()
LAMBDAS: dict[int, CodeType] = {
    0: _free.__code__,
    1: make_adder(1).__code__,
    2: _even.__code__,
    3: _odd.__code__,
}
_NUMBERS = {id(code): number for number, code in LAMBDAS.items()}
CONSTANT = Pair(1, String("quoted", ConstantId(OTHER, 1)), ConstantId(OTHER, 0))


class Provider:
    """Gives the code of this file by name, as the toolchain's provider does for compiled
    programs."""

    def __init__(self) -> None:
        self.sites: dict[tuple[str, int, int], Site] = {}
        self.linked: list[str] = []

    def site(self, definition: str, number: int, mode: int) -> Site:
        self._known(definition)
        if number > 9:
            raise SnapshotError("P507", f"definition {definition[:8]} has no site {number}")
        key = (definition, number, mode)
        names = tuple(f"v{i}" for i in range(number))
        return self.sites.setdefault(key, Site(definition, number, mode, names))

    def lambda_code(self, definition: str, number: int) -> CodeType:
        self._known(definition)
        if number not in LAMBDAS:
            raise SnapshotError("P507", f"definition {definition[:8]} has no lambda {number}")
        return LAMBDAS[number]

    def identify(self, code: CodeType) -> tuple[str, int] | None:
        number = _NUMBERS.get(id(code))
        return None if number is None else (DEFINITION, number)

    def static(self, definition: str, number: int, namespace: dict[str, Any]) -> Any:
        key = f"{definition}!{number}"
        if key not in namespace:
            code = self.lambda_code(definition, number)
            namespace[key] = FunctionType(code, namespace, code.co_name)
        return namespace[key]

    def takes_value(self, definition: str, site: int) -> bool:
        raise NotImplementedError

    def residual(self, site: Site, namespace: dict[str, Any], *, careful: bool) -> CodeType:
        raise NotImplementedError

    def constant(self, definition: str, part: int) -> Any:
        if definition != OTHER or part not in (0, 1):
            raise SnapshotError("P507", "no such constant")
        return CONSTANT if part == 0 else CONSTANT.cdr

    def link(self, definition: str, namespace: dict[str, Any]) -> None:
        self._known(definition)
        self.linked.append(definition)
        namespace.setdefault("%helper", object())

    def _known(self, definition: str) -> None:
        if definition not in (DEFINITION, OTHER):
            raise SnapshotError("P507", f"no definition {definition[:8]}")


def free_procedure(namespace: dict[str, Any]) -> Any:
    return Provider().static(DEFINITION, 0, namespace)


def is_global(name: str) -> bool:
    return ":" in name


def new_codec() -> Codec:
    return Codec(Provider(), {"%:car": native_car}, is_global)


def new_root() -> Root:
    tasks, requests, messages = (make_table("eqv") for _ in range(3))
    root = Root("run-1", "p" * 64, tasks, requests, messages, (1,), 1, 2, 1 << 80, 0.0)
    task = Task(1, "main", 0, "ready", None, None, None, ())
    table_set(root.tasks, 1, task)
    return root


def main_task(root: Root) -> Task:
    found: Task = root.tasks.entries[1][1]
    return found


def new_heap(**bindings: Any) -> Heap:
    """Return the unsaved heap of a run with some globals, given as `name=value` for `user:name`."""
    namespace = {f"user:{name}": value for name, value in bindings.items()}
    return new_codec().create(new_root(), namespace)


def reload(payloads: list[bytes]) -> Heap:
    """Return the heap of a chain, decoded with nothing shared but the provider's code."""
    return new_codec().decode(payloads, {})


def global_of(heap: Heap, name: str = "x") -> Any:
    return heap.namespace[f"user:{name}"]
