"""A store that fails now and then, at any verb, before or after it did what it was asked.

Goal: whatever `exchange` could not do is done later; nobody can tell an answer that was lost from a call that was never
made, so both must end well.
Method: a scheduler is driven by hand, on a store in memory that fails once, with a clock that the test moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.engine import records
from perdure.engine.committing import Committer, Here
from perdure.engine.executor import Call, Ended
from perdure.engine.loading import Programs
from perdure.engine.python_modules import Function
from perdure.engine.scheduler import Options, Scheduler
from perdure.snapshot import exchange
from perdure.store.api import Commit, NewRun, Release, Run, Send
from perdure.store.memory import MemoryStore
from perdure.testing.clock import ManualClock
from perdure.values.types import String

PROGRAM = """
(import (scheme base) (perdure))
(define (main n)
  (let* ((before (now)) (got (receive-message)) (then (now)))
    (sleep n)
    (if (<= before then) 'later 'earlier)))
"""


class FailsOnce(MemoryStore):
    """Fails at the first call of one verb, and at no other."""

    verb = ""
    after = False
    failed: list[str]

    def another(self) -> MemoryStore:
        made = FailsOnce(clock=self.now, retention=self.retention, world=self._world)
        made.verb, made.after, made.failed = self.verb, self.after, self.failed
        return made

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name in ("verb", "after", "failed") or name != self.verb:
            return found

        def call(*given: Any) -> Any:
            if self.failed:
                return found(*given)
            self.failed.append(name)
            if self.after:
                found(*given)
            raise StoreError("P407", "the connection was lost")

        return call


class OnePlace:
    """An executor with room for one effect, which ends when the test says so."""

    def __init__(self) -> None:
        self.inside: list[Call] = []

    def room(self, function: Function) -> int:
        return 1 - len(self.inside)

    def start(self, call: Call) -> None:
        self.inside.append(call)

    def abandon(self, call: Call) -> None:
        raise AssertionError(call)

    def close(self) -> None:
        """Nothing is going on."""

    def end(self) -> list[int]:
        """End the effect and return what its arguments were."""
        call = self.inside.pop()
        call.done(Ended(1, None))
        return call.arguments


class Hand:
    """Drives a scheduler; time passes with every round."""

    def __init__(self, store: MemoryStore, programs: Programs, clock: ManualClock) -> None:
        self.clock = clock
        self.later: list[Callable[[], None]] = []
        self.enlisted = 0
        self.executor = OnePlace()
        self.scheduler = Scheduler(
            store,
            programs,
            Options(name="hand"),
            executor=self.executor,
            committer=Committer(
                Here(lambda: self.scheduler.owned.store),
                None,
                lambda seconds, action: self.later.append(action),
            ),
            monotonic=self._monotonic,
            wake=lambda: None,
            enlisted=self._enlist,
        )
        self.scheduler.enlist()

    def _enlist(self) -> None:
        self.enlisted += 1

    def _monotonic(self) -> float:
        self.clock.advance(0.001)
        return self.clock.now()

    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.clock.advance(limits.POLL_S)
            self.scheduler.round()
            actions, self.later = self.later, []
            for action in actions:
                action()


@pytest.fixture(scope="module")
def programs() -> Programs:
    return Programs(allowed=["perdure.testing.simulation.effects"])


def world(programs: Programs, verb: str, *, after: bool) -> tuple[FailsOnce, ManualClock]:
    """Return a store with one run that waits for a message, and its clock."""
    clock = ManualClock()
    store = FailsOnce(clock=clock.now)
    store.verb, store.after, store.failed = "", after, []
    program = programs.compile_source(PROGRAM, "waits.scm", "/")
    programs.save(store, program)
    store.start_runs([NewRun("r", program.name, program.hash, records.dump_arguments([1]))])
    store.verb = verb
    return store, clock


def run_of(store: MemoryStore) -> Run:
    run = store.get_run("r")
    assert run is not None
    return run


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "verb",
    [
        "data_version",
        "reap_dead_owners",
        "claim",
        "load",
        "stirred",
        "inbox",
        "next_wake",
        "commit",
        "put_definitions",
    ],
)
def test_a_run_ends_although_a_call_of_the_store_failed(
    programs: Programs, verb: str, after: bool
) -> None:
    store, clock = world(programs, verb, after=after)
    hand = Hand(store.another(), programs, clock)
    hand.rounds(60)
    store.verb = ""
    store.send(Send("r", "message", "m", "", exchange.dump_value(1)))
    hand.rounds(60)
    assert store.failed == [verb]
    assert run_of(store).status == "completed"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("verb", ["reap_dead_owners", "acquit", "claim", "register_owner"])
def test_a_run_that_others_had_ends_although_a_call_of_the_store_failed(
    programs: Programs, verb: str, after: bool
) -> None:
    store, clock = world(programs, "", after=after)
    first = Hand(store.another(), programs, clock)
    first.rounds(10)  # the run waits for a message, and has nothing to commit when it is claimed
    second = Hand(store.another(), programs, clock)
    second.rounds(10)
    failing = second.scheduler.owned.store
    assert isinstance(failing, FailsOnce)
    failing.verb = verb
    store.kill(first.scheduler.owned.owner)
    if verb == "register_owner":
        second.scheduler.lost()
    second.rounds(60)
    assert store.failed == [verb]
    assert run_of(store).owner == second.scheduler.owned.owner
    store.send(Send("r", "message", "m", "", exchange.dump_value(1)))
    second.rounds(60)
    assert run_of(store).status == "completed"
    assert second.enlisted == 1 + (verb == "register_owner")


def test_the_time_of_a_run_never_goes_back(programs: Programs) -> None:
    store, clock = world(programs, "", after=False)
    hand = Hand(store.another(), programs, clock)
    hand.rounds(10)
    clock.advance(-3_600.0)
    store.send(Send("r", "message", "m", "", exchange.dump_value(1)))
    hand.scheduler.owned.notice()
    hand.rounds(10)
    clock.advance(3_700.0)
    hand.rounds(10)
    assert records.load_result(store.result("r") or b"").written == "later"


WAITS = """
(import (scheme base) (perdure))
(define (main child) (join child))
"""


def test_a_run_and_what_it_waits_for_outlive_their_workers(programs: Programs) -> None:
    clock = ManualClock()
    store = MemoryStore(clock=clock.now)
    joins = programs.compile_source(WAITS, "joins.scm", "/")
    waits = programs.compile_source(PROGRAM, "waits.scm", "/")
    given = records.dump_arguments([String("r")])
    store.start_runs(
        [
            NewRun("joins", joins.name, joins.hash, given),
            NewRun("r", waits.name, waits.hash, records.dump_arguments([1])),
        ]
    )
    hand = Hand(store.another(), programs, clock)
    hand.rounds(10)
    store.kill(hand.scheduler.owned.owner)
    for _ in range(limits.DEATHS_ALONE - 1):
        store.reap_dead_owners()
        for run_id in ("joins", "r"):
            dies = store.another()
            assert dies.claim_one(run_id, dies.register_owner("dies")) is not None
            dies.close()
    last = Hand(store.another(), programs, clock)
    last.rounds(60)
    store.send(Send("r", "message", "m", "", exchange.dump_value(1)))
    last.rounds(60)
    assert [store.counts(), run_of(store).quarantined] == [{"completed": 2}, ""]


WANTS_ROOM = """
(import (scheme base) (perdure) (python perdure.testing.simulation.effects))
(define (main n seconds)
  (race (lambda () (add-slowly n n)) (lambda () (sleep seconds) 'late)))
"""


def test_room_that_one_run_wants_no_more_goes_to_the_next(programs: Programs) -> None:
    clock = ManualClock()
    store = MemoryStore(clock=clock.now)
    program = programs.compile_source(WANTS_ROOM, "wants.scm", "/")
    programs.save(store, program)
    hand = Hand(store.another(), programs, clock)
    for n, seconds in ((0, 1000), (1, 5), (2, 1000)):
        given = records.dump_arguments([n, seconds])
        store.start_runs([NewRun(f"r{n}", program.name, program.hash, given)])
        hand.rounds(5)
    clock.advance(5.0)
    assert hand.executor.end() == [0, 0]
    hand.rounds(5)
    assert hand.executor.end() == [2, 2]


class FailsToCommit(MemoryStore):
    """Fails at the first commit; `before` and `after` are what happens besides."""

    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None

    def commit(self, commits: Any) -> list[bool]:
        before, after = self.before, self.after
        self.before = self.after = None
        if before is not None:
            before()
            raise StoreError("P407", "the connection was lost")
        won = super().commit(commits)
        if after is not None:
            after()
            raise StoreError("P407", "the connection was lost")
        return won


def committed_late(store: FailsToCommit, commits: list[Commit]) -> Any:
    """Return how a batch ended, after all that its committer wanted to do later."""
    later: list[Callable[[], None]] = []
    answers: list[Any] = []
    committer = Committer(Here(lambda: store), None, lambda seconds, action: later.append(action))
    committer.submit(commits, answers.append, alone=True)
    for _ in range(10):
        actions, later[:] = list(later), []
        for action in actions:
            action()
    (answer,) = answers
    return answer


def first_turn(run_id: str, epoch: int) -> Commit:
    return Commit(
        run_id=run_id,
        epoch=epoch,
        seq=1,
        kind="turn",
        payload=b"",
        entry_hash=b"h",
        status="waiting",
        snapshot=b"s",
        snapshot_hash=b"h",
    )


@pytest.fixture
def two_runs() -> tuple[FailsToCommit, list[Commit], ManualClock]:
    clock = ManualClock()
    store = FailsToCommit(clock=clock.now)
    store.start_runs([NewRun(run_id, "p", "h", b"[]") for run_id in ("a", "b")])
    claims = store.claim(store.register_owner("first"), 2)
    return store, [first_turn(claim.run_id, claim.epoch) for claim in claims], clock


def test_turns_of_runs_that_were_taken_away_meanwhile_are_lost(
    two_runs: tuple[FailsToCommit, list[Commit], ManualClock],
) -> None:
    store, commits, clock = two_runs

    def taken_away() -> None:
        clock.advance(limits.LEASE_S + 1)
        assert store.another().reap_dead_owners() == 2

    store.before = taken_away
    assert committed_late(store, commits) == [False, False]


def test_a_turn_that_won_unheard_is_told_from_one_that_lost_beside_it(
    two_runs: tuple[FailsToCommit, list[Commit], ManualClock],
) -> None:
    store, commits, _ = two_runs
    second = commits[1]
    store.release([Release(second.run_id, second.epoch)])
    store.after = lambda: None
    assert committed_late(store, commits) == [True, False]
