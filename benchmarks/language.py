"""The language against hand-written Python: the same algorithm, the same data structures, round by round in turn.

The Python side has a slotted pair class with `__init__`, a boxed string class, and escapes by exceptions where Scheme has
`call/cc`. The Scheme side is compiled as for any run, pre-emption tests included, and runs on the machine without store or
engine. Both sides run under the collector settings that the command line uses for its process.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import natives
from benchmarks.measure import P99, Collector, duration, median, quantile, table
from perdure.toolchain.toolchain import Toolchain

PROGRAMS = Path(__file__).parent / "programs"


class NoModules:
    """No Python module can be imported by these programs."""

    def exports(self, module: str, directory: str) -> dict[str, Any]:
        """Return nothing: the programs import none."""
        raise LookupError(module)


CASES: tuple[tuple[str, str, Callable[[], Any]], ...] = (
    ("fib", "(fib 22)", lambda: natives.fib(22)),
    ("tak", "(tak 18 12 6)", lambda: natives.tak(18, 12, 6)),
    ("nqueens", "(queens 7)", lambda: natives.queens(7)),
    ("lists", "(sum (build 100000))", lambda: natives.total(natives.build(100_000))),
    (
        "lists",
        "(sum (twice (build 30000)))",
        lambda: natives.total(natives.twice(natives.build(30_000))),
    ),
    ("strings", "(append-strings 3000)", lambda: natives.append_strings(3_000)),
    ("strings", "(port-strings 20000)", lambda: natives.port_strings(20_000)),
    ("ctak", "(ctak 9 6 3)", lambda: natives.ctak(9, 6, 3)),
    ("deep", "(deep 10000)", lambda: natives.deep(10_000)),
    ("deep", "(deep 1000000)", lambda: natives.deep(1_000_000)),
)


def run_scheme(toolchain: Toolchain, program: Any) -> tuple[float, Any]:
    """Return the CPU time of a run of a program, and its result."""
    machine = toolchain.new_run(program, "benchmark", [], 0.0, 1)
    began = time.process_time()
    outcome = machine.turn([], 0.0)
    while outcome.status == "ready":
        outcome = machine.turn([], 0.0)
    spent = time.process_time() - began
    assert outcome.status == "completed", outcome
    return spent, outcome.result


def run_python(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU time of a call, and its result."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_100_000)
    try:
        began = time.process_time()
        result = function()
        return time.process_time() - began, result
    finally:
        sys.setrecursionlimit(limit)


def main(rounds: int = 15, cache_dir: str | None = None) -> None:
    """Measure and print."""
    toolchain = Toolchain(NoModules(), cache_dir)
    thresholds = gc.get_threshold()
    gc.set_threshold(10_000, 10, 10)
    gc.freeze()
    try:
        _measure(toolchain, rounds)
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def _measure(toolchain: Toolchain, rounds: int) -> None:
    rows = []
    with Collector() as collector:
        for name, call, function in CASES:
            source = (PROGRAMS / f"{name}.scm").read_text() + f"\n(define (main) {call})"
            program = toolchain.compile_source(source, f"{name}.scm")
            scheme, python = [], []
            pauses = {"scheme": 0.0, "python": 0.0}
            run_scheme(toolchain, program)  # residuals are compiled when they are first needed
            for _ in range(rounds if "1000000" not in call else max(3, rounds // 4)):
                before = collector.total
                spent, ours = run_scheme(toolchain, program)
                paused = collector.total - before
                scheme.append(spent - paused)
                pauses["scheme"] += paused
                before = collector.total
                spent, theirs = run_python(function)
                paused = collector.total - before
                python.append(spent - paused)
                pauses["python"] += paused
                assert ours == theirs, (call, ours, theirs)
            rows.append(
                (
                    f"`{call}`",
                    duration(median(scheme)),
                    duration(quantile(scheme, P99)),
                    duration(median(python)),
                    duration(quantile(python, P99)),
                    f"**{median(scheme) / median(python):.2f}**",
                    f"{duration(pauses['scheme'] / len(scheme))} / {duration(pauses['python'] / len(python))}",
                )
            )
    version = sys.version.split()[0]
    table(
        f"(a) language, CPython {version}, {rounds} rounds, CPU time without collector pauses",
        (
            "program",
            "Perdure",
            "p99",
            "Python",
            "p99",
            "ratio",
            "collector a round: Perdure / Python",
        ),
        rows,
    )


if __name__ == "__main__":
    main()
