"""Groups of effects are retried together: undone where they can be, repeated with the same key where they may, else parked.

Goal: an attempt that failed leaves the heap as it was before it; no effect is doubled that was not declared safe.
Method: a world with a simulated clock and real effects, which note each call with its key; each program runs straight and
saved and restored at every site, and both must show the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perdure.engine.loading import Programs
from perdure.testing.stress import START_S, Trace, World
from perdure.values import types as t

MODULE = '''
from pathlib import Path
from perdure import effect

HERE = Path(__file__).parent

class NoMoney(Exception): ...
class Away(Exception): ...

def _called(name, *given):
    """Note a call, and fail as often as the test said."""
    with (HERE / "calls").open("a") as file:
        print(name, *given, file=file)
    left = HERE / f"fails-{name}"
    if left.exists() and left.read_text():
        left.write_text(left.read_text()[1:])
        raise Away(name)

@effect(idempotent=True)
def put(x, idempotency_key):
    _called("put", x, idempotency_key)
    return x

@effect(idempotent=True)
def put_all(x, idempotency_key):
    _called("put-all", x, idempotency_key)
    return x

@effect
def once(x, idempotency_key):
    _called("once", x, idempotency_key)
    return x

@effect
def undo(x, idempotency_key):
    _called("undo", x, idempotency_key)

@effect(nothing_happened=(Away,), retry=1)
def refused(x, idempotency_key):
    _called("refused", x, idempotency_key)
    return x
'''
HEAD = "(import (scheme base) (scheme write) (perdure) (python world))\n(define tried '())\n"


@pytest.fixture(scope="module")
def programs() -> Programs:
    return Programs()


class Both:
    """A program run straight, and restored at every site; `calls` are the effects' notes, the same both ways."""

    def __init__(self, programs: Programs, tmp_path: Path) -> None:
        self._programs = programs
        self._folder = tmp_path
        self.calls: list[str] = []

    def run(
        self,
        body: str,
        prepare: Callable[[World, str], None] = lambda _world, _run: None,
        **fails: int,
    ) -> Trace:
        found: list[tuple[Trace, list[str]]] = []
        for every_site in (False, True):
            # One folder for all: code of the same text has the same places.
            folder = self._folder / "world"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (folder / "world.py").write_text(MODULE)
            (folder / "program.scm").write_text(HEAD + body)
            for name, times in fails.items():
                (folder / f"fails-{name.replace('_', '-')}").write_text("x" * times)
            program = self._programs.compile_file(folder / "program.scm")
            world = World(self._programs, every_site=every_site)
            run_id = world.start(program)
            prepare(world, run_id)
            world.go()
            notes = folder / "calls"
            calls = named_keys(notes.read_text().splitlines()) if notes.exists() else []
            found.append((world.trace(run_id), calls))
        (straight, self.calls), (stressed, calls) = found
        assert stressed == straight
        assert calls == self.calls
        return straight


def named_keys(calls: list[str]) -> list[str]:
    """Return notes of calls with a letter in place of each key, in the order in which they come first."""
    letters: dict[str, str] = {}
    named = []
    for call in calls:
        what, _, key = call.rpartition(" ")
        named.append(f"{what} {letters.setdefault(key, chr(ord('a') + len(letters)))}")
    return named


@pytest.fixture
def both(programs: Programs, tmp_path: Path) -> Both:
    return Both(programs, tmp_path)


GROUP = """
(define table (make-hash-table))
(hash-table-set! table 'a 1)
(define result
  (retrying (retry-policy 'attempts 3 'backoff 10 'factor 2 'jitter 0)
    (set! tried (cons (now) tried))
    (hash-table-set! table 'b 2)
    (let ((x (put 5)))
      (hash-table-delete! table 'a)
      (list x (put-all 6)))))
(list result tried (hash-table->alist table))
"""


def test_a_group_whose_second_operation_fails_runs_again_as_one(both: Both) -> None:
    trace = both.run(GROUP, put_all=1)
    assert trace.result == f"((5 6) ({START_S + 10}) ((b . 2)))"
    assert both.calls == ["put 5 a", "put-all 6 b", "put 5 a", "put-all 6 b"]


def test_the_waits_between_attempts_are_the_policy_s(both: Both) -> None:
    trace = both.run(GROUP, put_all=2)
    assert trace.result == f"((5 6) ({START_S + 30}) ((b . 2)))"
    assert both.calls == ["put 5 a", "put-all 6 b"] * 3


