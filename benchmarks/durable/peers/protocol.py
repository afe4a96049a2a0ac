"""How a measured program and the harness talk: one JSON document a line, over standard output and input.

Runs under the Python of every engine, so it imports the standard library alone. What an engine itself prints goes to
standard error.

    {"mark": "gate", "at": 12.3, …}    something happened, by the machine's monotonic clock
    {"ask": "bytes"}                   the harness looks at the store from its own process and answers {"answer": …}
    {"ask": "count", "query": "…"}     the same with a number that a query finds
    {"keep": 4711}                     a process that must outlive this one; the harness ends it after the case
    {"result": {…}}                    the figures; the last line

The store is looked at by the harness, because two copies of SQLite in one process on one file break its locks.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

WAIT_S = 1_500.0
"""No part of a workload takes so long."""


@dataclass(frozen=True)
class Given:
    """What a program is told.

    Args:
      store: "sqlite", "postgres" or "own".
      variant: which of an engine's ways to do it; "" for its only one.
      folder: an empty folder for its files.
      url: an empty PostgreSQL database, if that is the store.
      effects, runs, each, parallel, sleepers: how much; `each` is the effects of one of `runs`.
      kill_at: the number of the effect that is killed.
      life: "first" makes the run, "again" goes on and is killed in the same effect, "last" finishes.
      stored: numbers of runs in the store, for W8.
      rounds: of a program that interleaves by itself.
      tool: what an engine needs besides its Python package: the path of a server's program.
    """

    store: str
    variant: str
    folder: str
    url: str
    effects: int
    runs: int
    each: int
    parallel: int
    sleepers: int
    kill_at: int
    life: str
    stored: tuple[int, ...]
    rounds: int
    tool: str

    @property
    def file(self) -> str:
        """The path of a SQLite database."""
        return f"{self.folder}/store.db"


_lock = threading.Lock()
_out = -1


def _write(document: Mapping[str, Any]) -> None:
    with _lock:
        os.write(_out, json.dumps(document).encode() + b"\n")


def mark(name: str, **more: Any) -> None:
    """Tell that something happens now."""
    _write({"mark": name, "at": time.monotonic(), **more})


def stored_bytes() -> int:
    """Return how large the store is now, as the harness sees it."""
    return _ask("bytes")


def stored_count(query: str) -> int:
    """Return the number that a query of the store finds, as the harness sees it."""
    return _ask("count", query=query)


def _ask(what: str, **more: str) -> int:
    _write({"ask": what, **more})
    return int(json.loads(sys.stdin.readline())["answer"])


def keep(process: int) -> None:
    """Name a process that the harness ends when the case is over."""
    _write({"keep": process})


def check(found: Any, expected: Any, what: str = "result") -> None:
    """Refuse to give figures for wrong results."""
    if found != expected:
        raise SystemExit(f"{what}: {str(found)[:500]}, expected {str(expected)[:500]}")


def wait_until(happened: Callable[[], bool], pause_s: float = 0.005) -> None:
    """Wait for something that an engine gives no signal for."""
    until = time.monotonic() + WAIT_S
    while not happened():
        if time.monotonic() > until:
            raise SystemExit(f"nothing happened within {WAIT_S:g} s")
        time.sleep(pause_s)


def resident_bytes(process: int | str = "self") -> int:
    """Return the memory that a process holds now."""
    with open(f"/proc/{process}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def cpu_seconds(process: int) -> float:
    """Return the CPU time that another process has used, with all its threads; in steps of 10 ms."""
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Window:
    """Wall and CPU time of this process from its making to `close`.

    `figures` is to be part of the result; `ended` is when it was closed, by `time.perf_counter`.
    """

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._began = time.perf_counter()
        self.ended = 0.0
        self.figures: dict[str, float] = {}

    @property
    def passed_s(self) -> float:
        """Seconds since it was made."""
        return time.perf_counter() - self._began

    def close(self, at: float | None = None) -> dict[str, float]:
        """End it now, or at a moment of `time.perf_counter`."""
        self.ended = time.perf_counter() if at is None else at
        used = time.process_time() - self._cpu
        self.figures = {"seconds": self.ended - self._began, "cpu_s": used}
        return self.figures


class Gate:
    """The effect of W3: returns the next number, tells when effect `kill_at` begins, and stays in it to be killed."""

    def __init__(self) -> None:
        self.given: Given | None = None
        self.performed = 0

    def step(self, number: int) -> int:
        """Return number + 1."""
        given = self.given
        assert given is not None
        self.performed += 1
        if number == given.kill_at:
            mark("gate", performed=self.performed)
            while given.life != "last":
                time.sleep(60)
        return number + 1


gate = Gate()


def main(workloads: Mapping[str, Callable[[Given], dict[str, Any]]]) -> None:
    """Do the workload that the command line names and write its figures."""
    global _out
    _out = os.dup(1)
    os.dup2(2, 1)
    name, given_json = sys.argv[1:]
    fields = json.loads(given_json)
    given = Given(**{**fields, "stored": tuple(fields["stored"])})
    gate.given = given
    figures = workloads[name](given)
    _write({"result": figures})
    # Engines keep threads of their own that nothing ends.
    os._exit(0)
