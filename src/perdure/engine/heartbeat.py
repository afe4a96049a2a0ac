"""Say regularly that a worker lives.

Layer: engine. Imports store.api, base.
Invariant: it has a thread and a store handle of its own, so a long turn or a slow commit does not make it late.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.store.api import Store


class Heartbeat:
    """Renews an owner's lease until it is stopped.

    Args:
      store: a handle for the heartbeat alone; it closes it.
      owner: whose lease.
      lost: called in the heartbeat's thread when the lease is gone.
    """

    def __init__(self, store: Store, owner: int, lost: Callable[[], None]) -> None:
        self._store = store
        self._owner = owner
        self._lost = lost
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="perdure-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def _beat(self) -> None:
        while not self._stopped.wait(limits.LEASE_S / 3):
            try:
                if not self._store.heartbeat(self._owner):
                    self._lost()
                    break
            except StoreError:
                continue  # locked for a moment; there are two more beats in the lease
        self._store.close()
