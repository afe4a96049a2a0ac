"""The store on SQLite: one file, one machine, any number of processes.

Layer: store. Imports base, and apsw through database.py.
Invariant: every verb is one transaction, and writing ones begin with BEGIN IMMEDIATE, so that a
busy database is met before anything is read that a decision hangs on.
migrations/0001_initial.sql has the map of the tables. apsw keeps prepared statements by their
text: so every statement is a constant string.

Not a pool of connections: a handle is one connection of one thread, and `another()` opens the next.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.store import sqlite_commit
from perdure.store.api import (
    FINAL,
    Claim,
    Commit,
    Entry,
    Flaw,
    InboxRow,
    Lent,
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
from perdure.store.database import as_store_error, connect, lock_directory, translated
from perdure.store.integrity import flaws
from perdure.store.leases import Trust
from perdure.store.lending import Fenced
from perdure.store.owners import OwnerLocks
from perdure.store.refusals import check_same, deadly, taken_for_dead
from perdure.store.sqlite_lending import SqliteLent

_RUN_COLUMNS = (
    "id, name, program, parent, status, detail, seq, epoch, owner, wake_at, "
    "created_at, updated_at, quarantined"
)
_LAST_SNAPSHOT = (
    "SELECT s.payload, s.hash, s.seq, coalesce(l.hash, x'') FROM snapshots s "
    "LEFT JOIN log l ON l.run = s.run AND l.seq = s.seq "
    "WHERE s.run = ? ORDER BY s.seq DESC LIMIT 1"
)
_GET_RUN_AND_DATA = (
    f"SELECT num, arguments, result, {_RUN_COLUMNS} FROM runs "  # noqa: S608 - constants
    "LEFT JOIN run_data ON run = num WHERE id = ?"
)
_GET_RUN = f"SELECT {_RUN_COLUMNS} FROM runs WHERE id = ?"  # noqa: S608 - a constant
_CLAIMABLE = (
    "SELECT num FROM runs "
    "WHERE ready = 1 AND owner = 0 AND quarantined = '' AND deaths = 0 "
    "UNION SELECT num FROM runs "
    "WHERE wake_at <= ? AND owner = 0 AND quarantined = '' AND deaths = 0 LIMIT ?"
)
_SUSPECTS = (
    "SELECT num, deaths FROM runs "
    "WHERE ready = 1 AND owner = 0 AND quarantined = '' AND deaths > 0 "
    "UNION SELECT num, deaths FROM runs "
    "WHERE wake_at <= ? AND owner = 0 AND quarantined = '' AND deaths > 0 LIMIT ?"
)
_QUARANTINE = (
    "UPDATE runs SET quarantined = ?1, owner = 0, ready = (?1 = ''), epoch = epoch + 1, "
    "deaths = 0, detail = CASE WHEN ?1 = '' THEN detail ELSE ?1 END, "
    "status = CASE WHEN ?1 = '' OR status IN ('completed', 'failed', 'cancelled') "
    "THEN status ELSE 'parked' END "
)
_STANDS = "SELECT 1 FROM runs WHERE id = ? AND epoch = ? AND seq = ? AND owner <> 0"
_INBOX = (
    "SELECT num, kind, message_id, sender, payload, at FROM inbox "
    "WHERE run = ? ORDER BY num LIMIT ?"
)


class SqliteStore:
    """A handle to a database file; see store.api for what its methods do.

    Args:
      path: the file; a new or empty one becomes a Perdure database.
      clock: the database's clock. SQLite's own is the machine's, so tests may give another.
      retention: what is kept of runs that go on.
      lease_s: how long an owner lives after its last heartbeat.
      monotonic: by what it is noticed that the clock was set; None for nothing if the clock was given, else the
        machine's.
      read_only: open an existing database for reading.
    """

    poll_s = limits.POLL_S
    overlaps = False
    transacts = True

    def __init__(
        self,
        path: str,
        *,
        clock: Callable[[], float] = time.time,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        lease_s: float = limits.LEASE_S,
        monotonic: Callable[[], float] | None = None,
        read_only: bool = False,
        busy_timeout_ms: int = 10_000,
    ) -> None:
        self.path = path
        self.url = f"sqlite:{os.path.abspath(path)}"
        self.lease_s = lease_s
        if monotonic is None and clock is time.time:
            monotonic = time.monotonic
        self._trust = Trust(lease_s, monotonic)
        self.now = clock
        self.retention = retention
        self._options: dict[str, Any] = {
            "lease_s": lease_s,
            "monotonic": monotonic,
            "read_only": read_only,
            "busy_timeout_ms": busy_timeout_ms,
        }
        self._connection = connect(path, read_only=read_only, busy_timeout_ms=busy_timeout_ms)
        self._connection.create_scalar_function("sha256", _sha256, 1, deterministic=True)
        self._execute: Callable[..., Any] = self._connection.execute
        self._locks = OwnerLocks(lock_directory(path))
        self._owner = 0
        self._lock: int | None = None
        self._inside = False

    def another(self) -> SqliteStore:
        return SqliteStore(self.path, clock=self.now, retention=self.retention, **self._options)

    def close(self) -> None:
        if self._owner:
            self._locks.drop(self._owner, self._lock)
            self._owner, self._lock = 0, None
        with contextlib.suppress(apsw.Error):
            self._connection.close()

    def data_version(self) -> int:
        with translated(self.path):
            return int(self._connection.pragma("data_version"))

    def watch(self, hint: Callable[[], None]) -> None:
        """Do nothing: SQLite can't tell, and asking for the data version costs microseconds."""

    # -- code ------------------------------------------------------------------------------

    def put_program(self, program_hash: str, payload: bytes) -> None:
        with self._transaction():
            self._execute("INSERT OR IGNORE INTO programs VALUES (?, ?)", (program_hash, payload))

    def get_program(self, program_hash: str) -> bytes | None:
        payload: bytes | None = self._one(
            "SELECT payload FROM programs WHERE hash = ?", program_hash
        )
        return payload

    def put_definitions(self, definitions: Mapping[str, bytes]) -> None:
        if not definitions:
            return
        with self._transaction():
            self._connection.executemany(
                "INSERT OR IGNORE INTO definitions VALUES (?, ?)", definitions.items()
            )

    def get_definitions(self, hashes: Iterable[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for one in hashes:
            payload = self._one("SELECT payload FROM definitions WHERE hash = ?", one)
            if payload is not None:
                found[one] = payload
        return found

    def set_name(self, name: str, program_hash: str) -> None:
        with self._transaction():
            self._execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (name, program_hash))

    def get_name(self, name: str) -> str | None:
        program: str | None = self._one("SELECT program FROM names WHERE name = ?", name)
        return program

    # -- runs ------------------------------------------------------------------------------

    def start_runs(self, news: Sequence[NewRun]) -> list[tuple[Run, bool]]:
        with self._transaction():
            now = self.now()
            return [self._start(new, now) for new in news]

    def _start(self, new: NewRun, now: float) -> tuple[Run, bool]:
        made = sqlite_commit.start(self._execute, new, now)
        if not made:
            there = self._execute(
                "SELECT name, arguments FROM runs JOIN run_data ON run = num WHERE id = ?",
                (new.run_id,),
            ).fetchone()
            check_same(new, *there)
        return Run(*self._execute(_GET_RUN, (new.run_id,)).fetchone()), made

    def get_run(self, run_id: str) -> Run | None:
        rows = self._rows(_GET_RUN, run_id)
        return Run(*rows[0]) if rows else None

    def list_runs(self, wanted: RunFilter = RunFilter()) -> list[Run]:  # noqa: B008 - frozen
        where: list[str] = ["1"]
        values: list[Any] = []
        if wanted.statuses:
            where.append(f"status IN ({', '.join('?' * len(wanted.statuses))})")
            values += wanted.statuses
        if wanted.program_name:
            where.append("name = ?")
            values.append(wanted.program_name)
        if wanted.older_than:
            where.append("num < (SELECT num FROM runs WHERE id = ?)")
            values.append(wanted.older_than)
        if wanted.parent:
            where.append("parent = ?")
            values.append(wanted.parent)
        query = (
            f"SELECT {_RUN_COLUMNS} FROM runs "  # noqa: S608 - made of constants
            f"WHERE {' AND '.join(where)} "
            "ORDER BY num DESC LIMIT ?"
        )
        return [Run(*row) for row in self._rows(query, *values, wanted.limit)]

    def counts(self) -> dict[str, int]:
        return dict(self._rows("SELECT status, count(*) FROM runs GROUP BY status"))

    def result(self, run_id: str) -> bytes | None:
        payload: bytes | None = self._one(
            "SELECT result FROM run_data JOIN runs ON num = run WHERE id = ?", run_id
        )
        return payload

    def load(self, run_ids: Sequence[str]) -> list[Loaded]:
        with self._reading():
            return [loaded for one in run_ids if (loaded := self._load(one)) is not None]

    def _load(self, run_id: str) -> Loaded | None:
        row = self._execute(_GET_RUN_AND_DATA, (run_id,)).fetchone()
        if row is None:
            return None
        num, arguments, result, *columns = row
        if arguments is None:
            raise StoreError("P405", f"{self.path} is damaged: run {run_id} has no data")
        run = Run(*columns)
        snapshot, hashed, seq, chain = None, b"", 0, b""
        entries: tuple[Entry, ...] = ()
        if run.seq:
            found = self._execute(_LAST_SNAPSHOT, (num,)).fetchone()
            snapshot, hashed, seq, chain = found or (None, b"", 0, b"")
            entries = tuple(self._entries(num, seq, -1))
        inbox = tuple(self._inbox(num, limits.INBOX_BATCH))
        return Loaded(run, arguments, result, snapshot, hashed, seq, chain, entries, inbox)

    def inbox(
        self, run_ids: Sequence[str], limit: int = limits.INBOX_BATCH
    ) -> dict[str, list[InboxRow]]:
        with self._reading():
            return {run_id: self._inbox(self._num(run_id), limit) for run_id in run_ids}

    def _inbox(self, num: int | None, limit: int) -> list[InboxRow]:
        return [InboxRow(*row) for row in self._execute(_INBOX, (num, limit))]

    def entries(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Entry]:
        with self._reading():
            return self._entries(self._num(run_id), after, limit)

    def _entries(self, num: int | None, after: int, limit: int) -> list[Entry]:
        rows = self._execute(
            "SELECT seq, kind, at, hash, NULL, payload_hash, coalesce(note, '') FROM history "
            "WHERE run = ?1 AND seq > ?2 UNION ALL "
            "SELECT seq, kind, at, hash, payload, x'', coalesce(note, '') FROM log "
            "WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            (num, after, limit),
        )
        return [Entry(*row) for row in rows]

    def outputs(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Output]:
        rows = self._rows(
            "SELECT seq, text FROM outputs WHERE run = (SELECT num FROM runs WHERE id = ?) "
            "AND seq > ? ORDER BY seq LIMIT ?",
            run_id,
            after,
            limit,
        )
        return [Output(*row) for row in rows]

    def log_lines(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[LoggedLine]:
        rows = self._rows(
            "SELECT seq, at, level, message, fields FROM log_lines "
            "WHERE run = (SELECT num FROM runs WHERE id = ?) AND seq > ? ORDER BY num LIMIT ?",
            run_id,
            after,
            limit,
        )
        return [LoggedLine(*row) for row in rows]

    def cursor(self, run_id: str) -> int:
        found = self._one("SELECT cursor FROM run_data JOIN runs ON num = run WHERE id = ?", run_id)
        return found or 0

    def set_cursor(self, run_id: str, seq: int) -> None:
        with self._transaction():
            self._execute(
                "UPDATE run_data SET cursor = ? WHERE run = (SELECT num FROM runs WHERE id = ?)",
                (seq, run_id),
            )

    def send(self, message: Send) -> bool:
        with self._transaction():
            return sqlite_commit.send(self._execute, message, self.now())

    def send_many(self, messages: Sequence[Send]) -> list[bool]:
        with self._transaction():
            now = self.now()
            return [sqlite_commit.send(self._execute, message, now) for message in messages]

    # -- ownership -------------------------------------------------------------------------

    def register_owner(self, name: str) -> int:
        assert not self._owner, "a handle has one owner"
        with self._transaction():
            now = self.now()
            self._execute(
                "INSERT INTO owners (name, started_at, heartbeat) VALUES (?, ?, ?)",
                (name, now, now),
            )
            owner = int(self._connection.last_insert_rowid())
            # Locked before the row is committed, or another worker could take the owner for dead.
            try:
                self._lock = self._locks.take(owner)
            except OSError as error:
                raise StoreError(
                    "P402",
                    f"{self._locks.directory} can't be written ({error.strerror})",
                    hint="check the permissions of the database's folder",
                ) from None
        self._owner = owner
        return owner

    def heartbeat(self, owner: int) -> bool:
        with self._transaction():
            self._execute("UPDATE owners SET heartbeat = ? WHERE num = ?", (self.now(), owner))
            return self._connection.changes() == 1

    def reap_dead_owners(self) -> int:
        dead = self._dead_owners()
        if not dead:
            return 0
        freed = 0
        with self._transaction():
            for owner in self._dead_owners():
                self._execute(
                    "UPDATE runs SET owner = 0, ready = 1, deaths = max(deaths, 1) WHERE owner = ?",
                    (owner,),
                )
                freed += self._connection.changes()
                self._execute("DELETE FROM owners WHERE num = ?", (owner,))
        for owner in dead:
            self._locks.drop(owner)
        return freed

    def _dead_owners(self) -> list[int]:
        now = self.now()
        # A heartbeat from the future is older than the moment in which the clock was set back.
        patience_s = self.lease_s if self._trust.look(now) else math.inf
        return [
            owner
            for owner, heartbeat in self._rows("SELECT num, heartbeat FROM owners")
            if (owner != self._owner and not self._locks.is_held(owner))
            or abs(now - heartbeat) > patience_s
        ]

    def claim(self, owner: int, limit: int) -> list[Claim]:
        now = self.now()
        # Looked at without the write lock first: most polls find nothing.
        if not (self._rows(_CLAIMABLE, now, 1) or self._rows(_SUSPECTS, now, 1)):
            return []
        with self._transaction():
            self._check_owner(owner)
            nums = self._execute(_CLAIMABLE, (now, limit)).fetchall()
            claims = [self._take(num, owner) for (num,) in nums]
            if len(claims) < limit:
                claims += self._try(self._execute(_SUSPECTS, (now, limit)).fetchall(), owner)
            return claims

    def _try(self, suspects: list[tuple[int, int]], owner: int) -> list[Claim]:
        """Take one run on probation, if the owner has none; quarantine those that cost too many
        lives.
        """
        if (
            not suspects
            or self._execute(
                "SELECT 1 FROM runs WHERE owner = ? AND deaths >= ?", (owner, limits.DEATHS_ALONE)
            ).fetchone()
        ):
            return []
        for num, deaths in suspects:
            if deaths < limits.DEATHS_MAX:
                return [self._take(num, owner)]
            self._execute(_QUARANTINE + "WHERE num = ?2", (deadly(deaths), num))
        return []

    def claim_one(self, run_id: str, owner: int) -> Claim | None:
        with self._transaction():
            self._check_owner(owner)
            row = self._execute(
                "SELECT num, epoch, owner, status, quarantined, deaths FROM runs WHERE id = ?",
                (run_id,),
            ).fetchone()
            if row is None or row[3] in FINAL or row[4] or row[2] not in (0, owner):
                return None
            num, epoch, *_, deaths = row
            if row[2] == owner:
                return Claim(run_id, epoch, deaths > 0)
            if not deaths:
                return self._take(num, owner)
            return next(iter(self._try([(num, deaths)], owner)), None)

    def acquit(self, run_id: str, epoch: int) -> None:
        with self._transaction():
            self._execute(
                "UPDATE runs SET deaths = 0 WHERE id = ? AND epoch = ? AND owner <> 0",
                (run_id, epoch),
            )

    def _check_owner(self, owner: int) -> None:
        if not self._execute("SELECT 1 FROM owners WHERE num = ?", (owner,)).fetchone():
            raise taken_for_dead(owner)

    def _take(self, num: int, owner: int) -> Claim:
        # Not ready from now on: the owner looks at the inbox after the claim, and if it dies,
        # `reap` sets it again.
        run_id, epoch, deaths = self._execute(
            "UPDATE runs SET owner = ?, ready = 0, epoch = epoch + 1, "
            "deaths = deaths + (deaths > 0) WHERE num = ? RETURNING id, epoch, deaths",
            (owner, num),
        ).fetchone()
        return Claim(run_id, epoch, deaths > 0)

    def held(self, owner: int) -> list[Claim]:
        rows = self._rows("SELECT id, epoch, deaths > 0 FROM runs WHERE owner = ?", owner)
        return [Claim(run_id, epoch, bool(suspect)) for run_id, epoch, suspect in rows]

    def stirred(self, owner: int) -> list[str]:
        # The unary plus keeps SQLite from walking all the owner's runs: few are ready.
        rows = self._rows("SELECT id FROM runs WHERE ready = 1 AND +owner = ?", owner)
        return [run_id for (run_id,) in rows]

    def next_wake(self) -> float | None:
        if self._rows(
            "SELECT 1 FROM runs WHERE ready = 1 AND owner = 0 AND quarantined = '' LIMIT 1"
        ):
            return 0.0
        due: float | None = self._one(
            "SELECT min(wake_at) FROM runs "
            "WHERE wake_at IS NOT NULL AND owner = 0 AND quarantined = ''"
        )
        return due

    def release(self, released: Sequence[Release]) -> list[bool]:
        if not released:
            return []
        with self._transaction():
            return [self._release(one) for one in released]

    def _release(self, one: Release) -> bool:
        # A death was counted with the claim, but this owner lives.
        self._execute(
            "UPDATE runs SET owner = 0, deaths = deaths - (deaths > 0), "
            "ready = (? OR status = 'ready' OR "
            "EXISTS (SELECT 1 FROM inbox WHERE inbox.run = runs.num)) "
            "WHERE id = ? AND epoch = ? AND owner <> 0",
            (one.ready, one.run_id, one.epoch),
        )
        return self._connection.changes() == 1

    def commit(self, commits: Sequence[Commit]) -> list[bool]:
        # Every turn comes through here: `_transaction`, a generator, would cost as much as a statement.
        connection, retention, execute = self._connection, self.retention, self._execute
        try:
            execute("BEGIN IMMEDIATE")
            now = self.now()
            won = [sqlite_commit.commit(connection, one, now, retention) for one in commits]
            execute("COMMIT")
        except BaseException as error:
            self._undo(error)
            raise
        return won

    def transact(self, run_id: str, epoch: int, seq: int, work: Callable[[Lent], Commit]) -> bool:
        connection = self._connection
        with contextlib.suppress(Fenced), self._transaction():
            self._inside = True
            try:
                here = self._execute(_STANDS, (run_id, epoch, seq)).fetchone()
                if here is None:
                    raise Fenced
                turn = work(SqliteLent(connection, self.path))
                if not sqlite_commit.commit(connection, turn, self.now(), self.retention):
                    raise Fenced
            finally:
                self._inside = False
            return True
        return False

    def compact(self, run_id: str, seq: int, snapshot: bytes, snapshot_hash: bytes) -> bool:
        with self._transaction():
            return sqlite_commit.compact(
                self._execute, run_id, seq, snapshot, snapshot_hash, self.retention
            )

    def quarantine(self, run_id: str, reason: str) -> None:
        with self._transaction():
            self._execute(_QUARANTINE + "WHERE id = ?2", (reason, run_id))

    def prune(self, policy: PrunePolicy = PrunePolicy()) -> Pruned:  # noqa: B008 - frozen
        with self._transaction():
            pruned = sqlite_commit.prune(self._connection, policy, self.now())
        if policy.vacuum:
            with translated(self.path):
                self._execute("VACUUM")
                self._execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return pruned

    def check(self) -> list[Flaw]:
        return flaws(self._rows)

    # -- helpers ---------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._inside:
            yield  # a part of the transaction that `transact` has opened
            return
        execute = self._execute
        try:
            execute("BEGIN IMMEDIATE")
            yield
            execute("COMMIT")
        except BaseException as error:
            self._undo(error)
            raise

    def _undo(self, error: BaseException) -> None:
        """Roll back after an error; raise it as a StoreError if it is SQLite's."""
        # Some errors, a full disk among them, have rolled back already.
        if not self._connection.get_autocommit():
            with contextlib.suppress(apsw.Error):
                self._execute("ROLLBACK")
        if isinstance(error, apsw.Error):
            raise as_store_error(error, self.path) from None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with translated(self.path):
            self._execute("BEGIN")
            try:
                yield
            finally:
                if not self._connection.get_autocommit():
                    self._execute("COMMIT")

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with translated(self.path):
            rows: list[tuple[Any, ...]] = self._execute(query, values).fetchall()
        return rows

    def _one(self, query: str, *values: Any) -> Any:
        rows = self._rows(query, *values)
        return rows[0][0] if rows else None

    def _num(self, run_id: str) -> int | None:
        row = self._execute("SELECT num FROM runs WHERE id = ?", (run_id,)).fetchone()
        return row[0] if row else None


def _sha256(*arguments: Any) -> bytes:
    return hashlib.sha256(arguments[0]).digest()
