"""Named points where a test lets the process die.

Layer: engine. Imports nothing of Perdure.
Invariant: unless the environment names a point when the process starts, `reached` is a function that does nothing.

PERDURE_CRASH_AT=point or point:n kills the process with SIGKILL when it comes to that point for the n-th time.
"""

from __future__ import annotations

import os
import signal

POINTS = (
    "turn-taken",
    "before-commit",
    "after-commit",
    "effect-started",
    "effect-ended",
    "run-loaded",
    "before-release",
)

_point, _, _count = os.environ.get("PERDURE_CRASH_AT", "").partition(":")
_left = int(_count) if _count.isdigit() else 1


def _nothing(point: str) -> None:
    """Do nothing: no fault is wanted in this process."""


def _die(point: str) -> None:
    global _left
    if point == _point:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


reached = _die if _point else _nothing
