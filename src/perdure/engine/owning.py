"""The runs that a worker owns: claimed, decoded, kept in memory, given back.

Layer: engine. Imports store.api, loading, inbox, live, base and faults.
Invariant: all that is asked of the store between commits is asked by `exchange`, and a wish is forgotten only once
the store has granted it. So a store that is away for a while costs time and nothing else: what `exchange` could not
do, the next one does.

A run on probation (its last owner died) is claimed alone, and has its first turn before any other run has one: if it
is what kills workers, it kills this one alone and is known by it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from perdure.base import limits
from perdure.base.errors import PerdureError, SnapshotError, StoreError
from perdure.engine import faults, inbox
from perdure.engine.journal import Journal
from perdure.engine.live import LiveRun
from perdure.engine.loading import Programs
from perdure.engine.metrics import Metrics
from perdure.machine.turn import Raised
from perdure.store.api import FINAL, Claim, InboxRow, Loaded, Release, RunFilter, Store


class Owned:
    """The runs of one worker.

    Args:
      store: a handle of its own; `close` closes it.
      programs: the toolchain and the programs of this process.
      name: what the owner is called in the database.
      only: own these runs and what they start, or None for every run that is ready.
      runs_max: how many are kept in memory between turns.
      stir: called with the id of a run that may have something to do.
      forget: called with a run that is not to be executed here any more.
      monotonic: a clock in seconds, for how long things take.
      metrics: where it counts.
      journal: where it tells what it does.

    Attributes:
      live: the runs, by id.
      trial: a run on probation that has not had its first turn, or "".
    """

    def __init__(
        self,
        store: Store,
        programs: Programs,
        *,
        name: str,
        only: Iterable[str] | None,
        runs_max: int,
        stir: Callable[[str], None],
        forget: Callable[[LiveRun], None],
        monotonic: Callable[[], float],
        metrics: Metrics,
        journal: Journal,
    ) -> None:
        self.store = store
        self.owner = 0
        self.live: dict[str, LiveRun] = {}
        self.trial = ""
        self.wanted: dict[str, None] | None = None if only is None else dict.fromkeys(only)
        self.changed = True
        self.next_wake: float | None = 0.0
        self._programs = programs
        self._name = name
        self._runs_max = runs_max
        self._stir = stir
        self._forget = forget
        self._monotonic = monotonic
        self._metrics = metrics
        self._journal = journal
        self._version = -1
        self._next_look = 0.0
        self._next_reap = 0.0
        self._to_open: deque[tuple[Claim, Loaded]] = deque()
        self._to_load: list[Claim] = []
        self._releases: list[Release] = []
        self._quarantines: list[tuple[str, int, str]] = []
        self._acquittals: list[tuple[str, int]] = []
        self._questions: dict[str, None] = {}
        self._unsure = False

    # -- what the worker says ------------------------------------------------------------------

    def enlist(self) -> None:
        """Become an owner of runs, in the worker's own thread."""
        self.owner = self.store.register_owner(self._name)
        self._journal.bound["owner"] = self.owner

    def resign(self) -> None:
        """Be no owner any more: it was taken for dead, and its runs may be others' by now."""
        for live in list(self.live.values()):
            self.drop(live)
        self._to_open.clear()
        for wishes in (self._to_load, self._releases, self._quarantines, self._acquittals):
            wishes.clear()
        self._questions.clear()
        self._unsure = False
        self.trial = ""
        self.owner = 0
        self.notice()

    def enlist_anew(self) -> None:
        """Become a new owner, with a new handle, since one handle has one owner. Raises StoreError: try again."""
        old, self.store = self.store, self.store.another()
        old.close()
        self.enlist()

    def notice(self) -> None:
        """Look for work at the next exchange, whatever the database says."""
        self.changed = True
        self._next_look = 0.0

    def doubt(self) -> None:
        """Find out, at the next exchange, what the store has done of that which it never answered."""
        self._unsure = True
        self.notice()

    def want(self, run_id: str) -> None:
        """Add a run to those that are owned; of no effect if all are."""
        if self.wanted is not None:
            self.wanted.setdefault(run_id)
        self.notice()

    def unwant(self, run_id: str) -> None:
        """Take a run out of those that are owned: it has ended, or rests."""
        if self.wanted is not None:
            self.wanted.pop(run_id, None)

    def ask_after_children(self, live: LiveRun) -> None:
        """Find out, at the next exchange, whether runs that a run waits for exist or have ended."""
        if live.children:
            self._questions[live.run_id] = None

    def release(self, live: LiveRun) -> None:
        """Give a run back; it can be claimed at once if there is anything to do in it."""
        unfinished = bool(live.calls or live.pending or live.has_work()) and live.status != "parked"
        self.drop(live)
        self._journal.debug("run released", run=live.run_id)
        self._releases.append(Release(live.run_id, live.epoch, ready=unfinished))

    def reload(self, live: LiveRun) -> None:
        """Throw away what memory has of a run, and decode it again: it is ours still, but its turn went wrong."""
        self.drop(live)
        self._to_load.append(Claim(live.run_id, live.epoch))

    def drop(self, live: LiveRun) -> None:
        """Forget a run."""
        self.live.pop(live.run_id, None)
        live.gone = True
        if self.trial == live.run_id:
            self.trial = ""
            self.changed = True
        self._forget(live)

    def quarantine(self, run_id: str, epoch: int, error: BaseException) -> None:
        """Park a run that can't be executed, with the reason, so that the others go on."""
        live = self.live.get(run_id)
        if live is not None:
            self.drop(live)
        if self.trial == run_id:
            self.trial = ""
        self._quarantines.append((run_id, epoch, _reason(error)))

    def acquit(self, *, durably: bool) -> None:
        """End a probation. `durably`: say so to the store, since no commit has said it."""
        live = self.live.get(self.trial)
        if durably and live is not None and live.idle:
            self._acquittals.append((live.run_id, live.epoch))
        self.trial = ""
        self.changed = True  # the next run on probation may be claimed

    # -- between commits -----------------------------------------------------------------------

    @property
    def pressing(self) -> bool:
        """Whether `exchange` has something to do that does not wait for the next look."""
        return bool(
            self.changed
            or self._to_open
            or self._to_load
            or self._releases
            or self._quarantines
            or self._acquittals
            or self._questions
        )

    @property
    def due_in_s(self) -> float:
        """How long until the database has to be looked at, in seconds."""
        return max(0.0, self._next_look - self._monotonic())

    def exchange(self, now: float, *, claiming: bool = True) -> None:
        """Give back, claim, open, and read inboxes, as far as there is need.

        Args:
          now: the database's time.
          claiming: whether more runs are wanted.

        Raises:
          StoreError: the store is away; call again later.
        """
        if (
            self._acquittals
            or self._releases
            or self._quarantines
            or self._questions
            or self._to_load
        ):
            self.flush()
        if self._unsure:
            self._find_strays(claiming=claiming)
        if self._to_open:
            self._open_some()
        moment = self._monotonic()
        if not claiming:
            self.changed = False
            self._next_look = moment + self.store.poll_s
            return
        if moment < self._next_look and not self.changed:
            return
        store = self.store
        if moment >= self._next_reap:
            freed = store.reap_dead_owners()
            if freed:
                faults.reached("reaped")
                self._metrics.reaped += freed
                self._journal.warning("runs taken over", runs=freed)
                self.changed = True
            self._next_reap = moment + limits.REAP_S
        version = store.data_version()
        changed = self.changed or version != self._version
        if changed:
            for run_id, rows in store.inbox(store.stirred(self.owner)).items():
                self._read_inbox(run_id, rows)
        due = self.next_wake is not None and self.next_wake <= now
        more = (changed or due) and not (self._to_open or self.trial) and self._claim()
        if changed or due:
            self.next_wake = store.next_wake() if self.wanted is None else None
        self._version = version
        self.changed = more
        self._next_look = moment + store.poll_s

    def _find_strays(self, *, claiming: bool) -> None:
        """Take in the runs that are this owner's although it never heard so: the answer to a claim was lost."""
        known = {claim.run_id for claim, _ in self._to_open} | self.live.keys()
        strays = [c for c in self.store.held(self.owner) if c.run_id not in known]
        if claiming and strays:
            self._load(strays)
        elif strays:
            self._releases += [Release(c.run_id, c.epoch, ready=True) for c in strays]
            self.flush()
        self._unsure = False

    def flush(self) -> None:
        """Do what was wished for since the last exchange. Raises StoreError."""
        store = self.store
        while self._quarantines:
            run_id, epoch, reason = self._quarantines[0]
            store.quarantine(run_id, reason)
            self._metrics.quarantines += 1
            self._journal.error("run quarantined", run=run_id, reason=reason)
            store.release([Release(run_id, epoch)])
            self.unwant(run_id)
            self._quarantines.pop(0)
        while self._acquittals:
            store.acquit(*self._acquittals[0])
            self._acquittals.pop(0)
        if self._releases:
            faults.reached("releasing")
            store.release(self._releases)
            faults.reached("released")
            self._metrics.releases += len(self._releases)
            self._releases.clear()
        while self._questions:
            run_id = next(iter(self._questions))
            live = self.live.get(run_id)
            if live is not None:
                self._answer_after_children(live)
            del self._questions[run_id]
        if self._to_load:
            self._load(self._to_load)
            self._to_load.clear()

    def _answer_after_children(self, live: LiveRun) -> None:
        """Answer joins of runs that have ended already, or that do not exist."""
        for child in list(live.children):
            run = self.store.get_run(child)
            if run is None:
                inbox.child_missing(live, child)
            elif run.status in FINAL:
                inbox.child_ended(live, child, run.status, self.store.result(child) or b"")
        if live.events:
            self._stir(live.run_id)

    def _claim(self) -> bool:
        """Claim runs; return whether there may be more to claim."""
        store = self.store
        if self.wanted is not None:
            for run_id in [one for one in list(self.wanted) if one not in self.live]:
                claim = store.claim_one(run_id, self.owner)
                if claim is not None:
                    self._load([claim])
                    self._want_children(run_id)
            return False
        self._make_room()
        space = self._runs_max - len(self.live)
        if space <= 0:
            return False
        claims = store.claim(self.owner, min(space, limits.CLAIM_BATCH))
        if claims:
            faults.reached("claimed")
            self._load(claims)
        return bool(claims)

    def _want_children(self, run_id: str) -> None:
        for child in self.store.list_runs(RunFilter(parent=run_id)):
            if child.status not in FINAL and child.status != "parked":
                self.want(child.run_id)

    def _load(self, claims: Sequence[Claim]) -> None:
        fresh = [claim for claim in claims if claim.run_id not in self.live]
        self._metrics.claims += len(fresh)
        try:
            stored = {
                found.run.run_id: found for found in self.store.load([c.run_id for c in fresh])
            }
        except StoreError:
            # They are claimed already, so nobody else loads them.
            self._to_load += [claim for claim in fresh if claim not in self._to_load]
            raise
        for claim in sorted(fresh, key=lambda claim: not claim.probation):
            if claim.run_id in stored:
                self._to_open.append((claim, stored[claim.run_id]))
        self._open_some()

    def _open_some(self) -> None:
        """Decode claimed runs for a short while, so that a storm of them does not hold up those that are live."""
        until = self._monotonic() + limits.OPEN_S
        while self._to_open:
            claim, loaded = self._to_open.popleft()
            self._open(claim, loaded)
            if self._monotonic() >= until:
                break

    def _open(self, claim: Claim, loaded: Loaded) -> None:
        if claim.probation:
            self.trial = claim.run_id
        began = self._monotonic()
        try:
            live = self._programs.load(self.store, claim, loaded)
        except StoreError:
            self._to_open.appendleft((claim, loaded))
            raise
        except Exception as error:  # noqa: BLE001 - the others go on
            self.quarantine(claim.run_id, claim.epoch, error)
            return
        faults.reached("run-loaded")
        self._metrics.restores += 1
        self._metrics.restore_s.add(self._monotonic() - began)
        self._journal.debug(
            "run claimed", run=claim.run_id, epoch=claim.epoch, probation=claim.probation
        )
        self._tell_of_doubts(live)
        self.live[claim.run_id] = live
        self._read_inbox(claim.run_id, loaded.inbox)
        self.ask_after_children(live)
        self._stir(claim.run_id)

    def _tell_of_doubts(self, live: LiveRun) -> None:
        """Tell of effects that had started when the last owner of a run lost it."""
        for event in live.events:
            if isinstance(event, Raised) and event.condition.kind == "outcome-unknown":
                self._metrics.effects_in_doubt += 1
                self._journal.warning(
                    "effect in doubt",
                    run=live.run_id,
                    request=event.request,
                    error=event.condition.message,
                )

    def _read_inbox(self, run_id: str, rows: Sequence[InboxRow]) -> None:
        live = self.live.get(run_id)
        if live is None:
            return
        try:
            inbox.read(live, rows)
        except SnapshotError as error:
            self.quarantine(run_id, live.epoch, error)
            return
        self._stir(run_id)

    def _make_room(self) -> None:
        """Give back runs that only wait, the longest-known first, so that as many as one claim brings can be held."""
        excess = len(self.live) + min(limits.CLAIM_BATCH, self._runs_max) - self._runs_max
        if excess <= 0:
            return
        for live in list(self.live.values()):
            if excess <= 0:
                break
            if live.idle:
                self.release(live)
                excess -= 1
        self.flush()


def _reason(error: BaseException) -> str:
    if isinstance(error, PerdureError):
        return f"[{error.code}] {error.message}"
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    place = f" ({step.tb_frame.f_code.co_filename}:{step.tb_lineno})" if step is not None else ""
    return f"[P900] internal error: {type(error).__name__}: {str(error)[:300]}{place}"
