"""The faults: each function injects one kind, so many times, and returns a row of the matrix.

Every row is audited before it is returned (mixture.py); `Row.verify` fails if anything was lost or doubled.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from hatchery import IN_TRANSACTION, Hatchery
from mixture import KINDS, Mixture
from proxy import CLIENTS, COMMITS, Proxy

from perdure.engine import faults

LEASE_S = 1.0
CUT_LEASE_S = 5.0
"""A silent connection holds its owner's lock in the server until the server gives it up, so that only the lease ends."""
DEATH_S = 20.0

COMMON = [p for p in faults.POINTS if not p.startswith("transaction-")]
"""Transactional effects have tests of their own: test_deaths_in_transactions.py."""
POINTS = {
    "sqlite": [p for p in COMMON if not p.endswith("-aside")] + [IN_TRANSACTION],
    "postgresql": COMMON,
}
"""SQLite's commits are carried in the worker's own thread."""
ONCE_ONLY = frozenset({"reaped", "before-release", "releasing", "released"})
"""Points that one worker comes to once: when it takes over and when it ends."""


@dataclass
class Row:
    """A line of the matrix."""

    fault: str
    store: str
    injected: int = 0
    runs: int = 0
    effects: int = 0
    lost: list = field(default_factory=list)
    doubled: list = field(default_factory=list)
    recoveries: list = field(default_factory=list)
    remarks: list = field(default_factory=list)
    seconds: float = 0.0

    def with_more(self, other):
        """Return the sum of two rows of the same fault."""
        fields = (
            "injected",
            "runs",
            "effects",
            "lost",
            "doubled",
            "recoveries",
            "remarks",
            "seconds",
        )
        sums = {name: getattr(self, name) + getattr(other, name) for name in fields}
        return replace(self, **sums)

    def verify(self):
        """Return this row. Raises AssertionError: something was lost or doubled, or nothing was injected."""
        assert self.injected, self.remarks
        assert not self.lost, self.lost
        assert not self.doubled, self.doubled
        return self


@contextmanager
def world(db, **options):
    """Give a mixture in a directory of its own, on a database."""
    # A process that beats for a worker ends by itself when that is gone, and has the database open until then.
    with tempfile.TemporaryDirectory(
        prefix="perdure-faults-", ignore_cleanup_errors=True
    ) as directory:
        mixture = Mixture(directory, db or f"sqlite:{directory}/runs.db", **options)
        try:
            yield mixture, Path(directory)
        finally:
            mixture.close()


def conclude(row, mixture, struck, hatchery, began):
    """Let all runs come to their end with one worker that nobody disturbs, and fill in the row."""
    worker = hatchery.hatch(name="last")
    unfinished = mixture.finish()
    worker.signal(signal.SIGTERM)
    assert worker.ended(DEATH_S), f"a worker did not end:\n{hatchery.complaints}"
    row.lost, row.doubled = mixture.audit()
    row.lost += [f"{run_id}: has not ended" for run_id in unfinished]
    row.runs = len(mixture.started)
    row.effects = len(mixture.ledger())
    row.recoveries += mixture.recoveries(struck)
    row.seconds = time.monotonic() - began
    if mixture.revived:
        row.remarks.append(f"{mixture.revived} runs parked for their workers' deaths, and retried")
    assert "ended with an error" not in hatchery.log, hatchery.complaints
    return row


def kill_at_point(point, times, *, store, db=None, seed=1):
    """Kill a worker when it comes to a named point for the n-th time; another one goes on."""
    row, began = Row(f"SIGKILL at {point}", store), time.monotonic()
    # PostgreSQL's commits are carried in the worker's own thread when a run is alone.
    kinds = ("sequence",) if point.endswith("-here") else KINDS
    with (
        world(db, seed=seed, rounds=8, kinds=kinds) as (mixture, directory),
        Hatchery(directory, mixture.engine.db, lease_s=LEASE_S, chain_max=4) as hatchery,
    ):
        mixture.traffic()
        if point == "reaped":
            first = hatchery.hatch(crash_at="effect-started:3")
            assert first.ended(DEATH_S)
        victim = hatchery.hatch(crash_at=f"{point}:{times}", name="victim")
        if point in ("before-release", "releasing", "released"):
            hatchery.await_start(victim)
            victim.signal(signal.SIGTERM)
        until = time.monotonic() + DEATH_S
        while not victim.ended(0.01) and time.monotonic() < until:
            mixture.traffic()
        if not victim.ended():
            row.remarks.append(f"{point}:{times} was not reached")
            victim.kill()
        else:
            row.injected = 1
        return conclude(row, mixture, [time.time()], hatchery, began)


