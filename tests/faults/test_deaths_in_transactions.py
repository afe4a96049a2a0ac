"""Transactional effects while workers die, are stopped and lose their leases: each takes place exactly once.

Goal: the money of a bank in the run's own database is conserved, and the results of the runs say the same as its books.
Method: workers are killed at every point of a transactional effect's way, at random, and by their own effects; the books are
read when all runs have ended. A move that the account can't bear raises, and must leave no trace.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hatchery import IN_TRANSACTION, Hatched, Hatchery

from perdure import Engine
from perdure.app.answers import value_of
from perdure.base import limits
from perdure.store.opening import open_store

AMOUNT, HELD = 3, 40
MOVES, RUNS = 6, 3
WAIT_S = 40.0
LEASE_S = 1.5

BANK = """
import os
import signal
from perdure import Retry, effect

CALLS = os.path.join(os.path.dirname(__file__), "calls.txt")

def called(key):
    with open(CALLS, "a+") as file:
        file.write(key + "\\n")
        file.flush()
        file.seek(0)
        return file.read().split().count(key)

@effect(transactional=True)
def move(i, amount, connection, idempotency_key):
    connection.execute(f"INSERT INTO moves VALUES ('{idempotency_key}', {i})")
    connection.execute(f"UPDATE accounts SET amount = amount - {amount} WHERE name = 'a'")
    connection.execute(f"UPDATE accounts SET amount = amount + {amount} WHERE name = 'b'")
    left = connection.execute("SELECT amount FROM accounts WHERE name = 'a'").fetchone()[0]
    if left < 0:
        raise ValueError("not enough", left)
    return left

@effect(transactional=True, retry=Retry(attempts=50, base_s=0.001, max_s=0.01))
def count(connection, idempotency_key):
    connection.execute("UPDATE accounts SET amount = amount + 1 WHERE name = 'count'")
    if called(idempotency_key) % 3:
        raise ConnectionError("the line is busy")
    return True

@effect(transactional=True)
def add(connection):
    connection.execute("UPDATE accounts SET amount = amount + 1 WHERE name = 'count'")
    return True

@effect(transactional=True)
def stops(connection, idempotency_key):
    connection.execute(f"INSERT INTO moves VALUES ('{idempotency_key}', 0)")
    if called(idempotency_key) == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return True

@effect(transactional=True)
def kills(connection, idempotency_key):
    connection.execute(f"INSERT INTO moves VALUES ('{idempotency_key}', 0)")
    os.kill(os.getpid(), signal.SIGKILL)

@effect(transactional=True)
def crossed(i, connection):
    for name in ("a", "b") if i % 2 else ("b", "a"):
        connection.execute(f"UPDATE accounts SET amount = amount + 1 WHERE name = '{name}'")
    return True

@effect(transactional=True)
def robbed(connection, idempotency_key):
    connection.execute(f"INSERT INTO moves VALUES ('{idempotency_key}', 0)")
    if called(idempotency_key) == 1:
        import psycopg
        with psycopg.connect(os.environ["BANK_DB"], autocommit=True) as other:
            other.execute("UPDATE perdure.runs SET epoch = epoch + 1, owner = 0, ready = true")
    return True
"""
PROGRAM = """
(import (scheme base) (perdure) (python bank))
(define (main n)
  (let loop ((i 0) (refused 0))
    (if (= i n)
        refused
        (let ((no (guard (c ((effect-error-is? c "ValueError") 1)) (move i 3) 0)))
          (count)
          (loop (+ i 1) (+ refused no))))))
