"""How a command that executes a run in the foreground is made to leave it: by signals, while the run stays.

Layer: cli. Imports nothing of Perdure.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from types import FrameType

DRAIN_S = 10.0
"""How long started effects may take to finish when a command leaves; a second signal does not wait."""


class Left(BaseException):
    """A signal says to leave. Not a KeyboardInterrupt, which a library might swallow."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def leave_on(numbers: Iterable[signal.Signals]) -> None:
    """Raise `Left` in the main thread when one of these signals comes."""
    for number in numbers:
        signal.signal(number, _leave)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise Left(number)
