"""The Scheme benchmark set against hand-written Python: the same algorithms, the same data structures, round by round in turn.

The Python side has a slotted pair class with `__init__`, a boxed string class, lists for vectors; loops where the Scheme
program has loops. The Scheme side is compiled as for any run, pre-emption tests included, and runs on the machine without
store or engine. Both sides run under the collector settings that the command line uses for its process.

Programs whose continuations go to the heap stand in a part of their own: there Python has generators, exceptions or a stack
that has to be made larger, each of which can do less.
"""

from __future__ import annotations

import contextlib
import gc
import math
import sys
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.cases import (
    CASES,
    Case,
    NoModules,
    compiled,
    deep_stack,
    plain,
    run_scheme,
)
from benchmarks.deep import measure_deep, measure_streams
from benchmarks.measure import P99, Collector, duration, median, quantile, table
from perdure.toolchain.toolchain import Toolchain

SLOW_S = 1.0
"""What takes longer than this a round is done in fewer rounds."""


@contextlib.contextmanager
def process_settings() -> Iterator[None]:
    """Set Python's collector as the command line does."""
    thresholds = gc.get_threshold()
    gc.set_threshold(10_000, 10, 10)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def main(rounds: int = 7, cache_dir: str | None = None) -> None:
    """Measure and print."""
    toolchain = Toolchain(NoModules(), cache_dir)
    version = sys.version.split()[0]
    heads = (
        "program",
        "Perdure",
        "p99",
        "Python",
        "p99",
        "ratio",
        "with collector",
        "collector: Perdure / Python",
    )
    with process_settings(), Collector() as collector:
        for captures in (False, True):
            cases = [case for case in CASES if case.captures == captures]
            found = [_case(toolchain, case, rounds, collector) for case in cases]
            kind = "continuations in the heap" if captures else "Scheme beside Python"
            title = f"(a) {kind}, CPython {version}, {rounds} rounds, CPU time without collector"
            table(title, heads, [row for row, _ in found])
            if not captures:
                print(f"\nWithout the collector: {_summary([r for _, (r, _) in found])}")
                print(f"With it: {_summary([r for _, (_, r) in found])}")
    measure_deep(toolchain)
    measure_streams(toolchain)


def _summary(ratios: list[float]) -> str:
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    return f"geometric mean {mean:.2f}, largest {max(ratios):.2f}."


def _case(
    toolchain: Toolchain, case: Case, rounds: int, collector: Collector
) -> tuple[tuple[Any, ...], tuple[float, float]]:
    """Return the row of a case, and its ratio without the collector's pauses and with them.

    The closures and objects that a program makes are what the collector walks, so its pauses are a cost, too.
    """
    program, python = compiled(toolchain, case), case.python()
    run_scheme(toolchain, program)  # residuals are compiled when they are first needed
    times: tuple[list[float], list[float]] = [], []
    pauses = [0.0, 0.0]
    for done in range(rounds):
        if done >= 3 and times[0][0] > SLOW_S:
            break
        results = []
        for side, call in enumerate((lambda: run_scheme(toolchain, program), python)):
            before = collector.total
            began = time.process_time()
            if side:
                with deep_stack():
                    results.append(call())
            else:
                results.append(call())
            spent = time.process_time() - began
            paused = collector.total - before
            times[side].append(spent - paused)
            pauses[side] += paused
        assert plain(results[0]) == results[1], (case.call(), results)
    ratio = median(times[0]) / median(times[1])
    ours, theirs = (pause / len(times[0]) for pause in pauses)
    whole = (median(times[0]) + ours) / (median(times[1]) + theirs)
    row = (
        f"`{case.call()}`",
        duration(median(times[0])),
        duration(quantile(times[0], P99)),
        duration(median(times[1])),
        duration(quantile(times[1], P99)),
        f"**{ratio:.2f}**",
        f"{whole:.2f}",
        f"{duration(ours)} / {duration(theirs)}",
    )
    return row, (ratio, whole)


if __name__ == "__main__":
    main()
