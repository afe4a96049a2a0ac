"""An error that nobody handles parks the run, and `retry` does the failing operation again, at its place.

Goal: the restarts of a parked run. Method: an error that another task's later change undoes.
An operation is redone with the operands that it had: what was computed before it is not computed again.
"""

from __future__ import annotations

import pytest
from runs import START_S, Saved, Variation, world

from perdure.machine.registers import EVALUATOR
from perdure.machine.turn import Cancel, Fired, Restart, Retry
from perdure.values.printer import write_string

PROGRAM = """
(define found (list 1))
(define fixer (spawn (lambda () (sleep 5) (set-cdr! found (list 7)))))
(define (inner x) (+ x (cadr found)))
(define (outer x) (list 'got (inner x)))
(outer 1)
"""


def start(source, variation):
    with EVALUATOR:
        program = world().toolchain.compile_source(source, "retry.scm")
        machine = world().toolchain.new_run(program, "r1", [], START_S, 42)
        return variation.begin(machine)


def turn(machine, variation, events, now):
    """Take turns until the run is not ready; return the machine and the last outcome."""
    while True:
        outcome = variation.turn(machine, events, now)
        machine = variation.between(machine, preempted=outcome.preempted)
        events = []
        if outcome.status != "ready":
            return machine, outcome


@pytest.mark.parametrize("variation", [Variation, Saved])
def test_retry_does_the_failing_operation_again(variation):
    way = variation()
    machine, outcome = turn(start(PROGRAM, way), way, [], START_S)
    tasks = [t for _, t in machine.root.tasks.entries.values()]
    assert [t.status for t in tasks] == ["parked", "waiting"]
    machine, outcome = turn(machine, way, [Retry()], START_S)
    assert outcome.status == "waiting", "still wrong: parked again, while the other task sleeps"
    (timer,) = [r for _, r in machine.root.requests.entries.values()]
    machine, outcome = turn(machine, way, [Fired(timer.number)], START_S + 5)
    assert outcome.status == "parked"
    assert outcome.result.kind == "type-error"
    machine, outcome = turn(machine, way, [Retry()], START_S + 5)
    assert (outcome.status, write_string(outcome.result)) == ("completed", "(got 8)")


@pytest.mark.parametrize("variation", [Variation, Saved])
@pytest.mark.parametrize(
    "body",
    [
        "(sleep 100)",
        "(car 5)",
        "(join (spawn (lambda () (sleep 100))))",
        "(channel-get (make-channel))",
    ],
)
def test_a_cancelled_run_leaves_its_extents_and_no_handler_sees_it(variation, body):
    way = variation()
    source = (
        "(dynamic-wind (lambda () #f)"
        f" (lambda () (if (car (list #t)) {body}) (display 'never))"
        " (lambda () (display 'left)))"
    )
    machine, outcome = turn(start(source, way), way, [], START_S)
    assert outcome.status in {"waiting", "parked"}
    machine, outcome = turn(machine, way, [Cancel("")], START_S)
    assert outcome.status == "cancelled"
    assert not machine.root.requests.entries


@pytest.mark.parametrize(
    ("restart", "result"),
    [(Restart("retry"), "(got 8)"), (Restart("use-value", (1,)), "(got 2)")],
)
def test_a_run_that_an_earlier_release_has_parked_has_its_restarts(restart, result):
    """Such a task has only what does the operation again: as its function, with no argument."""
    way = Variation()
    machine, outcome = turn(start(PROGRAM, way), way, [], START_S)
    (parked,) = [t for _, t in machine.root.tasks.entries.values() if t.status == "parked"]
    parked.arguments = ()
    (timer,) = [r for _, r in machine.root.requests.entries.values()]
    machine, outcome = turn(machine, way, [Fired(timer.number)], START_S + 5)
    machine, outcome = turn(machine, way, [restart], START_S + 5)
    assert (outcome.status, write_string(outcome.result)) == ("completed", result)
