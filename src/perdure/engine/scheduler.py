"""Decide whose turn it is: from events to turns, from turns to commits, from commits to effects.

Layer: engine. Imports owning, turns, committing, performing, store.api and base.
Invariant: whatever may happen to a run, the others go on. An effect starts only in `_settle`, when the turn that asked
for it is durable; a run has one turn at a time between being taken and being durable.

Nothing here waits: `round` does what can be done now and says when it wants to be called again. The clock, the
executor and the way of commits are given, so that a simulation can drive it through any order of events; the worker
drives it from an asyncio loop.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

from msgspec import Struct

from perdure.base import limits
from perdure.base.errors import QuotaError, StoreError
from perdure.engine import accounts, faults
from perdure.engine.committing import LOCKED, PASSING, Committer, Outcome
from perdure.engine.compaction import Compacted, Compactor
from perdure.engine.executor import Executor
from perdure.engine.journal import Journal
from perdure.engine.live import LiveRun
from perdure.engine.loading import Programs
from perdure.engine.metrics import Metrics
from perdure.engine.owning import Owned
from perdure.engine.performing import Performer
from perdure.engine.transacting import Lost, transact
from perdure.engine.turns import Taken, TurnTaker, forget_turn
from perdure.store.api import FINAL, Commit, Store

Observer = Callable[[Commit], None]


class Options(Struct, frozen=True, kw_only=True):
    """How a worker works.

    Args:
      name: what it is called in the database.
      only: the runs that it executes, with what they start; None for every run that is ready.
      until_idle: end when there is nothing to do but to wait.
      stress: save and restore a run wherever it can be stopped.
      runs_max: runs that are kept in memory between turns.
      threads: plain effects that are performed at the same time.
      effects: async effects that are performed at the same time.
    """

    name: str = "worker"
    only: tuple[str, ...] | None = None
    until_idle: bool = False
    stress: bool = False
    runs_max: int = limits.LIVE_RUNS_MAX
    threads: int = limits.EFFECT_THREADS
    effects: int = limits.EFFECTS_MAX


class Scheduler:
    """The core of a worker.

    Args:
      store: a handle of its own.
      programs: the toolchain and the programs of this process.
      options: see there.
      executor: performs effects; calls back on the worker's thread.
      committer: makes turns durable.
      monotonic: seconds, for how long things take.
      wake: asks for a call of `round`.
      enlisted: called when it has become an owner of runs: at first, and again after a lost lease. What is to be
        done for the new owner, its heartbeat say, is done there.
      metrics: where it counts.
      compactor: compacts long chains of deltas aside; None: it is done within a turn, however long it takes.
      observer: called with every commit that became durable.
      chance: returns a random number between 0 and 1.
    """

    def __init__(
        self,
        store: Store,
        programs: Programs,
        options: Options,
        *,
        executor: Executor,
        committer: Committer,
        monotonic: Callable[[], float],
        wake: Callable[[], None],
        enlisted: Callable[[], None],
        metrics: Metrics | None = None,
        compactor: Compactor | None = None,
        observer: Observer | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.metrics = metrics = metrics or Metrics()
        self.journal = journal = Journal(worker=options.name)
        self.owned = Owned(
            store,
            programs,
            name=options.name,
            only=options.only,
            runs_max=options.runs_max,
            stir=self._stir,
            forget=self._forget,
            monotonic=monotonic,
            metrics=metrics,
            journal=journal,
        )
        self._options = options
        self._programs = programs
        self._performer = Performer(
            executor,
            now=self._now,
            metrics=metrics,
            journal=journal,
            stir=self._stir,
            wake=wake,
            chance=chance,
        )
        self._committer = committer
        self._compactor = compactor
        self._monotonic = monotonic
        self._wake = wake
        self._enlisted = enlisted
        self._observer = observer
        self._taker: TurnTaker
        self._ready: dict[str, float] = {}
        # The runs whose last turn was cut.
        self._cut: set[str] = set()
        self._carried_at = 0.0
        # A run was thrown away whose memory is to be freed at once.
        self._freeing = False
        self._alarms: list[tuple[float, str]] = []
        self._taken: list[Taken] = []
        self._drain_until: float | None = None
        self._away_since: float | None = None
        self._asked_at = 0.0
        self._error: BaseException | None = None
        self.over = False

    def enlist(self) -> None:
        """Begin: become an owner of runs. Raises StoreError."""
        self.owned.enlist()
        self.journal.info("worker started")
        self._begin()

    def _begin(self) -> None:
        self._taker = TurnTaker(
            self.owned.store,
            self._performer.room,
            self._programs,
            stress=self._options.stress,
            aside=self._compactor is not None,
        )
        self._enlisted()

    def lost(self) -> None:
        """Begin anew with the next round: the lease ran out, and others may have the runs."""
        self.metrics.leases_lost += 1
        self.journal.error("lease lost")
        self.owned.resign()
        self._performer.keep_promises(self._taken)
        self._taken.clear()
        self._wake()

    def _enlist_anew(self) -> None:
        self.owned.enlist_anew()
        try:
            self._begin()
        except StoreError:
            self.owned.resign()
            raise

    def drain(self, drain_s: float) -> None:
        """End as soon as possible; started effects that are not idempotent may take so long to finish."""
        self._performer.closing = True
        self._drain_until = self._monotonic() + drain_s
        self.journal.info("worker drains", seconds=drain_s, runs=len(self.owned.live))
        self._wake()

    def _now(self) -> float:
        return self.owned.store.now()

    # -- rounds ----------------------------------------------------------------------------------

    def round(self) -> float:
        """Do what can be done now; return for how many seconds there is nothing to do unless `wake` is called.

        Raises:
          StoreError: the store can't be used, or was away for too long.
        """
        until = self._monotonic() + limits.YIELD_S
        self.metrics.live_runs = len(self.owned.live)
        if self._freeing:
            self._freeing = False
            forget_turn()
        while True:
            if self._error is not None:
                raise self._error
            try:
                now = self.owned.store.now()
            except StoreError as error:
                # A new handle has not seen the server's clock yet.
                self._away(error)
                return limits.OUTAGE_POLL_S
            if not self._exchange(now):
                return limits.OUTAGE_POLL_S
            self._ring(now)
            self._take_turns(now)
            self._commit()
            self._performer.invite()
            if self._is_over():
                self.over = True
                return 0.0
            if not (self._can_take or self.owned.pressing):
                return self._pause(now)
            if self._monotonic() >= until:
                return 0.0

    def _exchange(self, now: float) -> bool:
        """Look for work from outside, if it is time; return False if the store is away."""
        owned = self.owned
        if self._away_since is None and not owned.pressing and owned.due_in_s > 0.0:
            return True
        try:
            if not owned.owner:
                self._enlist_anew()
            owned.exchange(now, claiming=self._drain_until is None)
        except StoreError as error:
            if error.code == "P409":
                self.lost()
                return False
            return self._away(error)
        if self._away_since is not None:
            self.note_outage(None, self._monotonic() - self._away_since)
            self._away_since = None
        return True

    def _away(self, error: StoreError) -> bool:
        """Go on without the store for a while; return False. Raises the error if that was too long, or won't help."""
        moment = self._monotonic()
        # A process that was stopped for long has not asked meanwhile: for it the outage begins now.
        if self._away_since is None or moment - self._asked_at > limits.OUTAGE_S / 2:
            self._away_since = moment
            self.note_outage(error, 0.0)
        self.owned.doubt()
        self._asked_at = moment
        if error.code not in PASSING or moment - self._away_since > limits.OUTAGE_S:
            raise error
        return False

    def note_outage(self, error: StoreError | None, after_s: float) -> None:
        """Count and tell that the store can't be used for a while, or, by None, that it can be again."""
        if error is None:
            self.journal.info("store back", after_s=round(after_s, 3))
            return
        self.metrics.outages += 1
        self.journal.error("store away", code=error.code, error=error.message)

    def _pause(self, now: float) -> float:
        pause = self.owned.due_in_s
        if self._alarms:
            pause = min(pause, self._alarms[0][0] - now)
        if self._drain_until is not None:
            pause = min(pause, self._drain_until - self._monotonic())
        return max(pause, 0.0)

    def _is_over(self) -> bool:
        """Return whether the worker is done: drained, or idle if that is the end."""
        owned = self.owned
        if self._drain_until is not None:
            if self._committer.busy or self._taken:
                return False
            for live in list(owned.live.values()):
                if not self._must_finish(live):
                    owned.release(live)
            return not owned.live or self._monotonic() >= self._drain_until
        if not self._options.until_idle or owned.pressing or self._ready or self._committer.busy:
            return False
        busy = any(
            live.calls or live.pending for live in owned.live.values() if live.status != "parked"
        )
        return not busy and (owned.wanted is not None or owned.store.next_wake() != 0.0)

    def _must_finish(self, live: LiveRun) -> bool:
        unsafe = any(not call.function.mark.idempotent for call in live.calls.values())
        return unsafe or bool(live.events and live.run_id in self._ready)

    def leave(self) -> None:
        """Give everything back."""
        faults.reached("before-release")
        for live in list(self.owned.live.values()):
            self.owned.release(live)
        self._performer.close()
        self._committer.close()
        if self._compactor is not None:
            self._compactor.close()
        try:
            self.owned.flush()
        finally:
            self.owned.store.close()
            metrics = self.metrics
            self.journal.info("worker ended", turns=metrics.turns, effects=metrics.effects_ended)

    # -- turns ---------------------------------------------------------------------------------

    def _stir(self, run_id: str) -> None:
        """Note that a run may have something to do."""
        live = self.owned.live.get(run_id)
        if live is not None and not live.committing:
            self._ready.setdefault(run_id, self._monotonic())

    def _ring(self, now: float) -> None:
        alarms = self._alarms
        while alarms and alarms[0][0] <= now:
            due, run_id = heapq.heappop(alarms)
            live = self.owned.live.get(run_id)
            if live is not None:
                live.alarm = None
                self.metrics.timer_late_s.add(now - due)
                self._stir(run_id)

    def _set_alarm(self, live: LiveRun) -> None:
        when = live.next_alarm()
        if when is not None and when != live.alarm:
            live.alarm = when
            heapq.heappush(self._alarms, (when, live.run_id))

    @property
    def _can_take(self) -> bool:
        """Whether there is a turn that can be taken now."""
        if self.owned.trial:
            return self.owned.trial in self._ready and not self._committer.busy
        return bool(self._ready) and len(self._taken) < limits.BATCH_RUNS

    def _take_turns(self, now: float) -> None:
        """Take the turns of ready runs, as many as fit into one transaction and a short time."""
        if not self._can_take:
            return
        if self.owned.trial:
            self._take_trial(now)
            return
        self._taker.shared = len(self.owned.live) > 1
        moment = self._monotonic()
        until = moment + limits.BATCH_S
        waits = self.metrics.wait_s
        for run_id in self._next(moment):
            waits.add(moment - self._ready.pop(run_id))
            live = self.owned.live.get(run_id)
            # A run that only computes goes on elsewhere, when this worker ends.
            if live is None or (self._drain_until is not None and not live.events):
                continue
            self._take(live, now)
            moment = self._monotonic()
            if moment >= until:
                break
        faults.reached("turn-taken")

    def _next(self, moment: float) -> list[str]:
        """Return which runs have their turns now, in this order.

        Runs whose last turn was cut come last, unless they have waited long: whoever computes without end must not make
        the others wait a slice for each of their short turns.
        """
        space = limits.BATCH_RUNS - len(self._taken)
        ready = self._ready
        if not self._cut:
            return list(ready)[:space]
        late = moment - limits.CUT_WAIT_S
        behind = [one for one in ready if one in self._cut and ready[one] > late]
        first = [one for one in ready if one not in self._cut or ready[one] <= late]
        return (first or behind[:1])[:space]

    def _take_trial(self, now: float) -> None:
        """Take the first turn of a run on probation, alone."""
        run_id = self.owned.trial
        if self._taken:
            return
        del self._ready[run_id]
        live = self.owned.live.get(run_id)
        if live is not None:
            self._take(live, now)
        if not self._taken and run_id not in self._ready:
            self.owned.acquit(durably=True)

    def _take(self, live: LiveRun, now: float) -> None:
        if live.transactional and self._drain_until is None and not live.stopping:
            self._transact(live, now)
            return
        promised = self._performer.promised()
        try:
            taken = self._taker.take(live, now)
        except StoreError as error:
            self._performer.take_back(promised)
            self.owned.reload(live)
            self._away(error)
            return
        except Exception as error:  # noqa: BLE001 - a bug of ours in one run must not stop the others
            self._performer.take_back(promised)
            self.owned.quarantine(live.run_id, live.epoch, error)
            self._freeing |= isinstance(error, QuotaError)
            return
        if taken is not None:
            live.committing = True
            self._taken.append(taken)
        elif live.events or live.transactional:
            self._ready[live.run_id] = self._monotonic()
        else:
            self._set_alarm(live)
        self._performer.queue_up(live.run_id)

    def _transact(self, live: LiveRun, now: float) -> None:
        """Perform a transactional effect, and make the turn that takes its result durable with it."""
        promised = self._performer.promised()
        try:
            taken = transact(self.owned.store, self._taker, self._performer, live, now)
        except Lost:
            self._performer.take_back(promised)
            self._lose(live)
            return
        except StoreError as error:
            self._performer.take_back(promised)
            if error.code not in PASSING:
                # It may be the effect's doing: the others go on, and their commits say whether it is not.
                self.owned.quarantine(live.run_id, live.epoch, error)
                return
            self.owned.reload(live)
            # What the database could not let side by side is done again one after the other.
            if error.code != LOCKED:
                self._away(error)
            return
        except Exception as error:  # noqa: BLE001 - see _take
            self._performer.take_back(promised)
            self.owned.quarantine(live.run_id, live.epoch, error)
            self._freeing |= isinstance(error, QuotaError)
            return
        if taken is None:
            self._stir(live.run_id)
            return
        self.metrics.commits += 1
        self.metrics.batch_size.add(1)
        self._performer.keep_promises([taken])
        self._ready.pop(live.run_id, None)
        self._settle(taken)
        self._performer.queue_up(live.run_id)
        self._end_trial([taken])

    def _lose(self, live: LiveRun) -> None:
        """Forget a run that somebody else has by now."""
        self.metrics.fenced += 1
        self.journal.warning("turns lost", run=live.run_id)
        self.owned.drop(live)

    # -- commits -------------------------------------------------------------------------------

    def _commit(self) -> None:
        """Commit what was taken, if no other commit is under way."""
        if not self._taken or self._committer.busy:
            return
        batch, self._taken = self._taken, []
        alone = len(batch) == 1 and not self._ready
        self._carried_at = self._monotonic()
        self._committer.submit(
            [taken.commit for taken in batch],
            lambda outcome: self._committed(batch, outcome),
            alone=alone,
        )

    def _committed(self, batch: list[Taken], outcome: Outcome) -> None:
        faults.reached("after-commit")
        self._performer.keep_promises(batch)
        if isinstance(outcome, BaseException):
            self._error = outcome
            self._wake()
            return
        metrics = self.metrics
        metrics.commits += 1
        metrics.batch_size.add(len(batch))
        metrics.commit_s.add(self._monotonic() - self._carried_at)
        for taken, mine in zip(batch, outcome, strict=True):
            if mine and not taken.live.gone:
                self._settle(taken)
                continue
            if not taken.live.gone:
                self._lose(taken.live)
        self._end_trial(batch)
        self._wake()

    def _end_trial(self, batch: list[Taken]) -> None:
        """End the probation of a run that had its first turn. A mark does not say so to the store; see store.api.MARK."""
        trial = self.owned.live.get(self.owned.trial)
        for taken in batch:
            # Not by its id: a batch that was under way when the lease was lost may be answered when the run is on trial anew.
            if taken.live is trial:
                self.owned.acquit(durably=taken.outcome is None)
                return

    def _settle(self, taken: Taken) -> None:
        """Do what follows from a durable commit."""
        live, commit, owned = taken.live, taken.commit, self.owned
        live.committing = False
        live.seq, live.entry_hash, live.fresh = commit.seq, commit.entry_hash, False
        live.taken.difference_update(commit.consumed)
        if self._observer is not None:
            self._observer(commit)
        accounts.turn_settled(self.metrics, taken)
        if taken.outcome is not None and taken.outcome.preempted:
            self._cut.add(live.run_id)
        elif self._cut:
            self._cut.discard(live.run_id)
        if taken.outcome is not None:
            self._performer.withdraw(live, taken.outcome.withdrawn)
        if commit.sends or commit.starts or commit.status in FINAL:
            owned.changed = True
            for new in commit.starts:
                owned.want(new.run_id)
        if commit.status in FINAL:
            self.journal.info("run ended", run=live.run_id, status=commit.status)
            owned.drop(live)
            owned.unwant(live.run_id)
            return
        if commit.status == "parked":
            self.journal.warning("run parked", run=live.run_id, reason=commit.detail)
        for start in taken.starts:
            self._performer.start(live, start)
        if live.long:
            self._compact(live)
        if commit.watches:
            live.unwatched.clear()
            owned.ask_after_children(live)
        self._set_alarm(live)
        if live.has_work():
            self._ready[live.run_id] = self._monotonic()
        elif live.pending and commit.status != "parked":
            # Room may have come while it was committed.
            self._ready[live.run_id] = self._monotonic()
        elif commit.status == "parked" and not live.calls:
            owned.unwant(live.run_id)
            owned.release(live)
            self._freeing |= live.complaints > 0

    def _compact(self, live: LiveRun) -> None:
        """Have a run's chain of deltas compacted by somebody else, while it goes on."""

        def done(found: Compacted) -> None:
            live.compacting = False
            live.inline = bool(found.error)
            accounts.chain_compacted(self.metrics, self.journal, live.run_id, found)
            if found.done:
                live.weighed = True
                live.heap.compacted(found.full_bytes, found.folded_bytes, found.folded_entries)

        assert self._compactor is not None, "it was promised to the taker of turns"
        live.long, live.compacting, live.output_chars = False, True, 0
        self._compactor.compact(live.run_id, done)

    def _forget(self, live: LiveRun) -> None:
        """Abandon the effects of a run that is not executed here any more."""
        self._ready.pop(live.run_id, None)
        self._cut.discard(live.run_id)
        self._performer.forget(live)
