"""Say regularly that a worker lives.

Layer: engine. Imports store.api, journal, base; starts a process by the name of its module (cli/beside.py).
Invariant: at any time one of two beats: a thread with a store handle of its own, or a process. Both renew the lease of
one owner, and neither beats for a worker that has ended.

The thread is enough for an engine inside somebody's application, and for the first seconds of any worker. But it needs the
interpreter lock, which one long C call of a program (a product of huge integers) may hold for longer than a lease;
and it would beat for an evaluator that hangs. So a worker that has a process of its own to end gets the process, which
looks at the worker from outside: see perdure.engine.beating.

Not a fork of the worker: that would copy its locks, its connections, and a thread that may hold any of them.
"""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Final

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.engine import faults
from perdure.engine.journal import Journal
from perdure.store.api import Store

BESIDE: Final = "perdure.cli.beside"
"""The module that is run as a process: of a higher layer, as it opens the store by its URL."""

READY: Final = b"ready\n"
LOST: Final = b"lost\n"
"""What the process says to its worker, a line each: it beats from now on; the lease is gone."""

BEATS_PER_LEASE: Final = 3


class Pulse:
    """A number in shared memory that a worker increments whenever it has come round."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            file.truncate(8)
            self.descriptor = os.dup(file.fileno())
        self._memory = mmap.mmap(self.descriptor, 8)
        self._number = memoryview(self._memory).cast("Q")

    def advance(self) -> None:
        """Say that the worker has come round."""
        self._number[0] += 1

    def close(self) -> None:
        """Give the memory back."""
        self._number.release()
        self._memory.close()
        os.close(self.descriptor)


class Heartbeat:
    """Renews an owner's lease until it is stopped.

    Args:
      store: a handle for the heartbeat alone; it closes it.
      owner: whose lease.
      lost: called in the heartbeat's thread when the lease is gone.
      pulse: for a worker whose process is its own: beat from another process as long as this one advances; None for a
        thread only.
      journal: where it tells of processes that ended unasked.
    """

    def __init__(
        self,
        store: Store,
        owner: int,
        lost: Callable[[], None],
        *,
        pulse: Pulse | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._store = store
        self._owner = owner
        self._lost = lost
        self._pulse = pulse if store.url else None
        self._journal = journal or Journal()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._beat, name="perdure-heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()

    def _beat(self) -> None:
        interval_s = self._store.lease_s / BEATS_PER_LEASE
        # Short commands never pay for a process.
        pause_s = min(interval_s, limits.BEATER_AFTER_S) if self._pulse is not None else interval_s
        while not self._stopped.wait(pause_s):
            faults.reached("heartbeat")
            try:
                if not self._store.heartbeat(self._owner):
                    self._lost()
                    break
            except StoreError:
                # Again soon: a server that comes and goes may be away whenever a beat is due, for a whole lease.
                pause_s = min(interval_s, limits.OUTAGE_POLL_S)
                continue
            if self._pulse is not None and self._delegate(self._pulse):
                break
            pause_s = interval_s
        self._store.close()

    def _delegate(self, pulse: Pulse) -> bool:
        """Let a process beat, for as long as it lives; return whether there is nothing left to do."""
        process = self._launch(pulse)
        if process is None:
            return True
        assert process.stdin is not None
        assert process.stdout is not None
        said = b""
        for line in process.stdout:
            said = line
        with self._lock:
            self._process = None
            process.stdin.close()
        process.stdout.close()
        code = process.wait()
        if self._stopped.is_set():
            return True
        if said == LOST:
            self._lost()
            return True
        self._journal.warning("heartbeat process ended", code=code)
        return False

    def _launch(self, pulse: Pulse) -> subprocess.Popen[bytes] | None:
        """Start the process and tell it what to do; None if the heartbeat was stopped meanwhile."""
        orders = {
            "do": "beat",
            "url": self._store.url,
            "lease_s": self._store.lease_s,
            "owner": self._owner,
            "process": os.getpid(),
            "pulse": pulse.descriptor,
        }
        with self._lock:
            if self._stopped.is_set():
                return None
            # The URL may hold a password, so it goes through the pipe and not on the command line.
            self._process = process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", BESIDE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[pulse.descriptor],
            )
            assert process.stdin is not None
            process.stdin.write(json.dumps(orders).encode() + b"\n")
            process.stdin.flush()
        return process
