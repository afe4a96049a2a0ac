"""Make batches of turns durable, one batch at a time, and find out what happened when that is unclear.

Layer: engine. Imports store.api, base and faults.
Invariant: a batch that was submitted is answered once, before the next one is carried: which of its turns won, or the
error after which nobody can say. A turn counts as lost only if its run is seen to be elsewhere.

A commit that waits for a database server is carried by a thread of its own (`Aside`), so that evaluation goes on
meanwhile; what is ready then makes the next batch, which is all there is to group commit: alone a turn waits for
nobody, and under load batches are as long as the commits before them took. SQLite's commits are carried `Here`: they
are CPU time of this process, and a thread would only fight for the interpreter lock.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.engine import faults
from perdure.store.api import Commit, Store

Outcome = list[bool] | BaseException
Answer = Callable[[Outcome], None]
Later = Callable[[float, Callable[[], None]], object]

LOCKED = "P401"
PASSING = frozenset({LOCKED, "P403", "P407"})
"""Errors of a store that pass: it is locked, its disk is full, or it can't be reached for now."""


class Carrier(Protocol):
    """Who takes commits to a store."""

    def carry(self, commits: Sequence[Commit], answer: Answer) -> None:
        """Commit, and call `answer` on the worker's thread, at once or later."""

    def read_back(self, commits: Sequence[Commit], answer: Answer) -> None:
        """Say which of the commits are known to have won; an empty list: none of them took place."""

    def close(self) -> None:
        """End."""


class Here:
    """Carries in the calling thread, to the handle that the worker has at the time."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store

    def carry(self, commits: Sequence[Commit], answer: Answer) -> None:
        answer(_attempt(lambda: self._commit(commits)))

    def _commit(self, commits: Sequence[Commit]) -> list[bool]:
        faults.reached("commit-here")
        won = self._store().commit(commits)
        faults.reached("committed-here")
        return won

    def read_back(self, commits: Sequence[Commit], answer: Answer) -> None:
        answer(_attempt(lambda: _won(self._store(), commits)))

    def close(self) -> None:
        """Nothing is to be ended."""


class Aside:
    """Carries in a thread.

    Args:
      store: a handle for that thread; it closes it.
      post: calls a function on the worker's thread.
    """

    def __init__(self, store: Store, post: Callable[[Callable[[], None]], object]) -> None:
        self._store = store
        self._post = post
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="perdure-committer", daemon=True)
        self._thread.start()

    def carry(self, commits: Sequence[Commit], answer: Answer) -> None:
        self._put(lambda: self._commit(commits), answer)

    def _commit(self, commits: Sequence[Commit]) -> list[bool]:
        faults.reached("commit-aside")
        won = self._store.commit(commits)
        faults.reached("committed-aside")
        return won

    def read_back(self, commits: Sequence[Commit], answer: Answer) -> None:
        self._put(lambda: _won(self._store, commits), answer)

    def close(self) -> None:
        self._work.put(None)

    def _put(self, action: Callable[[], list[bool]], answer: Answer) -> None:
        def work() -> None:
            outcome = _attempt(action)
            self._post(lambda: answer(outcome))

        self._work.put(work)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
        self._store.close()


def _attempt(action: Callable[[], list[bool]]) -> Outcome:
    try:
        return action()
    except BaseException as error:  # noqa: BLE001 - it is handed to the worker's thread
        return error


def _won(store: Store, commits: Sequence[Commit]) -> list[bool]:
    """Return which commits won, or nothing if their transaction did not take place and still can."""
    won = []
    for commit in commits:
        run = store.get_run(commit.run_id)
        ours = run is not None and run.epoch == commit.epoch
        # A run without an owner was taken from this one: its turn is lost, although nobody else has it yet.
        if ours and run is not None and run.owner and run.seq == commit.seq - 1:
            return []
        won.append(ours and run is not None and run.seq == commit.seq)
    return won


class Committer:
    """Carries one batch at a time, again and again if the store is away.

    Args:
      here: for batches that nobody else is held up by.
      aside: for the others; None: `here` carries all.
      later: calls a function on the worker's thread after so many seconds.
      outage: told of the error with which an outage begins, and of its end, after so many seconds, by None.
    """

    def __init__(
        self,
        here: Carrier,
        aside: Carrier | None,
        later: Later,
        outage: Callable[[StoreError | None, float], None] = lambda _error, _after_s: None,
    ) -> None:
        self.outage = outage
        self._here = here
        self._aside = aside
        self._later = later
        self._closed = False
        self.busy = False

    def submit(self, commits: Sequence[Commit], answer: Answer, *, alone: bool) -> None:
        """Make commits durable. `alone`: nothing else could be done meanwhile."""
        assert not self.busy, "one batch at a time"
        self.busy = True
        carrier = self._here if alone or self._aside is None else self._aside
        faults.reached("before-commit")
        _Attempt(self, carrier, commits, answer).go()

    def close(self) -> None:
        """End; a batch that is under way is answered no more."""
        self._closed = True
        for carrier in (self._here, self._aside):
            if carrier is not None:
                carrier.close()

    def retry(self, after_s: float, action: Callable[[], None]) -> None:
        """Do something after so many seconds, if there is still somebody to do it for."""
        self._later(after_s, lambda: None if self._closed else action())

    def answered(self, answer: Answer, outcome: Outcome) -> None:
        """Hand over how a batch ended; the next one may come."""
        self.busy = False
        if not self._closed:
            answer(outcome)


class _Attempt:
    """One batch on its way, over as many attempts as it needs."""

    def __init__(
        self, committer: Committer, carrier: Carrier, commits: Sequence[Commit], answer: Answer
    ) -> None:
        self.committer, self.carrier = committer, carrier
        self.commits, self.answer = commits, answer
        self.failures = 0
        self.waited_s = 0.0

    def go(self) -> None:
        self.carrier.carry(self.commits, self._carried)

    def _carried(self, outcome: Outcome) -> None:
        if isinstance(outcome, StoreError) and outcome.code in PASSING:
            self._wait(outcome)
        elif isinstance(outcome, list) and self.failures and not all(outcome):
            # An attempt that nobody could tell the outcome of may have won after all, and fenced this one.
            self.carrier.read_back(self.commits, self._settled)
        else:
            self._answer(outcome)

    def _settled(self, outcome: Outcome) -> None:
        if isinstance(outcome, StoreError) and outcome.code in PASSING:
            self._wait(outcome)
        elif outcome == []:
            self.go()
        else:
            self._answer(outcome)

    def _answer(self, outcome: Outcome) -> None:
        if self.failures and isinstance(outcome, list):
            self.committer.outage(None, self.waited_s)
        self.committer.answered(self.answer, outcome)

    def _wait(self, error: StoreError) -> None:
        if self.waited_s > limits.OUTAGE_S:
            self.committer.answered(self.answer, error)
            return
        if not self.failures:
            self.committer.outage(error, 0.0)
        self.failures += 1
        pause = min(limits.POLL_S * self.failures, limits.OUTAGE_POLL_S)
        self.waited_s += pause
        self.committer.retry(pause, lambda: self.carrier.read_back(self.commits, self._settled))
