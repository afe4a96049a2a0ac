"""Which faults a world has, and how often: drawn once by the seed.

Layer: testing. Imports nothing of Perdure.
Invariant: a world has some kinds of faults and not others. If all were always there, each would hide what the others do:
a run that is killed every second never gets to the bug that only a late commit shows.
"""

from __future__ import annotations

import random

from msgspec import Struct


class Faults(Struct, frozen=True, kw_only=True):
    """What goes wrong until `until_s`; afterwards nothing does.

    Attributes:
      until_s: when faults end, in simulated seconds.
      workers: simulated processes.
      runs_max: runs that a worker keeps in memory.
      places: effects of a kind, plain or async, that a worker performs at the same time.
      aside: whether commits are answered later, with other events in between.
      poll_s: how often a worker asks for news.
      refuse: the share of calls of the store that fail and do nothing.
      forget: the share of calls of the store that are done and fail all the same.
      slow: the share of calls of the store that take up to a second.
      late: the share of commits before which their process hangs.
      stale: the share of questions for news that are told that there are none.
      deaf: the share of hints that are lost.
      steps_to_death: how many steps a worker lives on average; 0 for ever.
      steps_to_hang: how many steps a worker goes on average before it hangs, in the middle of one; 0 never.
      die_s: how often some worker is killed between two steps, in seconds; 0 never.
      hang_s: how often some worker hangs between two steps, in seconds; 0 never.
      drain_s: how often some worker is asked to end, in seconds; 0 never.
      outage_s: how often the store is away or full for a while, in seconds; 0 never.
      jump_s: how often the database's clock jumps, in seconds; 0 never.
      back: whether it also jumps back.
      preempt: the share of turns that are cut.
      effect_s: how long effects take, at the most.
      effect_error: the share of attempts that fail, where a function may.
      again: the share of messages and starts that clients repeat.
    """

    until_s: float
    workers: int
    runs_max: int
    places: int
    aside: bool
    poll_s: float
    refuse: float
    forget: float
    slow: float
    late: float
    stale: float
    deaf: float
    steps_to_death: int
    steps_to_hang: int
    die_s: float
    hang_s: float
    drain_s: float
    outage_s: float
    jump_s: float
    back: bool
    preempt: float
    effect_s: float
    effect_error: float
    again: float


def drawn(chance: random.Random) -> Faults:
    """Return the faults of a world."""

    def some(*values: float) -> float:
        """Return 0 in most worlds, or one of the values."""
        return chance.choice(values) if chance.random() < 0.35 else 0.0

    return Faults(
        until_s=chance.uniform(5.0, 90.0),
        workers=chance.choice((1, 2, 2, 3)),
        runs_max=chance.choice((1, 2, 3, 1000)),
        places=chance.choice((1, 2, 16)),
        aside=chance.random() < 0.5,
        poll_s=chance.choice((1.0, 4.0, 15.0)),
        refuse=some(0.01, 0.05, 0.2),
        forget=some(0.01, 0.05, 0.2),
        slow=some(0.01, 0.1, 0.5),
        late=some(0.05, 0.2),
        stale=some(0.1, 0.5, 0.9),
        deaf=some(0.1, 0.5, 1.0),
        steps_to_death=int(some(30, 100, 400)),
        steps_to_hang=int(some(30, 100, 400)),
        die_s=some(3.0, 10.0, 30.0),
        hang_s=some(3.0, 10.0, 30.0),
        drain_s=some(3.0, 10.0, 30.0),
        outage_s=some(10.0, 30.0),
        jump_s=some(3.0, 10.0, 30.0),
        back=chance.random() < 0.5,
        preempt=some(0.1, 0.5),
        effect_s=chance.choice((0.0, 0.1, 2.0, 20.0)),
        effect_error=some(0.1, 0.5),
        again=chance.choice((0.0, 0.3, 0.8)),
    )
