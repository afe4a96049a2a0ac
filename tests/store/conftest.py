"""Every test of this folder that asks for `store` runs on every store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from turns import Clock

from perdure.store.api import Retention, Store
from perdure.store.memory import MemoryStore
from perdure.store.postgres import PostgresStore
from perdure.store.sqlite import SqliteStore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite", "postgres", "pooled"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    retention = Retention(headers=5, output_bytes=10, log_lines=3, small_bytes=0)
    made: Store
    if request.param == "memory":
        made = MemoryStore(clock=clock, retention=retention)
    elif request.param in ("postgres", "pooled"):
        url = request.getfixturevalue(f"{request.param}_url")
        made = PostgresStore(url, clock=clock, retention=retention)
    else:
        made = SqliteStore(str(tmp_path / "runs.db"), clock=clock, retention=retention)
    yield made
    made.close()
