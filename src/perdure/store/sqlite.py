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
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

from perdure.base import limits
from perdure.base.errors import CallError, StoreError
from perdure.store import sqlite_commit
from perdure.store.api import (
    FINAL,
    Claim,
    Commit,
    Entry,
    InboxRow,
    Loaded,
    LoggedLine,
    NewRun,
    Output,
    Pruned,
    PrunePolicy,
    Retention,
    Run,
    RunFilter,
    Send,
)
from perdure.store.database import as_store_error, connect, lock_directory, translated
from perdure.store.owners import OwnerLocks

_RUN_COLUMNS = (
    "id, name, program, parent, status, detail, seq, epoch, owner, wake_at, "
    "created_at, updated_at, quarantined"
)
_GET_RUN = f"SELECT {_RUN_COLUMNS} FROM runs WHERE id = ?"  # noqa: S608 - a constant
_CLAIMABLE = (
    "SELECT num FROM runs WHERE ready = 1 AND owner = 0 AND quarantined = '' "
    "UNION SELECT num FROM runs WHERE wake_at <= ? AND owner = 0 AND quarantined = '' LIMIT ?"
)


class SqliteStore:
    """A handle to a database file; see store.api for what its methods do.

    Args:
      path: the file; a new or empty one becomes a Perdure database.
      clock: the database's clock. SQLite's own is the machine's, so tests may give another.
      retention: what is kept of runs that go on.
      read_only: open an existing database for reading.
    """

    def __init__(
        self,
        path: str,
        *,
        clock: Callable[[], float] = time.time,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        read_only: bool = False,
        busy_timeout_ms: int = 10_000,
    ) -> None:
        self.path = path
        self.now = clock
        self.retention = retention
        self._options: dict[str, Any] = {"read_only": read_only, "busy_timeout_ms": busy_timeout_ms}
        self._connection = connect(path, read_only=read_only, busy_timeout_ms=busy_timeout_ms)
        self._connection.create_scalar_function("sha256", _sha256, 1, deterministic=True)
        self._execute: Callable[..., Any] = self._connection.execute
        self._locks = OwnerLocks(lock_directory(path))
        self._owner = 0
        self._lock: int | None = None

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

    def start_run(self, new: NewRun) -> tuple[Run, bool]:
        with self._transaction():
            made = sqlite_commit.start(self._execute, new, self.now())
            if not made:
                name, arguments = self._execute(
                    "SELECT name, arguments FROM runs JOIN run_data ON run = num WHERE id = ?",
                    (new.run_id,),
                ).fetchone()
                if name != new.program_name or bytes(arguments) != new.arguments:
                    differs = "program" if name != new.program_name else "arguments"
                    raise CallError(
                        "P302",
                        f"run {new.run_id} exists already with another {differs} ({name})",
                        hint="give another --id, or the same program and arguments",
                    )
            run = Run(*self._execute(_GET_RUN, (new.run_id,)).fetchone())
        return run, made

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

    def load(self, run_id: str) -> Loaded | None:
        with self._reading():
            row = self._execute(_GET_RUN, (run_id,)).fetchone()
            if row is None:
                return None
            run = Run(*row)
            num = self._num(run_id)
            data = self._execute(
                "SELECT arguments, result FROM run_data WHERE run = ?", (num,)
            ).fetchone()
            if data is None:
                raise StoreError("P405", f"{self.path} is damaged: run {run_id} has no data")
            arguments, result = data
            snapshot = self._execute(
                "SELECT s.payload, s.hash, s.seq, l.hash FROM snapshots s LEFT JOIN log l "
                "ON l.run = s.run AND l.seq = s.seq WHERE s.run = ? ORDER BY s.seq DESC LIMIT 1",
                (num,),
            ).fetchone() or (None, b"", 0, b"")
            entries = self._entries(num, snapshot[2], -1)
        return Loaded(
            run, arguments, result, snapshot[0], snapshot[1], snapshot[2], snapshot[3] or b"",
            tuple(entries),
        )  # fmt: skip

    def inbox(self, run_id: str, limit: int = 10_000) -> list[InboxRow]:
        rows = self._rows(
            "SELECT num, kind, message_id, sender, payload, at FROM inbox "
            "WHERE run = (SELECT num FROM runs WHERE id = ?) ORDER BY num LIMIT ?",
            run_id,
            limit,
        )
        return [InboxRow(*row) for row in rows]

    def entries(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Entry]:
        with self._reading():
            return self._entries(self._num(run_id), after, limit)

    def _entries(self, num: int | None, after: int, limit: int) -> list[Entry]:
        rows = self._execute(
            "SELECT seq, kind, at, hash, payload, coalesce(payload_hash, x''), coalesce(note, '') "
            "FROM log WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?",
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
                self._execute("UPDATE runs SET owner = 0, ready = 1 WHERE owner = ?", (owner,))
                freed += self._connection.changes()
                self._execute("DELETE FROM owners WHERE num = ?", (owner,))
        for owner in dead:
            self._locks.drop(owner)
        return freed

    def _dead_owners(self) -> list[int]:
        expired = self.now() - limits.LEASE_S
        return [
            owner
            for owner, heartbeat in self._rows("SELECT num, heartbeat FROM owners")
            if (owner != self._owner and not self._locks.is_held(owner)) or heartbeat < expired
        ]

    def claim(self, owner: int, limit: int) -> list[Claim]:
        now = self.now()
        # Looked at without the write lock first: most polls find nothing.
        if not self._rows(_CLAIMABLE, now, 1):
            return []
        with self._transaction():
            self._check_owner(owner)
            nums = self._execute(_CLAIMABLE, (now, limit)).fetchall()
            return [self._take(num, owner) for (num,) in nums]

    def claim_one(self, run_id: str, owner: int) -> Claim | None:
        with self._transaction():
            self._check_owner(owner)
            row = self._execute(
                "SELECT num, epoch, owner, status, quarantined FROM runs WHERE id = ?", (run_id,)
            ).fetchone()
            if row is None or row[3] in FINAL or row[4] or row[2] not in (0, owner):
                return None
            return Claim(run_id, row[1]) if row[2] == owner else self._take(row[0], owner)

    def _check_owner(self, owner: int) -> None:
        if not self._execute("SELECT 1 FROM owners WHERE num = ?", (owner,)).fetchone():
            raise StoreError(
                "P409",
                f"worker {owner} was taken for dead: its lease of {limits.LEASE_S:g} s ran out",
                hint="register again",
            )

    def _take(self, num: int, owner: int) -> Claim:
        # Not ready from now on: the owner looks at the inbox after the claim, and if it dies,
        # `reap` sets it again.
        return Claim(
            *self._execute(
                "UPDATE runs SET owner = ?, ready = 0, epoch = epoch + 1 WHERE num = ? "
                "RETURNING id, epoch",
                (owner, num),
            ).fetchone()
        )

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

    def release(self, run_id: str, epoch: int, *, ready: bool = False) -> bool:
        with self._transaction():
            self._execute(
                "UPDATE runs SET owner = 0, ready = (? OR status = 'ready' OR "
                "EXISTS (SELECT 1 FROM inbox WHERE inbox.run = runs.num)) "
                "WHERE id = ? AND epoch = ? AND owner <> 0",
                (ready, run_id, epoch),
            )
            return self._connection.changes() == 1

    def commit(self, commits: Sequence[Commit]) -> list[bool]:
        with self._transaction():
            now = self.now()
            return [
                sqlite_commit.commit(self._connection, one, now, self.retention) for one in commits
            ]

    def quarantine(self, run_id: str, reason: str) -> None:
        with self._transaction():
            self._execute(
                "UPDATE runs SET quarantined = ?, owner = 0, ready = ?, epoch = epoch + 1, "
                "status = CASE WHEN ? = '' OR status IN ('completed', 'failed', 'cancelled') "
                "THEN status ELSE 'parked' END, detail = CASE WHEN ? = '' THEN detail ELSE ? END "
                "WHERE id = ?",
                (reason, int(not reason), reason, reason, reason, run_id),
            )

    def prune(self, policy: PrunePolicy = PrunePolicy()) -> Pruned:  # noqa: B008 - frozen
        with self._transaction():
            pruned = sqlite_commit.prune(self._connection, policy, self.now())
        if policy.vacuum:
            with translated(self.path):
                self._execute("VACUUM")
                self._execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return pruned

    # -- helpers ---------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        execute = self._execute
        try:
            execute("BEGIN IMMEDIATE")
            yield
            execute("COMMIT")
        except BaseException as error:
            # Some errors, a full disk among them, have rolled back already.
            if not self._connection.get_autocommit():
                with contextlib.suppress(apsw.Error):
                    execute("ROLLBACK")
            if isinstance(error, apsw.Error):
                raise as_store_error(error, self.path) from None
            raise

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
