"""Sagas of ten effects that fail at every step, while their workers are killed: money is conserved.

Goal: promises 1 to 3 hold through transactions, groups, compensations and cancellations. See banking.py. More kills:
`python -m tests.faults --none --sagas 500`.
"""

from __future__ import annotations

import pytest
from banking import banking
from hatchery import Hatchery
from sagas import conclude, kill_in_sagas, kill_saga_at_point, start_all
from scenarios import LEASE_S, ONCE_ONLY, POINTS

KILLS = 25


def test_sagas_that_fail_at_every_step_are_undone_and_no_other() -> None:
    with banking() as bank, Hatchery(bank.directory, bank.db, lease_s=LEASE_S) as hatchery:
        start_all(bank)
        assert conclude(bank, hatchery) == []


def test_money_is_conserved_when_workers_on_sqlite_die_in_the_middle_of_sagas() -> None:
    kill_in_sagas(KILLS, store="sqlite").verify()


def test_money_is_conserved_when_workers_on_postgresql_die_in_the_middle_of_sagas(
    postgres_server,
) -> None:
    db = postgres_server.url(postgres_server.create_database())
    kill_in_sagas(KILLS, store="postgresql", db=db).verify()


@pytest.mark.parametrize("point", [p for p in POINTS["sqlite"] if p not in ONCE_ONLY])
def test_money_is_conserved_when_a_worker_dies_in_the_middle_of_sagas_at(point: str) -> None:
    times = 20 + 7 * POINTS["sqlite"].index(point)
    assert kill_saga_at_point(point, times) == []
