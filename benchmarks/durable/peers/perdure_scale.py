"""Perdure's workloads that no peer has: CPU time of one and two workers (W2b), and turns in a full store (W8)."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.durable.peers.fill import copy_run
from benchmarks.durable.peers.perdure_ground import (
    PROGRAMS,
    SEQUENCE,
    SLEEPER,
    Arrivals,
    database,
)
from benchmarks.durable.peers.protocol import Given, Window, check, cpu_seconds, wait_until
from benchmarks.measure import median
from perdure import Engine

WARM_RUNS = 40
TURNS_RUNS = 3
FAR_AWAY_S = 1e6


def w2b(given: Given) -> dict[str, Any]:
    """Many short runs, executed by worker processes: how much CPU time these take."""
    number = int(given.variant.split()[0])
    command = [str(Path(sys.executable).parent / "perdure"), "worker", "--db", database(given)]
    with Engine(database(given), execute="none") as engine:
        program = engine.compile(SEQUENCE)
        workers = [
            subprocess.Popen(command, cwd=PROGRAMS, stderr=subprocess.DEVNULL)
            for _ in range(number)
        ]

        def completed(runs: int) -> None:
            wait_until(lambda: engine.store.counts().get("completed", 0) >= runs, 0.02)

        try:
            engine.start_many(program, [(given.each, False)] * WARM_RUNS)
            completed(WARM_RUNS)
            before = sum(cpu_seconds(worker.pid) for worker in workers)
            window = Window()
            ids = engine.start_many(program, [(given.each, False)] * given.runs)
            completed(WARM_RUNS + given.runs)
            window.close()
            used = sum(cpu_seconds(worker.pid) for worker in workers) - before
        finally:
            for worker in workers:
                worker.terminate()
                worker.wait()
        check([engine.result(run_id) for run_id in ids], [given.each] * given.runs)
    return {
        "effects": given.runs * given.each,
        "seconds": window.figures["seconds"],
        "worker_cpu_s": used,
    }


def w8(given: Given) -> dict[str, Any]:
    """The cost of a turn in stores of several sizes; the sizes take turns."""
    urls = {number: _filled(given, number) for number in given.stored}
    turns: dict[int, list[tuple[float, float]]] = {number: [] for number in urls}
    for _ in range(given.rounds):
        for number, url in urls.items():
            turns[number] += _turns(url, given.effects)
    return {
        "sizes": [
            {
                "runs": number,
                "turns": len(found),
                "wall_s": median([wall for wall, _ in found]),
                "cpu_s": median([cpu for _, cpu in found]),
            }
            for number, found in turns.items()
        ]
    }


def _filled(given: Given, number: int) -> str:
    """Return the URL of a store with one sleeping run and copies of it."""
    if given.url:
        url = f"{given.url}_{number}"
        _create(given.url, url)
    else:
        url = f"sqlite:{given.folder}/{number}.db"
    asleep = Arrivals("waiting")
    with Engine(url, observer=asleep) as engine:
        engine.start(SLEEPER, time.time() + FAR_AWAY_S, id="original")
        asleep.wait(1)
    copy_run(url, "original", number - 1)
    with Engine(url, execute="none") as engine:
        check(engine.store.counts(), {"waiting": number})
    return url


def _create(existing: str, url: str) -> None:
    """Make another PostgreSQL database on the same server; the harness removes it with the first."""
    import psycopg

    with psycopg.connect(existing, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{url.rpartition("/")[2]}"')


def _turns(url: str, effects: int) -> list[tuple[float, float]]:
    """Return wall time and CPU time of the worker's thread for each turn of some fresh runs."""
    marks: list[tuple[str, float, float]] = []

    def note(commit: Any) -> None:
        marks.append((commit.run_id, time.perf_counter(), time.thread_time()))

    with Engine(url, observer=note) as engine:
        for _ in range(TURNS_RUNS):
            check(engine.run(SEQUENCE, effects, False), effects)
    return [
        (after[1] - before[1], after[2] - before[2])
        for before, after in itertools.pairwise(marks)
        if before[0] == after[0]
    ]
