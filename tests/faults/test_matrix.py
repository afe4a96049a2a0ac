"""A bounded sample of every fault of the matrix; `python -m tests.faults` injects them by the thousand.

Goal: whatever is done to workers, servers, connections, clocks and disks, nothing that was acknowledged is lost and
nothing is doubled. Method: see mixture.py for the load and the audit, scenarios.py and surroundings.py for the faults.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from scenarios import cut, cut_clients, kill, restart, stop
from surroundings import disorder, fill_disk, fill_file, jump, lose_hints

STORES = ["sqlite", "postgresql"]
CHANGES = [
    # Clocks go from 02:00 to 03:00, and from 03:00 to 02:00, both at 01:00 UTC.
    datetime(2027, 3, 28, 1, tzinfo=UTC),
    datetime(2027, 10, 31, 1, tzinfo=UTC),
]


@pytest.fixture(params=STORES)
def stored(request):
    """The name of a store, and the URL of a fresh database, None for a file of the scenario's own."""
    if request.param == "sqlite":
        return {"store": "sqlite", "db": None}
    server = request.getfixturevalue("postgres_server")
    return {"store": "postgresql", "db": server.url(server.create_database())}


def test_workers_that_are_killed_at_random_moments_lose_and_double_nothing(stored) -> None:
    kill(12, seed=11, **stored).verify()


def test_a_worker_that_was_stopped_past_its_lease_commits_nothing_any_more(stored) -> None:
    stop(3, seed=12, **stored).verify()


def test_workers_go_on_by_themselves_when_the_server_was_killed_and_started_again(
    own_server,
) -> None:
    restart(4, server=own_server, seed=13).verify()


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_connection_that_is_cut_at_a_commit_leaves_no_doubt_about_it(own_server, where) -> None:
    cut(12, where=where, server=own_server, seed=14).verify()


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_client_whose_connection_is_cut_asks_again_with_the_same_ids(own_server, where) -> None:
    cut_clients(8, where=where, server=own_server, seed=15).verify()


@pytest.mark.parametrize("where", ["stall-before", "stall-after"])
def test_a_connection_that_falls_silent_is_given_up(own_server, where) -> None:
    cut(2, where=where, server=own_server, seed=16, silence_s=1.0).verify()


def test_a_clock_that_jumps_takes_no_lease_and_fires_no_timer_early(stored) -> None:
    jump(8, seed=17, zone="Europe/Berlin", **stored).verify()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_daylight_saving_time_is_no_event(change) -> None:
    begin = change.timestamp() - 1.0
    row = jump(0, store="sqlite", seed=18, zone="Europe/Berlin", begin=begin)
    assert (row.lost, row.doubled) == ([], [])
    assert row.effects > 0


def test_a_database_file_that_can_not_grow_holds_a_worker_up_until_it_can() -> None:
    fill_file(2, seed=19).verify()


@pytest.fixture
def small_disk():
    """The folder of a small file system. Needs the right to mount one: its tests are left out where there is none."""
    # Not in pytest's own folder: the database server's user has to get there.
    folder = Path(tempfile.mkdtemp(prefix="perdure-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", folder]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("a file system can't be mounted here")
    yield folder
    # Lazily: a server has its files there until it ends.
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


def test_a_full_disk_holds_workers_up_until_there_is_room(small_disk: Path) -> None:
    fill_disk(2, store="sqlite", folder=small_disk, seed=20).verify()


def test_a_full_tablespace_holds_workers_up_until_there_is_room(own_server, small_disk) -> None:
    """The server's own log lies elsewhere: without room for that, PostgreSQL ends, which other tests do to it."""
    space = small_disk / "space"
    space.mkdir()
    if own_server.account is not None:
        os.chown(space, own_server.account.pw_uid, own_server.account.pw_gid)
    with psycopg.connect(own_server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{space}'".encode())
        connection.execute(b"CREATE DATABASE runs TABLESPACE small")
    url = own_server.url("runs")
    fill_disk(2, store="postgresql", folder=small_disk, db=url, seed=21).verify()


def test_what_no_notify_tells_is_found_by_looking(own_server) -> None:
    lose_hints(server=own_server, seed=21).verify()


def test_messages_that_come_twice_and_in_any_order_are_taken_once_each(stored) -> None:
    disorder(15, seed=22, **stored).verify()
