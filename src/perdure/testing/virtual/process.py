"""The simulated process of a test's world: the engine's own scheduler on a store in memory, and its death.

Layer: testing. Imports engine, store, machine.watchdog, base, and its neighbours.
Invariant: it does what a worker does, with the world's clock, executor and store; what a killed one had in memory is gone.
Turns are cut by the number of tests of the watchdog's flag and never by time, so that a test's turns are the same each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from perdure.base import limits
from perdure.base.errors import QuotaError
from perdure.engine.committing import Committer, Here
from perdure.engine.journal import LOGGER
from perdure.engine.loading import Programs
from perdure.engine.scheduler import Options, Scheduler
from perdure.machine import watchdog
from perdure.store.api import Commit, Lent, Retention, Store
from perdure.store.memory import MemoryStore
from perdure.testing.virtual.kills import AFTER_COMMIT, BEFORE_COMMIT, Killed, Point
from perdure.testing.virtual.lending import WorldLent
from perdure.testing.virtual.performing import Performing

if TYPE_CHECKING:
    from perdure.testing.virtual.world import World

CUT_COST = 500
"""A turn that was cut counts for so many: a loop that never waits must not keep a test waiting for long."""


class WorldStore(MemoryStore):
    """A handle of a world's database that a simulated process commits with."""

    transacts = True

    def __init__(self, database: MemoryStore, world: World) -> None:
        super().__init__(
            clock=database.now,
            retention=Retention(),
            lease_s=math.inf,
            world=database._world,
        )
        self._test = world

    def another(self) -> WorldStore:
        return WorldStore(self, self._test)

    def commit(self, commits: Sequence[Commit]) -> list[bool]:
        self._reached(BEFORE_COMMIT, commits, doubtful=self._performing.doubtful)
        won = super().commit(commits)
        self._settled(commits)
        return won

    def transact(self, run_id: str, epoch: int, seq: int, work: Callable[[Lent], Commit]) -> bool:
        """Commit a turn with what its transactional effect has written with the connection that the test gave."""
        run, lent = self.get_run(run_id), WorldLent(self._test.connection)
        if run is None or run.epoch != epoch or run.seq != seq or not run.owner:
            return False
        try:
            commit = work(lent)
            if self._performing.doomed:
                raise Killed
            self._reached(BEFORE_COMMIT, [commit], doubtful=self._performing.doubtful)
        except BaseException:
            lent.rollback()
            raise
        (won,) = super().commit([commit])
        assert won, "one process at a time has its turn"
        lent.commit()
        self._settled([commit])
        return won

    @property
    def _performing(self) -> Performing:
        process = self._test.process
        assert process is not None, "only a process commits"
        return process.performing

    def _settled(self, commits: Sequence[Commit]) -> None:
        """Note that turns are durable. Raises Killed, QuotaError."""
        test, performing = self._test, self._performing
        test.count_turns(sum(CUT_COST if "pre-empted" in c.note else 1 for c in commits))
        performing.committed([commit.run_id for commit in commits])
        doubtful = performing.doubtful or performing.promised
        performing.promised = False
        self._reached(AFTER_COMMIT, commits, doubtful=doubtful)

    def _reached(self, kind: str, commits: Sequence[Commit], *, doubtful: bool) -> None:
        """Come to a point where the process may die. Raises Killed."""
        names = " and ".join(f"turn {c.seq} of {c.run_id} ({c.note})" for c in commits)
        when = "before" if kind == BEFORE_COMMIT else "after"
        point = Point(
            kind,
            f"{when} the commit of {names}",
            (kind, *((commit.run_id, commit.seq) for commit in commits)),
            "",
            doubtful,
            self._test.deaths,
        )
        if self._test.dies_at(point):
            raise Killed


class Process:
    """One worker.

    Args:
      world: where it lives.
      database: a handle of the world's database.
      programs: the toolchain of the worlds.
    """

    def __init__(self, world: World, database: MemoryStore, programs: Programs) -> None:
        self.performing = Performing(world)
        self._store: Store = WorldStore(database, world)
        self._wanted = False
        self.scheduler = Scheduler(
            self._store,
            programs,
            Options(name="test"),
            executor=self.performing,
            committer=Committer(Here(lambda: self.scheduler.owned.store), None, _never),
            monotonic=database.now,
            wake=self._wake,
            enlisted=_nothing,
            observer=world.committed,
            chance=_no_chance,
        )
        self._store.watch(self.scheduler.owned.notice)
        self.scheduler.enlist()

    def round(self) -> None:
        """Do what can be done at this time, effects apart. Raises Killed."""
        scheduler = self.scheduler
        scheduler.owned.notice()
        with watchdog.counted(lambda: limits.TEST_TURN_POLLS):
            self._wanted = True
            while self._wanted:
                self._wanted = False
                if scheduler.round() <= 0:
                    self._wanted = True

    def _wake(self) -> None:
        self._wanted = True

    @property
    def next_alarm(self) -> float | None:
        """When something is due in a run that it has in memory, or that lies in the database."""
        alarms = [live.next_alarm() for live in self.scheduler.owned.live.values()]
        alarms += [self._store.next_wake(), self.performing.next_end]
        now = self._store.now()
        return min((when for when in alarms if when is not None and when > now), default=None)

    def die(self) -> None:
        """Be gone at once; the database sees it."""
        self.performing.die()
        self._store.close()


@contextmanager
def untold() -> Iterator[None]:
    """Log nothing: a test has asked for the deaths and errors that a worker would tell of, and sees them itself."""
    before, LOGGER.disabled = LOGGER.disabled, True
    try:
        yield
    finally:
        LOGGER.disabled = before


def check_turns(turns: int, most: int) -> None:
    """Raise QuotaError if a world has taken too many turns."""
    if turns > most:
        raise QuotaError(
            "P602",
            f"the world took {most} turns and did not come to rest",
            hint="a program that never ends is tested with advance(...), which lets so much time pass",
        )


def _never(seconds: float, action: object) -> None:
    raise AssertionError(f"a store in memory is never away, but {action} waits for {seconds} s")


def _no_chance() -> float:
    """Return the share of their jitter that retries get: none, so that a test knows when they come."""
    return 0.0


def _nothing() -> None:
    """Nobody has to be told."""