def test_a_group_that_used_up_its_attempts_raises_outside_of_it(both: Both) -> None:
    body = GROUP.replace("(list result tried", "(list tried").replace(
        "(define result", "(guard (e ((effect-error? e) (display (effect-error-type e))))"
    )
    trace = both.run(body, put_all=3)
    assert trace.output == "Away"
    assert trace.result == "(() ((a . 1)))"
    assert both.calls == ["put 5 a", "put-all 6 b"] * 3


def test_what_has_a_compensation_is_undone_and_gets_a_new_key(both: Both) -> None:
    body = """
    (retrying 3
      (compensate (once 1) (undo 1))
      (put 2))
    """
    trace = both.run(body, put=1)
    assert trace.status == "completed"
    names = [call.rpartition(" ")[0] for call in both.calls]
    assert names == ["once 1", "put 2", "undo 1", "once 1", "put 2"]
    keys = [call.rpartition(" ")[2] for call in both.calls]
    assert keys[0] != keys[3]
    assert keys[1] == keys[4]


REFUSED = """
(retrying 3
  (set! tried (cons 'tried tried))
  (once 1)
  (put 2))
(length tried)
"""


def test_what_can_t_be_undone_nor_repeated_parks_before_anything_is_undone(both: Both) -> None:
    trace = both.run(REFUSED, put=1)
    assert trace.status == "parked"
    assert "once was called, and what it did can't be undone or done again" in trace.result
    assert both.calls == ["once 1 a", "put 2 b"]


def test_the_operator_may_go_on_all_the_same(both: Both) -> None:
    trace = both.run(REFUSED, lambda w, r: w.at(START_S + 9, lambda: w.restart(r, "go-on")), put=1)
    assert trace.result == "1"
    assert both.calls == ["once 1 a", "put 2 b"] * 2


def test_an_error_that_means_that_nothing_happened_refuses_nothing(both: Both) -> None:
    trace = both.run("(retrying 3 (refused 1))", refused=2)
    assert trace.result == "1"
    assert both.calls == ["refused 1 a", "refused 1 b", "refused 1 c"]


def test_an_effect_that_raised_and_may_have_happened_refuses(both: Both) -> None:
    assert both.run("(retrying 3 (once 1))", once=1).status == "parked"


CHANGED = """
(define count 0)
(define (counted) (random-integer 1000000))
(retrying 3
  (put (if (= (now) 1000000.0) 1 2))
  (put-all 7))
"""


def test_other_arguments_than_before_are_refused(both: Both) -> None:
    trace = both.run(CHANGED, put_all=1)
    assert trace.status == "parked"
    assert "put is called with other arguments than in an earlier attempt" in trace.result
    assert both.calls == ["put 1 a", "put-all 7 b"]
    trace = both.run(
        CHANGED, lambda w, r: w.at(START_S + 9, lambda: w.restart(r, "go-on")), put_all=1
    )
    assert trace.result == "7"
    assert [call.rpartition(" ")[0] for call in both.calls] == [
        "put 1",
        "put-all 7",
        "put 2",
        "put-all 7",
    ]
    assert both.calls[1] == both.calls[3]


def test_a_call_that_was_undone_is_not_one_with_other_arguments(both: Both) -> None:
    body = """
    (retrying 5
      (compensate (put 1) (put 10))
      (compensate (put 2) (put 20))
      (put 3)
      (retrying 1 (compensate (put 4) (put 40)))
      (put-all 7))
    """
    trace = both.run(body, put_all=3)
    assert trace.result == "7"
    assert [call.split(" ")[1] for call in both.calls[:8]] == [*"1234", "7", "40", "20", "10"]
    assert len([call for call in both.calls if call.startswith("put 3 ")]) == 4
    assert len({call for call in both.calls if call.startswith("put 3 ")}) == 1
    assert len({call for call in both.calls if call.startswith("put 1 ")}) == 4


def test_what_is_not_called_again_is_refused_at_the_end(both: Both) -> None:
    body = "(retrying 3 (if (= (now) 1000000.0) (begin (put 1) (put-all 2)) 'other))"
    trace = both.run(body, put_all=1)
    assert trace.status == "parked"
    assert "an earlier attempt has called put" in trace.result
    trace = both.run(body, lambda w, r: w.at(START_S + 9, lambda: w.restart(r, "go-on")), put_all=1)
    assert trace.result == "other"


def test_what_the_policy_is_not_about_is_not_retried(both: Both) -> None:
    body = '(guard (e (#t (condition/report-string e))) (retrying \'((on "Other")) (put 1)))'
    trace = both.run(body, put=1)
    assert trace.result == '"put: Away: put"'
    assert len(both.calls) == 1


