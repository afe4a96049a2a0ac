"""Restarts of parked runs by the engine: what is offered and refused, several tasks, time, and many runs at once.

Goal: the operator's half of docs/reference/restarts.md. Method: engines on a real database, one after the other; worlds with a clock of
their own where time matters.
"""

from __future__ import annotations

import time

import pytest

from perdure import Datum, Engine, PerdureError
from perdure.base.errors import CallError, RunStopped
from perdure.store.api import Send
from perdure.testing import World

DIVIDES = "(define (main n d) (list (/ n d)))"


def parked(engine, program, *arguments, id="p"):
    with pytest.raises(RunStopped):
        engine.run(program, *arguments, id=id)
    return id


def names(engine, run_id):
    return [one.name for one in engine.restarts(run_id)]


STANDARD = ["retry", "use-value", "return", "set", "raise", "abort"]


def test_another_engine_restarts_a_run_after_a_restart_of_everything(engine, write, tmp_path):
    run_id = parked(engine, write(DIVIDES), 8, 0)
    engine.close()
    with Engine(f"sqlite:{tmp_path}/test.db") as other:
        assert names(other, run_id) == STANDARD
        assert "set d of main" in other.restart(run_id, "set", "d", 2)
        assert other.result(run_id, timeout=30) == [4]
        assert other.restarts(run_id) == ()


def test_what_is_impossible_is_refused_at_once_and_changes_nothing(engine, write):
    run_id = parked(engine, write(DIVIDES), 8, 0)
    for words, why in (
        (("nothing",), "no restart nothing"),
        (("use-value",), "(use-value value): expected 1 argument, got 0"),
        (("raise",), "expected at least 1 argument, got 0"),
        (("abort", 1), "(abort): expected 0 arguments, got 1"),
        (("set", "x", 1), "no variable x"),
        (("return", 1, "nowhere"), "no frame nowhere"),
    ):
        with pytest.raises(CallError) as refused:
            engine.restart(run_id, *words)
        assert refused.value.code == "P305"
        assert why in refused.value.message
    with pytest.raises(CallError) as refused:
        engine.restart(run_id, "retry", task=7)
    assert "task 7 is not parked" in refused.value.message
    with pytest.raises(CallError) as refused:
        engine.restart(run_id, "use-value", object())
    assert refused.value.code == "P303"
    assert engine.store.inbox([run_id]) == {run_id: []}
    assert engine.find(run_id).status == "parked"


def test_a_run_that_waits_has_no_restarts(engine, write):
    run_id = engine.start(write("(define (main) (receive-message))"), id="waits")
    with Engine(engine.db, execute="none") as other:
        assert not other.retry(run_id)
        with pytest.raises(CallError) as refused:
            other.restart(run_id)
        assert "has not begun" in refused.value.message or "nothing is parked" in (
            refused.value.message
        )
    engine.send(run_id, 1)
    assert engine.result(run_id, timeout=30) == 1
    with pytest.raises(CallError) as refused:
        engine.restart(run_id)
    assert "is completed, not parked" in refused.value.message


@pytest.mark.parametrize(
    "body", ["(let ((d 0)) (list (/ n d)))", "(define d 1) (set! d 0) (list (/ n d))"]
)
def test_an_error_is_at_the_operation_and_not_at_an_operand(engine, write, body):
    """Where it is done again is before its operands: there they are read."""
    run_id = parked(engine, write(f"(define (main n)\n  {body})"), 8)
    line, caret = engine.answer(run_id).error.text.splitlines()[1:3]
    column = caret.index("^")
    assert line[column : column + caret.count("^")] == "(/ n d)"
    view = engine.show(run_id).tasks[0].frames[0]
    assert engine.restart(run_id, dry_run=True).endswith(f":{view.line}:{view.column} again")


def test_a_restart_names_the_operation_that_waits_for_a_task_that_failed(engine, write):
    body = "(define (main)\n  (guard (e ((string? e) 'no))\n    (list\n      (all (lambda ()\n        (car 5))))))"
    run_id = parked(engine, write(body))
    text = engine.answer(run_id).error.text
    line = int(text.split(":")[1])
    assert "(car 5)" in text
    assert f":{line - 1}:7 again" in engine.restart(run_id, dry_run=True)
    engine.restart(run_id, "use-value", 3)
    assert engine.result(run_id, timeout=30) == [3]


