"""A worker is killed at every named point of a turn's way to the database; another one goes on from there.

Goal: promises 1 to 3, whatever the point of death. Method: see scenarios.kill_at_point. The full set of times is tried
by `python -m tests.faults --points 6`.
"""

from __future__ import annotations

import pytest
from scenarios import ONCE_ONLY, POINTS, kill_at_point


def times_of(point: str, store: str) -> int:
    """Return at which time to die: the 1st to the 4th, another one for each point and store."""
    number = POINTS[store].index(point) + (store == "postgresql")
    return 1 if point in ONCE_ONLY else 1 + number % 4


@pytest.mark.parametrize("point", POINTS["sqlite"])
def test_nothing_is_lost_or_doubled_when_a_worker_on_sqlite_dies_at(point: str) -> None:
    kill_at_point(point, times_of(point, "sqlite"), store="sqlite").verify()


@pytest.mark.parametrize("point", POINTS["postgresql"])
def test_nothing_is_lost_or_doubled_when_a_worker_on_postgresql_dies_at(
    postgres_server, point: str
) -> None:
    db = postgres_server.url(postgres_server.create_database())
    kill_at_point(point, times_of(point, "postgresql"), store="postgresql", db=db).verify()