def test_equal_arguments_are_those_of_the_call(both: Both) -> None:
    """A roll-back changes the list back, so that the same object has other contents when it is given again."""
    body = """
    (define items (list 1 2))
    (retrying 3
      (set-car! items (+ 10 (car items)))
      (put items)
      (put-all 1)
      items)
    """
    trace = both.run(body, put_all=1)
    assert trace.result == "(11 2)"
    assert both.calls[0] == both.calls[2]


def test_groups_nest(both: Both) -> None:
    """What an inner group did is done for the outer one, too, whose attempts are the more."""
    body = """
    (retrying '((attempts 2) (backoff 100) (jitter 0))
      (set! tried (cons 'outer tried))
      (retrying '((attempts 2) (backoff 1) (jitter 0))
        (set! tried (cons 'inner tried))
        (put 1)
        (put-all 2))
      (put 3))
    tried
    """
    trace = both.run(body, put_all=3)
    assert trace.result == "(inner outer)"
    assert trace.time == START_S + 1 + 100 + 1
    assert both.calls == ["put 1 a", "put-all 2 b"] * 4 + [both.calls[-1]]


def test_what_a_group_inside_can_t_repeat_refuses_the_outer_one(both: Both) -> None:
    body = """
    (retrying '((attempts 2) (backoff 1))
      (retrying '((on "Other"))
        (once 1)
        (put 2)))
    """
    trace = both.run(body, put=1)
    assert trace.status == "parked"
    assert "once was called" in trace.result
    assert len(both.calls) == 2


def test_a_group_inside_a_compensation_is_its_own(both: Both) -> None:
    body = """
    (retrying '((attempts 2) (backoff 1) (jitter 0))
      (compensate (once 1) => (lambda (x) (retrying 3 (put 9)) (undo x)))
      (put-all 2))
    """
    trace = both.run(body, put_all=1, put=1)
    assert trace.status == "completed"
    names = [call.rpartition(" ")[0] for call in both.calls]
    assert names == ["once 1", "put-all 2", "put 9", "put 9", "undo 1", "once 1", "put-all 2"]


def test_conflicts_are_retried_by_a_group(both: Both) -> None:
    body = """
    (define shared (list 0))
    (define (bump! n seconds)
      (lambda ()
        (retrying '((on conflict-error) (attempts 10) (backoff 2) (factor 1) (jitter 0))
          (set-car! shared (+ n (car shared)))
          (sleep seconds))))
    (all (bump! 1 5) (bump! 10 5) (bump! 100 1))
    shared
    """
    assert both.run(body).result == "(111)"


def test_a_timeout_around_an_idempotent_effect_lets_the_group_repeat_it(both: Both) -> None:
    body = """
    (retrying '((backoff 1) (jitter 0))
      (set! tried (cons 'tried tried))
      (if (null? (cdr tried)) #t #t)
      (let ((x (put 1)))
        (if (< (now) 1000001.0) (with-timeout 0.5 (lambda () (sleep 5))))
        x))
    """
    trace = both.run(body)
    assert trace.result == "1"
    assert both.calls[0] == both.calls[1]


# -- errors in compensations ----------------------------------------------------------------------

SAGA = """
(define outcome
  (guard (e (#t 'undone))
    (transaction
      (compensate (once 1) (undo 1))
      (compensate (once 2) (undo 2))
      (compensate (once 3) (undo 3))
      (raise 'failed))))
outcome
"""


@pytest.mark.parametrize(
    ("name", "undone"),
    [
        ("retry", ["undo 3", "undo 3", "undo 2", "undo 1"]),
        ("skip-compensation", ["undo 3", "undo 2", "undo 1"]),
    ],
)
def test_an_error_in_a_compensation_parks_there_and_the_rest_follows(
    both: Both, name: str, undone: list[str]
) -> None:
    trace = both.run(SAGA, undo=1)
    assert trace.status == "parked"
    assert "Away" in trace.result
    trace = both.run(SAGA, lambda w, r: w.at(START_S + 9, lambda: w.restart(r, name)), undo=1)
    assert trace.result == "undone"
    names = [call.rpartition(" ")[0] for call in both.calls if call.startswith("undo")]
    assert names == undone


def test_a_compensation_is_not_aborted(both: Both) -> None:
    trace = both.run(SAGA, lambda w, r: w.at(START_S + 9, lambda: w.restart(r, "abort")), undo=1)
    assert trace.status == "parked"


