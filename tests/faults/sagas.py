"""Faults in the middle of sagas: one of two workers is killed again and again, while sagas fail, are cancelled and undone.

Each function returns a row of the matrix, as those of scenarios.py do; the audit is that of banking.py.
"""

from __future__ import annotations

import random
import signal
import time

from banking import STEPS, banking
from hatchery import Hatchery
from scenarios import DEATH_S, LEASE_S, Row

BUSY = 12
"""When fewer sagas than these are under way, more are started."""


def start_all(bank, kinds=("saga", "shared")):
    """Start of each kind a saga that fails at no step, and one for each step that it fails at."""
    return [bank.start(kind, fail_at) for kind in kinds for fail_at in (0, *STEPS)]


def start_more(bank, chance):
    """Start some of every kind."""
    for kind in ("saga", "shared"):
        for _ in range(4):
            bank.start(kind, chance.choice((0, *STEPS)))
    for kind in ("stopped", "group"):
        for _ in range(4):
            bank.start(kind)


def conclude(bank, hatchery):
    """Let all sagas come to their end with a worker that nobody disturbs; return what is wrong, in words."""
    worker = hatchery.hatch(name="last")
    left = bank.finish()
    worker.signal(signal.SIGTERM)
    assert worker.ended(DEATH_S), f"a worker did not end:\n{hatchery.complaints}"
    assert "ended with an error" not in hatchery.log, hatchery.complaints
    return [f"{run_id}: has not ended" for run_id in left] + bank.audit()


def kill_in_sagas(count, *, store, db=None, seed=1):
    """Kill one of two workers with SIGKILL at random moments, while sagas of all kinds go on and some are cancelled."""
    row, began = Row("SIGKILL in sagas", store), time.monotonic()
    chance = random.Random(seed)
    with (
        banking(db) as bank,
        Hatchery(bank.directory, bank.db, lease_s=LEASE_S) as hatchery,
    ):
        start_more(bank, chance)
        workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
        hatchery.await_start(*workers)
        for _ in range(count):
            time.sleep(chance.uniform(0.02, 0.2))
            _disturb(bank, chance)
            victim = chance.randrange(2)
            assert not workers[victim].ended(), hatchery.complaints
            workers[victim].kill()
            workers[victim] = hatchery.hatch(name=f"w{victim}")
            row.injected += 1
        for one in workers:
            one.kill()
        row.lost = conclude(bank, hatchery)
        row.runs, row.effects = len(bank.started), bank.movements()
        row.seconds = time.monotonic() - began
        ends = bank.ends()
        row.remarks.append(", ".join(f"{n} {how}" for how, n in sorted(ends.items())))
    return row


def _disturb(bank, chance):
    """Start more sagas if there are few, and cancel some of those that may be."""
    going = bank.unfinished()
    if len(going) < BUSY:
        start_more(bank, chance)
    stoppable = [run_id for run_id in going if bank.started[run_id][0] == "stopped"]
    for run_id in chance.sample(stoppable, min(2, len(stoppable))):
        bank.engine.cancel(run_id, "somebody has changed his mind")


def kill_saga_at_point(point, times):
    """Kill a worker on SQLite when it comes to a named point for the n-th time, in the middle of sagas; return what is wrong."""
    with banking() as bank, Hatchery(bank.directory, bank.db, lease_s=LEASE_S) as hatchery:
        start_all(bank)
        victim = hatchery.hatch(crash_at=f"{point}:{times}", name="victim")
        until = time.monotonic() + DEATH_S
        while not victim.ended(0.02) and bank.unfinished() and time.monotonic() < until:
            pass
        if not victim.ended():
            victim.kill()
        return conclude(bank, hatchery)
