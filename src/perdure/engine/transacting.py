"""Perform transactional effects: each in the transaction that stores the turn that takes its result.

Layer: engine. Imports turns, performing, effects, live, store.api, machine, base.
Invariant: such an effect is never marked as started, since it never is: until its transaction is committed nothing has
happened, and then the run has its result. So it is never in doubt, and a worker that dies leaves nothing to find out.
Not grouped with other runs' turns: one function's long wait, or its error, would be theirs.
"""

from __future__ import annotations

from perdure.engine import faults
from perdure.engine.effects import Failed
from perdure.engine.live import LiveRun
from perdure.engine.performing import Performer
from perdure.engine.turns import Start, Taken, TurnTaker
from perdure.machine.registers import EVALUATOR
from perdure.machine.turn import Raised
from perdure.store.api import Commit, Lent, Store


class Lost(Exception):
    """The run is another owner's by now; nothing was performed, or it was undone."""


def transact(
    store: Store, taker: TurnTaker, performer: Performer, live: LiveRun, now: float
) -> Taken | None:
    """Perform the oldest transactional effect of a run, and take and commit the turn that takes its result.

    Args:
      store: the worker's handle.
      taker: takes the turn.
      performer: says what the end of the effect means.
      live: the run; it is to be thrown away if this raises.
      now: the database's clock.

    Returns:
      what is durable now, or None if there was nothing to do.

    Raises:
      Lost: see there.
      StoreError: nothing was written, or that is unknown.
      QuotaError: the turn took too much memory; nothing was written.
    """
    start = _next(taker, live, now)
    if start is None:
        return None
    made: list[Taken] = []

    def work(transaction: Lent) -> Commit:
        faults.reached("transaction-began")
        performer.perform_within(live, start, transaction)
        taken = taker.take(live, now, within=True)
        assert taken is not None, "an effect's end is something to do"
        made.append(taken)
        faults.reached("transaction-taken")
        return taken.commit

    # Held from before the transaction: who waits for the evaluator inside of one keeps a lock that another engine of this
    # process may wait for, while it has the evaluator.
    with EVALUATOR:
        won = store.transact(live.run_id, live.epoch, live.seq, work)
    faults.reached("transaction-committed")
    if not won:
        raise Lost(live.run_id)
    return made[0]


def _next(taker: TurnTaker, live: LiveRun, now: float) -> Start | None:
    """Return the oldest effect that can be performed; what can't even begin becomes an event."""
    while live.transactional:
        number = live.transactional.pop(0)
        request = live.request(number)
        if request is None or request.due > now:
            continue
        start = taker.prepare(live, request, now)
        if type(start) is Failed:
            live.events.append(Raised(number, start.condition, start.repeatable))
        elif type(start) is Start:
            return start
    return None
