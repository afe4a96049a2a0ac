"""Transactional effects in a store: a function's writes and a turn are committed together, or neither is.

Method: a table of the test's own beside the store's, written through the connection that is lent, read through another handle.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from turns import Clock, load, owned, turn

from perdure.base.errors import CallError, StoreError
from perdure.store.api import Commit, Lent, Release, Store
from perdure.store.memory import MemoryStore
from perdure.store.postgres import PostgresStore
from perdure.store.sqlite import SqliteStore

Work = Callable[[Lent], Commit]


@pytest.fixture(params=["sqlite", "postgres", "pooled"])
def transacting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Return a store with a table `bank`, in which `a` has 100."""
    made: Any
    if request.param == "sqlite":
        made = SqliteStore(str(tmp_path / "runs.db"), clock=Clock())
    else:
        made = PostgresStore(request.getfixturevalue(f"{request.param}_url"), clock=Clock())
    made._rows("CREATE TABLE bank (name TEXT PRIMARY KEY, amount INTEGER NOT NULL)")
    made._rows("INSERT INTO bank VALUES ('a', 100)")
    yield made
    with suppress(StoreError):
        made._rows("DROP TABLE bank")
    made.close()


def amount(store: Any) -> int:
    other = store.another()
    found: int = other._rows("SELECT amount FROM bank WHERE name = 'a'")[0][0]
    other.close()
    return found


def add(by: int) -> Callable[[Any], int]:
    def add_to(connection: Any) -> int:
        connection.execute(f"UPDATE bank SET amount = amount + {by} WHERE name = 'a'")
        found: int = connection.execute("SELECT amount FROM bank WHERE name = 'a'").fetchone()[0]
        return found

    return add_to


def test_the_writes_and_the_turn_are_committed_together(transacting: Store) -> None:
    owned(transacting, "r")

    def work(lent: Lent) -> Commit:
        assert lent.attempt(add(5)) == 105
        transacting.put_definitions({"d": b"x"})
        assert amount(transacting) == 100
        return turn("r", 1, 2, output="paid")

    assert transacting.transact("r", 1, 1, work)
    assert amount(transacting) == 105
    assert load(transacting, "r").run.seq == 2
    assert transacting.get_definitions(["d"]) == {"d": b"x"}
    assert [one.text for one in transacting.outputs("r")] == ["paid"]


def test_what_raises_is_undone_and_the_turn_is_committed(transacting: Store) -> None:
    owned(transacting, "r")

    def fails(connection: Any) -> None:
        add(5)(connection)
        raise ValueError("no")

    def work(lent: Lent) -> Commit:
        with pytest.raises(ValueError, match="no"):
            lent.attempt(fails)
        assert lent.attempt(add(1)) == 101
        return turn("r", 1, 2)

    assert transacting.transact("r", 1, 1, work)
    assert amount(transacting) == 101


@pytest.mark.parametrize(("epoch", "seq"), [(2, 1), (1, 0), (1, 2)])
def test_a_run_that_stands_elsewhere_performs_nothing(
    transacting: Store, epoch: int, seq: int
) -> None:
    owned(transacting, "r")

    def work(lent: Lent) -> Commit:
        raise AssertionError(lent)

    assert not transacting.transact("r", epoch, seq, work)


def test_a_run_that_is_lost_meanwhile_has_its_writes_undone(transacting: Store) -> None:
    owned(transacting, "r")

    def work(lent: Lent) -> Commit:
        lent.attempt(add(5))
        return turn("r", 1, 3)

    assert not transacting.transact("r", 1, 1, work)
    assert amount(transacting) == 100
    assert load(transacting, "r").run.seq == 1


def test_a_run_without_an_owner_performs_nothing(transacting: Store) -> None:
    owned(transacting, "r")
    transacting.release([Release("r", 1)])

    def work(lent: Lent) -> Commit:
        raise AssertionError(lent)

    assert not transacting.transact("r", 1, 1, work)


def test_an_error_of_the_turn_undoes_everything_and_the_handle_goes_on(transacting: Store) -> None:
    owned(transacting, "r")

    def work(lent: Lent) -> Commit:
        lent.attempt(add(5))
        transacting.put_definitions({"d": b"x"})
        raise RuntimeError("the turn")

    with pytest.raises(RuntimeError):
        transacting.transact("r", 1, 1, work)
    assert amount(transacting) == 100
    assert transacting.commit([turn("r", 1, 2)]) == [True]


def test_a_failed_statement_that_is_taken_does_not_spoil_the_turn(transacting: Store) -> None:
    owned(transacting, "r")

    def careless(connection: Any) -> None:
        with suppress(Exception):
            connection.execute("SELECT nothing FROM nowhere")
        add(5)(connection)

    def work(lent: Lent) -> Commit:
        with suppress(
            Exception
        ):  # PostgreSQL refuses what follows a failed statement, SQLite does not
            lent.attempt(careless)
        return turn("r", 1, 2)

    assert transacting.transact("r", 1, 1, work)
    assert load(transacting, "r").run.seq == 2


