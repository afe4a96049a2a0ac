"""What a deep stack and a long stream cost when they are saved: time and bytes, in a process of its own for each size.

A recursion of so many frames that is no loop is stopped at its bottom, saved, restored and returned from. A stream of which
nothing is kept, and a loop of `delay-force`, must leave the heap as small as it was.
"""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

from benchmarks.cases import PROGRAMS
from benchmarks.measure import duration, table
from perdure.machine.turn import Arrived
from perdure.snapshot.heap import Codec
from perdure.toolchain.toolchain import Toolchain

DEPTHS = (1_000, 10_000, 100_000)
LENGTHS = (100_000, 400_000)
STOPPED = """
(define (deep n)
  (if (= n 0) (begin (receive-message) 0) (+ 1 (deep (- n 1)))))
"""


def _until_blocked(machine: Any) -> Any:
    outcome = machine.turn([], 0.0)
    while outcome.status == "ready":
        outcome = machine.turn([], 0.0)
    return outcome


def measure_deep(toolchain: Toolchain) -> None:
    """Measure what a deep stack costs and print it."""
    codec = Codec(toolchain.provider, toolchain.natives, toolchain.is_global)
    rows = []
    for depth in DEPTHS:
        program = toolchain.compile_source(
            f"(import (scheme base) (perdure)){STOPPED}(define (main) (deep {depth}))", "deep.scm"
        )
        machine = toolchain.new_run(program, "benchmark", [], 0.0, 1)
        began = time.process_time()
        assert _until_blocked(machine).status == "waiting"
        blocked = time.process_time()
        heap = codec.create(machine.root, machine.namespace)
        payload = heap.encode_full()
        encoded = time.process_time()
        decoded = codec.decode([payload], toolchain.fresh_namespace(program))
        attached = toolchain.attach(decoded.root, decoded.namespace)
        restored = time.process_time()
        attached.log = decoded.log
        assert _returned(attached) == depth
        returned = time.process_time()
        tracemalloc.start()
        held = codec.decode([payload], toolchain.fresh_namespace(program))
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        del held
        rows.append(
            (
                f"{depth:,}",
                duration(blocked - began),
                duration(encoded - blocked),
                f"{len(payload):,}",
                duration(restored - encoded),
                f"{size / depth:.0f}",
                duration(returned - restored),
            )
        )
    table(
        "(a) recursion that waits at its bottom",
        ("frames", "down", "save", "bytes", "restore", "memory a frame", "up"),
        rows,
    )


def _returned(machine: Any) -> Any:
    outcome = machine.turn([Arrived("m1", "outside", 1)], 1.0)
    while outcome.status == "ready":
        outcome = machine.turn([], 1.0)
    assert outcome.status == "completed", outcome
    return outcome.result


def measure_streams(toolchain: Toolchain) -> None:
    """Measure the memory of long streams and print it."""
    rows = []
    for procedure in ("streams", "forced-loop"):
        peaks = []
        for length in LENGTHS:
            text = (PROGRAMS / "streams.scm").read_text()
            program = toolchain.compile_source(
                f"{text}\n(define (main) ({procedure} {length}))", "streams.scm"
            )
            machine = toolchain.new_run(program, "benchmark", [], 0.0, 1)
            tracemalloc.start()
            assert _until_blocked(machine).status == "completed"
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        rows.append((procedure, *(f"{peak / 1e6:.2f} MB" for peak in peaks)))
    table(
        "(a) memory at the most",
        ("loop", *(f"{length:,} elements" for length in LENGTHS)),
        rows,
    )
