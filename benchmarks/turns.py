"""What a turn costs while the heap grows: it has to depend on what changed, not on what is held.

Every case runs in a process of its own, several times, in turn with the others. A turn's time is what passes in the
worker's thread between two commits: deciding the effect's outcome, evaluation, the delta, the commit. Turns that wrote a
full snapshot (compaction) are listed apart, and so is the collector.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import P99, Collector, duration, median, quantile, table
from perdure import Engine

PROGRAMS = Path(__file__).parent / "programs"
CASES = (
    ("hold", 10),
    ("hold", 10_000),
    ("hold", 1_000_000),
    ("slot", 10),
    ("slot", 1_000_000),
)
WARM_TURNS = 50


def one(program: str, count: int, turns: int) -> dict[str, Any]:
    """Run one case in this process and return its raw figures."""
    marks: list[tuple[float, float, float, int, int]] = []
    with Collector() as collector:

        def committed(commit: Any) -> None:
            marks.append(
                (
                    time.perf_counter(),
                    time.thread_time(),
                    collector.total,
                    len(commit.payload),
                    len(commit.snapshot or b""),
                )
            )
            if len(marks) == WARM_TURNS:
                collector.clear()

        with (
            tempfile.TemporaryDirectory() as folder,
            Engine(f"sqlite:{folder}/turns.db", observer=committed) as engine,
        ):
            assert engine.run(PROGRAMS / f"{program}.scm", count, turns) == count
        pauses = [spent for _, spent in collector.pauses]
    # The first turns build what is held; what follows is the loop.
    marks = marks[len(marks) - turns + WARM_TURNS :]
    found: dict[str, Any] = {
        "wall": [],
        "cpu": [],
        "bytes": [],
        "compactions": [],
        "pauses": pauses,
    }
    for before, after in itertools.pairwise(marks):
        paused = after[2] - before[2]
        wall, cpu = after[0] - before[0] - paused, after[1] - before[1] - paused
        found["bytes"].append(after[3])
        if after[4]:
            found["compactions"].append(cpu)
        else:
            found["wall"].append(wall)
            found["cpu"].append(cpu)
    return found


def main(rounds: int = 3, turns: int = 2_000) -> None:
    """Measure and print."""
    found: dict[tuple[str, int], dict[str, list[float]]] = {}
    for _ in range(rounds):
        for program, count in CASES:
            run = subprocess.run(
                [sys.executable, "-m", "benchmarks.turns", program, str(count), str(turns)],
                check=True,
                capture_output=True,
                text=True,
                cwd=Path(__file__).parent.parent,
            )
            one_run = json.loads(run.stdout)
            kept = found.setdefault((program, count), {name: [] for name in one_run})
            for name, values in one_run.items():
                kept[name] += values
            kept.setdefault("medians", []).append(median(one_run["cpu"]))
    rows = []
    for (program, count), figures in found.items():
        base = found[program, 10]
        compactions = figures["compactions"]
        pauses = figures["pauses"]
        rows.append(
            (
                f"{program} {count:,}",
                duration(median(figures["cpu"])),
                duration(quantile(figures["cpu"], P99)),
                f"**{median(figures['cpu']) / median(base['cpu']):.2f}**",
                duration(median(figures["wall"])),
                duration(quantile(figures["wall"], P99)),
                f"{median(figures['bytes']):.0f}",
                f"**{median(figures['bytes']) / median(base['bytes']):.2f}**",
                f"{len(compactions)} of {duration(median(compactions))}" if compactions else "none",
                f"{len(pauses)}, {duration(sum(pauses))}, longest {duration(max(pauses, default=0))}",
            )
        )
    table(
        f"(b) one turn, CPython {sys.version.split()[0]}, {rounds} rounds of {turns} turns; "
        "ratios to the same program with 10",
        (
            "program, objects",
            "CPU",
            "p99",
            "ratio",
            "wall",
            "p99",
            "delta bytes",
            "ratio",
            "compactions",
            "collector (number, sum, longest)",
        ),
        rows,
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(one(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
