"""Every reference of the database that leads nowhere is found, on both databases. Memory has no references to break
but to programs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from turns import message, new_run, owned, turn

from perdure.store.api import Flaw, RunFilter, Store
from perdure.store.postgres import PostgresStore
from perdure.store.sqlite import SqliteStore


def sound(store: Store) -> Store:
    """Fill a database with a bit of everything."""
    store.put_program("hash-of-order", b"program")
    store.set_name("order", "hash-of-order")
    owned(store, "r", "other")
    store.commit([turn("r", 1, 2, output="hello", watches=("other",))])
    store.send(message("r", "m1"))
    store.start_runs([new_run("fresh")])
    return store


def damage(store: Store, statement: str) -> None:
    if isinstance(store, SqliteStore):
        store._execute(statement.replace("perdure.", ""))
    elif isinstance(store, PostgresStore):
        # There, a snapshot is in the log, and the table is a view.
        statement = statement.replace(
            "DELETE FROM perdure.snapshots", "UPDATE perdure.log SET snapshot = NULL"
        )
        with psycopg.connect(store.url.partition("?")[0], autocommit=True) as admin:
            admin.execute(statement)
    else:
        pytest.skip("there are no tables to break")


def test_a_sound_database_has_no_flaws(store: Store) -> None:
    assert sound(store).check() == []


def test_missing_programs_are_found(store: Store) -> None:
    owned(store, "r")
    store.set_name("refund", "nowhere")
    assert sorted(store.check(), key=lambda flaw: flaw.run_id) == [
        Flaw("", "the name refund means the program nowhere, which is not in the database"),
        Flaw("r", "its program hash-of-order is not in the database"),
    ]


@pytest.mark.parametrize(
    ("statement", "run_id", "says"),
    [
        (
            "DELETE FROM perdure.log WHERE seq = 2 AND run = 1",
            "r",
            "it is at seq 2, and its log ends at 1",
        ),
        ("UPDATE perdure.runs SET seq = 7 WHERE id = 'r'", "r", "and its log ends at 2"),
        (
            "UPDATE perdure.log SET seq = 5 WHERE seq = 2 AND run = 1",
            "r",
            "3 entries of its log are missing",
        ),
        ("DELETE FROM perdure.snapshots WHERE run = 1", "r", "it has no snapshot"),
        (
            (
                "INSERT INTO perdure.history (run, seq, kind, at, hash, payload_hash) "
                "SELECT run, seq, 'turn', at, hash, hash FROM perdure.log WHERE seq = 2 AND run = 1"
            ),
            "r",
            "the payload of its entry 2 is missing",
        ),
        ("UPDATE perdure.runs SET owner = 777 WHERE id = 'r'", "r", "its owner 777 does not exist"),
        (
            "UPDATE perdure.inbox SET run = 999",
            "",
            "1 rows of inbox belong to a run that does not exist (number 999)",
        ),
        ("UPDATE perdure.watchers SET watcher = 999", "", "(number 999) watches other"),
    ],
)
def test_a_broken_reference_is_found(store: Store, statement: str, run_id: str, says: str) -> None:
    sound(store)
    number = _number_of(store, "r")
    damage(store, statement.replace("run = 1", f"run = {number}"))
    found = [flaw for flaw in store.check() if flaw.run_id == run_id]
    assert [flaw for flaw in found if says in flaw.what], found


def test_missing_arguments_are_found(store: Store) -> None:
    """They were too large for the run's own row."""
    sound(store)
    store.start_runs([new_run("large", b"x" * 1000)])
    damage(store, "DELETE FROM perdure.run_data")
    assert Flaw("large", "what it was started with is missing") in store.check()


def _number_of(store: Store, run_id: str) -> Any:
    ask: Callable[..., Any] | None = getattr(store, "_rows", None)
    if ask is None:
        return 0
    prefix = "perdure." if isinstance(store, PostgresStore) else ""
    return ask(f"SELECT num FROM {prefix}runs WHERE id = '{run_id}'")[0][0]


def test_runs_are_listed_page_by_page(store: Store) -> None:
    store.start_runs([new_run(f"r{n}") for n in range(7)])
    pages = []
    last = ""
    while page := store.list_runs(RunFilter(limit=3, older_than=last)):
        pages.append([run.run_id for run in page])
        last = page[-1].run_id
    assert pages == [["r6", "r5", "r4"], ["r3", "r2", "r1"], ["r0"]]
