"""Where the time comes from.

Layer: base. Imports nothing.
Invariant: `now` is seconds since the epoch, UTC; turn times come from the database's clock, which a store derives
from a clock of this file when the database is embedded.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time and lets time pass."""

    def now(self) -> float:
        """Return seconds since the epoch."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()


class ManualClock:
    """A clock that tests set; it moves only when it is told to."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self.time = start

    def now(self) -> float:
        """Return the time that was set."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds
