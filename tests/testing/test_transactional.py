"""Transactional effects in a test's world: their writes are made durable with the turn, exactly once, wherever the worker dies.

Method: a bank in SQLite, in memory; the program's function is the real one, with the test's connection in place of the run's database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure import Retry, effect
from perdure.testing import Later, StubError, World, crash_everywhere

BANK = """
from perdure import effect

@effect(transactional=True)
def move(account, amount, connection):
    connection.execute("UPDATE accounts SET money = money + ? WHERE name = ?", (amount, account))
    if account == "nobody":
        raise LookupError(account)
    return connection.execute("SELECT money FROM accounts WHERE name = ?", (account,)).fetchone()[0]
"""

TRANSFER = """
(import (scheme base) (perdure) (python bank))
(define (main from to amount)
  (let ((left (move from (- amount))))
    (sleep 60)
    (guard (failure ((effect-error? failure)
                     (move from amount)
                     (list 'undone (effect-error-type failure))))
      (list left (move to amount)))))
"""


def bank() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE accounts (name TEXT, money INTEGER)")
    connection.execute("INSERT INTO accounts VALUES ('ada', 100), ('bob', 0)")
    connection.commit()
    return connection


def money(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT money FROM accounts ORDER BY name")]


@pytest.fixture
def transfer(tmp_path: Path) -> Path:
    (tmp_path / "bank.py").write_text(BANK)
    path = tmp_path / "transfer.scm"
    path.write_text(TRANSFER)
    return path


@pytest.mark.parametrize(
    ("to", "wanted", "left"),
    [("bob", "(70 30)", [70, 30]), ("nobody", '(undone "LookupError")', [100, 0])],
)
def test_money_moves_once_wherever_the_worker_dies(
    transfer: Path, to: str, wanted: str, left: list[int]
) -> None:
    def story(world: Callable[..., World]) -> None:
        connection = bank()
        here = world(transfer, real=True, connection=connection)
        run = here.start("ada", to, 30)
        here.run()
        assert run.written == wanted
        assert money(connection) == left
        connection.close()

    crashes = crash_everywhere(story)
    assert crashes.points >= 10
    assert crashes.doubtful == 0


@pytest.mark.parametrize("when", ["before-effect", "after-effect", "before-commit", "after-commit"])
def test_a_kill_at_one_point_undoes_or_keeps_the_whole(transfer: Path, when: str) -> None:
    connection = bank()
    world = World(transfer, real=True, connection=connection)
    world.kill(when, nth=2)
    run = world.start("ada", "bob", 30)
    world.run()
    assert run.written == "(70 30)"
    assert money(connection) == [70, 30]
    connection.close()


def test_a_stub_of_a_transactional_effect_needs_no_connection(transfer: Path) -> None:
    world = World(transfer, stubs={"move": lambda account, amount: Later(5, amount)})
    world.fail("move", OSError("full"), after=1)
    run = world.start("ada", "bob", 30)
    world.run()
    assert run.written == '(undone "OSError")'
    assert run.calls("move") == [["ada", -30], ["bob", 30], ["ada", 30]]
    assert [one.outcome for one in run.effects] == ["returned", "raised", "returned"]
    assert World(transfer, stubs={"move": 7}).start("ada", "bob", 30).status == "waiting"


def test_a_transactional_effect_is_retried_as_its_mark_says(transfer: Path) -> None:
    def story(world: Callable[..., World]) -> None:
        move = effect(transactional=True, retry=Retry(attempts=3, base_s=60))

        @move
        def moves(account: str, amount: int, connection: object) -> int:
            return amount

        here = world(transfer, stubs={"move": moves})
        here.fail("move", OSError("full"), times=2)
        began = here.now
        run = here.start("ada", "bob", 30)
        here.run()
        assert run.written == "(-30 30)"
        assert here.now == began + 60 + 60 + 60
        assert run.calls("move") == [["ada", -30], ["bob", 30]]
        assert len(run.attempts("move")) >= 4

    assert crash_everywhere(story).points > 10


def test_a_stub_may_be_given_the_connection_and_the_key(transfer: Path) -> None:
    given: list[tuple[object, str]] = []

    @effect(transactional=True)
    def move(account: str, amount: int, connection: object, idempotency_key: str) -> int:
        given.append((connection, idempotency_key))
        return amount

    connection = bank()
    world = World(transfer, stubs={"move": move}, without=["bank"], connection=connection)
    world.start("ada", "bob", 30)
    world.run()
    assert given == [(connection, "run-1/2"), (connection, "run-1/4")]
    connection.close()


def test_what_is_wrong_with_the_test_is_raised_in_the_test(transfer: Path) -> None:
    with pytest.raises(StubError, match="neither stubs bank.move"):
        World(transfer).start("ada", "bob", 30)

    def move(account: str, amount: int) -> None:
        raise AssertionError("never")

    with pytest.raises(AssertionError, match="never"):
        World(transfer, stubs={"move": move}).start("ada", "bob", 30)
