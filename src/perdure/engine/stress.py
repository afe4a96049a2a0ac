"""The hardest way to take a turn: save, forget and restore the whole run at every place where it can be stopped.

Layer: engine. Imports loading, live, machine, base.
Invariant: the outcome is that of an ordinary turn; only the time it takes differs.
`perdure run --stress` uses it, and so do the tests that compare traces.
"""

from __future__ import annotations

from typing import Any

from perdure.engine.live import LiveRun
from perdure.engine.loading import Programs
from perdure.machine.stepping import Stepper
from perdure.machine.turn import Event, Outcome


def stressed_turn(programs: Programs, live: LiveRun, events: list[Event], now: float) -> Outcome:
    """Take a turn in pieces and return the outcome of the whole; `live` has a new machine and heap afterwards."""
    pieces: list[Outcome] = []
    stepper = Stepper()
    while True:
        outcome: Outcome = live.machine.turn(events, now, stepper=stepper)
        pieces.append(outcome)
        events = []
        root = live.machine.root
        if outcome.preempted and len(root.ready) > 1:
            # Cut by the test alone, a task keeps its turn: tasks interleave as in a run that is not cut.
            root.ready = (root.ready[-1], *root.ready[:-1])
        _reload(programs, live)
        if outcome.status != "ready":
            return _joined(pieces, live)


def _reload(programs: Programs, live: LiveRun) -> None:
    payload = live.heap.encode_full()
    programs.equip(live, *programs.restored([payload], live.program))
    # The deltas since the last commit are nowhere: the next commit stores everything.
    live.fresh = True


def _joined(pieces: list[Outcome], live: LiveRun) -> Outcome:
    last = pieces[-1]

    def all_of(name: str) -> tuple[Any, ...]:
        return tuple(item for piece in pieces for item in getattr(piece, name))

    withdrawn = all_of("withdrawn")
    requests = tuple(r for r in all_of("requests") if live.request(r.number) is not None)
    return Outcome(
        last.status,
        last.result,
        requests,
        withdrawn,
        all_of("sent"),
        all_of("started"),
        all_of("logged"),
        "".join(piece.output for piece in pieces),
        False,
        last.exit_code,
        all_of("refused"),
    )
