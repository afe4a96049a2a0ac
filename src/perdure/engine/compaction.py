"""Replace long chains of deltas by snapshots, aside of the evaluator.

Layer: engine. Imports store.api, snapshot, heartbeat, base; starts a process by the name of its module (cli/beside.py).
Invariant: what is compacted is what is stored. The run may be executed meanwhile, by anybody: the snapshot stands at the
entry that was read last, and the entries behind it stay. A process that dies in between has changed nothing.

To encode a heap of a million objects holds up everybody in the worker for seconds. A thread would, too: reading and
writing JSON of that size are single calls that keep the interpreter lock. So it is done by a process that is started when
there is something to do, one at a time.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from msgspec import Struct

from perdure.engine.heartbeat import BESIDE
from perdure.engine.stored import checked_payloads
from perdure.snapshot.compact import compact
from perdure.snapshot.wire import payload_hash, text_size
from perdure.store.api import Store


class Compacted(Struct, frozen=True, kw_only=True):
    """What became of one chain.

    Args:
      done: whether a snapshot stands in its place now.
      stored_bytes: the snapshot, as it is stored.
      full_bytes: the snapshot, uncompressed.
      folded_bytes, folded_entries: the deltas that it replaces, uncompressed, and how many they were.
      took_s: how long it took, the start of the process included.
      error: why it failed, or "".
    """

    done: bool = False
    stored_bytes: int = 0
    full_bytes: int = 0
    folded_bytes: int = 0
    folded_entries: int = 0
    took_s: float = 0.0
    error: str = ""


Done = Callable[[Compacted], None]


def compact_stored(store: Store, run_id: str) -> Compacted:
    """Replace the chain of a stored run by a snapshot of its end.

    Raises:
      SnapshotError: what is stored of it is damaged.
      StoreError: the store is away.
    """
    loaded = next(iter(store.load([run_id])), None)
    if loaded is None or loaded.snapshot is None or not loaded.entries:
        return Compacted()
    payloads = checked_payloads(loaded)
    snapshot = compact(payloads)
    done = store.compact(run_id, loaded.entries[-1].seq, snapshot, payload_hash(snapshot))
    return Compacted(
        done=done,
        stored_bytes=len(snapshot),
        full_bytes=text_size(snapshot),
        folded_bytes=sum(map(text_size, payloads[1:])),
        folded_entries=len(payloads) - 1,
    )


class Compactor:
    """Has chains compacted by processes, one after the other.

    Args:
      store: tells the processes where the runs are.
      post: calls a function on the worker's thread.
    """

    def __init__(self, store: Store, post: Callable[[Callable[[], None]], object]) -> None:
        self._orders = {"do": "compact", "url": store.url, "lease_s": store.lease_s}
        self._post = post
        self._work: queue.SimpleQueue[tuple[str, Done] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def compact(self, run_id: str, done: Done) -> None:
        """Have the chain of a run compacted; `done` is called on the worker's thread."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._serve, name="perdure-compactor", daemon=True
            )
            self._thread.start()
        self._work.put((run_id, done))

    def close(self) -> None:
        """End; what is under way is given up, and nothing of it is stored."""
        self._closed = True
        self._work.put(None)
        process = self._process
        if process is not None:
            process.kill()

    def _serve(self) -> None:
        while (wanted := self._work.get()) is not None and not self._closed:
            run_id, done = wanted
            began = time.monotonic()
            found = self._perform(run_id, began)
            try:
                self._post(lambda done=done, found=found: done(found))  # type: ignore[misc]
            except RuntimeError:
                return  # the loop is closed; nobody wants to know any more

    def _perform(self, run_id: str, began: float) -> Compacted:
        orders = json.dumps({**self._orders, "run": run_id}).encode() + b"\n"
        self._process = process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", BESIDE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        said, _ = process.communicate(orders)
        self._process = None
        took_s = time.monotonic() - began
        if process.returncode != 0:
            return Compacted(took_s=took_s, error=f"its process ended with {process.returncode}")
        return Compacted(**{**json.loads(said), "took_s": took_s})
