"""A worker is killed at every named point of a turn's way to the database; another one goes on from there.

Goal: promises 1 to 3, whatever the point of death. Method: see scenarios.kill_at_point. The full set of times is tried
by `python -m tests.faults --points 6`.
"""

from __future__ import annotations

import pytest
from scenarios import ONCE_ONLY, POINTS, kill_at_point


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("point", POINTS["sqlite"])
def test_nothing_is_lost_or_doubled_when_a_worker_on_sqlite_dies_at(point: str, times: int) -> None:
    kill_at_point(point, 1 if point in ONCE_ONLY else times, store="sqlite", seed=times).verify()


@pytest.mark.parametrize("point", POINTS["postgresql"])
def test_nothing_is_lost_or_doubled_when_a_worker_on_postgresql_dies_at(
    postgres_server, point: str
) -> None:
    db = postgres_server.url(postgres_server.create_database())
    times = 1 if point in ONCE_ONLY else 3
    kill_at_point(point, times, store="postgresql", db=db).verify()
