"""A simulated process with one worker: the engine's own scheduler, driven as the worker's loop drives it.

Layer: testing. Imports engine, base, and the rest of the simulation.
Invariant: once it is dead, no call of the store and no effect of it takes place. While it hangs, nothing of it happens;
then it goes on as if no time had passed: that is what fences are for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.engine.committing import Answer, Committer, Here
from perdure.engine.scheduler import Options, Scheduler
from perdure.store.api import Commit
from perdure.testing.simulation.executor import SimulatedExecutor
from perdure.testing.simulation.store import SimulatedStore

if TYPE_CHECKING:
    from perdure.testing.simulation.world import World

TICK_S = 0.0001
"""How far time moves when a worker looks at its clock: so whatever is bounded by time ends."""

RESTART_S = 5.0
"""How long it takes at most until there is another process in place of one that ended."""


class Killed(BaseException):
    """The process died in the middle of something."""


class SimulatedAside:
    """Carries commits beside the rounds of a worker: other things happen before, and before the answer comes."""

    def __init__(self, worker: SimulatedWorker, store: SimulatedStore) -> None:
        self._worker = worker
        self._store = store
        self._here = Here(lambda: store)

    def carry(self, commits: Sequence[Commit], answer: Answer) -> None:
        later = self._later(answer)
        self._worker.after(self._delay(), lambda: self._here.carry(commits, later))

    def read_back(self, commits: Sequence[Commit], answer: Answer) -> None:
        later = self._later(answer)
        self._worker.after(self._delay(), lambda: self._here.read_back(commits, later))

    def close(self) -> None:
        self._store.close()

    def _later(self, answer: Answer) -> Answer:
        return lambda outcome: self._worker.after(self._delay(), lambda: answer(outcome))

    def _delay(self) -> float:
        return self._worker.world.chance.choice((0.0, 0.001, 0.02, 0.5))


class SimulatedWorker:
    """One process.

    Args:
      world: where it lives.
      name: of the process.
    """

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self.over = False
        self._enlisted = False
        self._hung_at = float("-inf")
        self._acting = False
        self._deferred: list[Callable[[], None]] = []
        self.hung_until = 0.0
        self.handles: list[SimulatedStore] = []
        self._steps_to_death = world.draw_steps(world.faults.steps_to_death)
        self._steps_to_hang = world.draw_steps(world.faults.steps_to_hang)
        self._round_wanted = 0
        self._generation = 0
        self.scheduler: Scheduler
        self.after(0.0, self._begin)

    # -- life and death --------------------------------------------------------------------------

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later, if the process lives; when it hangs, as soon as it goes on."""
        self.world.timeline.after(seconds, lambda: self._act(action))

    def _act(self, action: Callable[[], None]) -> None:
        world = self.world
        if self.over:
            return
        if self._acting:
            self._deferred.append(action)
            return
        if self.hung_until > world.timeline.now:
            self.after(self.hung_until - world.timeline.now, action)
            return
        self._acting = True
        try:
            action()
        except Killed:
            assert self.dead, "it is killed by `die`"
        except StoreError as error:
            if self.dead:
                return
            world.note(self.name, f"ends: {error.code}")
            slept = world.timeline.now - self._hung_at < 2 * limits.OUTAGE_S
            if self._enlisted and not slept and not world.was_away():
                world.violated(f"{self.name} did not wait for the store: {error}", error)
            self._end()
        except Exception as error:  # noqa: BLE001 - the engine may raise nothing else
            if self.dead:
                return
            world.violated(f"{self.name}: {type(error).__name__}: {error}", error)
            self.die("bug")
        finally:
            self._acting = False
            deferred, self._deferred = self._deferred, []
            for one in deferred:
                self.after(0.0, one)

    def step(self, where: str, *, evaluating: bool = False) -> None:
        """Pass a point where the process may die or hang. Raises Killed."""
        self.check_alive()
        if self.world.calm:
            return
        self._steps_to_death -= 1
        if self._steps_to_death == 0:
            self.die(where)
            raise Killed
        self._steps_to_hang -= 1
        if self._steps_to_hang <= 0 and not evaluating:
            self._steps_to_hang = self.world.draw_steps(self.world.faults.steps_to_hang)
            self.hang_inside(where)

    def hang_inside(self, where: str) -> None:
        """Hang in the middle of a step, unless another process does so already. Raises Killed."""
        if not self.world.timeline.depth:
            self.hang(where)
            self.wait(self.hung_until - self.world.timeline.now)

    def wait(self, seconds: float) -> None:
        """Let time pass in the middle of a step: others go on meanwhile. Raises Killed."""
        timeline = self.world.timeline
        self.hung_until = max(self.hung_until, timeline.now + seconds)
        timeline.pass_time(seconds)
        self.check_alive()

    def check_alive(self) -> None:
        """Raise Killed if the process is dead."""
        if self.dead:
            raise Killed

    def hang(self, where: str = "between two steps") -> None:
        """Do nothing for a while that may be longer than the lease."""
        seconds = self.world.chance.choice((0.5, 5.0, 29.0, 31.0, 31.0, 70.0))
        self.world.note(self.name, f"hangs for {seconds:g} s: {where}")
        self._hung_at = self.world.timeline.now
        self.hung_until = max(self.hung_until, self._hung_at + seconds)

    def die(self, where: str = "between two steps") -> None:
        """End at once, in the middle of whatever it does."""
        if self.over:
            return
        self.world.note(self.name, f"dies: {where}")
        self.dead = self.over = True
        # Its lock may outlive it for a while, behind a pooler say: then only the lease tells.
        if self.world.calm or self.world.chance.random() < 0.7:
            self.bury()
        self.world.restart(self)

    def bury(self) -> None:
        """Let the database see that the process is gone."""
        for handle in self.handles:
            handle.close()

    def drain(self) -> None:
        """Ask the worker to end."""
        self.world.note(self.name, "is asked to end")
        self.scheduler.drain(self.world.chance.choice((0.0, 3.0, 30.0)))

    def _end(self) -> None:
        """Give everything back, as far as that works, and be no more."""
        try:
            self.scheduler.leave()
        except StoreError as error:
            self.world.note(self.name, f"leaves in disorder: {error.code}")
        except Killed:
            pass  # that was quicker
        if self.over:
            return
        self.over = True
        self.bury()
        self.world.restart(self)

    # -- the loop --------------------------------------------------------------------------------

    def _begin(self) -> None:
        world = self.world
        first = SimulatedStore(world, world.database.another(), self)
        self.handles.append(first)
        aside = SimulatedAside(self, first.another()) if world.faults.aside else None
        self.scheduler = Scheduler(
            first,
            world.programs,
            Options(name=self.name, runs_max=world.faults.runs_max),
            executor=SimulatedExecutor(self),
            committer=Committer(Here(lambda: self._store), aside, self._later),
            monotonic=self._monotonic,
            wake=self._soon,
            enlisted=self._enlist,
            chance=world.chance.random,
        )
        self.scheduler.enlist()
        self._enlisted = True
        self._soon()

    @property
    def _store(self) -> SimulatedStore:
        store = self.scheduler.owned.store
        assert isinstance(store, SimulatedStore)
        return store

    def _monotonic(self) -> float:
        timeline = self.world.timeline
        timeline.now += TICK_S
        return timeline.now

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self.after(seconds, action)

    def _nudge(self) -> None:
        self.scheduler.owned.notice()
        self._soon()

    def _soon(self) -> None:
        self._have_round(0.0)

    def _have_round(self, seconds: float) -> None:
        """Have a round after so many seconds, and none before that was wanted later."""
        self._round_wanted += 1
        mine = self._round_wanted
        delay = seconds + self.world.chance.uniform(0.0, 0.002)
        self.after(delay, lambda: self._round() if mine == self._round_wanted else None)

    def _round(self) -> None:
        wanted = self._round_wanted
        pause = self.scheduler.round()
        if self.dead:
            return
        if self.scheduler.over:
            self._end()
        elif self._round_wanted == wanted:
            self._have_round(pause)

    def _enlist(self) -> None:
        self._store.watch(self._nudge)
        handle, owner = self._store.another(), self.scheduler.owned.owner
        self._generation += 1
        generation = self._generation

        def beat() -> None:
            if generation != self._generation:
                return
            try:
                alive = handle.heartbeat(owner)
            except StoreError:
                alive = True
            if not alive:
                self._lost()
                return
            self.after(limits.LEASE_S / 3, beat)

        self.after(limits.LEASE_S / 3, beat)

    def _lost(self) -> None:
        self.world.note(self.name, "was taken for dead, and begins anew")
        self.scheduler.lost()
