"""Crash-everywhere: a story is told with a kill at every point, and differences are found and named.

Method: programs that survive every kill, and stubs and assertions that do not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perdure import effect
from perdure.testing import Later, World, crash_everywhere

SAGA = """
(import (scheme base) (scheme write) (perdure) (python bank))
(define (main from to amount)
  (withdraw from amount)
  (sleep 86400)
  (display "half")
  (all (lambda () (deposit to amount)) (lambda () (tell from)) (lambda () (tell to)))
  (log-event 'info "done")
  (receive-message))
"""


class Bank:
    """Keeps money, and knows which keys it has seen."""

    def __init__(self) -> None:
        self.money = {"a": 100, "b": 0}
        self._keys: set[str] = set()

    def move(self, account: str, amount: int, key: str) -> int:
        if key not in self._keys:
            self._keys.add(key)
            self.money[account] += amount
        return self.money[account]

    def stubs(self) -> dict[str, Any]:
        @effect(idempotent=True)
        def withdraw(account: str, amount: int, idempotency_key: str) -> int:
            return self.move(account, -amount, idempotency_key)

        @effect(idempotent=True)
        def deposit(account: str, amount: int, idempotency_key: str) -> int:
            return self.move(account, amount, idempotency_key)

        tell = effect(idempotent=True)(lambda account: Later(60, account))
        return {"withdraw": withdraw, "deposit": deposit, "tell": tell}


@pytest.fixture
def saga(tmp_path: Path) -> Path:
    path = tmp_path / "saga.scm"
    path.write_text(SAGA)
    return path


def test_a_program_survives_a_kill_at_every_point(saga: Path) -> None:
    told = 0

    def story(world: Callable[..., World]) -> None:
        nonlocal told
        told += 1
        bank = Bank()
        here = world(saga, stubs=bank.stubs())
        run = here.start("a", "b", 30)
        here.advance(days=2)
        run.send("end")
        assert run.result == "end"
        assert bank.money == {"a": 70, "b": 30}

    crashes = crash_everywhere(story)
    assert crashes.points > 20
    assert crashes.doubtful == 0
    assert crashes.skipped == 0
    assert told == crashes.points + 2
    few = crash_everywhere(story, points_max=5)
    assert (few.points, few.skipped) == (5, crashes.points - 5)


def test_what_a_stub_does_twice_is_found(saga: Path) -> None:
    def story(world: Callable[..., World]) -> None:
        money = [0]

        @effect(idempotent=True)
        def deposit(account: str, amount: int) -> None:
            money[0] += amount

        stubs = Bank().stubs() | {"deposit": deposit}
        here = world(saga, stubs=stubs)
        here.start("a", "b", 30)
        here.run()
        assert money == [30]

    with pytest.raises(
        AssertionError, match=r"killed after the effect \(deposit 'b' 30\) of run-1"
    ):
        crash_everywhere(story)


def test_a_result_that_differs_is_found(saga: Path) -> None:
    calls = [0]

    def story(world: Callable[..., World]) -> None:
        def withdraw(account: str, amount: int) -> None:
            calls[0] += 1
            if calls[0] > 1:
                raise ValueError("no")

        here = world(saga, stubs=Bank().stubs() | {"withdraw": effect(idempotent=True)(withdraw)})
        here.start("a", "b", 30)
        here.run()

    with pytest.raises(AssertionError, match="status of run-1 is 'parked' instead of 'waiting'"):
        crash_everywhere(story)


def test_a_story_that_fails_without_a_kill_fails_as_it_is(saga: Path) -> None:
    def story(world: Callable[..., World]) -> None:
        raise KeyError("the story")

    with pytest.raises(KeyError, match="the story"):
        crash_everywhere(story)


def test_points_that_leave_an_effect_in_doubt_are_left_out(saga: Path) -> None:
    def story(world: Callable[..., World]) -> None:
        here = world(saga, stubs={"withdraw": 1, "deposit": 1, "tell": Later(10, 1)})
        run = here.start("a", "b", 30)
        here.run()
        run.send("end")
        assert run.result == "end"

    crashes = crash_everywhere(story)
    assert crashes.points >= 4
    assert crashes.doubtful >= 10


def test_points_that_leave_an_effect_in_doubt_are_tried_if_that_is_wanted(saga: Path) -> None:
    statuses: list[str] = []

    def story(world: Callable[..., World]) -> None:
        here = world(saga, stubs={"withdraw": 1, "deposit": 1, "tell": 1})
        run = here.start("a", "b", 30)
        here.run()
        statuses.append(run.status)
        assert run.status in ("waiting", "parked")

    crashes = crash_everywhere(story, doubts=True)
    assert crashes.doubtful == 0
    assert "parked" in statuses

    def strict(world: Callable[..., World]) -> None:
        story(world)
        assert statuses[-1] == "waiting"

    with pytest.raises(AssertionError, match="killed after the commit of turn 1 of run-1"):
        crash_everywhere(strict, doubts=True, points_max=30)


def test_a_story_without_a_run_has_no_points() -> None:
    assert crash_everywhere(lambda world: None).points == 0
