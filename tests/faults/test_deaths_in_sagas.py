"""Sagas of ten effects that fail at every step, while their workers are killed: money is conserved.

Goal: promises 1 to 3 hold through transactions, groups, compensations and cancellations. See banking.py.

PERDURE_KILLS sets the number of kills (default 12).
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from banking import STEPS, banking
from hatchery import Hatchery
from scenarios import LEASE_S, ONCE_ONLY, POINTS

KILLS = int(os.environ.get("PERDURE_KILLS", "12"))
DEATH_S = 30.0
BUSY = 8
"""When fewer sagas than these are under way, more are started."""
STORES = ("sqlite", "postgresql")


@pytest.fixture(params=STORES)
def db(request: pytest.FixtureRequest) -> str | None:
    """The URL of a database; None for a SQLite file beside the programs."""
    if request.param == "sqlite":
        return None
    server = request.getfixturevalue("postgres_server")
    return server.url(server.create_database())


def start_all(bank, kinds=("saga", "shared")):
    """Start of each kind a saga that fails at no step, and one for each step that it fails at."""
    return [bank.start(kind, fail_at) for kind in kinds for fail_at in (0, *STEPS)]


def conclude(bank, hatchery):
    """Let all sagas come to their end with a worker that nobody disturbs, and audit the bank."""
    worker = hatchery.hatch(name="last")
    assert bank.finish() == []
    worker.signal(signal.SIGTERM)
    assert worker.ended(DEATH_S), hatchery.complaints
    assert "ended with an error" not in hatchery.log, hatchery.complaints
    assert bank.audit() == []


def kill_often(bank, hatchery, chance, *, start, meanwhile=lambda: None):
    """Kill one of two workers again and again, while sagas are under way: `start` starts more of them."""
    start()
    workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
    hatchery.await_start(*workers)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.02, 0.2))
        if len(bank.unfinished()) < BUSY:
            start()
        meanwhile()
        victim = chance.randrange(2)
        workers[victim].kill()
        workers[victim] = hatchery.hatch(name=f"w{victim}")
    for one in workers:
        one.kill()


def test_money_is_conserved_when_sagas_fail_at_every_step_and_workers_die(db):
    with banking(db) as bank, Hatchery(bank.directory, bank.db, lease_s=LEASE_S) as hatchery:
        kill_often(bank, hatchery, random.Random(1), start=lambda: start_all(bank))
        conclude(bank, hatchery)


def test_a_group_takes_the_money_once_when_its_second_operation_fails_and_workers_die(db):
    with banking(db) as bank, Hatchery(bank.directory, bank.db, lease_s=LEASE_S) as hatchery:
        start = lambda: [bank.start("group") for _ in range(20)]  # noqa: E731
        kill_often(bank, hatchery, random.Random(2), start=start)
        conclude(bank, hatchery)


def test_sagas_that_are_cancelled_while_workers_die_are_whole_or_undone(db):
    chance = random.Random(3)
    with banking(db) as bank, Hatchery(bank.directory, bank.db, lease_s=LEASE_S) as hatchery:

        def cancel_some():
            going = bank.unfinished()
            for run_id in chance.sample(going, min(4, len(going))):
                bank.engine.cancel(run_id, "somebody has changed his mind")

        start = lambda: [bank.start("stopped") for _ in range(12)]  # noqa: E731
        kill_often(bank, hatchery, chance, start=start, meanwhile=cancel_some)
        conclude(bank, hatchery)
        stati = {bank.engine.find(run_id).status for run_id in bank.started}
        assert "cancelled" in stati, stati


@pytest.mark.parametrize("point", [p for p in POINTS["sqlite"] if p not in ONCE_ONLY])
def test_money_is_conserved_when_a_worker_dies_in_the_middle_of_sagas_at(point: str) -> None:
    times = 20 + 7 * POINTS["sqlite"].index(point)
    with banking() as bank, Hatchery(bank.directory, bank.db, lease_s=LEASE_S) as hatchery:
        start_all(bank)
        victim = hatchery.hatch(crash_at=f"{point}:{times}", name="victim")
        until = time.monotonic() + DEATH_S
        while not victim.ended(0.02) and bank.unfinished() and time.monotonic() < until:
            pass
        if not victim.ended():
            victim.kill()
        conclude(bank, hatchery)
