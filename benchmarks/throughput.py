"""Sequential effects a second in one run, and what each leaves in the database, beside bare commits.

The floor is what SQLite needs for as many commits of as many bytes on this disk, through the same library with the same
settings: once as one INSERT, once as an INSERT and an UPDATE of one row, which is what a turn writes. All of them take
turns, a batch each, in the same folder.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import P99, Collector, duration, median, quantile, table
from perdure import Engine
from perdure.store.database import connect

PROGRAM = Path(__file__).parent / "programs" / "loop.scm"


class Floor:
    """Bare commits through apsw: the settings come from the function that opens Perdure's databases."""

    def __init__(self, path: str) -> None:
        self.connection = connect(path)
        execute = self.connection.execute
        execute("CREATE TABLE floor_log (num INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT")
        execute("CREATE TABLE floor_row (num INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT")
        execute("INSERT INTO floor_row VALUES (1, 0)")

    def batch(self, commits: int, size: int, *, update: bool) -> list[float]:
        """Return the wall time of each of some commits."""
        execute = self.connection.execute
        found = []
        for number in range(commits):
            data = os.urandom(size)
            began = time.perf_counter()
            execute("BEGIN IMMEDIATE")
            if update:
                execute("UPDATE floor_row SET seq = ? WHERE num = 1", (number,))
            execute("INSERT INTO floor_log (data) VALUES (?)", (data,))
            execute("COMMIT")
            found.append(time.perf_counter() - began)
        return found


class Watch:
    """Notes when commits became durable, what they wrote, and the CPU time of the worker's thread."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, float, int, bool]] = []

    def __call__(self, commit: Any) -> None:
        size = len(commit.payload) + len(commit.entry_hash) + len(commit.note.encode())
        self.marks.append(
            (time.perf_counter(), time.thread_time(), size, commit.snapshot is not None)
        )


def main(rounds: int = 8, batch: int = 500) -> None:
    """Measure and print."""
    watch = Watch()
    walls: dict[str, list[float]] = {}
    rates: dict[str, list[float]] = {}
    cpus: dict[str, list[float]] = {}
    sizes: list[float] = []
    compactions: list[float] = []
    with (
        Collector() as collector,
        tempfile.TemporaryDirectory() as folder,
        Engine(f"sqlite:{folder}/runs.db", observer=watch) as engine,
    ):
        floor = Floor(f"{folder}/floor.db")
        engine.run(PROGRAM, 50, False)
        before_bytes = _stored(folder)
        effects = 0
        for _ in range(rounds):
            for kind in ("async def", "def"):
                watch.marks.clear()
                assert engine.run(PROGRAM, batch, kind == "def") == batch
                marks = list(watch.marks)
                pairs = list(itertools.pairwise(marks))
                effects += len(pairs)
                took = [after[0] - before[0] for before, after in pairs if not after[3]]
                compactions += [after[0] - before[0] for before, after in pairs if after[3]]
                walls.setdefault(kind, []).extend(took)
                rates.setdefault(kind, []).append(len(pairs) / (marks[-1][0] - marks[0][0]))
                cpus.setdefault(kind, []).extend(b[1] - a[1] for a, b in pairs if not b[3])
                sizes += [mark[2] for mark in marks[1:]]
            for kind, update in (("bare INSERT", False), ("bare INSERT and UPDATE", True)):
                began = time.thread_time()
                took = floor.batch(batch, round(median(sizes)), update=update)
                walls.setdefault(kind, []).extend(took)
                rates.setdefault(kind, []).append(len(took) / sum(took))
                cpus.setdefault(kind, []).append((time.thread_time() - began) / batch)
        stored = (_stored(folder) - before_bytes) / effects
        pauses = collector.summary()
    base = median(walls["bare INSERT and UPDATE"])
    rows = [
        (
            kind,
            f"{median(rates[kind]):.0f}",
            duration(median(walls[kind])),
            duration(quantile(walls[kind], P99)),
            f"**{median(walls[kind]) / base:.2f}**",
            duration(median(cpus[kind])),
        )
        for kind in rates
    ]
    table(
        f"(c) one after the other, CPython {sys.version.split()[0]}, {rounds} rounds of {batch}",
        ("what", "per second", "median", "p99", "ratio of medians", "CPU median"),
        rows,
    )
    print(
        f"\nBytes of an effect's log entry: median {median(sizes):.0f}. Growth of the database file: "
        f"{stored:.0f} bytes an effect (after its checkpoint, with the default retention). "
        f"Compactions: {len(compactions)}, median {duration(median(compactions))}. "
        f"Collector: {pauses}."
    )


def _stored(folder: str) -> int:
    """Return the size of the runs' database once its log is copied back."""
    connection = connect(f"{folder}/runs.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    pages: int = connection.pragma("page_count")
    free: int = connection.pragma("freelist_count")
    size: int = connection.pragma("page_size")
    connection.close()
    return (pages - free) * size


if __name__ == "__main__":
    main()
