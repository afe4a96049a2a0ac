"""What all workloads of Perdure share: the programs, the store's URL, and an observer of runs."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.durable.peers.protocol import WAIT_S, Given

PROGRAMS = Path(__file__).parents[2] / "programs"
SEQUENCE = PROGRAMS / "loop.scm"
PARALLEL = PROGRAMS / "parallel.scm"
SLEEPER = PROGRAMS / "sleeper.scm"
GATED = PROGRAMS / "gated.scm"


def database(given: Given) -> str:
    """Return the URL of the store."""
    return given.url or f"sqlite:{given.file}"


class Arrivals:
    """An observer that notes when each run's commit with a certain state became durable."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.at: dict[str, float] = {}
        self.clock: dict[str, float] = {}
        self._changed = threading.Condition()

    def __call__(self, commit: Any) -> None:
        if commit.status != self.status:
            return
        with self._changed:
            self.at[commit.run_id] = time.perf_counter()
            self.clock[commit.run_id] = time.time()
            self._changed.notify_all()

    def wait(self, number: int, wait_s: float = WAIT_S) -> float:
        """Wait for so many runs; return when the last of them arrived."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.at) >= number, wait_s):
                raise SystemExit(f"only {len(self.at)} of {number} runs are {self.status}")
            return max(self.at.values())

    def clear(self) -> None:
        """Forget all of them."""
        with self._changed:
            self.at.clear()
            self.clock.clear()
