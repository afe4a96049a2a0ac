"""Open a store by its URL.

Layer: store. Imports base and the stores; SQLite's only when it is asked for.

    sqlite:PATH     a file, made if it is not there; sqlite:///absolute/path works too
    memory:         nothing that lasts; every call gives a new world
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from perdure.base.errors import CallError
from perdure.store.api import Store
from perdure.store.memory import MemoryStore


def open_store(
    url: str,
    *,
    clock: Callable[[], float] = time.time,
    must_exist: bool = False,
    read_only: bool = False,
) -> Store:
    """Return a handle to the database of a URL.

    Args:
      url: see above.
      clock: the database's clock, for tests.
      must_exist: refuse to make a new database.
      read_only: open it for reading; implies `must_exist`.

    Raises:
      CallError: P303 the URL is none of ours, P304 the file is not there.
      StoreError: the database refused.
    """
    scheme, colon, rest = url.partition(":")
    if scheme == "memory" and colon:
        return MemoryStore(clock=clock)
    if scheme != "sqlite" or not rest:
        raise CallError(
            "P303",
            f"can't open a database by the URL {url!r}",
            hint="use sqlite:PATH, for example sqlite:perdure.db",
        )
    path = rest.removeprefix("//")
    if (must_exist or read_only) and not Path(path).is_file():
        raise CallError(
            "P304", f"there is no database {path}", hint="start a run to make one, or give --db"
        )
    # Imported here: apsw is heavy, and the memory store works without it.
    from perdure.store.sqlite import SqliteStore

    return SqliteStore(path, clock=clock, read_only=read_only)
