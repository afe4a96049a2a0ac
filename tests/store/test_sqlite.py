"""What only a file can do: die with its process, be locked, full, foreign, damaged."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from turns import first, inbox, load, message, new_run, owned, turn

from perdure.base.errors import CallError, StoreError
from perdure.store import database
from perdure.store.api import Claim, PrunePolicy
from perdure.store.opening import open_store
from perdure.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "runs.db")


def code_of(caught: pytest.ExceptionInfo[StoreError]) -> str:
    assert "Traceback" not in str(caught.value)
    return caught.value.code


def test_the_schema_version_is_the_number_of_migrations() -> None:
    assert len(database.migrations()) == database.SCHEMA_VERSION


def test_a_database_of_an_older_release_is_migrated(path: str) -> None:
    """Its first migration alone makes it what the first release wrote."""
    connection = apsw.Connection(path)
    connection.execute(database.migrations()[0])
    connection.pragma("user_version", 1)
    connection.pragma("application_id", database.APPLICATION_ID)
    connection.execute(
        "INSERT INTO runs (id, name, program, parent, created_at, updated_at, status) "
        "VALUES ('old', 'order', 'h', '', 0, 0, 'ready')"
    )
    connection.close()
    store = SqliteStore(path)
    assert store.claim(store.register_owner("w"), 1) == [Claim("old", 1)]
    assert store._connection.pragma("user_version") == database.SCHEMA_VERSION
    store.close()


def test_what_was_committed_is_there_for_the_next_process(path: str) -> None:
    store = SqliteStore(path)
    owned(store, "r")
    store.close()
    again = SqliteStore(path)
    assert load(again, "r").snapshot == b"full"
    again.close()


CHILD = """
import sys
from perdure.store.api import Commit
from perdure.store.sqlite import SqliteStore
store = SqliteStore(sys.argv[1])
owner = store.register_owner("child")
for claim in store.claim(owner, 10):
    store.commit([Commit(run_id=claim.run_id, epoch=claim.epoch, seq=1, kind="turn", payload=b"",
        entry_hash=b"h", status="waiting", snapshot=b"full", snapshot_hash=b"s")])
