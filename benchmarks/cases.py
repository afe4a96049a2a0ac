"""The programs that are measured, and how each is run in both languages.

A case names a program, a procedure of it and its arguments; the Python twin has a function of the same name with `_` for `-`.
`arguments` make the Python side take some tenths of a second; `small` ones are for tests.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from perdure.toolchain.toolchain import CompiledProgram, Toolchain
from perdure.values.types import NIL, Pair, String, Symbol, Vector

PROGRAMS = Path(__file__).parent / "programs"
STACK_MAX = 1_100_000


class Case(Struct, frozen=True):
    """A procedure of a program with its arguments; `captures` says that its continuations go to the heap."""

    program: str
    procedure: str
    arguments: tuple[Any, ...]
    small: tuple[Any, ...]
    captures: bool = False

    def call(self, *, small: bool = False) -> str:
        """Return the call in Scheme."""
        arguments = self.small if small else self.arguments
        return f"({' '.join([self.procedure, *map(str, arguments)])})"

    def source(self, *, small: bool = False) -> str:
        """Return the Scheme program with a main procedure that makes the call."""
        text = (PROGRAMS / f"{self.program}.scm").read_text()
        return f"{text}\n(define (main) {self.call(small=small)})"

    def python(self, *, small: bool = False) -> Callable[[], Any]:
        """Return the call in Python."""
        module = importlib.import_module(f"benchmarks.programs.{self.program}")
        function = getattr(module, self.procedure.replace("-", "_"))
        return functools.partial(function, *(self.small if small else self.arguments))


CASES = (
    Case("fib", "fib", (29,), (10,)),
    Case("fibfp", "fibfp", (28.0,), (9.0,)),
    Case("tak", "tak", (24, 16, 8), (8, 4, 2)),
    Case("takl", "takl", (20, 13, 6), (6, 4, 2)),
    Case("cpstak", "cpstak", (18, 12, 6), (8, 4, 2)),
    Case("ack", "ack", (2, 300), (2, 4)),
    Case("sum", "sum", (300, 10_000), (3, 20)),
    Case("sum", "sumfp", (3_000_000.0,), (50.0,)),
    Case("mbrot", "mbrot", (250,), (4,)),
    Case("fft", "fft", (10, 4096), (1, 16)),
    Case("matrix", "matrix", (90,), (4,)),
    Case("lists", "lists", (300_000,), (20,)),
    Case("lists", "mapped", (200_000,), (20,)),
    Case("deriv", "deriv", (8_000,), (2,)),
    Case("divide", "diviter", (2_000, 1000), (3, 20)),
    Case("divide", "divrec", (1_000, 1000), (3, 20)),
    Case("destruc", "destruc", (700, 40, 60), (3, 4, 6)),
    Case("primes", "primes", (5_000,), (60,)),
    Case("nqueens", "queens", (10,), (5,)),
    Case("quicksort", "quicksort", (60_000,), (60,)),
    Case("puzzle", "puzzle", (100_000,), (3,)),
    Case("boyer", "boyer", (6,), (1,)),
    Case("earley", "earley", (30, 9), (4, 3)),
    Case("maze", "maze", (120, 120), (6, 6)),
    Case("paraffins", "paraffins", (19,), (6,)),
    Case("lattice", "lattice", (3,), (1,)),
    Case("peval", "peval", (150,), (1,)),
    Case("gcbench", "gcbench", (15,), (4,)),
    Case("equal", "equal", (25, 3_000), (2, 10)),
    Case("strings", "append-strings", (60_000,), (20,)),
    Case("strings", "port-strings", (150_000,), (20,)),
    Case("strings", "string-growth", (8_000, 20_000), (2, 100)),
    Case("strings", "string-scan", (10_000,), (2,)),
    Case("typeset", "typeset", (1_000,), (1,)),
    Case("automaton", "automaton", (40_000,), (2,)),
    Case("automaton", "even-odd", (500_000,), (30,), captures=True),
    Case("streams", "streams", (100_000,), (20,), captures=True),
    Case("streams", "forced-loop", (150_000,), (20,), captures=True),
    Case("ctak", "ctak", (18, 12, 6), (6, 4, 2), captures=True),
    Case("generator", "generator", (20_000,), (10,), captures=True),
    Case("generator", "same-fringe", (500,), (10,), captures=True),
    Case("deep", "deep", (10_000,), (20,), captures=True),
    Case("deep", "deep", (1_000_000,), (30,), captures=True),
)


class NoModules:
    """No Python module can be imported by these programs."""

    def exports(self, module: str, directory: str) -> dict[str, Any]:
        """Return nothing: the programs import none."""
        del directory
        raise LookupError(module)


def compiled(toolchain: Toolchain, case: Case, *, small: bool = False) -> CompiledProgram:
    """Return the Scheme program of a case."""
    return toolchain.compile_source(case.source(small=small), f"{case.program}.scm")


def run_scheme(toolchain: Toolchain, program: CompiledProgram) -> Any:
    """Return the result of a program that runs on the machine, without store or engine."""
    machine = toolchain.new_run(program, "benchmark", [], 0.0, 1)
    outcome = machine.turn([], 0.0)
    while outcome.status == "ready":
        outcome = machine.turn([], 0.0)
    assert outcome.status == "completed", outcome
    return outcome.result


@contextlib.contextmanager
def deep_stack() -> Iterator[None]:
    """Lift Python's limit on recursion."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(STACK_MAX)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def plain(value: Any) -> Any:
    """Return what a Scheme value is in the Python programs: lists and vectors are lists, #t is True, #f is False."""
    if isinstance(value, Pair) or value is NIL:
        found = []
        while value is not NIL:
            found.append(plain(value.car))
            value = value.cdr
        return found
    if isinstance(value, Vector):
        return [plain(item) for item in value.items]
    if isinstance(value, String):
        return value.text
    if isinstance(value, Symbol):
        return value.name
    return {None: False, ...: True}.get(value, value) if value in (None, ...) else value