def test_a_savepoint_of_the_function_s_own_undoes_a_part(transacting: Store) -> None:
    owned(transacting, "r")

    def partly(connection: Any) -> None:
        add(1)(connection)
        block = connection if isinstance(transacting, SqliteStore) else connection.transaction()
        with suppress(ValueError), block:
            add(10)(connection)
            raise ValueError

    def work(lent: Lent) -> Commit:
        lent.attempt(partly)
        return turn("r", 1, 2)

    assert transacting.transact("r", 1, 1, work)
    assert amount(transacting) == 101


@pytest.mark.parametrize(
    "statement",
    [
        "COMMIT", "rollback", "END", "BEGIN", " -- now\n commit", "/* a */ COMMIT",
    ],
)  # fmt: skip
def test_the_transaction_can_t_be_ended(transacting: Store, statement: str) -> None:
    owned(transacting, "r")

    def ends(connection: Any) -> None:
        add(5)(connection)
        connection.execute(statement)

    def work(lent: Lent) -> Commit:
        with pytest.raises(Exception, match="a transactional effect's connection can't"):
            lent.attempt(ends)
        return turn("r", 1, 2)

    assert transacting.transact("r", 1, 1, work)
    assert amount(transacting) == 100


@pytest.mark.parametrize("name", ["commit", "rollback", "close", "autocommit"])
def test_what_ends_or_leaves_it_is_refused(transacting: Store, name: str) -> None:
    if isinstance(transacting, SqliteStore) and name != "close":
        pytest.skip("apsw has no such method")
    owned(transacting, "r")

    def work(lent: Lent) -> Commit:
        with pytest.raises(CallError, match=f"can't {name}"):
            lent.attempt(lambda connection: getattr(connection, name))
        with pytest.raises(CallError, match="can't have its autocommit set"):
            lent.attempt(lambda connection: setattr(connection, "autocommit", True))
        return turn("r", 1, 2)

    assert transacting.transact("r", 1, 1, work)


def test_a_connection_that_was_kept_is_useless(transacting: Store) -> None:
    owned(transacting, "r")
    kept: list[Any] = []

    def work(lent: Lent) -> Commit:
        lent.attempt(kept.append)
        return turn("r", 1, 2)

    assert transacting.transact("r", 1, 1, work)
    with pytest.raises(CallError, match="the effect has ended"):
        add(5)(kept[0])
    assert amount(transacting) == 100


def test_memory_refuses() -> None:
    store = MemoryStore(clock=Clock())
    owned(store, "r")

    def work(lent: Lent) -> Commit:
        raise AssertionError(lent)

    assert not store.transacts
    with pytest.raises(StoreError, match="in memory can't perform transactional effects"):
        store.transact("r", 1, 1, work)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM runs", "the table runs is Perdure's own"),
        ("UPDATE log SET note = ''", "the table log is Perdure's own"),
        ("DROP TABLE inbox", "the table inbox is Perdure's own"),
        ("CREATE TRIGGER t AFTER UPDATE ON runs BEGIN SELECT 1; END", "the table runs is"),
        ("PRAGMA synchronous = OFF", "can't set the pragma synchronous"),
        ("ATTACH ':memory:' AS other", "can't attach or detach a database"),
        ("RELEASE perdure_effect", "can't use the savepoint"),
    ],
)
def test_sqlite_refuses_what_would_harm_the_store(
    tmp_path: Path, statement: str, said: str
) -> None:
    store = SqliteStore(str(tmp_path / "runs.db"), clock=Clock())
    owned(store, "r")

    def work(lent: Lent) -> Commit:
        with pytest.raises(Exception, match=said):
            lent.attempt(lambda connection: connection.execute(statement).fetchall())
        lent.attempt(lambda connection: connection.execute("PRAGMA table_info(runs)").fetchall())
        return turn("r", 1, 2)

    assert store.transact("r", 1, 1, work)
    assert load(store, "r").run.seq == 2
    store.close()


def test_a_composed_statement_can_t_end_the_transaction_either(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, clock=Clock())
    owned(store, "r")

    def work(lent: Lent) -> Commit:
        with pytest.raises(CallError, match="can't COMMIT"):
            lent.attempt(lambda c: c.cursor().execute(sql.SQL("COMMIT {}").format(sql.SQL("WORK"))))
        one = sql.SQL("SELECT {}").format(sql.Literal(5))
        assert lent.attempt(lambda c: c.execute(one).fetchone()) == (5,)
        return turn("r", 1, 2)

    assert store.transact("r", 1, 1, work)
    store.close()