def kill(count, *, store, db=None, seed=1, between_s=(0.1, 0.4)):
    """Kill one of two workers with SIGKILL at a random moment, again and again."""
    row, began = Row("SIGKILL at random", store), time.monotonic()
    chance, struck = random.Random(seed), []
    with (
        world(db, seed=seed) as (mixture, directory),
        Hatchery(directory, mixture.engine.db) as hatchery,
    ):
        workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
        hatchery.await_start(*workers)
        with mixture.flowing():
            for _ in range(count):
                time.sleep(chance.uniform(*between_s))
                victim = chance.randrange(2)
                assert not workers[victim].ended(), hatchery.complaints
                struck.append(time.time())
                workers[victim].kill()
                workers[victim] = hatchery.hatch(name=f"w{victim}")
                row.injected += 1
        return conclude(row, mixture, struck, hatchery, began)


def stop(count, *, store, db=None, seed=1):
    """Stop one of two workers past its lease, so that the other one takes its runs, and let it go on."""
    row, began = Row("SIGSTOP past the lease", store), time.monotonic()
    chance, struck = random.Random(seed), []
    with (
        world(db, seed=seed) as (mixture, directory),
        Hatchery(directory, mixture.engine.db, lease_s=LEASE_S, own_process=True) as hatchery,
    ):
        workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
        hatchery.await_start(*workers)
        with mixture.flowing():
            for _ in range(count):
                time.sleep(chance.uniform(0.1, 0.4))
                victim = workers[chance.randrange(2)]
                struck.append(time.time())
                victim.stop()
                time.sleep(LEASE_S + chance.uniform(0.2, 0.8))
                victim.cont()
                row.injected += 1
            assert not any(one.ended() for one in workers), hatchery.complaints
        return conclude(row, mixture, struck, hatchery, began)


def restart(count, *, server, seed=1):
    """Kill PostgreSQL with all its processes and start it again; workers go on by themselves."""
    row, began = Row("server killed and restarted", "postgresql"), time.monotonic()
    chance, struck = random.Random(seed), []
    db = server.url(server.create_database())
    with (
        world(db, seed=seed) as (mixture, directory),
        Hatchery(directory, db) as hatchery,
    ):
        workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
        hatchery.await_start(*workers)
        with mixture.flowing():
            for _ in range(count):
                time.sleep(chance.uniform(0.5, 2.0))
                struck.append(time.time())
                server.restart(kill=True)
                row.injected += 1
            assert not any(one.ended() for one in workers), hatchery.complaints
        row.remarks.append(f"the client asked again {mixture.insisted} times")
        for one in workers:
            one.kill()
        return conclude(row, mixture, struck, hatchery, began)


def cut(count, *, where, server, seed=1, verbs=COMMITS, every=12, silence_s=None):
    """Cut connections at commits.

    Args:
      where: one of the proxy's words.
      verbs: of workers, or of clients.
      every: one of so many is cut.
      silence_s: how long a worker waits for an answer, if not as long as by default.
    """
    limits = {"SILENCE_S": silence_s} if silence_s else {}
    kind = "commit" if verbs is COMMITS else "start or message"
    row, began = Row(f"connection {where} a {kind}", "postgresql"), time.monotonic()
    chance = random.Random(seed)

    def decide():
        return where if len(proxy.done) < count and chance.random() < 1 / every else ""

    db = server.url(server.create_database())
    with Proxy(server.port, verbs=verbs, decide=decide) as proxy:
        ours, theirs = (db, proxy.url(db)) if verbs is COMMITS else (proxy.url(db), db)
        with (
            world(ours, seed=seed) as (mixture, directory),
            Hatchery(directory, theirs, lease_s=CUT_LEASE_S, limits=limits) as hatchery,
        ):
            workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
            hatchery.await_start(*workers)
            with mixture.flowing():
                until = time.monotonic() + 60 + count
                while len(proxy.done) < count and time.monotonic() < until:
                    assert mixture.failed is None
                    time.sleep(0.05)
                assert not any(one.ended() for one in workers), hatchery.complaints
            row.injected = len(proxy.done)
            for one in workers:
                one.kill()
            return conclude(row, mixture, [at for at, _ in proxy.done], hatchery, began)


def cut_clients(count, *, where, server, seed=1):
    """Cut the client's connection at its starts and messages."""
    return cut(count, where=where, server=server, seed=seed, verbs=CLIENTS, every=3)
