"""Retries of effects, as the program sets them and as an operator changes them.

Method: waits are hours long, so that whatever happens was asked for; the engine's own commits say when it waits.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure import Engine
from perdure.base.errors import CallError, RunStopped
from perdure.engine import hastening
from perdure.store.api import Commit, Send

SHOP = """
from perdure import Retry, effect

calls = []

class Busy(ConnectionError):
    pass

def _fail_until(last, key):
    calls.append(key)
    if len(calls) < last:
        raise Busy("the line is busy", len(calls))
    return len(calls)

@effect(idempotent=True)
def dial(last, idempotency_key):
    return _fail_until(last, idempotency_key)

@effect(idempotent=True, retry=Retry(attempts=4, base_s=3600, max_s=7200, jitter=0))
def marked(last, idempotency_key):
    return _fail_until(last, idempotency_key)

@effect(nothing_happened=(Busy,))
def declared(last, idempotency_key):
    return _fail_until(last, idempotency_key)

def once(last, idempotency_key):
    return _fail_until(last, idempotency_key)
"""
WAIT_S = 20.0


class Bench:
    """An engine, and a queue of what its commits say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "shop.py").write_text(SHOP)
        self.commits: queue.SimpleQueue[Commit] = queue.SimpleQueue()
        self.engine = Engine(f"sqlite:{folder}/test.db", observer=self.commits.put)

    def start(self, body: str, run_id: str = "r") -> None:
        path = self.folder / "program.scm"
        path.write_text(f"(import (scheme base) (scheme write) (perdure) (python shop))\n{body}")
        self.engine.start(path, id=run_id)

    def until(self, said: str) -> Commit:
        """Return the first commit whose note or detail has this text."""
        while True:
            commit = self.commits.get(timeout=WAIT_S)
            if said in commit.note or said in commit.detail:
                return commit

    def result(self) -> object:
        return self.engine.result("r", timeout=WAIT_S)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    with made.engine:
        yield made


def test_a_policy_of_an_extent_repeats_an_effect_with_one_key(bench: Bench) -> None:
    bench.start("(define (main) (with-retry '((attempts . 5) (backoff . 0)) (lambda () (dial 4))))")
    assert bench.result() == 4


def test_attempts_run_out_and_the_last_error_is_raised(bench: Bench) -> None:
    bench.start(
        '(define (main) (guard (c ((effect-error-is? c "ConnectionError") (effect-error-data c)))'
        " (with-retry '((attempts . 3) (backoff . 0)) (lambda () (dial 9)))))"
    )
    assert bench.result() == ["the line is busy", 3]


@pytest.mark.parametrize(
    ("on", "calls"), [('"Busy"', 3), ('"OSError"', 3), ('"ValueError"', 1), ("timeout-error", 1)]
)
def test_only_what_the_policy_is_about_is_repeated(bench: Bench, on: str, calls: int) -> None:
    bench.start(
        "(define (main) (guard (c (#t (vector-ref (effect-error-data c) 1)))"
        f" (with-retry '((attempts . 3) (backoff . 0) (on {on})) (lambda () (dial 9)))))"
    )
    assert bench.result() == calls


def test_a_declared_error_is_permission_and_nothing_else_is(bench: Bench) -> None:
    bench.start(
        "(define policy '((attempts . 5) (backoff . 0)))\n"
        "(define (main) (with-retry policy (lambda () (let ((n (declared 3))) (+ n (once 1))))))"
    )
    assert bench.result() == 3 + 4
    bench.start("(define (main) (with-retry 5 (lambda () (once 9))))", "s")
    with pytest.raises(RunStopped) as caught:
        bench.engine.result("s", timeout=WAIT_S)
    assert "not tried again: once is not declared idempotent" in caught.value.report


