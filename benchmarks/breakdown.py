"""Where the time of a turn goes: stopwatches around the parts of a worker, and the picture in docs/explanation.

One run performs one async effect after the other. Each part's time is its own, without that of the parts inside it;
what the stopwatches cost is measured and taken off. The same turns without stopwatches give the whole.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import Collector, duration, median, table
from perdure import Engine
from perdure.engine.executor import LocalExecutor
from perdure.engine.scheduler import Scheduler
from perdure.engine.turns import TurnTaker
from perdure.machine.machine import Machine
from perdure.snapshot.heap import Heap
from perdure.store.sqlite import SqliteStore

PROGRAM = Path(__file__).parent / "programs" / "loop.scm"
PICTURE = Path(__file__).parents[1] / "docs" / "explanation" / "turn.svg"

PARTS: tuple[tuple[str, type, str], ...] = (
    ("evaluate: the program, from an outcome to the next effect", Machine, "turn"),
    ("delta: what changed, as JSON, compressed", Heap, "encode_delta"),
    ("turn: events, note, hashes, the commit", TurnTaker, "take"),
    ("commit: SQL, and waiting for the disk", SqliteStore, "commit"),
    ("effect: begin it, take its result", LocalExecutor, "start"),
    ("schedule: what is ready, what follows", Scheduler, "round"),
)
COLOURS = ("#4e79a7", "#59a14f", "#9c755f", "#bab0ac", "#f28e2b", "#edc948", "#e15759")


class Stopwatches:
    """Own wall time of each part, and how often it was called."""

    def __init__(self) -> None:
        self.own = dict.fromkeys((name for name, _, _ in PARTS), 0.0)
        self.calls = dict.fromkeys(self.own, 0)
        self._inside: list[float] = []

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with a stopwatch."""

        def timed(*given: Any, **named: Any) -> Any:
            self._inside.append(0.0)
            began = time.perf_counter()
            try:
                return call(*given, **named)
            finally:
                took = time.perf_counter() - began
                self.own[name] += took - self._inside.pop()
                self.calls[name] += 1
                if self._inside:
                    self._inside[-1] += took

        return timed


@contextmanager
def stopwatches() -> Iterator[Stopwatches]:
    """Put stopwatches around all parts while the body runs."""
    watches = Stopwatches()
    before = [(cls, method, getattr(cls, method)) for _, cls, method in PARTS]
    for (name, _, _), (cls, method, call) in zip(PARTS, before, strict=True):
        setattr(cls, method, watches.around(name, call))
    try:
        yield watches
    finally:
        for cls, method, call in before:
            setattr(cls, method, call)


def _cost_s() -> float:
    """Return what one stopwatch costs whoever is around it."""
    watches = Stopwatches()
    name = PARTS[0][0]
    timed = watches.around(name, int)
    costs = []
    for _ in range(50):
        began = time.perf_counter()
        for _ in range(200):
            timed()
        costs.append((time.perf_counter() - began) / 200)
    return median(costs)


def main(rounds: int = 12, turns: int = 500) -> None:
    """Measure, print, and draw."""
    whole: list[float] = []
    own: dict[str, list[float]] = {name: [] for name, _, _ in PARTS}
    cost = _cost_s()
    with (
        Collector(),
        tempfile.TemporaryDirectory() as folder,
        Engine(f"sqlite:{folder}/runs.db") as engine,
    ):
        engine.run(PROGRAM, 50, False)
        for _ in range(rounds):
            whole.append(_timed(engine, turns))
            with stopwatches() as watches:
                _timed(engine, turns)
            for name, seconds in watches.own.items():
                own[name].append(seconds / turns)
    total = median(whole)
    parts = {name: median(seconds) for name, seconds in own.items()}
    # A stopwatch's cost falls on the part around it: the scheduler has turns, commits and effects inside it.
    inside = {PARTS[2][0]: 2, PARTS[5][0]: 3}
    for name, count in inside.items():
        parts[name] = max(0.0, parts[name] - count * cost)
    rest = max(0.0, total - sum(parts.values()))
    rows = [(name, duration(s), f"{s / total:.0%}") for name, s in parts.items()]
    rows += [
        ("the rest: the loop, other threads, the collector", duration(rest), f"{rest / total:.0%}")
    ]
    rows += [("a turn", duration(total), "100%")]
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    table(
        f"One turn of one effect on SQLite, CPython {sys.version.split()[0]}, {rounds} rounds of {turns}, "
        f"medians, load {load}",
        ("part", "time", "share"),
        rows,
    )
    PICTURE.write_text(_drawn({**parts, "the rest": rest}, total), encoding="utf-8")
    print(f"\nThe picture is in {PICTURE}.")


def _timed(engine: Engine, turns: int) -> float:
    began = time.perf_counter()
    assert engine.run(PROGRAM, turns, False) == turns
    return (time.perf_counter() - began) / turns


def _drawn(parts: dict[str, float], total: float) -> str:
    """Return a bar whose pieces are as wide as the parts take long, with a legend."""
    width, left = 720, 10.0
    scale = (width - 20) / sum(parts.values())
    shapes = []
    for row, ((name, seconds), colour) in enumerate(zip(parts.items(), COLOURS, strict=True)):
        wide = seconds * scale
        y = 82 + 20 * row
        shapes += [
            f'<rect x="{left:.1f}" y="34" width="{wide:.1f}" height="32" fill="{colour}"/>',
            f'<rect x="10" y="{y - 11}" width="13" height="13" fill="{colour}"/>',
            f'<text x="30" y="{y}">{seconds * 1e6:.0f} µs  {name}</text>',
        ]
        left += wide
    height = 82 + 20 * len(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="13">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n'
        f'<text x="10" y="22">One turn with one effect on SQLite: {total * 1e6:.0f} µs</text>\n'
        + "\n".join(shapes)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    main()
