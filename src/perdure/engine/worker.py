"""A worker: one thread with an asyncio loop that drives a scheduler.

Layer: engine. Imports scheduler, committing, executor, heartbeat, store.api and base.
Invariant: evaluation, commits of lone turns and async effects happen in this one thread; a sequential effect costs one
transaction and no change of thread. Rounds are plain callbacks of the loop, not a task, so that an async effect is
begun inside of one and may end there.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.engine.committing import Aside, Committer, Here
from perdure.engine.compaction import Compactor
from perdure.engine.executor import LocalExecutor
from perdure.engine.heartbeat import Heartbeat, Pulse
from perdure.engine.loading import Programs
from perdure.engine.metrics import Metrics
from perdure.engine.scheduler import Observer, Options, Scheduler
from perdure.machine.machine import Machine
from perdure.store.api import Store


class Worker:
    """Executes runs until it is told to stop.

    Args:
      store: a handle of its own; the worker closes it.
      programs: the toolchain and the programs of this process.
      options: what it executes, and how.
      own_process: whether this process is there for the worker alone: then another process beats for it, sees whether it
        gets on, and may kill it.
      observer: called in the worker's thread with every commit that became durable.

    Attributes:
      metrics: what it counts.
      error: what went wrong, once the worker has ended.
    """

    def __init__(
        self,
        store: Store,
        programs: Programs,
        options: Options = Options(),  # noqa: B008 - frozen
        *,
        own_process: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self._pulse = Pulse() if own_process and store.url else None
        self._store = store
        self._programs = programs
        self._options = options
        self._observer = observer
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._finished = threading.Event()
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._rounding = False
        self._wanted_again = False
        self._left = False
        self._stopping: float | None = None
        self.metrics = Metrics()
        self.error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._scheduler: Scheduler
        self._heartbeat: Heartbeat | None = None

    # -- from any thread -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="perdure-worker", daemon=True)
        self._thread.start()
        self._started.wait()

    def stop(self, drain_s: float = 0.0) -> None:
        """Ask the worker to end; started effects that are not idempotent may take that long to finish."""
        # A signal may come before there is a loop that could be told of it.
        self._stopping = drain_s
        self._from_outside(lambda: self._scheduler.drain(drain_s))

    def nudge(self) -> None:
        """Say that there may be new work in the database."""
        self._from_outside(self._notice)

    def want(self, run_id: str) -> None:
        """Add a run to those that are executed; of no effect for a worker that executes all."""
        self._from_outside(lambda: self._want(run_id))

    def machine(self, run_id: str) -> Machine | None:
        """Return the machine of a run that this worker has, to be looked at between turns: while EVALUATOR is held."""
        live = self._scheduler.owned.live.get(run_id) if self.alive else None
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
            self._loop.call_soon_threadsafe(self._unless_left, action)

    def _unless_left(self, action: Callable[[], None]) -> None:
        """Do something, unless everything was given back already: the loop goes on for a moment then."""
        if not self._left:
            action()

    # -- the thread ------------------------------------------------------------------------------

    def run(self) -> None:
        """Work in the calling thread until the end; `error` has what went wrong."""
        try:
            # Not asyncio.run: in the main thread that would take over SIGINT, and at the end it waits for tasks
            # for ever, also for an effect that ignores its cancellation.
            self._loop = asyncio.new_event_loop()
            try:
                self._enlist()
                self._loop.call_soon(self._round)
                self._started.set()
                if self._stopping is not None:
                    self._scheduler.drain(self._stopping)
                self._loop.run_forever()
                self._loop.run_until_complete(_settle_tasks())
            finally:
                self._loop.close()
        except BaseException as error:  # noqa: BLE001 - it is handed to whoever waits
            self.error = error
        finally:
            self._finished.set()
            self._started.set()
            if self._pulse is not None:
                self._pulse.close()

    def _enlist(self) -> None:
        store = self._store
        aside = Aside(store.another(), self._from_outside) if store.overlaps else None
        self._scheduler = Scheduler(
            store,
            self._programs,
            self._options,
            executor=LocalExecutor(self._loop, self._options.threads, self._options.effects),
            committer=Committer(
                Here(lambda: self._scheduler.owned.store),
                aside,
                self._loop.call_later,
                self._note_outage,
            ),
            monotonic=time.monotonic,
            wake=self._soon,
            enlisted=self._enlisted,
            metrics=self.metrics,
            compactor=self._compactor(store),
            observer=self._observer,
        )
        self._scheduler.enlist()

    def _compactor(self, store: Store) -> Compactor | None:
        """Return who compacts aside: in a process that is there for the worker alone, others may be started."""
        if self._pulse is None:
            return None
        return Compactor(store, self._from_outside)

    def _note_outage(self, error: StoreError | None, after_s: float) -> None:
        self._scheduler.note_outage(error, after_s)

    def _enlisted(self) -> None:
        """Say regularly that the new owner lives, and listen to hints for it."""
        owned = self._scheduler.owned
        owner = owned.owner
        owned.store.watch(self.nudge)
        if self._heartbeat is not None:
            self._heartbeat.stop()
        self._heartbeat = Heartbeat(
            owned.store.another(),
            owner,
            lambda: self._from_outside(lambda: self._lost(owner)),
            pulse=self._pulse,
            journal=self._scheduler.journal,
        )
        self._heartbeat.start()

    def _lost(self, owner: int) -> None:
        """The lease of an owner ran out, and others may have its runs: begin anew under a new number."""
        if owner != self._scheduler.owned.owner:
            return  # a claim has found out before the heartbeat said it
        self._scheduler.lost()

    def _notice(self) -> None:
        self._scheduler.owned.notice()
        self._soon()

    def _want(self, run_id: str) -> None:
        self._scheduler.owned.want(run_id)
        self._soon()

    # -- rounds ----------------------------------------------------------------------------------

    def _soon(self) -> None:
        """Have a round as soon as possible."""
        if self._rounding:
            self._wanted_again = True
            return
        if self._timer is not None:
            if type(self._timer) is asyncio.Handle:
                return
            self._timer.cancel()
        self._timer = self._loop.call_soon(self._round)

    def _round(self) -> None:
        if self._left:
            return
        self._timer = None
        self._rounding, self._wanted_again = True, False
        if self._pulse is not None:
            self._pulse.advance()
        pause = 0.0
        try:
            pause = self._scheduler.round()
        except BaseException as error:  # noqa: BLE001 - it is handed to whoever waits
            self.error = error
        self._rounding = False
        if self.error is not None or self._scheduler.over:
            self._end()
        elif pause <= 0 or self._wanted_again:
            self._timer = self._loop.call_soon(self._round)
        else:
            self._timer = self._loop.call_later(pause, self._round)

    def _end(self) -> None:
        self._left = True
        try:
            self._scheduler.leave()
        except StoreError as error:
            self.error = self.error or error
        if self._heartbeat is not None:
            self._heartbeat.stop()
        self._loop.stop()


async def _settle_tasks() -> None:
    """Let cancelled effects run their `finally` clauses, for a moment."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=limits.CANCEL_GRACE_S)
