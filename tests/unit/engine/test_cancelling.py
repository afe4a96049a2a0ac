"""Cancelling runs of a real engine: clean-up that blocks, deadlines, force, the runs that go with it, effects in progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from acting import WAIT_S, acts, begin, ended, waits, write

from perdure import Engine, effect
from perdure.base import limits
from perdure.base.errors import CallError
from perdure.engine.cancelling import dump_order, load_order
from perdure.engine.deadlines import limited
from perdure.engine.live import LiveRun
from perdure.engine.python_modules import describe
from perdure.machine.turn import Cancel, Event, Fired, Pause, Resume

__all__ = ["write"]

CLEANS_UP = """
(define (main)
  (dynamic-wind void
                (lambda () (receive-message))
                (lambda () (note (cancellation-reason)) (note (receive-message)) (note 'done))))
"""


def test_the_clean_up_may_wait_and_the_reason_is_told(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    begin(engine, write(CLEANS_UP))
    assert engine.cancel("r", "sold out")
    waits(engine, "r", lambda: engine.find("r").detail == "cancelling: a message")
    shown = engine.show("r")
    assert (shown.cancelling, shown.reason, shown.forced_at) == (True, "sold out", None)
    assert engine.cancel("r", "again")  # twice is once
    engine.send("r", "go on")
    error = ended(engine)
    assert (error.status, error.kind) == ("cancelled", "cancelled")
    assert "the run was cancelled: sold out" in str(error)
    report = engine.answer("r").error
    assert report is not None
    assert (report.reason, report.forced) == ("sold out", False)
    assert acts(tmp_path).seen == ["sold out", "go on", "done"]
    assert not engine.cancel("r")


def test_what_is_left_of_the_clean_up_after_the_deadline_is_not_done(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    begin(engine, write(CLEANS_UP))
    engine.cancel("r", "sold out", deadline_s=0.05)
    assert "by force" in str(ended(engine))
    report = engine.answer("r").error
    assert report is not None
    assert (report.reason, report.forced) == ("sold out", True)
    assert acts(tmp_path).seen == ["sold out"]
    assert "ended by force" in engine.log_lines("r")[0].message


def test_the_deadline_survives_the_process(write: Callable[..., Path], tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/test.db"
    with Engine(url) as first:
        begin(first, write(CLEANS_UP))
        first.cancel("r", deadline_s=0.5)
        waits(
            first,
            "r",
            lambda: first.find("r").detail.startswith("cancelling: a message and 1 more"),
        )
        assert first.show("r").forced_at is not None
    with Engine(url) as second:
        assert "by force" in str(ended(second))


def test_force_ends_a_run_where_it_is(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    begin(engine, write(CLEANS_UP))
    engine.cancel("r", force=True)
    assert "by force" in str(ended(engine))
    assert acts(tmp_path).seen == []


def test_an_error_in_the_clean_up_parks_and_a_retry_goes_on_with_it(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    program = write(
        """
        (define (main)
          (guard (e (#t (note 'caught)))
            (dynamic-wind void
                          (lambda () (receive-message))
                          (lambda () (note (fails-once)) (note 'cleaned)))))
        """
    )
    begin(engine, program)
    engine.cancel("r", "sold out", deadline_s=1000)
    assert ended(engine).status == "parked"
    shown = engine.show("r")
    assert (shown.cancelling, shown.reason) == (True, "sold out")
    assert engine.retry("r")
    assert ended(engine).status == "cancelled"
    assert acts(tmp_path).seen == ["tried", "undone", "cleaned"]


def test_a_parked_run_is_cancelled_with_its_clean_up(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    program = write(
        "(define (main) (dynamic-wind void (lambda () (car 5)) (lambda () (note 'out))))"
    )
    engine.start(program, id="r")
    assert ended(engine).status == "parked"
    engine.cancel("r")
    assert ended(engine).status == "cancelled"
    assert acts(tmp_path).seen == ["out"]


@pytest.mark.parametrize(
    ("restart", "seen"),
    [
        (("use-value", 7), [7, "same", "next"]),
        (("return", "left"), ["next"]),
        (("abort",), ["next"]),
        (("raise", "worse"), None),
    ],
)
def test_a_parked_clean_up_goes_on_by_a_restart(
    engine: Engine,
    write: Callable[..., Path],
    tmp_path: Path,
    restart: tuple[str, ...],
    seen: list[object] | None,
) -> None:
    program = write(
        """
        (define (step) (note (+ (car 5) 0)) (note 'same))
        (define (main)
          (dynamic-wind void
                        (lambda () (dynamic-wind void receive-message step))
                        (lambda () (note 'next))))
        """
    )
    begin(engine, program)
    engine.cancel("r", "sold out")
    assert ended(engine).status == "parked"
    frame = {"frame": "step"} if restart[0] == "return" else {}
    engine.restart("r", *restart, **frame)
    if seen is None:
        waits(engine, "r", lambda: "worse" in engine.find("r").detail)
        engine.restart("r", "abort")
        seen = ["next"]
    error = ended(engine)
    assert (error.status, "sold out" in str(error)) == ("cancelled", True)
    assert acts(tmp_path).seen == seen


def test_a_clean_up_that_is_parked_ends_at_the_deadline(
    engine: Engine, write: Callable[..., Path]
) -> None:
    begin(
        engine,
        write(
            "(define (main) (dynamic-wind void (lambda () (receive-message)) (lambda () (car 5))))"
        ),
    )
    engine.cancel("r", deadline_s=0.3)
    assert ended(engine).status == "parked"
    assert engine.find("r").wake_at is not None
    waits(engine, "r", lambda: engine.find("r").status == "cancelled")
    assert "by force" in str(ended(engine))


# -- effects in progress ---------------------------------------------------------------------------


def test_an_async_effect_in_progress_is_cancelled(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    begin(engine, write("(define (main) (patient))"))
    assert acts(tmp_path).begun.wait(WAIT_S)
    engine.cancel("r", "sold out")
    assert ended(engine).status == "cancelled"
    assert acts(tmp_path).ended.wait(WAIT_S)
    assert acts(tmp_path).seen == [["cancelled", "sold out"]]


def test_a_plain_effect_in_progress_hears_of_it_by_its_token(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    begin(engine, write("(define (main) (plain 1))"))
    assert acts(tmp_path).begun.wait(WAIT_S)
    engine.cancel("r", "sold out")
    assert ended(engine).status == "cancelled"
    assert acts(tmp_path).ended.wait(WAIT_S)
    assert acts(tmp_path).seen == [False, [True, "sold out"]]


def test_a_plain_effect_that_is_given_up_after_a_timeout_hears_of_it(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    engine.start(write("(define (main) (with-timeout 0.01 (lambda () (plain 1)) 'late))"), id="r")
    assert engine.result("r", timeout=WAIT_S) == "late"
    assert acts(tmp_path).ended.wait(WAIT_S)
    assert acts(tmp_path).seen == [False, [True, "nobody waits for it any more"]]
    engine.start(write("(define (main) (guard (e ((outcome-unknown? e) 'doubt)) (slow)))"), id="s")
    assert engine.result("s", timeout=WAIT_S) == "doubt"
    assert acts(tmp_path).ended.wait(WAIT_S)


def test_an_effect_that_may_not_be_repeated_is_logged_and_so_is_its_late_outcome(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    program = write(
        "(define (main) (dynamic-wind void (lambda () (charge 5)) (lambda () (receive-message))))"
    )
    begin(engine, program)
    assert acts(tmp_path).begun.wait(WAIT_S)
    engine.cancel("r")
    waits(engine, "r", lambda: engine.find("r").detail == "cancelling: a message")
    lines = engine.log_lines("r")
    assert ["charge was in progress" in line.message for line in lines] == [True]
    assert '"idempotency-key": "r/' in lines[0].fields
    acts(tmp_path).release.set()
    waits(engine, "r", lambda: len(engine.log_lines("r")) == 2)
    assert engine.log_lines("r")[1].message == "charge returned when it was no longer waited for"
    engine.send("r", "go on")
    assert ended(engine).status == "cancelled"


def test_an_effect_in_doubt_of_a_run_that_is_cancelled_is_logged(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    url = f"sqlite:{tmp_path}/test.db"
    with Engine(url) as first:
        begin(first, write("(define (main) (charge 5))"))
        assert acts(tmp_path).begun.wait(WAIT_S)
    acts(tmp_path).release.set()
    with Engine(url, execute="none") as idle:
        idle.cancel("r")
    with Engine(url) as second:
        assert ended(second).status == "cancelled"
        (line,) = second.log_lines("r")
        assert "nobody knows whether it took place" in line.message
        assert '"idempotency-key": "r/' in line.fields


def test_an_effect_that_may_be_repeated_needs_no_log(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    begin(engine, write("(define (main) (repeatable))"))
    assert acts(tmp_path).begun.wait(WAIT_S)
    engine.cancel("r")
    assert ended(engine).status == "cancelled"
    assert list(engine.log_lines("r")) == []
    acts(tmp_path).release.set()


def test_a_shield_lets_its_effect_in_progress_end_and_its_outcome_is_used(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    program = write("(define (main) (shield (lambda () (note (charge 5)))) (note 'never))")
    begin(engine, program)
    assert acts(tmp_path).begun.wait(WAIT_S)
    engine.cancel("r")
    waits(engine, "r", lambda: engine.find("r").detail == "cancelling: charge")
    acts(tmp_path).release.set()
    assert ended(engine).status == "cancelled"
    assert acts(tmp_path).seen == [5]


def test_an_effect_hears_of_the_deadline_around_it(
    engine: Engine, write: Callable[..., Path]
) -> None:
    program = write(
        """
        (define (main)
          (let ((soon (+ (now) 100)))
            (list (by-when 1) (or-else 1)
                  (with-deadline soon
                    (lambda ()
                      (map (lambda (found) (= (cadr found) soon))
                           (list (vector->list (by-when 1)) (vector->list (or-else 1))))))
                  (or-else 1 2)
                  (business 'x 3))))
        """
    )
    found = engine.run(program, timeout=WAIT_S)
    assert found == [[1, None], [1, None], [True, True], [1, 2], ["x", 3]]


def test_an_effect_whose_deadline_is_over_is_not_started(
    engine: Engine, write: Callable[..., Path], tmp_path: Path
) -> None:
    """The deadline is that of the task which has started this one: no alarm of its own ends the wait for another attempt."""
    program = write(
        """
        (define (main)
          (let ((child #f))
            (with-timeout 0.05
              (lambda ()
                (set! child
                  (spawn (lambda ()
                           (guard (e ((timeout-error? e) (condition/report-string e)))
                             (with-retry '((attempts . 5) (backoff . 1.3)) fails)))))
                (sleep 5))
              'late)
            (join child)))
        """
    )
    assert "its deadline was over" in engine.run(program, timeout=WAIT_S)
    assert acts(tmp_path).seen == ["tried"]


# -- runs that go with it --------------------------------------------------------------------------

PARENT = """
(define (main)
  (let ((child (start-run "child" "kept")) (other (start-run-detached "child" "left")))
    (dynamic-wind void
                  (lambda () (join child))
                  (lambda () (start-run "child" "cleaning")))))
"""
CHILD = "(define (main name) (dynamic-wind void (lambda () (receive-message)) (lambda () (note (cancellation-reason)))))"


@pytest.mark.parametrize("force", [False, True])
def test_the_runs_that_a_run_has_started_are_cancelled_with_it(
    engine: Engine, write: Callable[..., Path], tmp_path: Path, force: bool
) -> None:
    write(CHILD, "child.scm")
    engine.start(write(PARENT, "parent.scm"), id="r")
    waits(engine, "r", lambda: len([r for r in engine.list() if r.status == "waiting"]) == 3)
    runs = {run.run_id: run for run in engine.list()}
    attached = [run for run in runs.values() if run.parent == "r"]
    detached = [run for run in runs.values() if run.parent == "" and run.run_id != "r"]
    assert len(attached) == len(detached) == 1
    engine.cancel("r", "sold out", force=force)
    assert ended(engine).status == "cancelled"
    told = ended(engine, attached[0].run_id)
    assert told.status == "cancelled"
    assert "run r, which started it, was cancelled: sold out" in str(told)
    assert engine.find(detached[0].run_id).status == "waiting"
    # What the clean-up starts goes on.
    new = [run for run in engine.list() if run.run_id not in runs]
    assert len(new) == (not force)
    waits(engine, "r", lambda: all(engine.find(r.run_id).status == "waiting" for r in new))


def test_the_runs_of_a_program_that_cancels_itself_are_cancelled(
    engine: Engine, write: Callable[..., Path]
) -> None:
    write(CHILD, "child.scm")
    program = write(
        '(define (main) (start-run "child" "kept") (sleep 0.01) (cancel (current-task)))',
        "parent.scm",
    )
    engine.start(program, id="r")
    assert ended(engine).status == "cancelled"
    (child,) = [run.run_id for run in engine.list() if run.parent == "r"]
    assert "run r, which started it, was cancelled" in str(ended(engine, child))


def test_a_run_that_ends_otherwise_leaves_them(engine: Engine, write: Callable[..., Path]) -> None:
    write(CHILD, "child.scm")
    engine.start(write('(define (main) (start-run "child" "kept"))', "parent.scm"), id="r")
    child = engine.result("r", timeout=WAIT_S)
    waits(engine, child, lambda: engine.find(child).status == "waiting")


def test_many_runs_are_cancelled_at_once(engine: Engine, write: Callable[..., Path]) -> None:
    program = write("(define (main) (receive-message))")
    names = engine.start_many(program, [()] * 20, run_ids=[f"r{n}" for n in range(20)])
    other = engine.start(write("(define (main) (receive-message))", "other.scm"), id="other")
    waits(engine, other, lambda: all(r.status == "waiting" for r in engine.list()))
    chosen = engine.unfinished(program="program", status="waiting")
    assert sorted(engine.cancel_many(chosen, "closing")) == sorted(names)
    for run_id in names:
        assert "closing" in str(ended(engine, run_id))
    assert engine.find(other).status == "waiting"
    assert engine.unfinished(names) == []
    assert [run.run_id for run in engine.unfinished()] == [other]
    with pytest.raises(CallError, match="no run 'nowhere'"):
        engine.unfinished([other, "nowhere"])


def test_an_attempt_may_take_what_is_left_until_the_deadline_and_no_longer_than_its_mark() -> None:
    marked = describe(effect(timeout=5.0)(lambda: None))
    grace = limits.DEADLINE_GRACE_S
    assert limited(marked, 100.0) is marked
    assert limited(marked, 3.0).mark.timeout_s == 3.0 + grace
    assert limited(describe(lambda: None), 100.0).mark.timeout_s == 100.0 + grace


@pytest.mark.parametrize(
    ("event", "stopping"), [(Cancel(""), True), (Pause(), True), (Resume(), False)]
)
def test_nothing_is_begun_in_a_transaction_before_a_run_is_cancelled_or_paused(
    event: Event, stopping: bool
) -> None:
    live = LiveRun("r", 1, program=None, machine=None, heap=None)
    assert not live.stopping
    live.events += [Fired(1), event]
    assert live.stopping == stopping


def test_an_order_is_read_as_it_was_written_and_an_old_one_is_its_reason() -> None:
    assert load_order(dump_order("why", 2.5, force=True)) == Cancel("why", 2.5, True)
    assert load_order(dump_order()) == Cancel("")
    assert load_order(b"sold out") == Cancel("sold out")
    assert load_order(b'{"reason"') == Cancel('{"reason"')
    assert load_order(b"5") == Cancel("5")
