"""The store on PostgreSQL: any number of processes on any number of machines.

Layer: store. Imports base, store.api, psycopg through its neighbours.
Invariant: every verb is one transaction and, but for listing and looking after the database, one round
trip. What a verb decides it decides in the server: functions.sql.

A lost connection: the verb that meets it raises P407, or is repeated at once on a new connection where
that changes nothing (reading; what is idempotent). The next call connects again. An owner survives
that: its new session takes its lock again, unless somebody has taken it for dead in between, which is
P409 for its claims, as a lease that ran out is.

Not COPY: it needs a round trip before the rows, and could not be conditional on the fence.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import psycopg

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.store.api import (
    Claim,
    Commit,
    Entry,
    Flaw,
    InboxRow,
    Loaded,
    LoggedLine,
    NewRun,
    Output,
    Pruned,
    PrunePolicy,
    Release,
    Retention,
    Run,
    RunFilter,
    Send,
)
from perdure.store.integrity import flaws
from perdure.store.leases import JUMP_SHARE, Trust
from perdure.store.postgres import binary, loading, schema
from perdure.store.postgres.bell import Bell, Family, payload_of
from perdure.store.postgres.clock import ServerClock
from perdure.store.postgres.commit import COMMIT, Batch, batches_of, encode
from perdure.store.postgres.connection import Connection, Target, gone, parse_url, verb
from perdure.store.refusals import check_same, taken_for_dead

_POOLED_POLL_S = 0.1
"""Behind a pooler nothing can be heard, so it is looked more often."""

_RUN_COLUMNS = (
    "id, name, program, parent, status, detail, seq, epoch, owner, wake_at, "
    "created_at, updated_at, quarantined"
)
_RELEASE = verb("release", 3)
_START = verb("start", 6)
_SEND = verb("send", 6)


class PostgresStore:
    """A handle to a database on a PostgreSQL server; see store.api for what its methods do.

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
        self.now = clock or ServerClock(self._server_clock).now

    def _check(self, raw: psycopg.Connection[Any], target: Target) -> None:
        schema.require(raw, target, must_exist=self._must_exist)
        self._family.sessions.discard(self._session)
        self._session = raw.info.backend_pid
        self._family.sessions.add(self._session)

    def _server_clock(self) -> float:
        (row,) = self._rows("SELECT perdure.clock(NULL)")
        return float(row[0])

    def _revive(self) -> None:
        """Take the owner's lock again with a new session."""
        owner = self._owner or self._beats_for
        if owner and not self._connection.target.pooled:
            # If it was taken for dead in between, its next heartbeat or claim says so.
            self._connection.raw.execute(b"SELECT perdure.relock(%s::integer)", (owner,))

    def another(self) -> PostgresStore:
        try:
            return PostgresStore(
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

    # -- code ------------------------------------------------------------------------------

    def put_program(self, program_hash: str, payload: bytes) -> None:
        self._rows(
            "INSERT INTO perdure.programs VALUES (%s, %s) ON CONFLICT DO NOTHING",
            program_hash,
            payload,
        )

    def get_program(self, program_hash: str) -> bytes | None:
        payload: bytes | None = self._one(
            "SELECT payload FROM perdure.programs WHERE hash = %s", program_hash
        )
        return payload

    def put_definitions(self, definitions: Mapping[str, bytes]) -> None:
        if definitions:
            # Sorted, so that two processes that store the same ones never wait for each other in turn.
            self._rows(
                "INSERT INTO perdure.definitions SELECT * FROM unnest(%s::text[], %s::bytea[]) "
                "ON CONFLICT DO NOTHING",
                sorted(definitions),
                [definitions[one] for one in sorted(definitions)],
            )

    def get_definitions(self, hashes: Iterable[str]) -> dict[str, bytes]:
        return dict(
            self._rows(
                "SELECT hash, payload FROM perdure.definitions WHERE hash = ANY (%s)", list(hashes)
            )
        )

    def set_name(self, name: str, program_hash: str) -> None:
        self._rows(
            "INSERT INTO perdure.names VALUES (%s, %s) "
            "ON CONFLICT (name) DO UPDATE SET program = excluded.program",
            name,
            program_hash,
        )

    def get_name(self, name: str) -> str | None:
        program: str | None = self._one("SELECT program FROM perdure.names WHERE name = %s", name)
        return program

    # -- runs ------------------------------------------------------------------------------

    def start_runs(self, news: Sequence[NewRun]) -> list[tuple[Run, bool]]:
        distinct: dict[str, NewRun] = {}
        for new in news:
            first = distinct.setdefault(new.run_id, new)
            check_same(new, first.program_name, first.arguments)
        if not distinct:
            return []
        given = list(distinct.values())
        values = [
            self._at(),
            binary.texts([new.run_id for new in given]),
            binary.texts([new.program_name for new in given]),
            binary.texts([new.program_hash for new in given]),
            binary.blobs([new.arguments for new in given]),
            binary.texts([new.parent for new in given]),
        ]
        answer = self._repeatedly(lambda: self._connection.call(_START, values))
        made = {given[n - 1].run_id for n in binary.read_integers(answer.get_value(0, 0))}
        clock = binary.read_number(answer.get_value(0, 1) or b"")
        runs = {new.run_id: _new_run(new, clock) for new in given if new.run_id in made}
        if len(made) < len(given):
            there = [new.run_id for new in given if new.run_id not in made]
            query = f"SELECT {_RUN_COLUMNS} FROM perdure.described WHERE id = ANY (%s)"  # noqa: S608
            runs |= {row[0]: Run(*row) for row in self._rows(query, there)}
        if made:
            self._ring((0,))
        started = []
        for new in news:
            started.append((runs[new.run_id], new.run_id in made))
            made.discard(new.run_id)
        return started

    def get_run(self, run_id: str) -> Run | None:
        query = f"SELECT {_RUN_COLUMNS} FROM perdure.described WHERE id = %s"  # noqa: S608 - constants
        rows = self._rows(query, run_id)
        return Run(*rows[0]) if rows else None

    def list_runs(self, wanted: RunFilter = RunFilter()) -> list[Run]:  # noqa: B008 - frozen
        rows = self._rows(
            f"SELECT {_RUN_COLUMNS} FROM perdure.described "  # noqa: S608 - constants
            "WHERE (%s::text[] = '{}' OR status = ANY (%s)) AND %s IN ('', name) "
            "AND (%s = '' OR parent = %s) "
            "AND (%s = '' OR num < (SELECT num FROM perdure.runs WHERE id = %s)) "
            "ORDER BY num DESC LIMIT %s",
            list(wanted.statuses),
            list(wanted.statuses),
            wanted.program_name,
            wanted.parent,
            wanted.parent,
            wanted.older_than,
            wanted.older_than,
            wanted.limit,
        )
        return [Run(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        return dict(self._rows("SELECT status, count(*) FROM perdure.runs GROUP BY status"))

    def result(self, run_id: str) -> bytes | None:
        payload: bytes | None = self._one(
            "SELECT d.result FROM perdure.run_data d JOIN perdure.runs r ON r.num = d.run "
            "WHERE r.id = %s",
            run_id,
        )
        return payload

    def load(self, run_ids: Sequence[str]) -> list[Loaded]:
        return self._repeatedly(lambda: loading.load(self._connection, run_ids)) if run_ids else []

    def inbox(
        self, run_ids: Sequence[str], limit: int = limits.INBOX_BATCH
    ) -> dict[str, list[InboxRow]]:
        found: dict[str, list[InboxRow]] = {run_id: [] for run_id in run_ids}
        if found:
            for run_id, *row in self._rows(loading.INBOX, limit, list(run_ids)):
                found[run_id].append(InboxRow(*row))
        return found

    def entries(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Entry]:
        rows = self._rows(loading.ENTRIES, {"run": run_id, "after": after, "limit": limit})
        return [Entry(*row) for row in rows]

    def outputs(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Output]:
        rows = self._of_run("seq, text", "outputs", run_id, after, limit, order="seq")
        return [Output(*row) for row in rows]

    def log_lines(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[LoggedLine]:
        columns = "seq, at, level, message, fields"
        rows = self._of_run(columns, "log_lines", run_id, after, limit, order="num")
        return [LoggedLine(*row) for row in rows]

    def _of_run(
        self, columns: str, table: str, run_id: str, after: int, limit: int, *, order: str
    ) -> list[tuple[Any, ...]]:
        query = (
            f"SELECT {columns} FROM perdure.{table} "  # noqa: S608 - constants
            "WHERE run = (SELECT num FROM perdure.runs WHERE id = %s) AND seq > %s "
            f"ORDER BY {order} LIMIT %s"
        )
        return self._rows(query, run_id, after, limit)

    def cursor(self, run_id: str) -> int:
        found = self._one(
            "SELECT d.cursor FROM perdure.run_data d JOIN perdure.runs r ON r.num = d.run "
            "WHERE r.id = %s",
            run_id,
        )
        return found or 0

    def set_cursor(self, run_id: str, seq: int) -> None:
        self._rows(
            "INSERT INTO perdure.run_data (run, cursor) "
            "SELECT num, %s FROM perdure.runs WHERE id = %s "
            "ON CONFLICT (run) DO UPDATE SET cursor = excluded.cursor",
            seq,
            run_id,
        )

    def send(self, message: Send) -> bool:
        answer = self._connection.call(
            _SEND,
            [
                self._at(),
                message.to.encode(),
                message.kind.encode(),
                message.message_id.encode(),
                message.sender.encode(),
                message.payload,
            ],
        )
        touched = answer.get_value(0, 1)
        if touched is not None:
            self._ring((int.from_bytes(touched, "big"),))
        return answer.get_value(0, 0) == b"\x01"

    # -- ownership -------------------------------------------------------------------------

    def register_owner(self, name: str) -> int:
        assert not self._owner, "a handle has one owner"
        (row,) = self._rows(
            "SELECT perdure.register(%s::float8, %s::text, %s::boolean)",
            self._given_clock(),
            name,
            not self._connection.target.pooled,
        )
        self._owner = int(row[0])
        self._family.owners.add(self._owner)
        return self._owner

    def heartbeat(self, owner: int) -> bool:
        if owner not in (self._owner, self._beats_for) and not self._connection.target.pooled:
            # This session says too that the owner lives, should the other be cut.
            if not self._one("SELECT perdure.relock(%s::integer)", owner):
                return False
            self._beats_for = owner
        rows = self._rows(
            "UPDATE perdure.owners SET heartbeat = perdure.clock(%s::float8) WHERE num = %s "
            "RETURNING num",
            self._given_clock(),
            owner,
        )
        return bool(rows)

    def reap_dead_owners(self) -> int:
        trust = self._trust
        (row,) = self._rows(
            "SELECT freed, clock FROM perdure.reap(%s::float8, %s::integer, %s::float8, %s::float8, %s::float8)",
            self._given_clock(),
            self._owner,
            self.lease_s if trust.given else math.inf,
            trust.expected(),
            self.lease_s * JUMP_SHARE,
        )
        freed, clock = row
        trust.look(clock)
        return int(freed)

    def claim(self, owner: int, limit: int) -> list[Claim]:
        # Not repeated: what a lost answer gave shows in `held`.
        try:
            rows = self._rows(
                "SELECT * FROM perdure.claim(%s::float8, %s::integer, %s::bigint, %s::integer, %s::integer)",
                self._given_clock(),
                owner,
                limit,
                limits.DEATHS_MAX,
                limits.DEATHS_ALONE,
                repeat=False,
            )
        except StoreError as error:
            raise self._named(error, owner) from None
        return [_claim(row) for row in rows]

    def claim_one(self, run_id: str, owner: int) -> Claim | None:
        # Repeated after a lost connection: an own claim is given back as it is.
        try:
            rows = self._rows(
                "SELECT * FROM perdure.claim_one(%s::text, %s::integer, %s::integer, %s::integer)",
                run_id,
                owner,
                limits.DEATHS_MAX,
                limits.DEATHS_ALONE,
            )
        except StoreError as error:
            raise self._named(error, owner) from None
        return _claim(rows[0]) if rows else None

    def _named(self, error: StoreError, owner: int) -> StoreError:
        return taken_for_dead(owner) if error.code == "P409" else error

    def acquit(self, run_id: str, epoch: int) -> None:
        self._rows(
            "UPDATE perdure.runs SET deaths = 0 WHERE id = %s AND epoch = %s AND owner <> 0",
            run_id,
            epoch,
        )

    def held(self, owner: int) -> list[Claim]:
        rows = self._rows(
            "SELECT id, epoch, deaths FROM perdure.runs WHERE owner = %s AND owner <> 0", owner
        )
        return [_claim(row) for row in rows]

    def stirred(self, owner: int) -> list[str]:
        rows = self._rows(
            "SELECT id FROM perdure.runs WHERE ready AND owner = %s AND owner <> 0", owner
        )
        return [run_id for (run_id,) in rows]

    def next_wake(self) -> float | None:
        due: float | None = self._one(
            "SELECT CASE WHEN EXISTS (SELECT FROM perdure.runs "
            "WHERE ready AND owner = 0 AND quarantined = '' AND deaths = 0) "
            "OR EXISTS (SELECT FROM perdure.runs "
            "WHERE deaths > 0 AND ready AND owner = 0 AND quarantined = '') "
            "THEN 0 ELSE (SELECT min(wake_at) FROM perdure.runs "
            "WHERE wake_at IS NOT NULL AND owner = 0 AND quarantined = '') END"
        )
        return due

    def release(self, released: Sequence[Release]) -> list[bool]:
        if not released:
            return []
        ordered = sorted(enumerate(released), key=lambda one: one[1].run_id)
        values = [
            binary.texts([one.run_id for _, one in ordered]),
            binary.integers([one.epoch for _, one in ordered]),
            binary.booleans([one.ready for _, one in ordered]),
        ]
        answer = self._repeatedly(lambda: self._connection.call(_RELEASE, values))
        given = [False] * len(released)
        for n in binary.read_integers(answer.get_value(0, 0)):
            given[ordered[n - 1][0]] = True
        if any(one.ready for one in released):
            self._ring((0,))
        return given

    def commit(self, commits: Sequence[Commit]) -> list[bool]:
        won = [False] * len(commits)
        touched: set[int] = set()
        batches = batches_of(commits)
        if len(batches) == 1:
            self._commit(batches[0], won, touched)
        elif batches:
            with self._connection.session() as raw, raw.transaction():
                for batch in batches:
                    self._commit(batch, won, touched)
        self._ring(touched)
        return won

    def _commit(self, batch: Batch, won: list[bool], touched: set[int]) -> None:
        wanted, values = encode(batch, self._at(), self.retention)
        answer = self._connection.call(wanted, values)
        for n in binary.read_integers(answer.get_value(0, 0)):
            won[batch[n - 1][0]] = True
        if wanted is COMMIT:
            touched.update(binary.read_integers(answer.get_value(0, 2)))

    def quarantine(self, run_id: str, reason: str) -> None:
        self._rows(
            "UPDATE perdure.runs SET quarantined = %(why)s, owner = 0, ready = %(why)s = '', "
            "epoch = epoch + 1, deaths = 0, "
            "detail = CASE WHEN %(why)s = '' THEN detail ELSE %(why)s END, "
            "status = CASE WHEN %(why)s = '' OR status IN ('completed', 'failed', 'cancelled') "
            "THEN status ELSE 'parked' END WHERE id = %(run)s",
            {"why": reason, "run": run_id},
        )
        if not reason:
            self._ring((0,))

    def prune(self, policy: PrunePolicy = PrunePolicy()) -> Pruned:  # noqa: B008 - frozen
        with self._connection.session() as raw:
            pruned = loading.prune(raw, policy, self.now())
            if policy.vacuum:
                self._connection.line.since = 0.0  # it takes as long as it takes
                raw.execute(b"SET statement_timeout = 0")
                try:
                    for table in loading.OF_A_RUN:
                        raw.execute(f"VACUUM FULL perdure.{table}".encode())
                    raw.execute(b"VACUUM FULL perdure.runs")
                finally:
                    raw.execute(b"RESET statement_timeout")
        return pruned

    def check(self) -> list[Flaw]:
        there = flaws(
            self._rows, prefix="perdure.", runs="perdure.described", elsewhere="r.arguments = ''"
        )
        return there + [
            Flaw(run_id, f"it counts {counted} rows in its inbox, and there are {found}")
            for run_id, counted, found in self._rows(
                "SELECT id, waiting, found FROM (SELECT r.id, r.waiting, (SELECT count(*) "
                "FROM perdure.inbox i WHERE i.run = r.num) AS found FROM perdure.runs r) counts "
                "WHERE waiting <> found"
            )
        ]

    # -- helpers ---------------------------------------------------------------------------

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


def _claim(row: tuple[Any, ...]) -> Claim:
    run_id, epoch, deaths = row
    return Claim(run_id, epoch, deaths > 0)


def _new_run(new: NewRun, clock: float) -> Run:
    return Run(
        run_id=new.run_id,
        program_name=new.program_name,
        program_hash=new.program_hash,
        parent=new.parent,
        status="ready",
        detail="",
        seq=0,
        epoch=0,
        owner=0,
        wake_at=None,
        created_at=clock,
        updated_at=clock,
    )
