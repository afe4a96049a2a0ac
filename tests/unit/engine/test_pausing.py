"""Pausing and resuming runs of a real engine: while effects are in progress, while sleeping, with messages arriving, over restarts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from acting import WAIT_S, acts, begin, ended, waits, write

from perdure import Engine
from perdure.base.errors import CallError

__all__ = ["write"]

COUNTS = """
(define (main)
  (let loop ((sum 0))
    (let ((n (receive-message)))
      (note n)
      (if (= n 0) sum (loop (+ sum n))))))
"""


def pause(engine: Engine, run_id: str = "r") -> None:
    """Pause a run and wait until it rests."""
    assert engine.pause(run_id)
    waits(engine, run_id, lambda: engine.find(run_id).detail == "paused")


def test_messages_that_come_meanwhile_are_kept_and_taken_afterwards(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    begin(engine, write(COUNTS))
    engine.send("r", 1)
    waits(engine, "r", lambda: acts(tmp_path).seen == [1])
    pause(engine)
    for n in (2, 3, 0):
        engine.send("r", n)
    waits(engine, "r", lambda: engine.show("r").mailbox == 2)  # the first one woke the receiver
    assert acts(tmp_path).seen == [1]
    assert ended(engine).kind == "paused"
    shown = engine.show("r")
    assert (shown.status, shown.paused, shown.detail) == ("parked", True, "paused")
    assert engine.resume("r")
    assert engine.result("r", timeout=WAIT_S) == 6
    assert not engine.pause("r")
    assert not engine.resume("r")


def test_the_outcome_of_an_effect_in_progress_is_recorded_and_the_next_one_is_not_started(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    url = f"sqlite:{tmp_path}/test.db"
    with Engine(url) as first:
        begin(first, write("(define (main) (let ((x (charge 5))) (list x (note 6))))"))
        assert acts(tmp_path).begun.wait(WAIT_S)
        pause(first)
        before = first.find("r").seq
        acts(tmp_path).release.set()
        waits(first, "r", lambda: first.find("r").seq > before and not first.find("r").owner)
        assert acts(tmp_path).seen == []
    with Engine(url) as second:
        assert ended(second).kind == "paused"
        assert second.resume("r")
        assert second.result("r", timeout=WAIT_S) == [5, 6]


def test_a_timer_that_is_due_meanwhile_fires_when_it_is_resumed(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    url = f"sqlite:{tmp_path}/test.db"
    with Engine(url) as first:
        begin(first, write("(define (main) (sleep 0.2) (note 'slept))"))
        pause(first)
        assert first.find("r").wake_at is None
    with Engine(url) as second:
        due = second.find("r").created_at + 0.3
        waits(second, "r", lambda: second.store.now() > due)
        assert ended(second).kind == "paused"
        assert acts(tmp_path).seen == []
        second.resume("r")
        assert second.result("r", timeout=WAIT_S) == "slept"


def test_a_run_that_is_paused_before_it_begins_begins_when_it_is_resumed(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    url = f"sqlite:{tmp_path}/test.db"
    with Engine(url, execute="none") as idle:
        idle.start(write("(define (main) (note 1))"), id="r")
        idle.pause("r")
    with Engine(url) as other:
        assert ended(other).kind == "paused"
        assert acts(tmp_path).seen == []
        other.resume("r")
        assert other.result("r", timeout=WAIT_S) == 1


def test_a_run_that_only_computes_is_paused_and_goes_on_where_it_was(
    engine: Engine, write: Callable[..., Path]
) -> None:
    program = write("(define (main) (let loop ((n 0)) (if (= n 30000000) n (loop (+ n 1)))))")
    engine.start(program, id="r")
    engine.wait("r", timeout=0.0)
    pause(engine)
    assert engine.cancel("r", force=True)
    assert ended(engine).status == "cancelled"


def test_a_paused_run_is_not_retried_and_goes_on_to_be_cancelled(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    program = write(
        "(define (main) (dynamic-wind void (lambda () (car 5)) (lambda () (note 'out))))"
    )
    engine.start(program, id="r")
    assert ended(engine).kind == "type-error"
    pause(engine)
    with pytest.raises(CallError, match="run r is paused"):
        engine.retry("r")
    engine.resume("r")
    waits(engine, "r", lambda: engine.find("r").detail != "paused")
    assert ended(engine).kind == "type-error"
    pause(engine)
    engine.cancel("r")
    assert ended(engine).status == "cancelled"
    assert acts(tmp_path).seen == ["out"]


def test_many_runs_are_paused_and_resumed(engine: Engine, write: Callable[..., Path]) -> None:
    program = write(COUNTS)
    names = engine.start_many(program, [()] * 10)
    waits(engine, names[0], lambda: all(r.status == "waiting" for r in engine.list()))
    assert sorted(engine.pause_many(engine.unfinished(program="program"))) == sorted(names)
    waits(engine, names[0], lambda: all(r.detail == "paused" for r in engine.list()))
    assert sorted(engine.resume_many(engine.unfinished(names))) == sorted(names)
    for name in names:
        engine.send(name, 0)
    assert [engine.result(name, timeout=WAIT_S) for name in names] == [0] * 10


def test_runs_on_postgresql_are_paused_resumed_and_cancelled_with_what_they_started(
    empty_postgres_url: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    write("(define (main) (receive-message))", "child.scm")
    program = write(
        """
        (define (main)
          (let ((child (start-run "child")))
            (dynamic-wind void (lambda () (join child)) (lambda () (receive-message) (note 'cleaned)))))
        """
    )
    with Engine(empty_postgres_url) as engine:
        begin(engine, program)
        waits(engine, "r", lambda: [r.status for r in engine.list()] == ["waiting"] * 2)
        (child,) = [run.run_id for run in engine.list() if run.parent == "r"]
        assert sorted(engine.pause_many(engine.unfinished())) == sorted(["r", child])
        waits(engine, "r", lambda: all(run.detail == "paused" for run in engine.list()))
        assert engine.resume(child)
        engine.cancel("r", "sold out", deadline_s=0.5)
        assert ended(engine, child).status == "cancelled"
        report = ended(engine)
        assert report.status == "cancelled"
        assert "sold out (by force" in str(report)
        assert acts(tmp_path).seen == []
