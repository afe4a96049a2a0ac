"""`perdure restart`: parked runs go on by each restart, in another process, after a restart of everything.

Goal: an unforeseen error is a question that can be answered weeks later. Method: each step is a process of its own, on SQLite and on
PostgreSQL; effects note in a file how they were called.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from terminal import Screen

SHOP = """
from pathlib import Path

class NoRoute(ConnectionError): pass

def charge(card, amount):
    with Path(__file__).with_name("calls").open("a") as file:
        file.write(f"{card} {amount}\\n")
    if card == "bad":
        raise NoRoute("no route for " + card)
    return f"paid {amount}"
"""
ORDER = """(import (scheme base) (scheme write) (perdure) (python shop))
(define rate 0)
(define (settle card amount)
  (let ((receipt (charge card (* 2 amount))))
    (list receipt (/ amount rate))))
(define (order card amount)
  (let ((settled (settle card amount)))
    (list 'order settled)))
(define (main card amount)
  (with-restarts ((skip-order (why) "Leave this order out." (list 'skipped why)))
    (dynamic-wind
      (lambda () #f)
      (lambda () (list (order card amount)))
      (lambda () (display "left")))))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/restarts.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def tell(perdure, write, db: str):
    """A procedure that performs a command in that database; an order is parked there at its effect."""
    write("shop.py", SHOP)
    write("order.scm", ORDER)

    def perform(*words: str):
        return perdure(*words, PERDURE_DB=db)

    assert perform("start", "order.scm", "bad", "5", "--id", "o").returncode == 0
    assert perform("worker", "--until-idle").returncode == 0
    return perform


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_without_a_name_the_restarts_are_listed_and_nothing_is_done(tell, tmp_path: Path) -> None:
    done = tell("restart", "o")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "run o can go on by:"
    names = [line.split()[0] for line in lines[1:]]
    assert names == ["skip-order", "retry", "use-value", "return", "set", "raise", "abort"]
    assert "skip-order why" in lines[1]
    assert "Leave this order out." in lines[1]
    assert "nothing was done" in done.stderr
    shown = tell("show", "o").stdout
    assert "  0 in settle" in shown
    assert 'card = "bad"' in shown
    assert "restarts (perdure restart o NAME [VALUE ...]):" in shown
    document = json.loads(tell("restart", "o", "--json").stdout)
    assert [each["name"] for each in document["restarts"]] == names
    assert tell("worker", "--until-idle").returncode == 0
    assert json.loads(tell("list", "--json").stdout)[0]["status"] == "parked"
    assert calls(tmp_path) == ["bad 10"]


@pytest.mark.parametrize(
    ("words", "result"),
    [
        (("skip-order", "no stock"), '(skipped "no stock")'),
        (("return", "7", "--frame", "order"), "(7)"),
        (("return", "[1, 2]", "--frame", "0"), "((order #(1 2)))"),
        (("return", "instead"), '((order "instead"))'),
    ],
)
def test_a_restart_that_leaves_the_operation_ends_the_run(tell, words, result: str) -> None:
    assert tell("restart", "o", *words).returncode == 0
    assert tell("worker", "--until-idle").returncode == 0
    assert tell("result", "o").stdout.strip() == result
    assert tell("output", "o").stdout == "left"


def test_set_retry_and_use_value_go_on_one_after_the_other(tell, tmp_path: Path) -> None:
    """A variable of a frame, a global one, and a value in place of an operation."""
    tell("restart", "o", "retry")
    tell("worker", "--until-idle")
    assert calls(tmp_path) == ["bad 10", "bad 10"]
    done = tell("restart", "o", "set", "card", "good")
    assert 'set card of settle (order.scm:4) (a copy: closures keep the old value) to "good"' in (
        done.stdout
    )
    tell("worker", "--until-idle")
    assert calls(tmp_path)[2:] == ["good 10"]
    assert "division by zero" in tell("show", "o").stdout
    refused = tell("restart", "o", "set", "nothing", "1")
    assert refused.returncode == 2
    assert "P305" in refused.stderr
    assert "no variable nothing" in refused.stderr
    tell("restart", "o", "set", "rate", "5")
    tell("worker", "--until-idle")
    assert tell("result", "o").stdout.strip() == '((order ("paid 10" 1)))'


def test_use_value_and_amount(tell, tmp_path: Path) -> None:
    tell("restart", "o", "use-value", "paid in cash")
    tell("worker", "--until-idle")
    assert "division by zero" in tell("show", "o").stdout
    tell("restart", "o", "use-value", "2.5")
    tell("worker", "--until-idle")
    assert tell("result", "o").stdout.strip() == '((order ("paid in cash" 2.5)))'
    assert calls(tmp_path) == ["bad 10"]


def test_a_value_may_be_written_as_scheme_does(tell) -> None:
    refused = tell("restart", "o", "use-value", "'(1 2")
    assert refused.returncode == 2
    assert "value 1: the ( that opens here is never closed" in refused.stderr
    done = tell("restart", "o", "return", '\'(1 (a "b") . c)', "--frame", "settle")
    assert 'return (1 (a "b") . c) from settle' in done.stdout
    tell("worker", "--until-idle")
    assert tell("result", "o").stdout.strip() == '((order (1 (a "b") . c)))'


def test_in_bulk_a_value_may_be_written_as_scheme_does(tell) -> None:
    done = tell("restart", "--program", "order", "return", "'sym", "--frame", "order")
    assert done.stdout == "run o will return sym from order (order.scm:7)\n1 run will take return\n"
    tell("worker", "--until-idle")
    assert tell("result", "o").stdout.strip() == "(sym)"


def test_raise_and_abort(tell) -> None:
    tell("restart", "o", "raise", "out of stock:", "5")
    tell("worker", "--until-idle")
    assert "order.scm:4:18: [P200] out of stock: 5" in tell("result", "o").stderr
    again = tell("restart", "o", "abort")
    assert "end the run as failed, after its clean-up" in again.stdout
    tell("worker", "--until-idle")
    ended = tell("result", "o", "--json")
    assert ended.returncode == 1
    document = json.loads(ended.stdout)
    assert (document["status"], document["error"]["message"]) == ("failed", "out of stock: 5")
    assert tell("output", "o").stdout == "left"
    late = tell("restart", "o", "retry")
    assert late.returncode == 2
    assert "run o is failed, not parked" in late.stderr


def test_a_restart_that_has_become_impossible_is_refused_in_the_log(tell) -> None:
    tell("restart", "o", "use-value", "first")
    tell("restart", "o", "return", "5", "--frame", "settle")
    tell("restart", "o", "set", "card", "good")
    tell("worker", "--until-idle")
    log = tell("log", "o").stdout
    assert "restart use-value, restart return, restart set" in log
    assert log.count("restart refused: nothing is parked") == 2
    assert json.loads(tell("list", "--json").stdout)[0]["status"] == "parked"


def test_a_dry_run_says_what_would_be_done(tell) -> None:
    done = tell("restart", "o", "return", "1", "--frame", "1", "--dry-run")
    assert done.stdout == "run o would return 1 from order (order.scm:7)\n"
    assert tell("restart", "o", "use-value", "1", "2", "--dry-run").returncode == 2
    assert "the program's restart (skip-order 1)" in (
        tell("restart", "o", "skip-order", "1", "--dry-run").stdout
    )
    assert "restart" not in tell("log", "o").stdout


def test_many_runs_are_restarted_by_program_error_and_age(tell, write) -> None:
    write("wrong.scm", "(import (scheme base))\n(define (main x) (+ 1 (car x)))")
    for number in ("1", "2", "3"):
        tell("start", "wrong.scm", number, "--id", f"w{number}")
    tell("start", "order.scm", "bad", "1", "--id", "p")
    tell("worker", "--until-idle")
    dry = tell("restart", "--program", "wrong", "use-value", "9", "--dry-run")
    assert dry.stdout.splitlines() == [
        *(
            f"run w{n} would go on with 9 as the value of the operation at wrong.scm:2:23"
            for n in (3, 2, 1)
        ),
        "3 runs would take use-value",
    ]
    one = tell("restart", "--program", "./order.scm", "--error", "NoRoute", "retry", "--dry-run")
    assert one.stdout.splitlines()[-1] == "2 runs would take retry"
    tell("start", "order.scm", "bad", "7", "--id", "q")
    for words in (("list",), ("cancel", "--dry-run"), ("pause", "--dry-run")):
        found = tell(*words, "--program", "order.scm", "--json")
        assert [each["id"] for each in json.loads(found.stdout)] == ["q", "p", "o"]
    tell("cancel", "q")
    for error in ("NoRoute", "ConnectionError", "effect-failure", "P220"):
        done = tell("restart", "--error", error, "retry", "--dry-run", "--json")
        assert [each["id"] for each in json.loads(done.stdout)] == ["p", "o"], error
    for error in ("type-error", "program-error", "P204"):
        done = tell("restart", "--error", error, "retry", "--dry-run", "--json")
        assert [each["id"] for each in json.loads(done.stdout)] == ["w3", "w2", "w1"], error
    assert "no parked run is meant" in tell("restart", "--older-than", "1h", "retry").stdout
    some = tell("restart", "--older-than", "0", "skip-order", "why", "--json")
    assert some.returncode == 1
    told = {each["id"]: each["told"] for each in json.loads(some.stdout)}
    assert told == {"o": True, "p": True, "w1": False, "w2": False, "w3": False}
    assert tell("restart", "--program", "wrong", "use-value", "9").returncode == 0
    tell("worker", "--until-idle")
    assert {tell("result", f"w{n}").stdout for n in (1, 2, 3)} == {"10\n"}
    assert tell("result", "p").stdout == '(skipped "why")\n'
    bad = tell("restart", "--older-than", "soon", "retry")
    assert bad.returncode == 2
    assert "not a time span" in bad.stderr


def test_at_a_terminal_it_asks(perdure, write, tmp_path: Path) -> None:
    write("shop.py", SHOP)
    write("order.scm", ORDER)
    perdure("run", "order.scm", "bad", "5", "--id", "o")
    with Screen(tmp_path, "restart", "o") as screen:
        assert "  5. set variable value" in screen.wait_for("which one?")
        screen.type("1\n")
        screen.wait_for("why:")
        screen.type("typed\n")
        screen.wait_for("call the program's restart")
        assert screen.process.wait(30) == 0
    with Screen(tmp_path, "restart", "o") as screen:
        screen.wait_for("which one?")
        screen.type("\n")
        screen.wait_for("nothing was done")
        assert screen.process.wait(30) == 1
    with Screen(tmp_path, "restart", "o") as screen:
        screen.wait_for("which one?")
        screen.type("use-value\n")
        screen.wait_for("value:")
        screen.type("\n")
        screen.wait_for("nothing was done")
        assert screen.process.wait(30) == 1
    assert perdure("run", "--id", "o").stdout == 'left(skipped "typed")\n'


def test_at_a_terminal_it_asks_for_as_many_values_as_there_are(
    perdure, write, tmp_path: Path
) -> None:
    write(
        "many.scm",
        "(import (scheme base) (perdure))\n"
        '(with-restarts ((several (first . rest) (list first rest)) (any all all)) (error "no"))',
    )
    for name, typed, result in (
        ("several", ("1", "2", "'x", ""), "(1 (2 x))"),
        ("any", ("1", ""), "(1)"),
        ("any", ("",), "()"),
    ):
        run_id = f"{name}-{len(typed)}"
        perdure("run", "many.scm", "--id", run_id)
        with Screen(tmp_path, "restart", run_id) as screen:
            screen.wait_for("which one?")
            screen.type(f"{name}\n")
            for word in typed:
                screen.wait_for(": ")
                screen.type(f"{word}\n")
            screen.wait_for(f"restart ({name}")
            assert screen.process.wait(30) == 0
        assert perdure("run", "--id", run_id).stdout == f"{result}\n"