def test_tasks_inherit_the_policy_and_it_ends_with_its_extent(bench: Bench) -> None:
    bench.start(
        "(define (main)\n"
        "  (with-retry '((attempts . 9) (backoff . 0)) (lambda () (join (spawn (lambda () (dial 3))))))\n"
        "  (guard (c ((effect-error? c) (vector-ref (effect-error-data c) 1))) (dial 9)))"
    )
    assert bench.result() == 4


def test_a_waiting_retry_shows_its_attempt_its_error_and_its_time(bench: Bench) -> None:
    bench.start("(define (main) (marked 3))")
    waiting = bench.until("attempt 2 of 4")
    assert "after marked: Busy: [Errno the line is busy] 1" in waiting.detail
    assert waiting.wake_at is not None
    assert waiting.wake_at - bench.engine.store.now() > 3000
    (wait,) = bench.engine.show("r").tasks[0].waits
    assert (wait.attempt, wait.attempts, wait.started) == (1, 4, False)
    assert "the line is busy" in wait.error
    assert wait.due == waiting.wake_at


def request_of(bench: Bench) -> int:
    (wait,) = bench.engine.show("r").tasks[0].waits
    return wait.request


def test_an_operator_lets_a_waiting_retry_run_now(bench: Bench) -> None:
    bench.start("(define (main) (marked 3))")
    bench.until("attempt 2 of 4")
    assert bench.engine.retry("r", request=request_of(bench))
    bench.until("attempt 3 of 4")
    assert bench.engine.retry("r", request=request_of(bench), in_s=0)
    assert bench.result() == 3


def test_an_operator_puts_a_retry_off_and_changes_his_mind(bench: Bench) -> None:
    bench.start("(define (main) (marked 2))")
    first = bench.until("attempt 2 of 4")
    bench.engine.retry("r", request=request_of(bench), in_s=86_400)
    later = bench.until("retry")
    assert first.wake_at is not None
    assert later.wake_at is not None
    assert later.wake_at > first.wake_at + 3600
    bench.engine.retry("r", request=request_of(bench))
    assert bench.result() == 2


def test_an_operator_changes_the_number_of_attempts(bench: Bench) -> None:
    bench.start(
        "(define (main) (guard (c ((effect-error? c) (vector-ref (effect-error-data c) 1))) (marked 9)))"
    )
    bench.until("attempt 2 of 4")
    number = request_of(bench)
    bench.engine.retry("r", request=number, attempts=2)
    bench.until("attempt 2 of 2")
    bench.engine.retry("r", request=number)
    assert bench.result() == 2


def test_what_can_t_be_changed_is_refused(bench: Bench) -> None:
    bench.start("(define (main) (marked 3) (receive-message))")
    bench.until("attempt 2 of 4")
    number = request_of(bench)
    for given, said in (
        ({"request": number + 100}, "no effect with this number is waited for"),
        ({"request": number, "attempts": 1}, "it has had 1 attempts already"),
        ({"request": number, "attempts": 0}, "a number of attempts is from 1 to 1000"),
        ({"request": number, "in_s": -1.0}, "a time from now on is needed"),
    ):
        with pytest.raises(CallError, match=said):
            bench.engine.retry("r", **given)  # type: ignore[arg-type]
    bench.engine.retry("r", request=number)
    bench.until("attempt 3 of 4")
    bench.engine.retry("r", request=number)
    bench.until("a message")
    with pytest.raises(CallError, match="no effect with this number is waited for"):
        bench.engine.retry("r", request=number)


def test_a_change_that_comes_too_late_changes_nothing_and_is_in_the_log(bench: Bench) -> None:
    bench.start("(define (main) (marked 2) (receive-message))")
    bench.until("attempt 2 of 4")
    number = request_of(bench)
    bench.engine.retry("r", request=number)
    bench.until("a message")
    late = Send("r", "retry", "", "", hastening.dump(number, 0.0, 9))
    bench.engine.store.send(late)
    bench.until(f"#{number} retry refused: no effect with this number is waited for")
    bench.engine.send("r", 5)
    assert bench.result() == 5
