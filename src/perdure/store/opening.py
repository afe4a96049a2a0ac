"""Open a store by its URL.

Layer: store. Imports base and the stores; SQLite's and PostgreSQL's only when they are asked for.

    sqlite:PATH     a file, made if it is not there; sqlite:///absolute/path works too
    postgresql://USER@HOST:PORT/DATABASE
                    a database on a PostgreSQL server; its tables are made if they are not there
    memory:         nothing that lasts; every call gives a new world
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perdure.base import limits
from perdure.base.errors import CallError
from perdure.store.api import Store
from perdure.store.memory import MemoryStore


def open_store(
    url: str,
    *,
    clock: Callable[[], float] | None = None,
    must_exist: bool = False,
    read_only: bool = False,
    lease_s: float = limits.LEASE_S,
    monotonic: Callable[[], float] | None = None,
) -> Store:
    """Return a handle to the database of a URL.

    Args:
      url: see above.
      clock: instead of the database's own clock, for tests.
      must_exist: refuse to make a new database.
      read_only: open it for reading; implies `must_exist`.
      lease_s: how long a worker lives after its last heartbeat; the same for all of a database.
      monotonic: by what it is noticed that the clock was set; None for nothing if the clock was given, else the
        machine's.

    Raises:
      CallError: P303 the URL is none of ours, P304 the file or what it needs is not there.
      StoreError: the database refused.
    """
    scheme, colon, rest = url.partition(":")
    if scheme == "memory" and colon:
        return MemoryStore(clock=clock or time.time, lease_s=lease_s)
    if scheme in ("postgresql", "postgres") and rest.startswith("//"):
        return _open_postgres(
            f"postgresql:{rest}",
            clock=clock,
            must_exist=must_exist or read_only,
            read_only=read_only,
            lease_s=lease_s,
            monotonic=monotonic,
        )
    if scheme != "sqlite" or not rest:
        raise CallError(
            "P303",
            f"can't open a database by the URL {url!r}",
            hint="use sqlite:PATH, for example sqlite:perdure.db, or postgresql://USER@HOST/DATABASE",
        )
    path = rest.removeprefix("//")
    if (must_exist or read_only) and not Path(path).is_file():
        raise CallError(
            "P304", f"there is no database {path}", hint="start a run to make one, or give --db"
        )
    # Imported here: apsw is heavy, and the memory store works without it.
    from perdure.store.sqlite import SqliteStore

    return SqliteStore(
        path,
        clock=clock or time.time,
        read_only=read_only,
        lease_s=lease_s,
        monotonic=monotonic,
    )


def migrate(url: str) -> tuple[int, int]:
    """Bring the database of a URL to this release's schema; return its version before and after, 0 for none.

    Raises:
      CallError, StoreError: as `open_store` does.
    """
    scheme, _, rest = url.partition(":")
    if scheme in ("postgresql", "postgres") and rest.startswith("//"):
        with _psycopg():
            from perdure.store.postgres.schema import migrate_url
        return migrate_url(f"postgresql:{rest}")
    if scheme == "sqlite" and rest:
        from perdure.store.database import migrate as migrate_file

        return migrate_file(rest.removeprefix("//"))
    raise CallError("P303", f"can't migrate a database by the URL {url!r}")


@contextmanager
def _psycopg() -> Iterator[None]:
    """Say what to install if the import inside fails for want of it."""
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("psycopg", "psycopg_binary"):
            raise
        raise CallError(
            "P304",
            f"a database on PostgreSQL needs psycopg ({error})",
            hint="pip install 'perdure[postgres]'",
        ) from None


def _open_postgres(url: str, **options: Any) -> Store:
    # Imported here: psycopg takes longer to load than all of Perdure, and not everybody has it.
    with _psycopg():
        from perdure.store.postgres import PostgresStore
    return PostgresStore(url, **options)
