"""A clock that tests set.

Layer: testing. Imports nothing.
Invariant: it moves only when it is told to; `now` is seconds since the epoch, UTC.
"""

from __future__ import annotations


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