def test_of_several_parked_tasks_one_is_named_or_all_are_retried(engine, write):
    body = """
    (define tried 0)
    (define (fails x) (set! tried (+ tried 1)) (+ 1 (car x)))
    (define (main) (all (lambda () (fails 1)) (lambda () (fails 2)) (lambda () (sleep 0) 3)))"""
    run_id = parked(engine, write(body))
    tasks = sorted({one.task for one in engine.restarts(run_id)})
    assert len(tasks) == 2
    with pytest.raises(CallError) as refused:
        engine.restart(run_id, "use-value", 5)
    assert "several tasks are parked" in refused.value.message
    assert engine.restart(run_id).count("again") == 2
    engine.wait(run_id, timeout=30)
    engine.restart(run_id, "use-value", 5, task=tasks[1])
    engine.wait(run_id, timeout=30)
    engine.restart(run_id, "set", "x", [7])
    with pytest.raises(RunStopped):
        engine.result(run_id, timeout=30)  # a list of Python is a vector
    engine.restart(run_id, "use-value", 6)
    assert engine.result(run_id, timeout=30) == [7, 6, 3]


def test_a_task_that_is_parked_while_others_wait_can_be_restarted(engine, write):
    run_id = engine.start(
        write("(define (main) (all (lambda () (+ 1 (car 5))) (lambda () (receive-message))))"),
        id="w",
    )
    until = time.monotonic() + 30
    while engine.find(run_id).status != "waiting":
        assert time.monotonic() < until
        engine.wait(run_id, timeout=0.05)
    assert engine.restarts(run_id)
    tried = engine.find(run_id).seq
    assert engine.retry(run_id)
    while engine.find(run_id).seq == tried:
        assert time.monotonic() < until
        engine.wait(run_id, timeout=0.05)
    engine.restart(run_id, "use-value", 1)
    engine.send(run_id, "there")
    assert engine.result(run_id, timeout=30) == [2, "there"]


def test_abort_ends_the_run_as_failed_or_only_a_task(engine, write):
    body = "(define (main) (list (all (lambda () (car 5)) (lambda () 2))))"
    whole = parked(engine, write(body), id="whole")
    engine.restart(whole, "abort")
    assert engine.wait(whole, timeout=30).status == "failed"
    part = parked(engine, write(body), id="part")
    (task,) = {one.task for one in engine.restarts(part)}
    engine.restart(part, "abort", task=task)
    assert engine.wait(part, timeout=30).status == "parked", "its error is the main task's now"
    engine.restart(part, "use-value", "instead")
    assert engine.result(part, timeout=30) == ["instead"]


@pytest.mark.parametrize(
    ("body", "restart", "result"),
    [
        ("(define (main x) (list (fails x)))", ("set", "x", 1), None),
        ("(define (main x) (fails x))", ("use-value", 3), 3),
        ('(define where "here") (define (main x) (list (fails where)))', ("use-value", 3), [3]),
        ("(define (main x) (list (select (effect-operation fails x))))", ("use-value", 3), [3]),
        (
            "(define (main x) (list (select (wrap-operation (effect-operation fails x) list))))",
            ("use-value", 3),
            [3],
        ),
        ("(define (main x) (with-timeout 60 (lambda () (list (fails x)))))", ("return", 3), 3),
        ('(list (fails "x"))', ("return", 3), 3),
        ("(define (main x) (list (raise 'symbol)))", ("use-value", 3), [3]),
        ('(define (main x) (list (join "no-such-run")))', ("use-value", 3), [3]),
        ("(define (main x) (list (* 2 (+ 1 missing))))", ("use-value", 3), [8]),
        ("(define (main x) (list (* 2 (+ 1 missing))))", ("set", "missing", 4), [10]),
        ("(define (main x) (list (if missing 'yes 'no)))", ("use-value", False), ["no"]),
        ("(define (main x) (list (+ 1 (missing x))))", ("use-value", 3), [4]),
    ],
)
def test_every_kind_of_failure_has_its_restarts(engine, write, body, restart, result):
    arguments = () if "main" not in body else ("word",)
    run_id = parked(engine, write(body), *arguments)
    assert names(engine, run_id) == STANDARD
    engine.restart(run_id, *restart)
    if result is None:
        with pytest.raises(RunStopped) as again:
            engine.result(run_id, timeout=30)
        assert "ValueError: 1" in str(again.value)
    else:
        assert engine.result(run_id, timeout=30) == result


