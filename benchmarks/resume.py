"""How long a killed run takes to go on, by how much it has done before.

A run performs so many effects and dies by SIGKILL in the next one. Its database is copied for each repetition, and a
fresh process goes on with it, until that effect begins again. Measured: from the start of the process, and from the
moment when its imports are done and an `Engine` is made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import P99, child_environment, duration, median, quantile, table
from perdure import Engine

HERE = Path(__file__).parent
PROGRAM = HERE / "programs" / "endless.scm"
OPERATIONS = (100, 1_000, 10_000, 10_150)
"""The last one leaves a long chain of deltas: a full snapshot is made every 200 or so."""
RUN_ID = "resumed"
FOREVER = 1_000_000_000


def go_on(database: str) -> None:
    """Execute what is in a database; the effect ends the process."""
    began = time.perf_counter_ns()
    os.write(1, b"%d\n" % began)
    with Engine(f"sqlite:{database}") as engine:
        engine.result(engine.start(PROGRAM, FOREVER, id=RUN_ID))


def _child(database: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.resume", database],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE.parent,
        env=child_environment(**environment),
    )


def main(rounds: int = 15) -> None:
    """Measure and print."""
    whole: dict[int, list[float]] = {n: [] for n in OPERATIONS}
    engine_only: dict[int, list[float]] = {n: [] for n in OPERATIONS}
    chains: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for operations in OPERATIONS:
            made = folder / str(operations)
            made.mkdir()
            killed = _child(f"{made}/runs.db", {"PERDURE_BENCH_KILL_AT": str(operations)})
            assert killed.returncode == -9, killed.stderr
            chains[operations] = _chain(f"{made}/runs.db", folder)
        for _ in range(rounds):
            for operations in OPERATIONS:
                copy = folder / "copy"
                shutil.copytree(folder / str(operations), copy)
                began = time.perf_counter_ns()
                told = _child(f"{copy}/runs.db", {"PERDURE_BENCH_TELL": "1"})
                shutil.rmtree(copy)
                assert told.returncode == 0, told.stderr
                ready, effect = told.stdout.splitlines()
                number, at = map(int, effect.split())
                assert number == operations, (number, operations)
                whole[operations].append((at - began) / 1e9)
                engine_only[operations].append((at - int(ready)) / 1e9)
    base = median(engine_only[OPERATIONS[0]])
    rows = [
        (
            f"{n:,}",
            chains[n],
            duration(median(engine_only[n])),
            duration(quantile(engine_only[n], P99)),
            f"**{median(engine_only[n]) / base:.2f}**",
            duration(median(whole[n])),
            duration(quantile(whole[n], P99)),
        )
        for n in OPERATIONS
    ]
    table(
        f"(d) time to resume, CPython {sys.version.split()[0]}, {rounds} rounds",
        (
            "operations before",
            "deltas to read",
            "Engine(...) to effect",
            "p99",
            "ratio",
            "process start to effect",
            "p99",
        ),
        rows,
    )


def _chain(database: str, folder: Path) -> int:
    """Return how many deltas follow the last full snapshot; looks at a copy."""
    copy = folder / "looked-at"
    shutil.copytree(Path(database).parent, copy)
    with Engine(f"sqlite:{copy}/runs.db", execute="none") as engine:
        loaded = engine.store.load(RUN_ID)
        assert loaded is not None
        found = len(loaded.entries)
    shutil.rmtree(copy)
    return found


if __name__ == "__main__":
    if len(sys.argv) > 1:
        go_on(sys.argv[1])
    else:
        main()
