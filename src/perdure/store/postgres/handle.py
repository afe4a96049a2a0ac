"""What all verbs of a handle to PostgreSQL share: its connection, its clock, its owner, its hints.

Layer: store. Imports base, store.leases, bell.py, clock.py, connection.py, schema.py, psycopg.
Invariant: a handle has one session at a time. What another session may learn from it goes through its bell, whose
hints are never the truth.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

import psycopg

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.store.api import Retention
from perdure.store.leases import Trust
from perdure.store.postgres import binary, schema
from perdure.store.postgres.bell import Bell, Family, payload_of
from perdure.store.postgres.clock import ServerClock
from perdure.store.postgres.connection import Connection, Target, gone, parse_url

_POOLED_POLL_S = 0.1
"""Behind a pooler nothing can be heard, so it is looked more often."""


class Handle:
    """A handle to a database on a PostgreSQL server, still without verbs; see store.api for what its methods do.

    Args:
      url: of the database, `postgresql://user@host:port/name`, with libpq's parameters and our `pooler`.
      clock: instead of the server's clock, for tests.
      retention: what is kept of runs that go on.
      must_exist: refuse a database without runs of ours, instead of making the tables.
      read_only: open it for reading; implies `must_exist`.
      lease_s: how long an owner lives after its last heartbeat.
      monotonic: by what it is noticed that the clock was set; None for nothing if the clock was given, else this
        machine's.
      family: the handles that were made of one another.
    """

    overlaps = True
    transacts = True

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] | None = None,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        must_exist: bool = False,
        read_only: bool = False,
        lease_s: float = limits.LEASE_S,
        monotonic: Callable[[], float] | None = None,
        family: Family | None = None,
    ) -> None:
        self.url = url
        self.lease_s = lease_s
        self._monotonic = monotonic
        if monotonic is None and clock is None:
            monotonic = time.monotonic
        self._trust = Trust(lease_s, monotonic)
        self.retention = retention
        self._clock = clock
        self._must_exist = must_exist
        self._owner = 0
        self._bell: Bell | None = None
        self._rung = 0.0
        self._began = time.monotonic()
        self._beats_for = 0
        self._session = 0
        self._family = family or Family()
        target = parse_url(url, read_only=read_only)
        self.poll_s = _POOLED_POLL_S if target.pooled else limits.SERVER_POLL_S
        self._connection = Connection(target, self._check, self._revive)
        self._rows = self._connection.rows
        self._lent: Connection | None = None
        self.now = clock or ServerClock(self._server_clock).now

    def _check(self, raw: psycopg.Connection[Any], target: Target) -> None:
        schema.require(raw, target, must_exist=self._must_exist)
        self._family.sessions.discard(self._session)
        self._session = raw.info.backend_pid
        self._family.sessions.add(self._session)

    def _lending(self) -> Connection:
        """Return the connection that is lent to effects: the handle's own has the owner's lock, and is nobody else's to lose."""
        if self._lent is None or self._lent.closed:
            try:
                self._lent = Connection(
                    self._connection.target,
                    lambda raw, target: schema.require(raw, target, must_exist=True),
                    lambda: None,
                    lent=True,
                )
            except StoreError as error:
                raise gone(error) from None
        return self._lent

    def _server_clock(self) -> float:
        (row,) = self._rows("SELECT perdure.clock(NULL)")
        return float(row[0])

    def _revive(self) -> None:
        """Take the owner's lock again with a new session."""
        owner = self._owner or self._beats_for
        if owner and not self._connection.target.pooled:
            # If it was taken for dead in between, its next heartbeat or claim says so.
            self._connection.raw.execute(b"SELECT perdure.relock(%s::integer)", (owner,))

    def another(self) -> Self:
        try:
            return type(self)(
                self.url,
                clock=self._clock,
                retention=self.retention,
                must_exist=True,
                read_only=self._connection.target.read_only,
                lease_s=self.lease_s,
                monotonic=self._monotonic,
                family=self._family,
            )
        except StoreError as error:
            raise gone(error) from None

    def close(self) -> None:
        if self._connection.closed:
            return
        pending = self._bell.close() if self._bell is not None else set()
        self._bell = None
        # A server that is away finds out by itself: the session's lock is gone with it.
        with contextlib.suppress(StoreError, psycopg.Error):
            if not self._connection.raw.closed:
                if self._owner:
                    self._rows(
                        "UPDATE perdure.owners SET heartbeat = '-infinity' WHERE num = %s",
                        self._owner,
                    )
                if pending:
                    self._notify(pending)
        self._family.owners.discard(self._owner)
        self._family.sessions.discard(self._session)
        self._owner = 0
        if self._lent is not None:
            self._lent.close()
        self._connection.close()

    def data_version(self) -> int:
        heard = self._bell.heard if self._bell is not None else 0
        return heard + int((time.monotonic() - self._began) / self.poll_s)

    def watch(self, hint: Callable[[], None]) -> None:
        if not self._connection.target.pooled:
            self._start_bell().listen(hint)

    def _start_bell(self) -> Bell:
        if self._bell is None:
            self._bell = Bell(self._connection.target, self._family)
        return self._bell

    def _ring(self, owners: Iterable[int]) -> None:
        """Let others know that they may have work. The first hint after a pause is sent at once, so that a
        short-lived process needs no second connection; those that come thick and fast are collected.
        """
        others = set(owners) - self._family.owners
        if not others:
            return
        moment = time.monotonic()
        if self._bell is None and (
            moment - self._rung >= limits.HINT_S or self._connection.target.pooled
        ):
            self._rung = moment
            # The verb itself has taken place; only its hint is lost.
            with contextlib.suppress(StoreError, psycopg.Error):
                self._notify(others)
        else:
            self._start_bell().ring(others)

    def _notify(self, owners: set[int]) -> None:
        with self._connection.session() as raw:
            # A hint need not be durable, and so need not wait for the disk.
            raw.pgconn.exec_(
                b"BEGIN; SET LOCAL synchronous_commit = off; "
                b"SELECT pg_notify('perdure', '%b'); COMMIT" % payload_of(owners).encode()
            )

    def _at(self) -> bytes | None:
        return None if self._clock is None else binary.number(self._clock())

    def _given_clock(self) -> float | None:
        return None if self._clock is None else self._clock()

    def _one(self, query: str, *values: Any) -> Any:
        rows = self._rows(query, *values)
        return rows[0][0] if rows else None

    def _repeatedly(self, action: Callable[[], Any]) -> Any:
        """Do what may take place twice, again on a new connection if the old one is lost."""
        try:
            return action()
        except StoreError as error:
            if error.code != "P407" or not self._connection.raw.closed:
                raise
            return action()
