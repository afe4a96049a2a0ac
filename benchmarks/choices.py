"""The measurements behind docs/decisions: what the representation and the two forms of emitted code cost and save.

Small functions, timed in turn, CPU time; the figures are what one operation costs above an empty loop, or ratios to plain Python.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

from benchmarks.cases import PROGRAMS, NoModules, run_scheme
from benchmarks.measure import median, table
from benchmarks.programs.data import Pair as SlottedPair
from benchmarks.programs.fib import fib
from benchmarks.programs.nqueens import queens
from benchmarks.programs.tak import tak
from perdure.compiler.functions import Builder
from perdure.toolchain.toolchain import CompiledProgram, Toolchain
from perdure.values.types import Pair

LOOPS = 200_000
PREEMPT = False


class Own:
    """A false value of our own: a singleton that code has to load as a global."""


OWN_FALSE = Own()


def nothing(count: int) -> None:
    for _ in range(count):
        pass


def make_slotted(count: int) -> None:
    for _ in range(count):
        SlottedPair(1, None)


def make_struct(count: int) -> None:
    for _ in range(count):
        Pair(1, None)


def test_none(count: int) -> None:
    value = 1
    for _ in range(count):
        if value is not None:
            pass


def test_own(count: int) -> None:
    value = 1
    for _ in range(count):
        if value is not OWN_FALSE:
            pass


def _less(x: Any, y: Any) -> bool:
    raise TypeError(x, y)


_add = _subtract = _less


def fib_polled(n: Any) -> Any:
    if PREEMPT:
        raise InterruptedError
    if n < 2:
        return n
    return fib_polled(n - 1) + fib_polled(n - 2)


def fib_guarded(n: Any) -> Any:
    if PREEMPT:
        raise InterruptedError
    if n < 2 if type(n) is int else _less(n, 2):
        return n
    first = fib_guarded(n - 1 if type(n) is int else _subtract(n, 1))
    second = fib_guarded(n - 2 if type(n) is int else _subtract(n, 2))
    if type(first) is int and type(second) is int:
        return first + second
    return _add(first, second)


def _scheme_timed(toolchain: Toolchain, program: CompiledProgram) -> float:
    began = time.process_time()
    run_scheme(toolchain, program)
    return time.process_time() - began


def _timed(function: Callable[[Any], Any], argument: Any) -> float:
    began = time.process_time()
    function(argument)
    return time.process_time() - began


def _rounds(
    functions: dict[str, Callable[[], float]],
    rounds: int,
    pick: Callable[[list[float]], float] = median,
) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            found[name].append(function())
    return {name: pick(times) for name, times in found.items()}


def _all_careful() -> Any:
    """Return a context in which every procedure is emitted in careful form."""
    emitter = Builder._emitter

    def careful(self: Builder, number: int, **_: bool) -> Any:
        return emitter(self, number, careful=True)

    return mock.patch.object(Builder, "_emitter", careful)


def main(rounds: int = 15) -> None:
    """Measure and print."""
    small = _rounds(
        {
            function.__name__: lambda function=function: _timed(function, LOOPS)
            for function in (nothing, make_slotted, make_struct, test_none, test_own)
        },
        rounds,
        min,  # a few nanoseconds drown in the noise of a median
    )
    spent = {name: (t - small["nothing"]) / LOOPS * 1e9 for name, t in small.items()}
    fibs = _rounds(
        {
            "plain": lambda: _timed(fib, 20),
            "polled": lambda: _timed(fib_polled, 20),
            "guarded": lambda: _timed(fib_guarded, 20),
        },
        rounds,
    )
    forms = _forms(rounds)
    table(
        f"choices, CPython {sys.version.split()[0]}, {rounds} rounds",
        ("choice", "taken", "instead of", "unit"),
        [
            (
                "0002 arithmetic without guards, fib",
                f"{fibs['polled'] / fibs['plain']:.2f}",
                f"{fibs['guarded'] / fibs['plain']:.2f} with guards",
                "of plain Python",
            ),
            (
                "0002 test for #f",
                f"{spent['test_none']:.1f}",
                f"{spent['test_own']:.1f} with a singleton of our own",
                "ns",
            ),
            (
                "0003 making a pair",
                f"{spent['make_struct']:.0f}",
                f"{spent['make_slotted']:.0f} with slots and __init__",
                "ns",
            ),
            *(
                (
                    f"0004 {name}",
                    f"{fast / plain:.2f}",
                    f"{careful / plain:.2f} if all code were careful",
                    "of plain Python",
                )
                for name, fast, careful, plain in forms
            ),
        ],
    )


def _forms(rounds: int) -> list[tuple[str, float, float, float]]:
    found = []
    cases = (
        ("fib", "(fib 22)", lambda: _timed(fib, 22)),
        ("tak", "(tak 18 12 6)", lambda: _timed(lambda _: tak(18, 12, 6), None)),
        ("nqueens", "(queens 7)", lambda: _timed(queens, 7)),
    )
    for name, call, python in cases:
        source = (PROGRAMS / f"{name}.scm").read_text() + f"\n(define (main) {call})"
        fast = Toolchain(NoModules())
        fast_program = fast.compile_source(source, f"{name}.scm")
        run_scheme(fast, fast_program)
        with _all_careful():
            careful = Toolchain(NoModules())
            careful_program = careful.compile_source(source, f"{name}.scm")
            run_scheme(careful, careful_program)
            times = _rounds(
                {
                    "fast": lambda f=fast, p=fast_program: _scheme_timed(f, p),
                    "careful": lambda c=careful, p=careful_program: _scheme_timed(c, p),
                    "plain": python,
                },
                rounds,
            )
        found.append((name, times["fast"], times["careful"], times["plain"]))
    return found


if __name__ == "__main__":
    main()
