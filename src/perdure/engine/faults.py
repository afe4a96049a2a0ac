"""Named points where a test lets the process die.

Layer: engine. Imports nothing of Perdure.
Invariant: unless the process is armed, `reached` is a function that does nothing.

PERDURE_CRASH_AT=point or point:n kills the process with SIGKILL when it comes to that point for the n-th time; a
process that was forked after this file was loaded is armed by `arm`. In the order in which a run comes by:

    reaped                             the runs of a dead worker are free
    claimed, run-loaded                runs are ours, in the database; one is decoded
    compacting                         a snapshot is about to be encoded
    turn-taken                         turns exist in memory only
    before-commit                      a batch is handed to whoever carries it
    commit-here, commit-aside          the carrier is about to call the store: in the worker's thread, in its own
    committed-here, committed-aside    the store has answered, and the worker does not know it yet
    after-commit                       the worker knows it; effects have not started
    effect-started, effect-ended       around an effect
    transaction-began                  a transaction is open, and a transactional effect about to be performed in it
    transaction-taken                  the turn that takes its result exists, and is about to be committed with it
    transaction-committed              both are durable, and the worker knows it
    heartbeat                          the lease is about to be renewed
    before-release                     the worker ends
    releasing, released                runs are given back
"""

from __future__ import annotations

import os
import signal

POINTS = (
    "reaped",
    "claimed",
    "run-loaded",
    "compacting",
    "turn-taken",
    "before-commit",
    "commit-here",
    "committed-here",
    "commit-aside",
    "committed-aside",
    "after-commit",
    "effect-started",
    "effect-ended",
    "transaction-began",
    "transaction-taken",
    "transaction-committed",
    "heartbeat",
    "before-release",
    "releasing",
    "released",
)

_point = ""
_left = 0


def _nothing(point: str) -> None:
    """Do nothing: no fault is wanted in this process."""


def _die(point: str) -> None:
    global _left
    if point == _point:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def arm(wanted: str) -> None:
    """Let this process die at a point, given as "point" or "point:n"; "" for never.

    Raises:
      ValueError: there is no such point.
    """
    global _point, _left, reached
    _point, _, count = wanted.partition(":")
    if _point and _point not in POINTS:
        raise ValueError(f"there is no point {_point!r}; there are {', '.join(POINTS)}")
    _left = int(count or 1)
    reached = _die if _point else _nothing


reached = _nothing
arm(os.environ.get("PERDURE_CRASH_AT", ""))
