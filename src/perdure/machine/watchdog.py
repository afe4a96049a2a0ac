"""The watchdog: sets the flag that compiled code tests, when a turn has used up its slice.

Layer: machine. Imports nothing of Perdure.
Invariant: the flag is a plain variable of the namespace that all compiled code shares, so a test costs one load. It is set
only while a turn is in progress, by one thread for the whole process, and cleared when the turn ends.
Not a signal handler: those run in the main thread only, and would be the host's to install.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

INTERVAL_S = 0.02
"""How exactly a slice is kept."""

FLAG = "!flag"


class _Watchdog:
    """The thread, started when it is first needed, and the namespace that holds the flag."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {FLAG: False}
        self.deadline = 0.0
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._watch, name="perdure-watchdog", daemon=True
            )
            self._thread.start()
        if not self._awake.is_set():
            self._awake.set()

    def _watch(self) -> None:
        idle = 0
        while True:
            time.sleep(INTERVAL_S)
            deadline = self.deadline
            if deadline and time.monotonic() > deadline:
                self.namespace[FLAG] = True
            idle = 0 if deadline else idle + 1
            if idle > 50:
                self._awake.clear()
                if not self.deadline:
                    self._awake.wait()
                idle = 0


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


def watch(deadline: float, namespace: dict[str, Any]) -> None:
    """Set the flag in a namespace at `deadline` (time.monotonic), if `unwatch` does not come before."""
    _WATCHDOG.namespace = namespace
    if _tests is not None:
        namespace[FLAG] = _Countdown(_tests())
        return
    namespace[FLAG] = False
    _WATCHDOG.deadline = deadline
    _WATCHDOG.start()


def unwatch() -> None:
    """Put the flag down and leave it there: the turn is over."""
    _WATCHDOG.deadline = 0.0
    _WATCHDOG.namespace[FLAG] = False
