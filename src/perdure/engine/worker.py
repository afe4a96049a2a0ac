"""A worker: one thread that owns runs, takes their turns, commits them and performs their effects.

Layer: engine. Imports store.api, base and its neighbours.
Invariant: evaluation, commits and async effects happen in this one thread, on one asyncio loop; a sequential effect costs
one transaction and no change of thread. Whatever else may happen to a run, the others go on.

One round: look for work from outside → take the turns of runs that are ready → commit them in one transaction →
start their effects → sleep until something happens, if nothing is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from perdure.base import limits
from perdure.base.errors import PerdureError, SnapshotError, StoreError
from perdure.engine import faults, inbox
from perdure.engine.effects import Again, Succeeded, decide
from perdure.engine.executor import Call, Ended, Executor
from perdure.engine.heartbeat import Heartbeat
from perdure.engine.live import LiveRun
from perdure.engine.loading import Programs
from perdure.engine.python_modules import Function
from perdure.engine.turns import Start, Taken, TurnTaker
from perdure.machine.machine import Machine
from perdure.machine.turn import Raised, Returned
from perdure.store.api import (
    FINAL,
    Claim,
    Commit,
    InboxRow,
    Loaded,
    Release,
    RunFilter,
    Store,
)

Observer = Callable[[Commit], None]


class Worker:
    """Executes runs until it is told to stop.

    Args:
      store: a handle of its own; the worker closes it.
      programs: the toolchain and the programs of this process.
      name: what owners of runs are called in the database.
      only: execute these runs and what they start, or None for every run that is ready.
      until_idle: stop when there is nothing to do but to wait.
      stress: save and restore the whole run wherever it can be stopped.
      observer: called in the worker's thread with every commit that became durable.
    """

    def __init__(
        self,
        store: Store,
        programs: Programs,
        *,
        name: str = "worker",
        only: Iterable[str] | None = None,
        until_idle: bool = False,
        stress: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self._stress = stress
        self._store = store
        self._programs = programs
        self._name = name
        self._wanted: dict[str, None] | None = None if only is None else dict.fromkeys(only)
        self._until_idle = until_idle
        self._observer = observer
        self._live: dict[str, LiveRun] = {}
        self._ready: dict[str, None] = {}
        self._trial: str | None = None  # a run on probation, before its first turn
        self._alarms: list[tuple[float, str]] = []
        self._changed = True
        self._version = -1
        self._next_look = 0.0
        self._next_reap = 0.0
        self._next_wake: float | None = 0.0
        self._drain_until: float | None = None
        self._wanted_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._finished = threading.Event()
        self.error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._wake: asyncio.Event
        self._executor: Executor
        self._heartbeat: Heartbeat
        self._owner = 0

    # -- from any thread -------------------------------------------------------------------

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="perdure-worker", daemon=True)
        self._thread.start()
        self._started.wait()

    def stop(self, drain_s: float = 0.0) -> None:
        """Ask the worker to end; started effects that are not idempotent may take that long to finish."""
        self._from_outside(lambda: self._begin_drain(drain_s))

    def nudge(self) -> None:
        """Say that there may be new work in the database."""
        self._from_outside(self._notice)

    def want(self, run_id: str) -> None:
        """Add a run to those that are executed; of no effect for a worker that executes all."""
        with self._wanted_lock:
            if self._wanted is not None:
                self._wanted[run_id] = None
        self.nudge()

    def machine(self, run_id: str) -> Machine | None:
        """Return the machine of a run that this worker has, to be looked at between turns: while EVALUATOR is held."""
        live = self._live.get(run_id)
        return None if live is None else live.machine

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; return whether it has come."""
        return self._finished.wait(timeout)

    @property
    def alive(self) -> bool:
        """Whether the worker still works."""
        return self._started.is_set() and not self._finished.is_set()

    def _from_outside(self, action: Callable[[], None]) -> None:
        if not self.alive:
            return
        # The loop may be closed between the question and the call: then the worker has ended.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(action)

    # -- the thread ------------------------------------------------------------------------

    def run(self) -> None:
        """Work in the calling thread until the end; `error` has what went wrong."""
        try:
            # Not asyncio.run: in the main thread that would take over SIGINT, and at the end it waits for tasks
            # for ever, also for an effect that ignores its cancellation.
            self._loop = asyncio.new_event_loop()
            try:
                self._loop.run_until_complete(self._main())
                self._loop.run_until_complete(_settle_tasks())
            finally:
                self._loop.close()
        except BaseException as error:  # noqa: BLE001 - it is handed to whoever waits
            self.error = error
        finally:
            self._finished.set()
            self._started.set()

    async def _main(self) -> None:
        self._wake = asyncio.Event()
        self._executor = Executor(self._loop)
        self._enlist()
        self._started.set()
        yielded = time.monotonic()
        try:
            while True:
                now = self._store.now()
                self._look(now)
                self._ring(now)
                batch = self._take_batch(now)
                if batch:
                    await self._commit(batch)
                    # Effects that wait want the loop, and so does whoever calls `stop`, now and then.
                    if self._executor.running or time.monotonic() - yielded > limits.YIELD_S:
                        await asyncio.sleep(0)
                        yielded = time.monotonic()
                    continue
                if self._ready and self._drain_until is None:
                    await asyncio.sleep(0)
                    continue
                if self._over():
                    break
                await self._rest(now)
        finally:
            self._leave()

    def _enlist(self) -> None:
        self._owner = self._store.register_owner(self._name)
        self._taker = TurnTaker(self._store, self._room, self._programs, stress=self._stress)
        self._heartbeat = Heartbeat(
            self._store.another(), self._owner, lambda: self._from_outside(self._lost)
        )
        self._heartbeat.start()

    def _leave(self) -> None:
        faults.reached("before-release")
        for live in list(self._live.values()):
            self._release(live)
        self._executor.close()
        self._heartbeat.stop()
        self._store.close()

    def _over(self) -> bool:
        """Return whether the worker is done: drained, or idle if that is the end."""
        if self._drain_until is not None:
            for live in list(self._live.values()):
                if not self._must_finish(live):
                    self._release(live)
            return not self._live or time.monotonic() >= self._drain_until
        if not self._until_idle or self._changed:
            return False
        busy = any(
            live.calls or live.pending for live in self._live.values() if live.status != "parked"
        )
        return not busy and (self._wanted is not None or self._store.next_wake() != 0.0)

    async def _rest(self, now: float) -> None:
        """Sleep until an effect ends, a timer is due, or it is time to look again."""
        pause = self._store.poll_s
        if self._alarms:
            pause = min(pause, self._alarms[0][0] - now)
        if pause > 0:
            handle = self._loop.call_later(pause, self._wake.set)
            await self._wake.wait()
            handle.cancel()
        else:
            await asyncio.sleep(0)
        self._wake.clear()

    # -- work from outside -----------------------------------------------------------------

    def _notice(self) -> None:
        self._changed = True
        self._next_look = 0.0
        self._wake.set()

    def _look(self, now: float) -> None:
        """Claim runs and read inboxes, if anything may have changed."""
        moment = time.monotonic()
        if moment < self._next_look and not self._changed:
            return
        self._next_look = moment + self._store.poll_s
        if self._drain_until is not None:
            return
        if moment >= self._next_reap:
            self._next_reap = moment + limits.REAP_S
            if self._store.reap_dead_owners():
                self._changed = True
        version = self._store.data_version()
        changed = self._changed or version != self._version
        self._version = version
        self._changed = False
        if changed:
            for run_id, rows in self._store.inbox(self._store.stirred(self._owner)).items():
                self._read_inbox(run_id, rows)
        if changed or (self._next_wake is not None and self._next_wake <= now):
            self._claim()
            self._next_wake = self._store.next_wake() if self._wanted is None else None

    def _claim(self) -> None:
        if self._wanted is not None:
            with self._wanted_lock:
                wanted = [run_id for run_id in self._wanted if run_id not in self._live]
            for run_id in wanted:
                claim = self._store.claim_one(run_id, self._owner)
                if claim is not None:
                    self._open_all([claim])
                    self._want_children(run_id)
            return
        self._make_room()
        space = limits.LIVE_RUNS_MAX - len(self._live)
        if space > 0:
            claims = self._store.claim(self._owner, min(space, limits.CLAIM_BATCH))
            if claims:
                self._open_all(claims)
                self._changed = True  # there may be more

    def _want_children(self, run_id: str) -> None:
        for child in self._store.list_runs(RunFilter(parent=run_id)):
            if child.status not in FINAL and child.status != "parked" and self._wanted is not None:
                self._wanted.setdefault(child.run_id)
                self._changed = True

    def _open_all(self, claims: list[Claim]) -> None:
        """Load claimed runs, one on probation first: nothing else is done before it has had its turn."""
        claims = [claim for claim in claims if claim.run_id not in self._live]
        stored = {found.run.run_id: found for found in self._store.load([c.run_id for c in claims])}
        for claim in sorted(claims, key=lambda claim: not claim.probation):
            if claim.probation:
                self._trial = claim.run_id
            if claim.run_id in stored:
                self._open(claim, stored[claim.run_id])

    def _open(self, claim: Claim, loaded: Loaded) -> None:
        """Decode a claimed run; one that can't be decoded is quarantined."""
        try:
            live = self._programs.load(self._store, claim, loaded)
        except SnapshotError as error:
            self._quarantine(claim.run_id, claim.epoch, f"[{error.code}] {error.message}")
            return
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - the others go on
            self._quarantine(claim.run_id, claim.epoch, _reason(error))
            return
        faults.reached("run-loaded")
        self._live[claim.run_id] = live
        self._read_inbox(claim.run_id, loaded.inbox)
        self._ask_after_children(live)
        self._set_alarm(live)
        self._ready[claim.run_id] = None

    def _read_inbox(self, run_id: str, rows: Sequence[InboxRow]) -> None:
        live = self._live.get(run_id)
        if live is None:
            return
        try:
            inbox.read(live, rows)
        except SnapshotError as error:
            self._drop(live)
            self._quarantine(run_id, live.epoch, f"[{error.code}] {error.message}")
            return
        self._ready[run_id] = None

    # -- turns -----------------------------------------------------------------------------

    def _ring(self, now: float) -> None:
        alarms = self._alarms
        while alarms and alarms[0][0] <= now:
            self._ready[heapq.heappop(alarms)[1]] = None

    def _set_alarm(self, live: LiveRun) -> None:
        when = live.next_alarm()
        if when is not None and when != live.alarm:
            live.alarm = when
            heapq.heappush(self._alarms, (when, live.run_id))

    def _take_batch(self, now: float) -> list[Taken]:
        """Take the turns of ready runs, as many as fit into one transaction and a short time."""
        batch: list[Taken] = []
        if self._drain_until is not None:
            self._trial = None
        if self._trial is not None:
            chosen = [self._trial]
        elif self._ready:
            chosen = list(self._ready)[: limits.BATCH_RUNS]
        else:
            return batch
        until = time.monotonic() + limits.BATCH_S
        for run_id in chosen:
            self._ready.pop(run_id, None)
            live = self._live.get(run_id)
            if live is None or (self._drain_until is not None and not live.events):
                continue  # a run that only computes goes on elsewhere
            try:
                taken = self._taker.take(live, now)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - a bug of ours in one run must not stop the others
                self._drop(live)
                self._quarantine(run_id, live.epoch, _reason(error))
                continue
            if taken is not None:
                batch.append(taken)
            elif live.events:
                self._ready[run_id] = None
            else:
                live.alarm = None
                self._set_alarm(live)
            if time.monotonic() >= until:
                break
        if self._trial is not None and not batch and self._trial not in self._ready:
            self._acquit(self._trial)
        faults.reached("turn-taken")
        return batch

    async def _commit(self, batch: list[Taken]) -> None:
        faults.reached("before-commit")
        won = await self._durable([taken.commit for taken in batch])
        faults.reached("after-commit")
        for taken, mine in zip(batch, won, strict=True):
            if mine:
                self._settle(taken)
            else:
                self._drop(taken.live)
        if self._trial is not None:
            self._trial = None
            self._changed = True  # the next run on probation may be claimed

    def _acquit(self, run_id: str) -> None:
        """End the probation of a run that had no turn to take, or is ours no longer."""
        self._trial = None
        self._changed = True
        live = self._live.get(run_id)
        if live is not None:
            self._store.acquit(run_id, live.epoch)

    async def _durable(self, commits: list[Commit]) -> list[bool]:
        """Commit, and find out what happened if that is unclear."""
        attempt = 0
        while True:
            try:
                return self._store.commit(commits)
            except StoreError as error:
                attempt += 1
                if attempt > limits.COMMIT_ATTEMPTS or error.code not in _PASSING:
                    raise
                await asyncio.sleep(limits.POLL_S * attempt)
                known = self._read_back(commits)
                if known is not None:
                    return known

    def _read_back(self, commits: list[Commit]) -> list[bool] | None:
        """Return which of the commits won, or None if the transaction did not take place: then it may be repeated."""
        won = []
        for commit in commits:
            run = self._store.get_run(commit.run_id)
            if run is not None and run.epoch == commit.epoch and run.seq == commit.seq - 1:
                return None
            won.append(run is not None and run.epoch == commit.epoch and run.seq == commit.seq)
        return won

    def _settle(self, taken: Taken) -> None:
        """Do what follows from a durable commit."""
        live, commit = taken.live, taken.commit
        live.seq, live.entry_hash, live.fresh = commit.seq, commit.entry_hash, False
        live.taken.difference_update(live.consumed)
        live.consumed.clear()
        if self._observer is not None:
            self._observer(commit)
        if taken.outcome is not None:
            for number in taken.outcome.withdrawn:
                call = live.calls.pop(number, None)
                if call is not None:
                    self._executor.abandon(call)
        if commit.sends or commit.starts or commit.status in FINAL:
            self._changed = True
            if self._wanted is not None:
                for new in commit.starts:
                    self._wanted.setdefault(new.run_id)
        if commit.status in FINAL:
            self._drop(live)
            if self._wanted is not None:
                self._wanted.pop(live.run_id, None)
            return
        for start in taken.starts:
            self._start(live, start)
        if commit.watches:
            live.unwatched.clear()
            self._ask_after_children(live)
        self._set_alarm(live)
        if live.has_work():
            self._ready[live.run_id] = None
        elif commit.status == "parked" and not live.calls:
            if self._wanted is not None:
                self._wanted.pop(live.run_id, None)
            self._release(live)

    def _ask_after_children(self, live: LiveRun) -> None:
        """Answer joins of runs that have ended already, or that do not exist."""
        for child in list(live.children):
            run = self._store.get_run(child)
            if run is None:
                inbox.child_missing(live, child)
            elif run.status in FINAL:
                inbox.child_ended(live, child, run.status, self._store.result(child) or b"")
        if live.events:
            self._ready[live.run_id] = None

    # -- effects ---------------------------------------------------------------------------

    def _room(self, function: Function) -> bool:
        return self._drain_until is None and self._executor.has_room(function)

    def _start(self, live: LiveRun, start: Start) -> None:
        def done(ended: Ended) -> None:
            self._effect_ended(live, start, ended)

        call = Call(start.function, start.arguments, start.key, done)
        live.calls[start.number] = call
        faults.reached("effect-started")
        self._executor.start(call)

    def _effect_ended(self, live: LiveRun, start: Start, ended: Ended) -> None:
        faults.reached("effect-ended")
        number = start.number
        live.calls.pop(number, None)
        decided = decide(
            start.function.mark, ended, name=start.name, attempt=start.attempt, key=start.key
        )
        if isinstance(decided, Succeeded):
            live.events.append(Returned(number, decided.value))
        elif isinstance(decided, Again):
            live.retries[number] = decided
        else:
            live.events.append(Raised(number, decided.condition))
        if not start.function.asynchronous:
            # A thread is free: whoever waits for one may have it.
            for other in self._live.values():
                if other.pending and other is not live:
                    self._ready[other.run_id] = None
        self._ready[live.run_id] = None
        self._wake.set()

    # -- giving up runs --------------------------------------------------------------------

    def _must_finish(self, live: LiveRun) -> bool:
        unsafe = any(not call.function.mark.idempotent for call in live.calls.values())
        return unsafe or bool(live.events and live.run_id in self._ready)

    def _begin_drain(self, drain_s: float) -> None:
        self._drain_until = time.monotonic() + drain_s
        self._wake.set()

    def _make_room(self) -> None:
        """Release runs that only wait, the longest-known first, when too many are held."""
        excess = len(self._live) - limits.LIVE_RUNS_MAX + 1
        if excess <= 0:
            return
        for live in list(self._live.values()):
            if excess <= 0:
                return
            if not (live.calls or live.has_work() or live.pending or live.run_id in self._ready):
                self._release(live)
                excess -= 1

    def _release(self, live: LiveRun) -> None:
        """Give a run back; it can be claimed at once if there is anything to do in it."""
        unfinished = bool(live.calls or live.pending or live.has_work()) and live.status != "parked"
        self._drop(live)
        self._store.release([Release(live.run_id, live.epoch, ready=unfinished)])

    def _drop(self, live: LiveRun) -> None:
        """Forget a run and abandon its effects."""
        self._live.pop(live.run_id, None)
        self._ready.pop(live.run_id, None)
        for call in live.calls.values():
            self._executor.abandon(call)
        live.calls.clear()

    def _quarantine(self, run_id: str, epoch: int, reason: str) -> None:
        self._store.quarantine(run_id, reason)
        self._store.release([Release(run_id, epoch)])
        if self._wanted is not None:
            self._wanted.pop(run_id, None)

    def _lost(self) -> None:
        """The lease ran out and others may own the runs: forget them, and begin anew under a new name."""
        for live in list(self._live.values()):
            self._drop(live)
        self._heartbeat.stop()
        old, self._store = self._store, self._store.another()
        old.close()
        self._enlist()
        self._notice()


async def _settle_tasks() -> None:
    """Let cancelled effects run their `finally` clauses, for a moment."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=limits.CANCEL_GRACE_S)


_PASSING = frozenset({"P401", "P407"})
"""Errors of a store after which the same commit may succeed: it was locked, or the connection failed."""


def _reason(error: BaseException) -> str:
    if isinstance(error, PerdureError):
        return f"[{error.code}] {error.message}"
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    place = f" ({step.tb_frame.f_code.co_filename}:{step.tb_lineno})" if step is not None else ""
    return f"[P900] internal error: {type(error).__name__}: {str(error)[:300]}{place}"
