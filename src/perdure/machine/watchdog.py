"""The watchdog: sets the flag that compiled code tests, when a turn has used up its slice or its memory.

Layer: machine. Imports memory, base.
Invariant: the flag is a plain variable of the namespace that all compiled code shares, so a test costs one load. It is set
only while a turn is in progress, by one thread for the whole process, and cleared when the turn ends.
Not a signal handler: those run in the main thread only, and would be the host's to install.

Memory: a process has one evaluator, so what it grows by during a turn is taken to be that turn's. The thread looks at its
size fifty times a second, and compares it with what it was before the turn. So a turn that is shorter costs nothing,
and what effects in threads allocate meanwhile is counted with it: the quota is a fence, not an account.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from perdure.base import limits
from perdure.machine.memory import resident_bytes

INTERVAL_S = 0.02
"""How exactly a slice is kept."""

WEIGHED_S = 0.01
"""A turn that took so long is weighed at its end, too: the thread may not have had a chance to. A shorter one can't have
filled much memory."""

FLAG = "!flag"


class _Watchdog:
    """The thread, started when it is first needed, and the namespace that holds the flag.

    Attributes:
      turn: counts turns, so that the thread knows whether it looks at the same one as before.
      complaint: why the flag is up: "" since the slice is over, else what quota was met.
      overdrawn: how often the turn in progress, or the last one, met the quota of memory.
      first_bytes: how large the process was before that turn; `before_bytes` is what it may grow from.
    """

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {FLAG: False}
        self.deadline = 0.0
        self.turn = 0
        self.complaint = ""
        self.overdrawn = 0
        self.memory_max_bytes = limits.TURN_MEMORY_BYTES
        self.before_bytes = 0
        self.first_bytes = 0
        self._looked_at_turn = 0
        self._size = 0
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._watch, name="perdure-watchdog", daemon=True
            )
            self._thread.start()
        if not self._awake.is_set():
            self._size = resident_bytes()
            self._awake.set()

    def _watch(self) -> None:
        idle = 0
        while True:
            time.sleep(INTERVAL_S)
            deadline = self.deadline
            self.weigh()
            if deadline and time.monotonic() > deadline and self.deadline:
                self.namespace[FLAG] = True
            idle = 0 if deadline else idle + 1
            if idle > 50:
                self._awake.clear()
                if not self.deadline:
                    self._awake.wait()
                idle = 0

    def weigh(self) -> None:
        """Look at the process's size, and complain if the turn has made it too large."""
        size, turn = resident_bytes(), self.turn
        before, self._size = self._size, size
        if not self.deadline:
            return
        if turn != self._looked_at_turn:
            self._looked_at_turn = turn
            self.first_bytes = self.before_bytes = before
        if size - self.before_bytes > self.memory_max_bytes and turn == self.turn:
            self.before_bytes = size  # the next complaint is about as much again
            self.overdrawn += 1
            self.complaint = (
                f"the turn has made the process grow by more than {self.memory_max_bytes >> 20} MiB"
            )
            self.namespace[FLAG] = True


_WATCHDOG = _Watchdog()


class _Countdown:
    """Stands in place of the flag: it is true when it was tested so often."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def __bool__(self) -> bool:
        self.left -= 1
        return self.left < 0


_tests: Callable[[], int] | None = None


@contextlib.contextmanager
def counted(tests: Callable[[], int]) -> Iterator[None]:
    """Cut turns not by time but after so many tests of the flag: a simulation cuts again at the same place.

    Args:
      tests: called when a turn begins; returns how many tests its tasks pass.
    """
    global _tests
    before, _tests = _tests, tests
    try:
        yield
    finally:
        _tests = before


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """Keep the flag down while the body runs: for code that runs outside a task, which can't be stopped."""
    namespace = _WATCHDOG.namespace
    deadline, flag = _WATCHDOG.deadline, namespace[FLAG]
    _WATCHDOG.deadline = 0.0
    namespace[FLAG] = False
    try:
        yield
    finally:
        namespace[FLAG] = flag
        _WATCHDOG.deadline = deadline


def watch(deadline: float, namespace: dict[str, Any], complaint: str = "") -> None:
    """Set the flag in a namespace at `deadline` (time.monotonic), if `unwatch` does not come before.

    Args:
      deadline: when the slice is over.
      namespace: what compiled code finds the flag in.
      complaint: what quota the run has met already: then the flag is set at once.
    """
    dog = _WATCHDOG
    dog.namespace = namespace
    dog.turn += 1
    dog.overdrawn = 0
    dog.complaint = complaint
    if _tests is not None:
        namespace[FLAG] = _Countdown(_tests()) if not complaint else True
        return
    namespace[FLAG] = bool(complaint)
    dog.deadline = deadline
    dog.start()


def unwatch(began: float) -> None:
    """Put the flag down and leave it there: the turn is over, which began at `began` (time.monotonic)."""
    if time.monotonic() - began > WEIGHED_S:
        _WATCHDOG.weigh()
    _WATCHDOG.deadline = 0.0
    _WATCHDOG.namespace[FLAG] = False


def cut() -> None:
    """Set the flag: the turn has made so much to be stored that it is to end at the next poll."""
    if _WATCHDOG.deadline:
        _WATCHDOG.namespace[FLAG] = True


def complaint() -> str:
    """Return what quota the turn has met, once, and "" if the flag is up for the slice alone."""
    found, _WATCHDOG.complaint = _WATCHDOG.complaint, ""
    if found:
        _WATCHDOG.namespace[FLAG] = False
    return found


def overdrawn() -> int:
    """Return how often the turn in progress, or the last one, met the quota of memory."""
    return _WATCHDOG.overdrawn


def kept_bytes() -> int:
    """Return by how much the process has grown in the last turn, as far as it met the quota of memory; else 0."""
    if not _WATCHDOG.overdrawn:
        return 0
    return resident_bytes() - _WATCHDOG.first_bytes


def weigh() -> None:
    """Look at the process's size anew, since much was freed outside of a turn."""
    _WATCHDOG.weigh()


def set_memory_max(size_bytes: int) -> None:
    """Say how much memory one turn may take, in this process."""
    _WATCHDOG.memory_max_bytes = size_bytes


def memory_max_bytes() -> int:
    """Return how much memory one turn may take."""
    return _WATCHDOG.memory_max_bytes
