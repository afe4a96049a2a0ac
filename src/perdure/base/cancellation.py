"""How a Python function hears that nobody waits for it any more.

Layer: base. Imports nothing of Perdure, so that a user's module that names the type loads fast.
Invariant: a token is cancelled at most once, from any thread, and stays so; the first reason counts.
Not an exception thrown into the function's thread: it would strike between any two of its instructions.
"""

from __future__ import annotations

import threading


class Cancelled(BaseException):
    """What `Cancellation.raise_if_cancelled` raises; no `except Exception` takes it."""


class Cancellation:
    """A token that an effect gets if it has a parameter named `cancellation`.

    It is cancelled when the effect's outcome is not wanted any more: its task was cancelled or has timed out, its own
    timeout is over, or the worker that performs it stops or has lost the run.
    """

    __slots__ = ("_event", "_reason")

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reason = ""

    @property
    def cancelled(self) -> bool:
        """Whether the effect was cancelled."""
        return self._event.is_set()

    @property
    def reason(self) -> str:
        """Why; "" if it was not cancelled."""
        return self._reason

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the effect is cancelled, for so many seconds at most; return whether it is."""
        return self._event.wait(timeout)

    def raise_if_cancelled(self) -> None:
        """Leave the function if it was cancelled. Raises Cancelled."""
        if self._event.is_set():
            raise Cancelled(self._reason)

    def cancel(self, reason: str = "") -> None:
        """Cancel the effect; the second time has no effect."""
        if not self._event.is_set():
            self._reason = reason
            self._event.set()