DOUBT = """
(define (doubtful)
  (raise-continuable (%make-condition 'outcome-unknown "who knows" '())))
(define outcome
  (guard (e ((outcome-unknown? e) 'left))
    (transaction
      (compensate (doubtful) => (lambda (x) (undo x))))))
outcome
"""


@pytest.mark.parametrize(
    ("restart", "calls"),
    [(("it-happened", 7), ["undo 7"]), (("it-happened",), ["undo False"]), (("it-did-not",), [])],
)
def test_an_effect_in_doubt_is_asked_about_when_it_is_undone(
    both: Both, restart: Any, calls: list[str]
) -> None:
    body = "(import (perdure primitives))" + DOUBT
    trace = both.run(body, lambda w, r: w.at(START_S + 9, lambda: w.restart(r, *restart)))
    assert trace.result == "left"
    assert [call.rpartition(" ")[0] for call in both.calls] == calls


def test_a_doubt_that_somebody_settled_is_asked_about_no_more(both: Both) -> None:
    body = "(import (perdure primitives))" + DOUBT.replace(
        "(compensate (doubtful) => (lambda (x) (undo x)))",
        "(with-exception-handler (lambda (e) 5) (lambda () "
        "(compensate (doubtful) => (lambda (x) (undo x))) (rollback 'left)))",
    )
    trace = both.run(body)
    assert trace.result == "left"
    assert [call.rpartition(" ")[0] for call in both.calls] == ["undo 5"]


# -- restarts out of a transaction, and in one ------------------------------------------------------

STOPPED = """
(define x 0)
(define y 0)
(define (inner)
  (let ((mine 1))
    (cons 'inner
      (transaction
        (set! x 1)
        (set! mine 2)
        (compensate (once mine) (undo mine))
        (display (car y))
        (set! y (list 3))
        'committed))))
(define (outer) (list (inner) x))
(outer)
"""


@pytest.mark.parametrize(
    ("restart", "frame", "result", "calls"),
    [
        (("use-value", 5), "", "((inner . committed) 1)", ["once 2"]),
        (("return", 7), "inner", "(7 0)", ["once 2", "undo 2"]),
        (("return", 7), "outer", "7", ["once 2", "undo 2"]),
        (("set", t.intern("y"), t.Pair(9, t.NIL)), "", "((inner . committed) 1)", ["once 2"]),
    ],
)
def test_a_restart_goes_on_in_a_transaction_or_leaves_and_undoes_it(
    both: Both, restart: Any, frame: str, result: str, calls: list[str]
) -> None:
    trace = both.run(
        STOPPED, lambda w, r: w.at(START_S + 9, lambda: w.restart(r, *restart, frame=frame))
    )
    assert trace.result == result
    assert [call.rpartition(" ")[0] for call in both.calls] == calls


def test_what_an_operator_sets_in_a_transaction_is_undone_with_it(both: Both) -> None:
    body = """
    (define x 'before)
    (guard (e (#t #f))
      (transaction
        (car x)
        (raise 'left)))
    x
    """
    body = body.replace("(guard (e (#t #f))", "(guard (e ((symbol? e) #f))")
    pair = lambda: t.Pair(1, t.NIL)  # noqa: E731 - each world gets an object of its own
    trace = both.run(
        body, lambda w, r: w.at(START_S + 9, lambda: w.restart(r, "set", t.intern("x"), pair()))
    )
    assert trace.result == "before"


def test_to_abort_a_run_that_is_parked_in_a_transaction_compensates(both: Both) -> None:
    trace = both.run(STOPPED, lambda w, r: w.at(START_S + 9, lambda: w.restart(r, "abort")))
    assert trace.status == "failed"
    assert [call.rpartition(" ")[0] for call in both.calls] == ["once 2", "undo 2"]


def test_the_end_of_the_run_undoes_the_transactions_of_other_tasks(both: Both) -> None:
    body = """
    (spawn (lambda () (transaction (compensate (once 1) (undo 1)) (sleep 100))))
    (sleep 1)
    'over
    """
    trace = both.run(body)
    assert trace.result == "over"
    assert [call.rpartition(" ")[0] for call in both.calls] == ["once 1", "undo 1"]


def test_exit_leaves_a_transaction(both: Both) -> None:
    both.run("(transaction (compensate (once 1) (undo 1)) (exit 3))")
    assert [call.rpartition(" ")[0] for call in both.calls] == ["once 1", "undo 1"]
