"""Hints between processes: that somebody may have work, by LISTEN and NOTIFY.

Layer: store. Imports base, connection.py, psycopg.
Invariant: a hint is never the truth. Whatever is lost here costs a worker one interval of its polling.

One thread with a connection of its own, which rings and listens. NOTIFY is not part of a turn's
transaction: commits of transactions with NOTIFY wait for each other in the whole server. It says at most
every limits.HINT_S which owners have work; 0 stands for whoever wants some.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import psycopg

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.store.postgres.connection import Target, translated, wait_s
from perdure.store.postgres.silence import Line

_OWNERS_MAX: Final = 100
"""Owners that one hint names; it is for all if there are more. A payload has 8,000 bytes at most."""


def payload_of(owners: set[int]) -> str:
    """Return what a hint for these owners says."""
    named = {0} if 0 in owners or len(owners) > _OWNERS_MAX else owners
    return ",".join(map(str, sorted(named)))


class Family:
    """What the handles of one process that were made of one another share.

    Attributes:
      owners: those that live here.
      sessions: the server's process numbers of their connections.
    """

    def __init__(self) -> None:
        self.owners: set[int] = set()
        self.sessions: set[int] = set()


class Bell:
    """Rings for other processes and listens for their rings.

    Args:
      target: the database.
      family: whose owners' rings to hear, and whose sessions' rings not to: these know it already.
    """

    def __init__(self, target: Target, family: Family) -> None:
        self._target = target
        self._family = family
        self._hint: Callable[[], None] | None = None
        self._pending: set[int] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._readable, self._writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.heard = 0
        self._line = Line()
        self._thread = threading.Thread(target=self._run, name="perdure-bell", daemon=True)
        self._thread.start()

    def listen(self, hint: Callable[[], None]) -> None:
        """Call `hint` from now on, from the bell's thread, when somebody rings."""
        self._hint = hint
        self._wake()

    def ring(self, owners: Iterable[int]) -> None:
        """Tell these owners, soon, that they may have work."""
        with self._lock:
            self._pending.update(owners)
        self._wake()

    def close(self) -> set[int]:
        """End the thread; return the owners that were not told yet."""
        self._closing = True
        self._wake()
        self._thread.join()
        os.close(self._readable)
        os.close(self._writable)
        return self._pending

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._writable, b"!")

    def _run(self) -> None:
        attempt = 0
        while not self._closing:
            try:
                with translated(self._target), self._connect() as raw:
                    attempt = 0
                    # Something may have been missed while nobody listened.
                    self._hear()
                    self._serve(raw)
            except StoreError:
                attempt += 1
                self._rest(wait_s(attempt))

    def _connect(self) -> psycopg.Connection[Any]:
        raw = psycopg.connect(self._target.conninfo, autocommit=True)
        self._line.raw = raw
        with self._line.waiting():
            raw.execute(b"SET synchronous_commit = off")
        self._family.sessions.add(raw.info.backend_pid)
        return raw

    def _serve(self, raw: psycopg.Connection[Any]) -> None:
        listening = False
        while not self._closing:
            if self._hint is not None and not listening:
                with self._line.waiting():
                    raw.execute(b"LISTEN perdure")
                listening = True
                self._hear()
            with self._lock:
                owners, self._pending = self._pending, set()
            if owners:
                with self._line.waiting():
                    raw.execute(b"SELECT pg_notify('perdure', %s)", (payload_of(owners),))
                self._rest(limits.HINT_S, early=False)
            self._take(raw)
            if not self._pending and not self._closing:
                readable, _, _ = select.select([self._readable, raw.fileno()], [], [])
                if self._readable in readable:
                    self._drain()

    def _take(self, raw: psycopg.Connection[Any]) -> None:
        """Hear what has come; nothing is waited for."""
        raw.pgconn.consume_input()
        if raw.pgconn.status != psycopg.pq.ConnStatus.OK:
            raise psycopg.OperationalError("the connection was closed")
        heard = False
        mine = {b"0", *(str(owner).encode() for owner in tuple(self._family.owners))}
        while (note := raw.pgconn.notifies()) is not None:
            foreign = note.be_pid not in self._family.sessions
            heard = heard or (foreign and not mine.isdisjoint(note.extra.split(b",")))
        if heard:
            self._hear()

    def _hear(self) -> None:
        self.heard += 1
        if self._hint is not None:
            self._hint()

    def _rest(self, seconds: float, *, early: bool = True) -> None:
        """Wait, but not for the end of a bell that is being closed."""
        until = time.monotonic() + seconds
        while not self._closing and (left := until - time.monotonic()) > 0:
            readable, _, _ = select.select([self._readable], [], [], left)
            if readable:
                self._drain()
                if early:
                    return

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._readable, 4096)
