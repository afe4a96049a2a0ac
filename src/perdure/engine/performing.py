"""Perform the effects of runs: who has room, what is started, and what follows from how it ended.

Layer: engine. Imports turns, effects, executor, live, accounts, store.api.
Invariant: nothing is started here but what `start` is told, and that is told when the turn that asked for it is durable. A
promise of room is kept or taken back exactly once.
"""

from __future__ import annotations

import functools
from asyncio import CancelledError
from collections.abc import Callable, Sequence
from typing import Any

from perdure.base.cancellation import Cancellation, Cancelled
from perdure.engine import accounts, faults
from perdure.engine.cancelling import late_line
from perdure.engine.effects import Again, Succeeded, decide
from perdure.engine.executor import Call, Ended, Executor, called_within
from perdure.engine.journal import Journal
from perdure.engine.live import LiveRun
from perdure.engine.metrics import Metrics
from perdure.engine.python_modules import Function
from perdure.engine.turns import Start, Taken
from perdure.machine.turn import Raised, Returned
from perdure.store.api import Lent


class Unsuccessful(Exception):
    """Carries what a transactional effect raised, its cause, out of its transaction."""


class Performer:
    """Performs effects by an executor.

    Args:
      executor: where they run; calls back on the worker's thread.
      now: the database's clock.
      metrics, journal: where it counts and tells.
      stir: notes that a run may have something to do.
      wake: asks for a round of the scheduler.
      chance: returns a random number between 0 and 1.

    Attributes:
      closing: nothing more is to be started.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        now: Callable[[], float],
        metrics: Metrics,
        journal: Journal,
        stir: Callable[[str], None],
        wake: Callable[[], None],
        chance: Callable[[], float],
    ) -> None:
        self._executor = executor
        self._now = now
        self._metrics = metrics
        self._journal = journal
        self._stir = stir
        self._wake = wake
        self._chance = chance
        self.closing = False
        # The runs that wait for room: for plain effects, and for async ones.
        self._crowded: tuple[dict[str, Function], dict[str, Function]] = ({}, {})
        self._refused: list[Function | None] = [None, None]
        # Starts that were promised room by turns which are not durable yet.
        self._promised = [0, 0]

    # -- room ------------------------------------------------------------------------------------

    def room(self, function: Function) -> bool:
        """Promise room for one call, if there is some."""
        if self.closing:
            return False
        kind = function.asynchronous
        if self._executor.room(function) > self._promised[kind]:
            self._promised[kind] += 1
            return True
        self._refused[kind] = function
        return False

    def promised(self) -> list[int]:
        """Return what is promised now, for `take_back`."""
        return list(self._promised)

    def take_back(self, promised: list[int]) -> None:
        """Forget what was promised since: the turn that it was promised to is thrown away."""
        self._promised = promised

    def keep_promises(self, batch: Sequence[Taken]) -> None:
        """Count the starts of turns as promised no more: they start now, or never."""
        for taken in batch:
            for start in taken.starts:
                self._promised[start.function.asynchronous] -= 1

    def queue_up(self, run_id: str) -> None:
        """Let the run whose turn was taken last wait for the room that it was refused, if any was."""
        for asynchronous in (False, True):
            refused = self._refused[asynchronous]
            if refused is not None:
                self._refused[asynchronous] = None
                self._crowded[asynchronous][run_id] = refused

    def invite(self) -> None:
        """Stir as many runs that wait for room for their effects as there is room for, the longest waiting first.

        Not only when an effect ends: a run that was invited may want no room any more, and the next one must hear of it.
        """
        for kind, crowd in enumerate(self._crowded):
            invited = 0
            while crowd:
                run_id, function = next(iter(crowd.items()))
                if self._executor.room(function) - self._promised[kind] <= invited:
                    break
                invited += 1
                del crowd[run_id]
                self._stir(run_id)

    # -- calls -----------------------------------------------------------------------------------

    def start(self, live: LiveRun, start: Start) -> None:
        """Start an effect; the turn that asked for it is durable."""

        def done(ended: Ended) -> None:
            self._ended(live, start, ended)

        call = Call(
            start.function,
            start.arguments,
            start.key,
            done,
            self._wake,
            name=start.name,
            deadline=start.deadline,
            cancellation=Cancellation() if start.function.wants_cancellation else None,
        )
        live.calls[start.number] = call
        self._metrics.effects_started += 1
        faults.reached("effect-started")
        self._executor.start(call)

    def perform_within(self, live: LiveRun, start: Start, transaction: Lent) -> None:
        """Perform a transactional effect in an open transaction, in this thread.

        Raises:
          StoreError: the transaction is gone.
        """
        self._metrics.effects_started += 1

        def call(connection: Any) -> Any:
            try:
                return called_within(
                    start.function, start.arguments, start.key, start.deadline, connection
                )
            except BaseException as error:
                raise Unsuccessful from error

        try:
            ended = Ended(transaction.attempt(call), None)
        except Unsuccessful as failure:
            ended = Ended(None, failure.__cause__)
        told = len(live.events)
        self._ended(live, start, ended)
        if len(live.events) > told:
            # Before all else that the turn is told: what came meanwhile must not end the wait for what is being committed.
            live.events.insert(0, live.events.pop())

    def _ended(self, live: LiveRun, start: Start, ended: Ended) -> None:
        faults.reached("effect-ended")
        number = start.number
        live.calls.pop(number, None)
        self._metrics.effects_ended += 1
        request = live.request(number)
        begun = request.begun if request is not None else 0.0
        decided = decide(
            start.function.mark,
            ended,
            name=start.name,
            attempt=start.attempt,
            key=start.key,
            given=request.policy if request is not None else None,
            elapsed_s=self._now() - begun if begun else 0.0,
            share=self._chance(),
        )
        if isinstance(decided, Succeeded):
            live.events.append(Returned(number, decided.value, decided.repeatable))
        else:
            if isinstance(decided, Again):
                live.retries[number] = decided
            else:
                live.events.append(Raised(number, decided.condition, decided.repeatable))
            accounts.attempt_failed(self._metrics, self._journal, live.run_id, start, decided)
        self._stir(live.run_id)
        self._wake()

    def withdraw(self, live: LiveRun, numbers: Sequence[int]) -> None:
        """Abandon effects that a run does not wait for any more; a late outcome that may matter is logged."""
        reason = "nobody waits for it any more"
        if live.root.cancelled:
            reason = live.root.reason or "the run was cancelled"
        for number in numbers:
            call = live.calls.pop(number, None)
            if call is None:
                continue
            if not call.function.mark.idempotent:
                call.late = functools.partial(self._ended_late, live, number, call)
            self.abandon(call, reason)

    def _ended_late(self, live: LiveRun, number: int, call: Call, ended: Ended) -> None:
        """Log how an effect ended that may not be repeated and that nobody waits for."""
        how = "returned" if ended.error is None else f"raised {type(ended.error).__name__}"
        if isinstance(ended.error, CancelledError | Cancelled):
            how = "was stopped"
        self._journal.warning(
            "effect ended late", run=live.run_id, request=number, effect=call.name, outcome=how
        )
        if not live.gone:
            live.late.append(late_line(call.name, number, call.key, how))
            self._stir(live.run_id)

    def abandon(self, call: Call, reason: str) -> None:
        """Forget a call: nobody waits for its outcome any more."""
        self._metrics.effects_abandoned += 1
        call.given_up = reason
        if call.cancellation is not None:
            call.cancellation.cancel(reason)
        self._executor.abandon(call)

    def forget(self, live: LiveRun) -> None:
        """Abandon the effects of a run that is not executed here any more."""
        reason = "the worker stops, or has lost the run"
        for crowd in self._crowded:
            crowd.pop(live.run_id, None)
        for call in live.calls.values():
            self.abandon(call, reason)
        live.calls.clear()

    def close(self) -> None:
        """Abandon everything."""
        self._executor.close()
