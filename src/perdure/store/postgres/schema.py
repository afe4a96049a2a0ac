"""Make and change the tables of a database.

Layer: store. Imports base, connection.py, psycopg.
Invariant: one migration runs at a time, under an advisory lock, in one transaction: a database is at one
version or at another, never between two.

A new database is set up at its first use, as with SQLite. An older one is not changed by a worker: others
may still work with it, so somebody has to say `perdure db migrate`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import psycopg

from perdure.base.errors import CallError, StoreError
from perdure.store.postgres.connection import Target, parse_url, translated

SCHEMA_VERSION: Final = 1
"""How many migrations there are."""
_LOCK: Final = 1348825158
_FOLDER: Final = Path(__file__).parent


def migrations() -> list[str]:
    """Return the SQL of all migrations, in order; the n-th (from 1) makes schema version n."""
    found = sorted((_FOLDER / "migrations").glob("*.sql"))
    return [one.read_text(encoding="utf-8") for one in found]


def version_of(raw: psycopg.Connection[Any]) -> int | None:
    """Return a database's schema version, or None if it has no schema of ours."""
    row = raw.execute(
        b"SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'perdure'"
    ).fetchone()
    if row is None:
        return None
    name, _, number = (row[0] or "").rpartition(" ")
    return int(number) if name == "Perdure schema version" and number.isdigit() else 0


def require(raw: psycopg.Connection[Any], target: Target, *, must_exist: bool) -> None:
    """Let a connection pass if its database has this release's schema; an empty one gets it.

    Raises:
      CallError: P304, `must_exist`, and the database has no runs of ours.
      StoreError: P404 the schema `perdure` is somebody else's, P406 it is of a later release,
        P410 it is of an earlier one.
    """
    version = version_of(raw)
    if version == SCHEMA_VERSION:
        return
    if version is None:
        if must_exist or target.read_only:
            raise CallError(
                "P304",
                f"{target.shown} has no Perdure tables",
                hint="start a run or `perdure db migrate` to make them, or give another --db",
            )
        migrate(raw, target)
        return
    _refuse_other(version, target)
    raise StoreError(
        "P410",
        f"{target.shown} has schema version {version}, this release needs {SCHEMA_VERSION}",
        hint="stop the workers and run `perdure db migrate`",
    )


def _refuse_other(version: int, target: Target) -> None:
    if version == 0:
        raise StoreError(
            "P404",
            f"{target.shown} has a schema perdure that is not ours",
            hint="use another database",
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            "P406",
            f"{target.shown} has schema version {version}, this release knows up to "
            f"{SCHEMA_VERSION}",
            hint="use the release of perdure that wrote it, or a later one",
        )


def migrate(raw: psycopg.Connection[Any], target: Target) -> tuple[int, int]:
    """Bring a database to this release's schema; return its version before and after."""
    with raw.transaction():
        raw.execute(f"SELECT pg_advisory_xact_lock({_LOCK})".encode())
        # Read under the lock: another process may have been first.
        version = version_of(raw)
        if version is not None:
            _refuse_other(version, target)
        before = version or 0
        if before == SCHEMA_VERSION:
            return before, before
        raw.execute(b"SET LOCAL statement_timeout = 0")
        if version is None:
            raw.execute(b"CREATE SCHEMA perdure")
        else:
            _drop_functions(raw)
        for sql in migrations()[before:]:
            raw.execute(sql.encode())
        raw.execute((_FOLDER / "functions.sql").read_bytes())
        comment = f"COMMENT ON SCHEMA perdure IS 'Perdure schema version {SCHEMA_VERSION}'"
        raw.execute(comment.encode())
    return before, SCHEMA_VERSION


def migrate_url(url: str) -> tuple[int, int]:
    """Bring the database of a URL to this release's schema; return its version before and after.

    Raises:
      StoreError: it can't be opened, is of a later release, or is somebody else's.
    """
    target = parse_url(url)
    with translated(target), psycopg.connect(target.conninfo, autocommit=True) as raw:
        return migrate(raw, target)


def _drop_functions(raw: psycopg.Connection[Any]) -> None:
    """Remove the verbs of another version: a changed signature would stand beside the old one."""
    for (one,) in raw.execute(
        b"SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'perdure'::regnamespace"
    ).fetchall():
        raw.execute(f"DROP FUNCTION {one}".encode())
