"""An empty store for each case, and how large it is afterwards; looked at from the harness's own process.

Bytes are measured alike for all engines: used pages of a SQLite file once its log is copied back, tables with indexes and what is
stored out of line in PostgreSQL after VACUUM, files of an engine with a store of its own.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

DATABASE = f"perdure_benchmark_{secrets.token_hex(4)}"
"""Of this process alone: another one may measure on the same server."""
_RELATIONS = (
    "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
)


class Place:
    """Where a case keeps what it stores: an empty folder, and an empty database if it wants PostgreSQL.

    Args:
      kind: "sqlite", "postgres" or "own".
      folder: is emptied.
      server: the URL of a database of the PostgreSQL server; the case gets one of its own beside it.
    """

    def __init__(self, kind: str, folder: Path, server: str) -> None:
        self.kind = kind
        self.folder = folder
        self._server = server
        self.url = f"{server.rpartition('/')[0]}/{DATABASE}" if kind == "postgres" else ""

    def __enter__(self) -> Self:
        self._remove()
        self.folder.mkdir(parents=True)
        if self.url:
            with _connected(self._server) as execute:
                execute(f'CREATE DATABASE "{DATABASE}"')
                # What the databases before left to be written must not be written now.
                execute("CHECKPOINT")
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.url:
            with _connected(self._server) as execute:
                pattern = DATABASE.replace("_", r"\_") + "%"
                query = "SELECT datname FROM pg_database WHERE datname LIKE %s"
                for (name,) in execute(query, (pattern,)).fetchall():
                    execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def bytes(self) -> int:
        """Return how much is stored now."""
        if self.url:
            with _connected(self.url) as execute:
                execute("VACUUM")
                return int(execute(_RELATIONS).fetchall()[0][0])
        if self.kind == "sqlite":
            with _opened(self.folder / "store.db") as execute:
                execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                ((pages,),) = execute("PRAGMA page_count")
                ((free,),) = execute("PRAGMA freelist_count")
                ((size,),) = execute("PRAGMA page_size")
                return int((pages - free) * size)
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    def count(self, query: str) -> int:
        """Return the number that a query finds."""
        with _connected(self.url) if self.url else _opened(self.folder / "store.db") as execute:
            return int(execute(query).fetchall()[0][0])


@contextlib.contextmanager
def _connected(url: str) -> Iterator[Any]:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        yield connection.execute


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Any]:
    import apsw

    connection = apsw.Connection(str(file))
    connection.set_busy_timeout(10_000)
    try:
        yield connection.execute
    finally:
        connection.close()
