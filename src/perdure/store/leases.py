"""Whether a database's clock can be believed, as far as leases go.

Layer: store. Imports nothing of Perdure.
Invariant: a clock that was set forward or back takes no lease from a living owner: whoever looks for leases that ran out
compares the clock with its own monotonic one, and after a jump gives everybody a whole lease to beat again.

Not leases by what each looker has seen of a heartbeat, without any clock: then a worker that has just begun would have
to watch for a whole lease before it could take over what was left by one that hung yesterday.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

JUMP_SHARE: Final = 1 / 3
"""Of a lease: what a clock may be off between two looks. An owner beats three times in a lease, so it still has time."""

FIRST_SHARE: Final = 1 / 2
"""Of a lease: how long nobody is taken for dead by a looker that has just begun, and can't know of a jump before."""


class Trust:
    """What one looker knows about a clock.

    Args:
      lease_s: how long an owner lives after its last heartbeat.
      monotonic: a clock that never jumps, or None: believe everything.
    """

    def __init__(self, lease_s: float, monotonic: Callable[[], float] | None) -> None:
        self._lease_s = lease_s
        self._monotonic = monotonic
        self._ahead: float | None = None
        self._until = 0.0

    def expected(self) -> float | None:
        """Return what the clock should say now, or None if any answer is as good."""
        if self._monotonic is None or self._ahead is None:
            return None
        return self._monotonic() + self._ahead

    @property
    def given(self) -> bool:
        """Whether the clock is believed, as far as is known without another look."""
        if self._monotonic is None:
            return True
        return self._ahead is not None and self._monotonic() >= self._until

    def look(self, clock: float) -> bool:
        """Note what the clock says; return whether it is believed."""
        if self._monotonic is None:
            return True
        moment = self._monotonic()
        if self._ahead is None:
            self._until = moment + self._lease_s * FIRST_SHARE
        elif abs(clock - moment - self._ahead) > self._lease_s * JUMP_SHARE:
            self._until = moment + self._lease_s
        self._ahead = clock - moment
        return moment >= self._until