"""
ADDS = """
(import (scheme base) (perdure) (python bank))
(define (main n) (let loop ((i 0)) (if (< i n) (begin (add) (loop (+ i 1))) i)))
"""
CROSSES = """
(import (scheme base) (perdure) (python bank))
(define (main i n) (let loop ((k 0)) (if (< k n) (begin (crossed (+ i k)) (loop (+ k 1))) k)))
"""
ONE = """
(import (scheme base) (perdure) (python bank))
(define (main) (list ({0}) (now)))
"""


class Bank:
    """A folder with programs, a database with accounts, and an engine that starts runs and executes none."""

    def __init__(self, folder: Path, db: str) -> None:
        self.db = db
        (folder / "bank.py").write_text(BANK)
        for name, text in {"moves": PROGRAM, "adds": ADDS, "crosses": CROSSES}.items():
            (folder / f"{name}.scm").write_text(text)
        for name in ("stops", "robbed", "kills"):
            (folder / f"{name}.scm").write_text(ONE.format(name))
        self.folder = folder
        self.engine = Engine(db, execute="none")
        self.rows("CREATE TABLE accounts (name TEXT PRIMARY KEY, amount INTEGER NOT NULL)")
        self.rows("CREATE TABLE moves (key TEXT NOT NULL, number INTEGER NOT NULL)")
        self.rows(f"INSERT INTO accounts VALUES ('a', {HELD}), ('b', 0), ('count', 0)")

    def rows(self, query: str) -> list[Any]:
        store: Any = open_store(self.db)
        try:
            return list(store._rows(query))
        finally:
            store.close()

    def start(self, program: str, *arguments: Any, count: int = 1) -> None:
        for n in range(count):
            self.engine.start(self.folder / f"{program}.scm", *arguments, id=f"r{n}")

    def results(self, count: int = 1) -> list[Any]:
        until = time.monotonic() + WAIT_S
        answers = [
            self.engine.wait(f"r{n}", timeout=max(0.1, until - time.monotonic()))
            for n in range(count)
        ]
        assert all(answers), "a run has not ended"
        return [value_of(answer) for answer in answers if answer is not None]

    def verify(self, runs: int, moves: int) -> None:
        """Compare the books with each other and with what the runs say."""
        refused = sum(self.results(runs))
        held = dict(self.rows("SELECT name, amount FROM accounts"))
        keys = [key for (key,) in self.rows("SELECT key FROM moves")]
        assert len(keys) == len(set(keys)), "a move took place twice"
        assert len(keys) == runs * moves - refused, "the books and the runs differ"
        assert held["b"] == AMOUNT * len(keys)
        assert held["a"] == HELD - held["b"] >= 0
        assert refused == runs * moves - HELD // AMOUNT
        assert held["count"] == runs * moves


@pytest.fixture(params=["sqlite", "postgresql"])
def bank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bank]:
    if request.param == "sqlite":
        made = Bank(tmp_path, f"sqlite:{tmp_path}/bank.db")
    else:
        made = Bank(tmp_path, request.getfixturevalue("empty_postgres_url"))
    yield made
    made.engine.close()


@pytest.fixture
def hatchery(bank: Bank) -> Iterator[Hatchery]:
    environment = {"BANK_DB": bank.db}
    with Hatchery(
        bank.folder, bank.db, lease_s=LEASE_S, chain_max=4, environment=environment
    ) as made:
        yield made


POINTS = [
    f"{point}:{time}"
    for point in ("transaction-began", "effect-ended", "transaction-taken", "transaction-committed")
    for time in (1, 5)
] + ["turn-taken:2", "after-commit:1", "run-loaded:2", "compacting:2", f"{IN_TRANSACTION}:7"]


@pytest.mark.parametrize("point", POINTS)
def test_money_is_conserved_when_a_worker_dies_at(
    bank: Bank, hatchery: Hatchery, point: str
) -> None:
    if point.startswith(IN_TRANSACTION) and bank.db.startswith("postgres"):
        pytest.skip("a hook of SQLite's")
    bank.start("moves", MOVES, count=RUNS)
    victim = hatchery.hatch(crash_at=point)
    assert victim.ended(WAIT_S), f"{point} was not reached"
    hatchery.hatch()
    bank.verify(RUNS, MOVES)


def test_money_is_conserved_when_workers_die_at_random(bank: Bank, hatchery: Hatchery) -> None:
    bank.start("moves", 30, count=6)
    chance = random.Random(7)
    workers = [hatchery.hatch(name=f"w{n}") for n in range(2)]
    hatchery.await_start(*workers)
    for _ in range(12):
        time.sleep(chance.uniform(0.02, 0.15))
        victim = chance.randrange(2)
        workers[victim].kill()
        workers[victim] = hatchery.hatch(name=f"w{victim}")
    bank.verify(6, 30)


def test_runs_that_add_at_the_same_time_add_up(bank: Bank, hatchery: Hatchery) -> None:
    bank.start("adds", 25, count=8)
    for n in range(3):
        hatchery.hatch(name=f"w{n}")
    assert bank.results(8) == [25] * 8
    assert dict(bank.rows("SELECT name, amount FROM accounts"))["count"] == 200


def test_runs_that_collide_are_done_again(bank: Bank, hatchery: Hatchery) -> None:
    for n in range(4):
        bank.engine.start(bank.folder / "crosses.scm", n, 25, id=f"r{n}")
    for n in range(4):
        hatchery.hatch(name=f"w{n}")
    assert bank.results(4) == [25] * 4
    held = dict(bank.rows("SELECT name, amount FROM accounts"))
    assert (held["a"], held["b"]) == (HELD + 100, 100)


def test_an_effect_that_kills_its_worker_ends_up_alone(bank: Bank, hatchery: Hatchery) -> None:
    bank.start("kills")
    bank.engine.start(bank.folder / "adds.scm", 5, id="neighbour")
    for _ in range(limits.DEATHS_MAX):
        assert hatchery.hatch().ended(WAIT_S)
    hatchery.hatch()
    answer = bank.engine.wait("r0", timeout=WAIT_S)
    assert answer is not None
    assert (answer.status, answer.error.kind if answer.error else "") == ("parked", "quarantined")
    assert bank.engine.result("neighbour", timeout=WAIT_S) == 5
    assert bank.rows("SELECT key FROM moves") == []


def stopped(worker: Hatched) -> bool:
    state = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"


def until(true: Any) -> None:
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_a_worker_that_is_stopped_in_an_effect_has_its_writes_undone(
    bank: Bank, hatchery: Hatchery
) -> None:
    bank.start("stops")
    first = hatchery.hatch(name="first")
    until(lambda: stopped(first))
    if bank.db.startswith("postgres"):
        # The lease runs out, and another worker has done it when the first one wakes.
        hatchery.hatch(name="second")
        bank.results()
    os.kill(first.pid, signal.SIGCONT)
    assert bank.results()[0][0] is True
    first.signal(signal.SIGTERM)
    assert first.ended(WAIT_S)
    assert len(bank.rows("SELECT key FROM moves")) == 1


def test_a_run_that_is_taken_away_in_an_effect_has_its_writes_undone(
    bank: Bank, hatchery: Hatchery
) -> None:
    if not bank.db.startswith("postgres"):
        pytest.skip("SQLite lets nobody write meanwhile")
    bank.start("robbed")
    hatchery.hatch()
    assert bank.results()[0][0] is True
    assert len(bank.rows("SELECT key FROM moves")) == 1
    assert "turns lost" in hatchery.log
