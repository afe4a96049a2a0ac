"""What happens when, in simulated time.

Layer: testing. Imports nothing of Perdure.
Invariant: the order of events is a function of the seed: events of one moment come in an order that chance draws when
they are entered. Time never stands still for good: whoever asks for it again and again sees it move.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

Action = Callable[[], None]


class Timeline:
    """The events to come, and the time. `now` is in seconds; nobody in the world can see it, but through a clock."""

    def __init__(self, chance: random.Random) -> None:
        self.now = 0.0
        self.depth = 0
        self._chance = chance
        self._count = itertools.count()
        self._events: list[tuple[float, float, int, Action]] = []

    def after(self, seconds: float, action: Action) -> None:
        """Enter an event."""
        entry = (self.now + seconds, self._chance.random(), next(self._count), action)
        heapq.heappush(self._events, entry)

    def step(self) -> None:
        """Let the next event happen; there must be one."""
        when, _, _, action = heapq.heappop(self._events)
        self.now = max(self.now, when)
        action()

    @property
    def next_at(self) -> float:
        """When the next event happens."""
        return self._events[0][0] if self._events else float("inf")

    def pass_time(self, seconds: float) -> None:
        """Let time pass in the middle of an event: others happen meanwhile."""
        until = self.now + seconds
        self.depth += 1
        while self.next_at <= until:
            self.step()
        self.depth -= 1
        self.now = max(self.now, until)