print("claimed", flush=True)
sys.stdin.read()
"""


def test_runs_of_a_killed_process_are_taken_over_at_once(path: str) -> None:
    """A child claims a run and is killed with SIGKILL while it holds the lock; no lease has to run
    out."""
    store = SqliteStore(path)
    store.start_runs([new_run("r")])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"claimed\n"
        owner = store.register_owner("parent")
        assert store.reap_dead_owners() == 0
        assert store.claim_one("r", owner) is None
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=10)
        assert store.reap_dead_owners() == 1
        assert store.claim(owner, 1) == [Claim("r", 2, probation=True)]
        assert load(store, "r").run.seq == 1
    finally:
        child.kill()
        child.communicate()
        store.close()
    assert list(Path(f"{path}-locks").iterdir()) == []


def test_two_handles_on_one_file_see_each_other(path: str) -> None:
    one, two = SqliteStore(path), SqliteStore(path)
    owned(one, "r")
    before = one.data_version()
    two.send(message("r", "m"))
    assert one.data_version() != before
    assert len(inbox(one, "r")) == 1
    one.close()
    two.close()


def test_a_full_disk_loses_nothing_and_says_so(path: str) -> None:
    store = SqliteStore(path)
    owned(store, "r")
    pages = store._connection.pragma("page_count")
    store._connection.pragma("max_page_count", pages + 2)
    with pytest.raises(StoreError, match="full") as caught:
        store.commit([turn("r", 1, 2, payload=b"x" * 100_000)])
    assert code_of(caught) == "P403"
    store._connection.pragma("max_page_count", 1_000_000)
    assert load(store, "r").run.seq == 1
    assert store.commit([turn("r", 1, 2)]) == [True]
    store.close()


def test_a_locked_database_is_reported(path: str) -> None:
    store = SqliteStore(path, busy_timeout_ms=10)
    other = apsw.Connection(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked") as caught:
        store.start_runs([new_run("r")])
    assert code_of(caught) == "P401"
    other.execute("ROLLBACK")
    assert store.start_runs([new_run("r")])[0][1] is True
    other.close()
    store.close()


def test_a_read_only_database_can_be_read(path: str) -> None:
    store = SqliteStore(path)
    owned(store, "r")
    reader = open_store(f"sqlite:{path}", read_only=True)
    assert [run.run_id for run in reader.list_runs()] == ["r"]
    with pytest.raises(StoreError) as caught:
        reader.start_runs([new_run("s")])
    assert code_of(caught) == "P402"
    reader.close()
    store.close()


def test_somebody_elses_database_is_refused_and_left_as_it_is(path: str) -> None:
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE runs (x)")
    foreign.close()
    content = Path(path).read_bytes()
    with pytest.raises(StoreError, match="not a Perdure database") as caught:
        SqliteStore(path)
    assert code_of(caught) == "P404"
    assert Path(path).read_bytes() == content


def test_a_file_that_is_no_database_is_refused(path: str) -> None:
    Path(path).write_text("these are my notes, not a database\n" * 100)
    with pytest.raises(StoreError) as caught:
        SqliteStore(path)
    assert code_of(caught) == "P404"


def test_a_newer_schema_is_refused(path: str) -> None:
    store = SqliteStore(path)
    store._connection.pragma("user_version", 999)
    store.close()
    with pytest.raises(StoreError, match="later one") as caught:
        SqliteStore(path)
    assert code_of(caught) == "P406"


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        SqliteStore(str(tmp_path / "no" / "runs.db"))
    assert code_of(caught) == "P408"


@pytest.mark.parametrize("url", ["", "sqlite", "sqlite:", "postgres:x", "runs.db"])
def test_an_unknown_url_is_refused(url: str) -> None:
    with pytest.raises(CallError) as caught:
        open_store(url)
    assert caught.value.code == "P303"


def test_a_database_that_must_exist_is_not_made(path: str) -> None:
    with pytest.raises(CallError) as caught:
        open_store(f"sqlite:{path}", must_exist=True)
    assert caught.value.code == "P304"
    assert not Path(path).exists()


def test_flipped_bits_in_the_file_never_escape_as_another_exception(path: str) -> None:
    """Every page but the first is damaged in turn; whatever is read back is data or a
    StoreError."""
    store = SqliteStore(path)
    owned(store, "r")
    for seq in range(2, 40):
        store.commit([turn("r", 1, seq, payload=bytes(500), output="x" * 100)])
    store._connection.pragma("wal_checkpoint", "TRUNCATE")
    store.close()
    whole = Path(path).read_bytes()
    page = 4096
    refused = 0
    for start in range(page, len(whole), page):
        damaged = bytearray(whole)
        for offset in range(start, start + 16):
            damaged[offset] ^= 0xFF
        Path(path).write_bytes(bytes(damaged))
        reader = None
        try:
            reader = SqliteStore(path)
            reader.list_runs()
            load(reader, "r")
            reader.outputs("r")
        except StoreError as error:
            assert error.code in ("P404", "P405", "P407")
            refused += 1
        finally:
            if reader is not None:
                reader.close()
    assert refused > 0


def test_a_failed_batch_leaves_nothing_behind(path: str) -> None:
    store = SqliteStore(path)
    owned(store, "a", "b")
    pages = store._connection.pragma("page_count")
    store._connection.pragma("max_page_count", pages + 2)
    with pytest.raises(StoreError):
        store.commit([turn("a", 1, 2), turn("b", 1, 2, payload=b"x" * 100_000)])
    assert {run.seq for run in store.list_runs()} == {1}
    store.close()


def test_prune_can_give_space_back(path: str) -> None:
    store = SqliteStore(path)
    owned(store, "r")
    for seq in range(2, 30):
        store.commit([turn("r", 1, seq, payload=b"x" * 50_000)])
    store.commit([turn("r", 1, 30, "completed")])
    store.prune(PrunePolicy(finished_s=0, vacuum=True))
    store.close()
    assert Path(path).stat().st_size < 300_000


def test_a_first_commit_needs_an_owner(path: str) -> None:
    store = SqliteStore(path)
    store.start_runs([new_run("r")])
    assert store.commit([first("r", epoch=0)]) == [False]
    store.close()
