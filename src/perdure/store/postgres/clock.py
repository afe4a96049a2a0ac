"""The clock of a database server, without a round trip for every look.

Layer: store. Imports base.
Invariant: what `now` gives never goes back, and is never ahead of the server's clock as it was read last:
the answer's way back is reckoned as no time at all. So a timer that is due by `now` is due by the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from perdure.base import limits
from perdure.base.errors import StoreError


class ServerClock:
    """Reckons a server's clock from the last look and the monotonic clock of this machine.

    Args:
      read: asks the server for its clock, in seconds since the epoch.
    """

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read
        self._ahead = 0.0
        self._due = 0.0
        self._last = 0.0

    def now(self) -> float:
        """Return the server's clock in seconds since the epoch."""
        moment = time.monotonic()
        if moment >= self._due:
            moment = self._look(moment)
        self._last = max(self._last, moment + self._ahead)
        return self._last

    def _look(self, moment: float) -> float:
        try:
            found = self._read()
        except StoreError:
            # While the server is away, time goes on as it did; the next verb says that it is away.
            if not self._due:
                raise
            self._due = moment + limits.SERVER_POLL_S
            return moment
        moment = time.monotonic()
        self._ahead = found - moment
        self._due = moment + limits.CLOCK_SYNC_S
        return moment
