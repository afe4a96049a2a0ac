"""Quotas raise a condition in the run that met them, and nowhere else.

Method: an engine in this process with a small quota; what a program can catch, what parks it, what is thrown away.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure import Engine
from perdure.app import Answer
from perdure.base import limits
from perdure.engine.turns import forget_turn
from perdure.machine import watchdog

MIB = 1024 * 1024
HEAD = "(import (scheme base) (scheme write) (perdure))\n"

Run = Callable[[str], Answer]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    forget_turn()  # what other tests left behind is not to be freed while growth is measured
    before = watchdog.memory_max_bytes()
    watchdog.set_memory_max(32 * MIB)
    with Engine(f"sqlite:{tmp_path}/q.db") as engine:

        def perform(text: str) -> Answer:
            path = tmp_path / "program.scm"
            path.write_text(HEAD + text)
            answer = engine.wait(engine.start(path, id="r"), timeout=60)
            assert answer is not None
            return answer

        yield perform
    forget_turn()
    watchdog.set_memory_max(before)


def value(answer: Answer) -> Any:
    assert answer.result is not None, answer.error
    return answer.result.written


def test_a_program_can_handle_a_quota_error_of_its_state(run: Run) -> None:
    answer = run("""
(define (hoard) (let loop ((l '())) (loop (cons (make-string 1000 #\\x) l))))
(define (main) (guard (e (#t (list (condition-kind e) (condition-code e)))) (hoard)))""")
    assert value(answer) == '(quota-error "P214")'


def test_a_run_that_let_go_of_what_it_was_is_not_told_again(run: Run) -> None:
    answer = run("""
(define (hoard) (let loop ((l '())) (loop (cons (make-string 1000 #\\x) l))))
(define (main)
  (let ((told (guard (e (#t (condition-kind e))) (hoard))))
    (do ((i 0 (+ i 1))) ((= i 20)) (sleep 0.001))
    told))""")
    assert value(answer) == "quota-error"


def test_what_one_primitive_would_make_is_refused_before_it_is_made(run: Run) -> None:
    answer = run("(define (main) (guard (e (#t (condition-message e))) (make-vector 5000000 0)))")
    assert value(answer) == (
        f'"make-vector: the result would have 5000000 elements, more than the limit of {4 * MIB}"'
    )


def test_a_run_that_ignores_its_quota_is_parked_with_the_reason(run: Run) -> None:
    answer = run("""
(define kept '())
(define (hoard) (let loop () (set! kept (cons (make-string 1000 #\\x) kept)) (loop)))
(define (main) (let loop () (guard (e (#t #f)) (hoard)) (loop)))""")
    assert answer.error is not None
    assert "P601" in answer.error.message


def test_a_turn_that_makes_too_much_in_a_few_operations_is_stopped(run: Run) -> None:
    """Whether it is told in time, or its turn is thrown away, hangs on when the watchdog's thread has its turn."""
    vectors = " ".join(["(make-vector 3000000 0)"] * 10)
    answer = run(f"(define (main) (let ((kept (list {vectors}))) (sleep 1000) kept))")
    assert answer.error is not None
    assert answer.error.kind == "quota-error" or "P601" in answer.error.message


def test_more_output_than_a_turn_may_make_ends_the_turn(run: Run, tmp_path: Path) -> None:
    answer = run("""
(define text (make-string 10000 #\\x))
(define (main) (do ((i 0 (+ i 1))) ((= i 500) 'done) (display text)))""")
    assert value(answer) == "done"
    with Engine(f"sqlite:{tmp_path}/q.db", execute="none") as engine:
        pieces = [len(piece.text) for piece in engine.outputs("r")]
    assert sum(pieces) == 5_000_000
    assert max(pieces) <= limits.TURN_OUTPUT_CHARS + 2 * 10_000


def test_one_text_that_is_too_long_to_be_displayed_is_refused(run: Run) -> None:
    watchdog.set_memory_max(1024 * MIB)
    answer = run(
        "(define (main) (guard (e (#t (condition-kind e))) (display (make-string 20000000 #\\x))))"
    )
    assert value(answer) == "quota-error"


def test_many_messages_end_the_turn(run: Run, tmp_path: Path) -> None:
    answer = run("(define (main) (do ((i 0 (+ i 1))) ((= i 2500) 'done) (send-message (self) i)))")
    assert value(answer) == "done"
    with Engine(f"sqlite:{tmp_path}/q.db", execute="none") as engine:
        assert len(engine.log("r")) >= 3


def test_a_long_mailbox_does_not_make_its_messages_expensive(run: Run, tmp_path: Path) -> None:
    """Method: the time of a turn that takes a thousand messages, with a short and with a long mailbox before it."""
    watchdog.set_memory_max(1024 * MIB)
    run("""
(define (main)
  (let loop ((i 0))
    (when (< i 20000) (send-message (self) i) (loop (+ i 1))))
  'done)""")
    with Engine(f"sqlite:{tmp_path}/q.db", execute="none") as engine:
        log = [entry for entry in engine.log("r") if "message" in entry.note]
    spans = [later.at - earlier.at for earlier, later in itertools.pairwise(log)]
    assert sum(spans[-3:]) < 20 * max(sum(spans[:3]), 0.05)