def test_an_effect_is_asked_for_with_what_its_variables_are_now(engine, write):
    body = """
    (define factor 2)
    (define (ask n) (let ((got (fails (* factor (+ n 1))))) got))
    (define (tail) (fails factor))
    (define (main n) (list (ask n) (tail)))"""
    run_id = parked(engine, write(body), 4)
    text = engine.answer(run_id).error.text
    assert "fails: ValueError: 10" in text
    assert "in ask" in text
    steps = [
        (("set", "n", 5), "ValueError: 12"),
        (("set", "factor", 3), "ValueError: 18"),
        (("use-value", 1), "ValueError: 3"),
        (("set", "factor", 4), "ValueError: 4"),
    ]
    for restart, shown in steps:
        engine.restart(run_id, *restart)
        with pytest.raises(RunStopped) as stopped:
            engine.result(run_id, timeout=30)
        assert shown in str(stopped.value)
    assert "in tail" in engine.answer(run_id).error.text, "a call in tail position is shown, too"
    engine.restart(run_id, "return", 2)
    assert engine.result(run_id, timeout=30) == [1, 2]


def test_a_paused_run_and_one_that_misses_a_function_say_so(engine, write, tmp_path):
    run_id = parked(engine, write(DIVIDES), 8, 0)
    engine.pause(run_id)
    until = time.monotonic() + 30
    while engine.find(run_id).detail != "paused":
        assert time.monotonic() < until
        engine.wait(run_id, timeout=0.05)
    with pytest.raises(CallError) as refused:
        engine.restart(run_id, "use-value", 1)
    assert "is paused" in refused.value.message


def test_a_parked_run_is_woken_when_its_patience_is_over():
    text = """(import (scheme base) (scheme write) (perdure))
    (define (main)
      (set-error-policy! '(park 3600 fail))
      (dynamic-wind (lambda () #f) (lambda () (list (car 5))) (lambda () (display "left"))))"""
    with World() as world:
        run = world.start(program=world.compile_text(text))
        assert run.status == "parked"
        world.advance(hours=1)
        assert (run.status, run.output) == ("failed", "left")


def test_a_thousand_runs_are_restarted_at_once(engine, write):
    """Method: the time is a bound that only a mistake in kind would break, such as a transaction for each run."""
    program = write("(define (main n) (+ n (car n)))")
    ids = [f"m{n}" for n in range(1_000)]
    engine.start_many(program, [[n] for n in range(1_000)], run_ids=ids)
    for run_id in ids:
        assert engine.wait(run_id, timeout=120).status == "parked"
    began = time.monotonic()
    dry = engine.restart_many("use-value", 1, program="program", error="type-error", dry_run=True)
    assert len(dry) == 1_000
    assert not any(one.refused for one in dry)
    assert dry[0].text.startswith("go on with 1 as the value of the operation at")
    done = engine.restart_many("use-value", 1, program="program")
    assert {one.run_id for one in done} == set(ids)
    assert time.monotonic() - began < 30
    assert [engine.result(run_id, timeout=120) for run_id in ids] == list(range(1, 1_001))
    assert engine.restart_many("retry") == []


def test_a_value_of_any_kind_that_crosses_can_be_given(engine, write):
    run_id = parked(engine, write("(define (main) (list (car 5)))"))
    engine.restart(run_id, "use-value", {"a": [1, 2.5, None, True, "text"]})
    assert engine.result(run_id, timeout=30) == [{"a": [1, 2.5, None, True, "text"]}]
    run_id = parked(engine, write("(define (main) (list 1 (memq 'b (car 5))))"), id="list")
    engine.restart(run_id, "use-value", Datum("(a b c)"))
    assert engine.result(run_id, timeout=30) == [1, ["b", "c"]]


def test_a_damaged_restart_in_the_inbox_quarantines_the_run(engine, write):
    run_id = parked(engine, write(DIVIDES), 8, 0)
    engine.store.send(Send(run_id, "restart", "", "", b"{}"))
    answer = engine.wait(run_id, timeout=30)
    assert answer is not None
    with pytest.raises(PerdureError):
        engine.restart(run_id, "use-value", 1)
