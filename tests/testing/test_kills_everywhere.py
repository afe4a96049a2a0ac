"""Programs with timeouts, deadlines, transactions, cancellation and restarts, with the worker killed at every point.

Method: each is told by crash_everywhere, which compares everything that can be seen; the effects take time, so that timers fire while
some are in progress. What the program gives without a kill is checked, too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perdure import Retry, effect
from perdure.testing import Later, World, crash_everywhere

HEAD = "(import (scheme base) (scheme write) (perdure) (python work))\n"

PROGRAMS = {
    "race": (
        """
        (define (main)
          (list (race (lambda () (slow 1) (slow 2) 'slow) (lambda () (sleep 7) 'fast))
                (all (lambda () (quick 1)) (lambda () (slow 2)))))
        """,
        "(fast (1 2))",
    ),
    "a timeout with clean-up that waits": (
        """
        (define (main)
          (let ((began (now)))
            (list (with-timeout 3
                    (lambda ()
                      (dynamic-wind (lambda () #f)
                                    (lambda () (slow 1))
                                    (lambda () (quick 'a) (sleep 2) (slow 'b))))
                    'late)
                  (- (now) began))))
        """,
        "(late 10.0)",
    ),
    "a deadline inside of another": (
        """
        (define (main)
          (let ((began (now)))
            (list (with-deadline (+ began 7)
                    (lambda () (with-deadline (+ began 100) (lambda () (slow 1) (slow 2) 'done)))
                    'late)
                  (- (now) began))))
        """,
        "(late 7.0)",
    ),
    "a shield": (
        "(define (main) (with-timeout 3 (lambda () (shield (lambda () (slow 1) (quick 2))) (slow 3)) 'late))",
        "late",
    ),
    "a task that is cancelled": (
        """
        (define (main)
          (let ((task (spawn (lambda ()
                               (dynamic-wind (lambda () (quick 'in))
                                             (lambda () (sleep 100))
                                             (lambda () (slow 'out) (display "out")))))))
            (sleep 10)
            (cancel task)
            (guard (e (#t (condition-kind e))) (join task))))
        """,
        "child-error",
    ),
    "nested transactions": (
        """
        (define x 0)
        (define (main)
          (list (guard (e (#t 'outer))
                  (transaction
                    (set! x 1)
                    (compensate (slow 1) (undo 1))
                    (guard (e (#t 'inner))
                      (transaction (set! x 2) (compensate (slow 2) (undo 2)) (bad)))
                    (compensate (slow 3) (undo 3))
                    (sleep 4)
                    (error "too late")))
                x))
        """,
        "(outer 0)",
    ),
    "a transaction with tasks": (
        """
        (define v (vector 0 0 0))
        (define (main)
          (list (guard (e (#t 'left))
                  (transaction
                    (all (lambda () (vector-set! v 0 1) (compensate (slow 1) (undo 1)))
                         (lambda () (vector-set! v 1 1) (compensate (quick 2) (undo 2))))
                    (bad)))
                v))
        """,
        "(left #(0 0 0))",
    ),
    "an escape out of a transaction": (
        """
        (define x 0)
        (define (main)
          (list (call/cc (lambda (k)
                  (transaction (set! x 5) (compensate (slow 1) (undo 1)) (sleep 1) (k 'escaped))))
                x))
        """,
        "(escaped 0)",
    ),
    "select": (
        """
        (define (main)
          (let ((results (make-channel)))
            (spawn (lambda () (slow 1) (channel-put results 'result)))
            (let ((first (select (channel-get-operation results)
                                 (wrap-operation (sleep-operation 3) (lambda (ignored) 'time)))))
              (list first (channel-get results)))))
        """,
        "(time result)",
    ),
    "a restart that a handler chooses": (
        """
        (define (main)
          (with-exception-handler
            (lambda (e) (quick 'asked) (invoke-restart 'use-value 41))
            (lambda () (+ 1 (bad)))))
        """,
        "42",
    ),
    "a group that is retried, and given up": (
        """
        (define x 0)
        (define (main)
          (list (guard (e (#t (list 'given-up (condition-kind e))))
                  (retrying '((attempts . 3) (backoff . 10))
                    (set! x (+ x 1))
                    (compensate (slow x) (undo x))
                    (bad)))
                x))
        """,
        "((given-up effect-error) 0)",
    ),
    "a restart of the program's own": (
        """
        (define (main)
          (with-restarts ((skip (value) "go on with a value" (list 'skipped (slow value))))
            (with-exception-handler
              (lambda (e) (quick 'asked) (invoke-restart 'skip 7))
              (lambda () (sleep 1) (car 5)))))
        """,
        "(skipped 7)",
    ),
}


def work() -> dict[str, Any]:
    again = effect(idempotent=True)

    def bad() -> None:
        raise ConnectionError("no route")

    return {
        "quick": again(lambda value: value),
        "slow": again(lambda value: Later(5, value)),
        "undo": again(lambda value: Later(3, value)),
        "bad": again(bad),
    }


@pytest.mark.parametrize(("text", "wanted"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_kill_changes_nothing(tmp_path: Path, text: str, wanted: str) -> None:
    (tmp_path / "program.scm").write_text(HEAD + text)

    def story(world: Callable[..., World]) -> None:
        here = world("program.scm", directory=tmp_path, stubs=work())
        run = here.start()
        here.run()
        assert run.written == wanted

    crashes = crash_everywhere(story)
    assert crashes.points >= 8
    assert crashes.doubtful == 0


def test_a_kill_changes_nothing_of_what_an_operator_does(tmp_path: Path) -> None:
    text = """
    (define x 0)
    (define (main)
      (transaction
        (set! x (+ x 1))
        (compensate (slow 1) (undo 1))
        (list 'paid (bad) x)))
    """
    (tmp_path / "program.scm").write_text(HEAD + text)

    def story(world: Callable[..., World]) -> None:
        here = world("program.scm", directory=tmp_path, stubs=work())
        runs = [here.start() for _ in range(3)]
        here.advance(days=20)
        assert [run.status for run in runs] == ["parked"] * 3
        runs[0].restart("use-value", "by hand")
        runs[1].restart("abort")
        runs[2].pause()
        here.advance(days=1)
        assert runs[2].cancel("enough")
        here.run()
        assert runs[0].written == '(paid "by hand" 1)'
        assert runs[0].calls("undo") == []
        assert [run.status for run in runs] == ["completed", "failed", "cancelled"]
        assert [run.calls("undo") for run in runs[1:]] == [[[1]], [[1]]]

    crashes = crash_everywhere(story)
    assert crashes.points > 30
    assert crashes.doubtful == 0


def test_an_attempt_that_a_kill_cuts_off_ends_when_it_would_have(tmp_path: Path) -> None:
    (tmp_path / "program.scm").write_text(HEAD + "(define (main) (slow 1) (now))")
    for when in ("before-effect", "after-effect", "after-commit", "before-commit"):
        world = World("program.scm", directory=tmp_path, stubs=work())
        began = world.now
        world.kill(when, nth=2 if when == "before-commit" else 1)
        run = world.start()
        world.run()
        assert run.result == began + 5


def test_an_injected_error_strikes_an_attempt_again_that_a_kill_has_cut_off(tmp_path: Path) -> None:
    (tmp_path / "program.scm").write_text(HEAD + "(define (main) (+ (quick 1) (slow 2)))")

    def story(world: Callable[..., World]) -> None:
        here = world("program.scm", directory=tmp_path, stubs=work())
        here.fail("slow", Later(60, OSError("down")))
        run = here.start()
        here.run()
        assert run.status == "parked"
        run.retry()
        here.run()
        assert run.result == 3
        assert len({effect.key for effect in run.effects}) == 3

    assert crash_everywhere(story).points > 12


def test_retries_come_when_their_policy_says_to_the_second(tmp_path: Path) -> None:
    (tmp_path / "program.scm").write_text(HEAD + "(define (main) (quick 1) (now))")
    jittered = effect(idempotent=True, retry=Retry(attempts=3, base_s=10, jitter=0.5))
    world = World("program.scm", directory=tmp_path, stubs={"quick": jittered(lambda value: value)})
    began = world.now
    world.fail("quick", OSError("down"), times=2)
    run = world.start()
    world.run()
    assert run.result == began + 10 + 20
