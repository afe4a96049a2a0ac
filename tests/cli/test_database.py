"""`perdure db migrate` and `perdure db check`, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import apsw
import psycopg
import pytest

from perdure.store import database
from perdure.store.postgres.schema import SCHEMA_VERSION
from perdure.testing.postgres import ExternalServer

ASK = "(import (scheme base) (scheme write) (perdure))\n(define (main n) (display n) (list n (receive-message)))"
Damage = Callable[[str], None]


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/check.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def damage(db: str) -> Damage:
    def execute(statement: str) -> None:
        if db.startswith("sqlite:"):
            connection = apsw.Connection(db.removeprefix("sqlite:"))
            connection.execute(statement.replace("perdure.", ""))
            connection.close()
        else:
            with psycopg.connect(db, autocommit=True) as admin:
                # There, a snapshot is in the log, and the table is a view.
                admin.execute(
                    statement.replace(
                        "UPDATE perdure.snapshots SET payload", "UPDATE perdure.log SET snapshot"
                    )
                )

    return execute


@pytest.fixture
def checked(perdure, write, db: str):
    """A database with a finished and a waiting run, and what `db check` finds in it."""
    write("ask.scm", ASK)
    for name in ("done", "waits"):
        assert perdure("start", "ask.scm", "1", "--id", name, PERDURE_DB=db).returncode == 0
    perdure("send", "done", "2", PERDURE_DB=db)
    assert perdure("worker", "--until-idle", PERDURE_DB=db).returncode == 0

    def check() -> tuple[int, list[dict[str, str]]]:
        done = perdure("db", "check", "--json", PERDURE_DB=db)
        document = json.loads(done.stdout)
        assert document["runs"] == 2, done.stderr
        return done.returncode, document["flaws"]

    return check


def test_a_sound_database_passes(checked, perdure, db: str) -> None:
    assert checked() == (0, [])
    assert perdure("db", "check", PERDURE_DB=db).stdout == "checked 2 runs: nothing is wrong\n"


@pytest.mark.parametrize(
    ("statement", "run_id", "says"),
    [
        ("UPDATE perdure.snapshots SET payload = hash", "waits", "does not have its hash"),
        ("UPDATE perdure.log SET kind = 'tune' WHERE seq = 1", "waits", "does not have its hash"),
        ("UPDATE perdure.log SET hash = payload WHERE seq = 1", "done", "log entry 1"),
        ("DELETE FROM perdure.programs", "waits", "is not in the database"),
        ("DELETE FROM perdure.definitions", "waits", "[P5"),
        (
            "UPDATE perdure.run_data SET result = (SELECT payload FROM perdure.snapshots LIMIT 1)",
            "done",
            "[P5",
        ),
        ("UPDATE perdure.runs SET seq = seq + 1", "done", "and its log ends at"),
    ],
)
def test_what_is_damaged_is_named(
    checked, damage: Damage, statement: str, run_id: str, says: str
) -> None:
    damage(statement)
    code, flaws = checked()
    assert code == 4
    assert [flaw for flaw in flaws if flaw["run"] == run_id and says in flaw["what"]], flaws


def test_migrating_a_new_database_makes_it(perdure, postgres_server: ExternalServer) -> None:
    name = postgres_server.create_database()
    url = postgres_server.url(name)
    assert perdure("db", "info", PERDURE_DB=url).returncode == 2
    assert perdure("db", "migrate", PERDURE_DB=url).stdout == "made the tables\n"
    again = perdure("db", "migrate", PERDURE_DB=url)
    assert again.stdout == f"the schema has version {SCHEMA_VERSION} already\n"
    assert perdure("db", "info", "--json", PERDURE_DB=url).returncode == 0
    postgres_server.drop_database(name)


def test_migrating_a_file_says_what_it_did(perdure, tmp_path: Path) -> None:
    assert perdure("db", "migrate").stdout == "made the tables\n"
    assert perdure("db", "migrate").stdout.endswith("already\n")
    (tmp_path / "test.db").unlink()
    connection = apsw.Connection(str(tmp_path / "test.db"))
    for sql in database.migrations()[:1]:
        connection.execute(sql)
    connection.pragma("user_version", 1)
    connection.pragma("application_id", database.APPLICATION_ID)
    connection.close()
    document = json.loads(perdure("db", "migrate", "--json").stdout)
    assert document == {"before": 1, "after": database.SCHEMA_VERSION}
