"""Faults of what is around workers: clocks that jump, disks that are full, hints that are lost, messages that come twice.

Each function injects one kind and returns a row of the matrix, as those of scenarios.py do.
"""

from __future__ import annotations

import random
import resource
import time

from hatchery import Clock, Hatchery
from mixture import Mixture, send_as
from proxy import Proxy
from scenarios import DEATH_S, Row, conclude, world

from perdure.snapshot import exchange

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
JUMPS_S = (HOUR_S, -HOUR_S, DAY_S, -DAY_S / 2, -DAY_S / 2, 30 * DAY_S, -29 * DAY_S, HOUR_S)
"""Ahead and back, by hours and days; in the end never behind where it began."""
QUIET_S = 0.7


def jump(count, *, store, db=None, seed=1, zone="UTC", begin=None):
    """Let the database's clock jump while two workers work.

    A timer waits by that clock: when it is put back, so are they. So each jump back is followed by one that makes up
    for it, and the runs are seen to come to their end.

    Args:
      count: so often; 0: only time goes by.
      zone: the time zone they live in.
      begin: the time at which the clock begins, in seconds since the epoch; None for now.
    """
    row, began = Row("clock jumps", store), time.monotonic()
    chance, struck = random.Random(seed), []
    with world(db, seed=seed, clock=True) as (mixture, directory):
        clock = Clock(directory / "clock")
        if begin is not None:
            clock.jump(begin - time.time())
        with Hatchery(
            directory, mixture.engine.db, clock=clock, environment={"TZ": zone}
        ) as hatchery:
            workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
            hatchery.await_start(*workers)
            with mixture.flowing():
                highest = clock.ahead_s
                for n in range(count):
                    time.sleep(chance.uniform(0.1, 0.3))
                    by = JUMPS_S[n % len(JUMPS_S)]
                    clock.jump(by)
                    struck.append(time.time())
                    row.injected += 1
                    highest = max(highest, clock.ahead_s)
                time.sleep(QUIET_S)
                clock.jump(highest - clock.ahead_s)
            assert not any(one.ended() for one in workers), hatchery.complaints
            assert "lease lost" not in hatchery.log, hatchery.complaints
            conclude(row, mixture, struck, hatchery, began)
            for run_id, kind in mixture.started.items():
                if kind == "once" and mixture.engine.result(run_id)[1]:
                    row.lost.append(f"{run_id}: in doubt although nobody died")
            return row


def fill_file(count, *, seed=1):
    """Let the file of a SQLite database not grow any more, and then grow again, under a worker at work."""
    row, began = Row("database file can't grow", "sqlite"), time.monotonic()
    struck = []
    with world(None, seed=seed) as (mixture, directory):
        sizes = [directory / "runs.db", directory / "runs.db-wal"]
        with Hatchery(directory, mixture.engine.db) as hatchery:
            mixture.traffic()
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            worker = hatchery.hatch(file_max_bytes=hard)
            hatchery.await_start(worker)
            with mixture.flowing():
                for n in range(1, count + 1):
                    # The limit is the process's; the client, which has none, goes on as if on another machine.
                    full = max(one.stat().st_size for one in sizes if one.exists())
                    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (full // 2, hard))
                    struck.append(time.time())
                    until = time.monotonic() + DEATH_S
                    while hatchery.log.count("store away") < n and time.monotonic() < until:
                        time.sleep(0.02)
                    row.injected += 1
                    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (hard, hard))
                    while hatchery.log.count("store back") < n and time.monotonic() < until:
                        time.sleep(0.02)
                    assert hatchery.log.count("store back") >= n, hatchery.complaints
                assert not worker.ended(), hatchery.complaints
            return conclude(row, mixture, struck, hatchery, began)


def fill_disk(count, *, store, folder, db=None, seed=1):
    """Fill the file system of a database with one large file, and remove it again, under two workers at work.

    Args:
      folder: lies on the database's file system, which has to be a small one.
    """
    row, began = Row("disk full", store), time.monotonic()
    struck = []
    ballast = folder / "ballast"
    with (
        world(db or f"sqlite:{folder}/runs.db", seed=seed) as (mixture, directory),
        Hatchery(directory, mixture.engine.db) as hatchery,
    ):
        workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
        hatchery.await_start(*workers)
        with mixture.flowing():
            for _ in range(count):
                time.sleep(QUIET_S)
                struck.append(time.time())
                before = hatchery.log.count("store away"), mixture.insisted
                until = time.monotonic() + DEATH_S
                while (hatchery.log.count("store away"), mixture.insisted) == before:
                    assert time.monotonic() < until, hatchery.complaints
                    _fill(ballast)
                    time.sleep(0.02)
                time.sleep(QUIET_S)
                ballast.unlink()
                row.injected += 1
            assert not any(one.ended() for one in workers), hatchery.complaints
        row.remarks.append(f"workers waited {hatchery.log.count('store away')} times")
        return conclude(row, mixture, struck, hatchery, began)


def _fill(file):
    with file.open("ab", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(65536))
        except OSError:
            pass
        try:
            while True:
                ballast.write(bytes(512))
        except OSError:
            pass


def lose_hints(*, server, seed=1):
    """Let no NOTIFY get through to workers: what they hear of is what they look for."""
    row, began = Row("NOTIFY lost", "postgresql"), time.monotonic()
    db = server.url(server.create_database())
    with (
        Proxy(server.port, deaf=True) as proxy,
        world(db, seed=seed, rounds=6) as (mixture, directory),
        Hatchery(directory, proxy.url(db)) as hatchery,
    ):
        workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
        hatchery.await_start(*workers)
        with mixture.flowing():
            while proxy.swallowed < 20:
                time.sleep(0.05)
                assert time.monotonic() - began < DEATH_S * 2, proxy.swallowed
        row.injected = proxy.swallowed
        for one in workers:
            one.kill()
        return conclude(row, mixture, [], hatchery, began)


def disorder(count, *, store, db=None, seed=1):
    """Send messages twice and in any order, the same ids from several senders, while a worker takes them."""
    row, began = Row("messages doubled and reordered", store), time.monotonic()
    chance = random.Random(seed)
    senders = ["", "a", "b"]
    with (
        world(db, seed=seed, rounds=len(senders) * count, kinds=()) as (mixture, directory),
        Hatchery(directory, mixture.engine.db) as hatchery,
    ):
        receiver = _mailbox(mixture)
        letters = [(sender, n) for sender in senders for n in range(count)] * 2
        chance.shuffle(letters)
        worker = hatchery.hatch()
        hatchery.await_start(worker)
        taken = []
        for sender, n in letters:
            payload = exchange.dump_value(senders.index(sender) * count + n)
            if send_as(mixture.engine.store, sender, receiver, f"m{n}", payload):
                taken.append(senders.index(sender) * count + n)
        row.injected = len(letters) - len(taken)
        conclude(row, mixture, [], hatchery, began)
        # The audit expects the order of the numbers; what is right here is the order in which they were taken.
        got = mixture.engine.result(receiver)
        row.lost = [f"{n} was not received" for n in taken if n not in got]
        row.doubled = [] if got == taken else [f"received {got}, acknowledged {taken}"]
        return row


def _mailbox(mixture: Mixture):
    mixture._programs["mail"] = mixture.engine.compile(mixture.directory / "mail.scm")
    mixture._start("mail", "mail-1", [mixture.rounds])
    # Whoever sends does it from outside of the mixture's own traffic.
    mixture._sent["mail-1"] = mixture.rounds
    return "mail-1"
