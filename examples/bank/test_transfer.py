"""Tests of transfer.scm in Python: on a database of the test's own, and on the run's."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from perdure import Engine
from perdure.testing import World

ACCOUNTS = [["ada", 100], ["bob", 0]]


@pytest.fixture
def bank() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


def test_transfers_add_up(world: Callable[..., World], bank: sqlite3.Connection) -> None:
    run = world("transfer.scm", real=True, connection=bank).start(
        ACCOUNTS, [["ada", "bob", 60], ["bob", "ada", 5]]
    )
    assert run.result == ["done", 45, 55]


@pytest.mark.crash_everywhere
def test_a_kill_at_no_point_makes_or_loses_money(world: Callable[..., World]) -> None:
    # Not the fixture: each telling of the story has a bank of its own.
    with closing(sqlite3.connect(":memory:")) as bank:
        run = world("transfer.scm", real=True, connection=bank).start(
            ACCOUNTS, [["ada", "bob", 60], ["ada", "bob", 50]]
        )
        assert run.result == ["refused", "ada lacks 10", 100, 0]
        assert bank.execute("SELECT sum(balance) FROM accounts").fetchone() == (100,)


def test_it_is_the_same_in_the_database_of_the_run(tmp_path: Path) -> None:
    program = Path(__file__).parent / "transfer.scm"
    with Engine(f"sqlite:{tmp_path}/bank.db") as engine:
        result = engine.run(program, ACCOUNTS, [["ada", "bob", 60]], timeout=60)
    assert result == ["done", 40, 60]
