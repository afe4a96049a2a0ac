"""Open a SQLite database as one of ours: pragmas, identity, migrations, and SQLite's errors in our
words.

Layer: store. Imports base; the only file but sqlite.py that imports apsw.
Invariant: a connection that leaves `connect` is to a Perdure database of this release's schema, in
WAL mode with synchronous=FULL: a commit that returned survives a power cut.

apsw, not the standard library's sqlite3: that one is linked to the system's SQLite, which before
3.51.3 can lose commits in WAL mode with two connections, and it wraps transactions in rules of its
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from perdure.base.errors import StoreError

APPLICATION_ID: Final = 0x50657244
"""In the file's header: `file` and `connect` know by it that a database is Perdure's."""
SCHEMA_VERSION: Final = 3
"""How many migrations there are."""
BUSY_TIMEOUT_MS: Final = 10_000
CACHE_KIB: Final = 16 * 1024
WAL_PAGES: Final = 1_000
"""The log is copied back when it has so many pages (4 MiB). Whoever opens a database after a crash
reads the whole log first: 4,000 pages cost 15 ms at every such start and saved nothing measurable.
"""


def connect(
    path: str, *, read_only: bool = False, busy_timeout_ms: int = BUSY_TIMEOUT_MS
) -> apsw.Connection:
    """Return a connection to a Perdure database; a new or empty file becomes one.

    Raises:
      StoreError: P404 it is something else, P406 it is of a later release, or as `translated` says.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    if read_only:
        flags = apsw.SQLITE_OPEN_READONLY
    with translated(path):
        connection = apsw.Connection(path, flags=flags)
        try:
            connection.set_busy_timeout(busy_timeout_ms)
            _identify(connection, path, read_only=read_only)
        except BaseException:
            connection.close()
            raise
    return connection


def _identify(connection: apsw.Connection, path: str, *, read_only: bool) -> None:
    application = connection.pragma("application_id")
    version = connection.pragma("user_version")
    if application != APPLICATION_ID:
        tables = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
        if tables or application or read_only:
            raise StoreError(
                "P404",
                f"{path} is not a Perdure database" + (" (it is empty)" if not tables else ""),
                hint="give the right --db, or a path where no file is",
            )
    latest = SCHEMA_VERSION
    if version > latest:
        raise StoreError(
            "P406",
            f"{path} has schema version {version}, this release knows up to {latest}",
            hint="use the release of perdure that wrote it, or a later one",
        )
    connection.pragma("synchronous", "FULL")
    connection.pragma("cache_size", -CACHE_KIB)
    connection.pragma("temp_store", "MEMORY")
    connection.pragma("wal_autocheckpoint", WAL_PAGES)
    if version < latest and not read_only:
        connection.pragma("journal_mode", "WAL")
        _migrate(connection)
    elif not read_only and connection.pragma("journal_mode") != "wal":
        connection.pragma("journal_mode", "WAL")


def migrations() -> list[str]:
    """Return the SQL of all migrations, in order; the n-th (from 1) makes schema version n."""
    found = sorted((Path(__file__).parent / "migrations").glob("*.sql"))
    return [one.read_text(encoding="utf-8") for one in found]


def migrate(path: str) -> tuple[int, int]:
    """Bring a file to this release's schema, making it if need be; return its version before and after.

    Raises:
      StoreError: as `connect` does.
    """
    before = 0
    if Path(path).is_file():
        with translated(path):
            older = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
            before = older.pragma("user_version")
            older.close()
    connect(path).close()
    return before, SCHEMA_VERSION


def _migrate(connection: apsw.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again under the lock: another process may have been first.
        version = connection.pragma("user_version")
        for number, sql in enumerate(migrations()[version:], version + 1):
            connection.execute(sql).fetchall()
            connection.pragma("user_version", number)
        connection.pragma("application_id", APPLICATION_ID)
        connection.execute("COMMIT")
    except BaseException:
        if not connection.get_autocommit():
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn SQLite's errors into StoreError with a code, the file and what to do."""
    try:
        yield
    except apsw.Error as error:
        raise as_store_error(error, path) from None
    except UnicodeDecodeError:
        raise StoreError(
            "P405", f"{path} is damaged (text that is not UTF-8)", hint=_RESTORE
        ) from None


_RESTORE: Final = "restore it from a backup; nothing was changed"


def as_store_error(error: apsw.Error, path: str) -> StoreError:
    """Return what an error of SQLite means to a user."""
    detail = str(error) or type(error).__name__
    for classes, code, says, hint in _MEANINGS:
        if isinstance(error, classes):
            return StoreError(code, f"{path} {says} ({detail})", hint=hint)
    return StoreError("P407", f"{path}: {detail}", hint="check the disk and the file system")


_MEANINGS: Final = (
    (
        (apsw.BusyError, apsw.LockedError),
        "P401",
        "is locked by another process",
        "close the program that holds it, for example a database browser, and try again",
    ),
    (
        (apsw.ReadOnlyError, apsw.PermissionsError),
        "P402",
        "can't be written",
        "check the permissions of the file and of its folder",
    ),
    (
        (apsw.FullError,),
        "P403",
        "can't grow: the disk is full",
        "free some space; nothing was lost",
    ),
    (
        (apsw.NotADBError,),
        "P404",
        "is not a Perdure database",
        "give the right --db, or a path where no file is",
    ),
    (
        (apsw.CorruptError,),
        "P405",
        "is damaged",
        _RESTORE,
    ),
    (
        (apsw.CantOpenError,),
        "P408",
        "can't be opened",
        "check that the folder exists and that you may write there",
    ),
)


def lock_directory(path: str) -> Path:
    """Return the folder of owner locks beside a database."""
    return Path(f"{path}-locks")
