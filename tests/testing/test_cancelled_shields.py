"""Runs that are cancelled, or whose main task ends, while tasks work for what is shielded: compensations above all.

Goal: what a shield holds up is done to its end, also when it is done by tasks; and no task is left over behind it. Method: worlds,
where the worker is killed at every point, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from perdure import effect
from perdure.testing import Later, World, crash_everywhere

DEFINITIONS = """
(import (scheme base) (scheme write) (perdure))
(define (work name) (sleep 3) (display name) (sleep 3) (display name))
(define (both) (all (lambda () (work 'a)) (lambda () (work 'b))) (display "-"))
(define (cleaned-up-by-both) (dynamic-wind void (lambda () (sleep 100)) both))
(define (undone-by-both) (transaction (on-rollback both) (sleep 1) (rollback)))
"""
CASES = {
    "a compensation": "(transaction (on-rollback both) (sleep 1) (rollback))",
    "an effect that has a compensation": "(transaction (compensate (both) (display 'undo)) (sleep 100))",
    "a shield": "(shield both)",
    "a task's compensation": "(all undone-by-both (lambda () (sleep 100)))",
    "what does not wait for it": "(shield (lambda () (spawn (lambda () (sleep 100))) (both)))",
    "a task of a task": "(shield (lambda () (join (spawn both)) (display 'joined)))",
}
SOON = 20.0
"""When all of it is over; what nobody needs would take longer."""
DONE = {"an effect that has a compensation": "abab-undo", "a task of a task": "abab-joined"}


@pytest.mark.parametrize("case", CASES)
def test_what_a_shield_needs_ends_when_the_run_is_cancelled(case: str) -> None:
    def story(world: Callable[..., World]) -> None:
        here = world(now=0)
        run = here.start(program=here.compile_text(DEFINITIONS + CASES[case]))
        for _ in range(2):
            here.advance(2)
            run.cancel("sold out")
        here.run()
        assert (run.status, run.output) == ("cancelled", DONE.get(case, "abab-"))
        assert here.now < SOON

    crash_everywhere(story)


@pytest.mark.parametrize(
    "leave",
    [
        "(guard (e (#t 'left)) (all undone-by-both (lambda () (sleep 2) (raise 'x))))",
        "(begin (spawn undone-by-both) (sleep 2))",
        "(guard (e (#t 'left)) (all cleaned-up-by-both (lambda () (sleep 1) (raise 'x))))",
        "(begin (spawn (lambda () (shield (lambda () (spawn (lambda () (sleep 100))) (both))))) (sleep 1))",
    ],
)
def test_what_a_shield_needs_ends_when_the_main_task_does_not_wait_for_it(leave: str) -> None:
    def story(world: Callable[..., World]) -> None:
        here = world(now=0)
        run: Any = here.start(program=here.compile_text(DEFINITIONS + leave))
        here.run()
        assert (run.status, run.output) == ("completed", "abab-")
        assert here.now < SOON

    crash_everywhere(story)


def test_a_time_limit_around_a_transaction_is_none_for_its_compensations() -> None:
    def story(world: Callable[..., World]) -> None:
        here = world(now=0, stubs={"charge": 7, "refund": refund}, without=["bank"])
        body = "(transaction (compensate (charge 5) => refund) (sleep 3) (rollback))"
        run = here.start(
            program=here.compile_text(
                f"(import (scheme base) (perdure) (python bank)) (with-timeout 5 (lambda () {body}) 'late)"
            )
        )
        here.run()
        assert (run.written, here.calls("refund"), here.now) == ("late", [[7]], 6.0)

    @effect(idempotent=True)
    def refund(receipt: int, *, deadline: float | None) -> Later:
        assert deadline is None
        return Later(3)

    crash_everywhere(story)
