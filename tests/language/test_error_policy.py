"""What becomes of an error that nobody handles is the program's own choice.

Goal: the error policy of a run. Method: programs on the bare machine, straight and restored before every statement.
"""

from __future__ import annotations

import pytest
from runs import START_S, Saved, Variation
from test_failures import start

from perdure.machine.turn import Fired, Restart

WINDING = "(dynamic-wind (lambda () #f) (lambda () (list (car 5))) (lambda () (display 'left)))"
BOTH = pytest.mark.parametrize("variation", [Variation, Saved])


class Ran:
    """A run that was taken as far as it goes, what it displayed, and how to go on."""

    def __init__(self, body, variation):
        self.way = variation()
        self.output = ""
        self.logged = []
        self.machine = start(body, self.way)
        self.now = START_S
        self.go([])

    def go(self, events):
        while True:
            outcome = self.way.turn(self.machine, events, self.now)
            self.output += outcome.output
            self.logged += [line.message for line in outcome.logged]
            self.machine = self.way.between(self.machine, preempted=outcome.preempted)
            events = []
            if outcome.status != "ready":
                break
        self.status, self.result = outcome.status, outcome.result
        return self

    def timers(self):
        found = [r for _, r in self.machine.root.requests.entries.values()]
        return [r for r in found if r.kind in ("timer", "patience", "alarm")]

    def wait(self):
        """Let the next timer fire."""
        first = min(self.timers(), key=lambda request: request.arguments[0])
        self.now = max(self.now, first.arguments[0])
        return self.go([Fired(first.number)])


@BOTH
def test_a_run_whose_policy_is_to_fail_cleans_up_and_fails(variation):
    ran = Ran(f"(set-error-policy! 'fail) {WINDING}", variation)
    assert (ran.status, ran.result.kind, ran.output) == ("failed", "type-error", "left")


@BOTH
def test_an_error_of_a_child_fails_the_run_too(variation):
    body = "(set-error-policy! 'fail) (dynamic-wind void (lambda () (all (lambda () (sleep 9)) (lambda () (car 5)))) (lambda () (display 'main-left)))"
    ran = Ran(body, variation)
    assert (ran.status, ran.result.kind, ran.output) == ("failed", "type-error", "main-left")
    assert ran.timers() == []


@BOTH
def test_a_handler_comes_before_the_policy(variation):
    body = "(set-error-policy! 'fail) (guard (e (#t 'handled)) (all (lambda () (car 5))))"
    assert Ran(body, variation).status == "completed"


@BOTH
def test_a_run_rests_for_a_time_and_then_fails(variation):
    ran = Ran(f"(set-error-policy! '(park 60 (park 30 fail))) {WINDING}", variation)
    assert (ran.status, ran.output) == ("parked", "")
    assert [t.arguments[0] - ran.now for t in ran.timers()] == [60]
    assert ran.wait().status == "parked"
    assert ran.wait().status == "failed"
    assert (ran.now - START_S, ran.output) == (90, "left")


@BOTH
def test_a_restart_in_time_ends_the_rest(variation):
    body = "(set-error-policy! '(park 60 fail)) (list (car 5) (car 6))"
    ran = Ran(body, variation).go([Restart("use-value", (1,))])
    assert ran.status == "parked"
    (left,) = ran.timers()
    assert left.arguments[2].raised.irritants.car == 6
    assert ran.go([Restart("use-value", (2,))]).status == "completed"


@BOTH
def test_an_alarm_does_not_keep_a_parked_run_waiting(variation):
    ran = Ran("(with-timeout 10 (lambda () (list (car 5))))", variation)
    assert ran.status == "parked"
    assert ran.wait().status == "parked"


@BOTH
def test_a_procedure_may_wait_and_decides(variation):
    body = f"""(set-error-policy! (lambda (e) (display (condition/report-string e)) (sleep 5) 'fail)) {WINDING}"""
    ran = Ran(body, variation)
    assert (ran.status, ran.output) == ("waiting", "car: expected a pair, got 5")
    assert (ran.wait().status, ran.output[-4:]) == ("failed", "left")


@BOTH
def test_a_procedure_may_take_a_restart_itself(variation):
    body = "(set-error-policy! (lambda (e) (invoke-restart 'use-value (restarts)))) (display (list (car 5)))"
    ran = Ran(body, variation)
    assert ran.status == "completed"
    assert ran.output == "((retry use-value return set raise abort))"


@BOTH
@pytest.mark.parametrize("wrong", ["(car 6)", "5", "'(park soon fail)", "car", "(raise 'x)"])
def test_a_procedure_that_goes_wrong_parks_the_run_at_its_error(variation, wrong):
    body = f"(set-error-policy! (lambda (e) {wrong})) {WINDING}"
    ran = Ran(body, variation)
    assert (ran.status, ran.output) == ("parked", "")
    assert ran.result.message == "car: expected a pair, got"
    assert len(ran.logged) == 1
    assert ran.go([Restart("use-value", (1,))]).status == "completed"


@BOTH
def test_a_bad_policy_is_refused_at_once(variation):
    for bad in ("'often", "'(park 5)", "'(park -1 fail)", "5", "'(park 5 never)"):
        ran = Ran(f"(guard (e (#t (condition-kind e))) (set-error-policy! {bad}))", variation)
        assert (ran.status, ran.result.name) == ("completed", "type-error"), bad


@BOTH
def test_a_compensation_parks_whatever_the_policy_says(variation):
    body = """(set-error-policy! 'fail)
    (define short (list 1))
    (transaction (on-rollback (lambda () (list (cadr short)))) (error "out"))"""
    ran = Ran(body, variation)
    assert (ran.status, ran.result.kind) == ("parked", "type-error")
    ran.go([Restart("abort")])
    assert ran.status == "parked"
    ran.go([Restart("use-value", (1,))])
    assert (ran.status, ran.result.message) == ("failed", "out")