def test_what_postgresql_checks_at_the_end_is_checked_in_time(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, clock=Clock())
    store._rows("CREATE TABLE later (x INTEGER UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    owned(store, "r")
    try:

        def work(lent: Lent) -> Commit:
            with pytest.raises(Exception, match="duplicate key"):
                lent.attempt(lambda c: c.execute("INSERT INTO later VALUES (1), (1)"))
            return turn("r", 1, 2)

        assert store.transact("r", 1, 1, work)
    finally:
        store._rows("DROP TABLE later")
        store.close()


def test_a_deadlock_on_postgresql_is_the_store_s_to_resolve(postgres_url: str) -> None:
    """Each of two effects locks what the other one wants next: the server gives up one, and that one is to be done again."""
    store = PostgresStore(postgres_url, clock=Clock())
    store._rows("CREATE TABLE bank (name TEXT PRIMARY KEY, amount INTEGER NOT NULL)")
    store._rows("INSERT INTO bank VALUES ('a', 0), ('b', 0)")
    owned(store, "r0", "r1")
    both = threading.Barrier(2)
    ends: list[str] = []

    def go(run_id: str, names: str) -> None:
        handle = store.another()

        def locks(connection: Any) -> None:
            connection.execute("UPDATE bank SET amount = amount + 1 WHERE name = %s", (names[0],))
            both.wait(20)
            connection.execute("UPDATE bank SET amount = amount + 1 WHERE name = %s", (names[1],))

        def work(lent: Lent) -> Commit:
            lent.attempt(locks)
            return turn(run_id, 1, 2)

        try:
            ends.append(str(handle.transact(run_id, 1, 1, work)))
        except StoreError as error:
            ends.append(error.code)
        finally:
            handle.close()

    threads = [threading.Thread(target=go, args=given) for given in (("r0", "ab"), ("r1", "ba"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    try:
        assert sorted(ends) == ["P401", "True"]
        assert store._rows("SELECT sum(amount) FROM bank") == [(2,)]
    finally:
        store._rows("DROP TABLE bank")
        store.close()


def test_a_connection_to_postgresql_that_is_cut_undoes_all_of_it(
    postgres_url: str, postgres_server: Any
) -> None:
    store = PostgresStore(postgres_url, clock=Clock())
    store._rows("CREATE TABLE bank (name TEXT PRIMARY KEY, amount INTEGER NOT NULL)")
    store._rows("INSERT INTO bank VALUES ('a', 100)")
    owned(store, "r")
    other = store.another()

    def cut(connection: Any) -> None:
        add(5)(connection)
        other._rows("SELECT pg_terminate_backend(%s)", connection.info.backend_pid)
        add(5)(connection)

    def work_cut_in_the_effect(lent: Lent) -> Commit:
        lent.attempt(cut)
        return turn("r", 1, 2)

    def work_cut_before_the_commit(lent: Lent) -> Commit:
        pid = lent.attempt(lambda connection: (add(5)(connection), connection.info.backend_pid))[1]
        other._rows("SELECT pg_terminate_backend(%s)", pid)
        return turn("r", 1, 2)

    def work_cut_before_definitions(lent: Lent) -> Commit:
        pid = lent.attempt(lambda connection: (add(5)(connection), connection.info.backend_pid))[1]
        other._rows("SELECT pg_terminate_backend(%s)", pid)
        store.put_definitions({"d": b"x"})
        return turn("r", 1, 2)

    try:
        for work in (
            work_cut_in_the_effect,
            work_cut_before_the_commit,
            work_cut_before_definitions,
        ):
            with pytest.raises(StoreError) as caught:
                store.transact("r", 1, 1, work)
            assert caught.value.code == "P407"
            assert amount(store) == 100
            assert load(store, "r").run.seq == 1
    finally:
        store._rows("DROP TABLE bank")
        other.close()
        store.close()


def test_what_an_effect_does_to_its_session_is_no_matter_to_the_store(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, clock=Clock())
    owned(store, "r")

    def spoils(connection: Any) -> None:
        connection.execute("SET search_path = nowhere")
        connection.execute("SET statement_timeout = 999")
        connection.execute("SET default_transaction_read_only = on")
        connection.execute("CREATE TEMP TABLE once (x INTEGER)")
        connection.execute("DROP TABLE once")
        connection.execute("DEALLOCATE ALL")

    def work(number: int) -> Work:
        def take(lent: Lent) -> Commit:
            if number == 2:
                lent.attempt(spoils)
            return turn("r", 1, number)

        return take

    assert store.transact("r", 1, 1, work(2))
    assert store.commit([turn("r", 1, 3)]) == [True]
    assert store._rows("SHOW enable_seqscan") == [("off",)]
    assert store._rows("SHOW statement_timeout") != [("999ms",)]
    store.close()


def test_an_effect_s_statements_are_planned_as_the_server_does(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, clock=Clock())
    owned(store, "r")
    seen: list[Any] = []

    def work(lent: Lent) -> Commit:
        seen.append(lent.attempt(lambda c: c.execute("SHOW enable_seqscan").fetchone()[0]))
        return turn("r", 1, 2)

    assert store.transact("r", 1, 1, work)
    assert seen == ["on"]
    store.close()
