"""What only a server can do: lose connections, restart, be shared by processes, be set up and migrated."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from turns import Clock, first, inbox, load, message, new_run, owned, turn

from perdure.base import limits
from perdure.base.errors import CallError, StoreError
from perdure.store.api import Claim, Flaw, Release
from perdure.store.opening import open_store
from perdure.store.postgres import PostgresStore, schema
from perdure.testing.postgres import PostgresServer

PATIENCE_S = 20.0


def eventually(question: Callable[[], object]) -> None:
    """Ask until the answer is true: what is asked happens in another thread or process."""
    until = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < until, "it never became true"
        time.sleep(0.005)


@pytest.fixture
def store(postgres_url: str) -> Iterator[PostgresStore]:
    made = PostgresStore(postgres_url)
    yield made
    made.close()


def cut(url: str, *stores: PostgresStore) -> None:
    """End the sessions of handles, as a network would that loses them."""
    with psycopg.connect(url, autocommit=True) as admin:
        for store in stores:
            pid = store._connection.raw.info.backend_pid
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def execute(url: str, statement: str) -> None:
    """Execute a statement in a session of its own, and see that session end: only then is all told that it has counted."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(statement)
        session = admin.info.backend_pid
    await_end(url, f"pid = {session}")


def await_end(url: str, sessions: str = "pid <> pg_backend_pid()") -> None:
    """Wait until sessions of a database have ended, all others if none are named: they go on for a moment behind a close."""
    with psycopg.connect(url, autocommit=True) as admin:
        until = time.monotonic() + 30
        while admin.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
            f"AND backend_type = 'client backend' AND {sessions}"
        ).fetchall():
            assert time.monotonic() < until, "a session does not end"
            time.sleep(0.005)


# -- processes ---------------------------------------------------------------------------------

CHILD = """
import sys
from perdure.store.api import Commit
from perdure.store.postgres import PostgresStore
store = PostgresStore(sys.argv[1])
owner = store.register_owner("child")
for claim in store.claim(owner, 10):
    store.commit([Commit(run_id=claim.run_id, epoch=claim.epoch, seq=1, kind="turn", payload=b"",
        entry_hash=b"h", status="waiting", snapshot=b"full", snapshot_hash=b"s")])
print("claimed", flush=True)
sys.stdin.read()
"""


def test_runs_of_a_killed_process_are_taken_over_at_once(
    store: PostgresStore, postgres_url: str
) -> None:
    """A child claims a run and is killed with SIGKILL; the end of its session ends its lock."""
    store.start_runs([new_run("r")])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, postgres_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"claimed\n"
        owner = store.register_owner("parent")
        assert store.reap_dead_owners() == 0
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=10)
        began = time.monotonic()
        eventually(lambda: store.reap_dead_owners() == 1)
        assert time.monotonic() - began < limits.LEASE_S / 10
        assert store.claim(owner, 1) == [Claim("r", 2, probation=True)]
    finally:
        child.kill()
        child.communicate()


# -- connections -------------------------------------------------------------------------------


def test_a_commit_on_a_lost_connection_says_that_its_outcome_is_unknown(
    store: PostgresStore, postgres_url: str
) -> None:
    owned(store, "r")
    cut(postgres_url, store)
    with pytest.raises(StoreError, match="lost") as caught:
        store.commit([turn("r", 1, 2)])
    assert caught.value.code == "P407"
    run = store.get_run("r")
    assert run is not None
    assert run.seq == 1
    assert store.commit([turn("r", 1, 2)]) == [True]


def test_reading_goes_on_over_a_lost_connection(store: PostgresStore, postgres_url: str) -> None:
    owned(store, "r")
    for question in (
        lambda: store.get_run("r"),
        lambda: store.load(["r"]),
        lambda: store.inbox(["r"]),
        lambda: store.release([Release("r", 9)]),
        lambda: store.start_runs([new_run("r")]),
    ):
        cut(postgres_url, store)
        assert question()


def test_an_owner_survives_a_cut_of_its_connection(store: PostgresStore, postgres_url: str) -> None:
    """Its heartbeats' session says that it lives, until its own takes the lock again."""
    owner = owned(store, "r")
    heart, other = store.another(), store.another()
    assert heart.heartbeat(owner)
    cut(postgres_url, store)
    assert other.reap_dead_owners() == 0
    assert store.get_run("r") is not None
    cut(postgres_url, heart)
    assert other.reap_dead_owners() == 0
    assert heart.heartbeat(owner)
    assert store.commit([turn("r", 1, 2)]) == [True]
    heart.close()
    other.close()


def test_an_owner_that_was_taken_for_dead_while_it_was_cut_off_is_told(
    store: PostgresStore, postgres_url: str
) -> None:
    owner = owned(store, "r")
    other = store.another()
    cut(postgres_url, store)
    assert other.reap_dead_owners() == 1
    assert store.heartbeat(owner) is False
    with pytest.raises(StoreError) as caught:
        store.claim_one("r", owner)
    assert caught.value.code == "P409"
    assert str(owner) in caught.value.message
    assert store.commit([turn("r", 1, 2)]) == [False]
    other.close()


def test_a_claim_whose_answer_was_lost_shows_in_what_the_owner_holds(
    store: PostgresStore, postgres_url: str
) -> None:
    """A claim takes place in the owner's name, and the owner hears of nothing but a lost connection."""
    store.start_runs([new_run("a"), new_run("b")])
    owner = store.register_owner("w")
    heart = store.another()
    assert heart.heartbeat(owner)
    execute(postgres_url, f"SELECT perdure.claim(NULL, {owner}, 1, 5, 3)")
    cut(postgres_url, store)
    with pytest.raises(StoreError) as caught:
        store.claim(owner, 1)
    assert caught.value.code == "P407"
    assert store.held(owner) == [Claim("a", 1)]
    assert store.claim(owner, 5) == [Claim("b", 1)]
    heart.close()


def test_a_restart_of_the_server_costs_no_owner_its_runs(own_server: PostgresServer) -> None:
    """All locks are gone after it; one worker is back before the other and looks for dead owners."""
    url = own_server.url(own_server.create_database())
    early, late = PostgresStore(url), PostgresStore(url)
    early.register_owner("early")
    owner = owned(late, "r")
    for how in (False, True):
        own_server.restart(kill=how)
        with pytest.raises(StoreError) as caught:
            early.commit([turn("r", 9, 9)])
        assert caught.value.code == "P407"
        assert early.reap_dead_owners() == 0
        assert late.heartbeat(owner)
        assert early.reap_dead_owners() == 0
    assert late.commit([turn("r", 1, 2)]) == [True]
    late._connection.raw.close()
    eventually(lambda: early.reap_dead_owners() == 1)
    early.close()
    late.close()


def test_a_handle_says_that_the_server_is_away_and_comes_back_with_it(
    own_server: PostgresServer,
) -> None:
    store = PostgresStore(own_server.url(own_server.create_database()))
    owned(store, "r")
    own_server.stop()
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            store.get_run("r")
        assert caught.value.code == "P407"
    own_server.start()
    assert store.commit([turn("r", 1, 2)]) == [True]
    store.close()


def test_what_was_committed_outlives_a_killed_server(own_server: PostgresServer) -> None:
    store = PostgresStore(own_server.url(own_server.create_database()))
    owned(store, "r")
    for seq in range(2, 20):
        assert store.commit([turn("r", 1, seq)]) == [True]
        if seq % 6 == 0:
            own_server.restart(kill=True)
            run = store.get_run("r")
            assert run is not None
            assert run.seq == seq
    store.close()


# -- hints and the clock -----------------------------------------------------------------------


def test_who_watches_is_told_of_new_work(store: PostgresStore, postgres_url: str) -> None:
    owner = owned(store, "mine")
    other = PostgresStore(postgres_url)
    told = threading.Event()
    store.watch(told.set)

    def hears_of(action: Callable[[], object]) -> bool:
        told.clear()
        action()
        return told.wait(PATIENCE_S)

    assert told.wait(PATIENCE_S)
    assert hears_of(lambda: other.start_runs([new_run("a")]))
    assert hears_of(lambda: other.send(message("mine", "m1")))
    assert hears_of(lambda: [other.start_runs([new_run(f"b{n}")]) for n in range(50)])
    assert store.stirred(owner) == ["mine"]
    other.close()


def test_nobody_is_told_of_what_is_anothers(store: PostgresStore, postgres_url: str) -> None:
    """A hint for a certain owner is followed by one for all: who heard one has not heard two."""
    owned(store, "mine")
    other, third = PostgresStore(postgres_url), PostgresStore(postgres_url)
    told: list[float] = []
    other.register_owner("other")
    other.watch(lambda: told.append(time.monotonic()))
    eventually(lambda: other._bell is not None and other._bell.heard >= 2)
    before = len(told)
    third.send(message("mine", "m1"))
    time.sleep(2 * limits.HINT_S)
    third.start_runs([new_run("a")])
    eventually(lambda: len(told) > before)
    assert len(told) == before + 1
    other.close()
    third.close()


def test_the_listener_survives_a_restart(own_server: PostgresServer) -> None:
    url = own_server.url(own_server.create_database())
    store, other = PostgresStore(url), PostgresStore(url)
    told = threading.Event()
    store.watch(told.set)
    assert told.wait(PATIENCE_S)
    told.clear()  # not behind the restart: it may have said so by then
    own_server.restart()
    assert told.wait(PATIENCE_S)  # it missed what happened meanwhile, so it says so
    eventually(lambda: other.start_runs([new_run("a")]))
    told.clear()
    other.send(message("a", "m"))
    assert told.wait(PATIENCE_S)
    store.close()
    other.close()


def test_without_any_hint_the_data_version_changes_with_time(store: PostgresStore) -> None:
    before = store.data_version()
    began = time.monotonic()
    eventually(lambda: store.data_version() != before)
    assert time.monotonic() - began < 2 * store.poll_s


def test_the_clock_is_the_servers_and_never_ahead_of_it(
    store: PostgresStore, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        last = 0.0
        for _ in range(200):
            now = store.now()
            row = admin.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
            assert row is not None
            assert last <= now <= row[0]
            assert row[0] - now < 0.5
            last = now


# -- transactions that meet --------------------------------------------------------------------


def test_workers_that_send_to_each_others_runs_never_wait_in_a_circle(postgres_url: str) -> None:
    """Each commits a batch of its runs, with messages to the other's, as fast as it can. A circle of locks
    would stop one of them for a second and fail it; a lost message would show in what the runs count.
    """
    rounds, width = 60, 6
    errors: list[BaseException] = []
    names = {side: [f"{side}{n}" for n in range(width)] for side in "xy"}
    stores = {side: PostgresStore(postgres_url) for side in "xy"}
    owners = {side: owned(stores[side], *names[side]) for side in "xy"}

    def work(side: str, other: str) -> None:
        try:
            for seq in range(2, rounds + 2):
                batch = [
                    turn(
                        name, 1, seq,
                        sends=tuple(
                            message(to, f"{name}/{seq}", sender=name) for to in reversed(names[other])
                        ),
                        consumed=tuple(row.row for row in inbox(stores[side], name)),
                    )
                    for name in reversed(names[side])
                ]  # fmt: skip
                assert all(stores[side].commit(batch))
        except BaseException as error:  # noqa: BLE001 - it is looked at in the test's thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in ("xy", "yx")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with psycopg.connect(postgres_url) as admin:
        wrong = admin.execute(
            "SELECT id, waiting, ready FROM perdure.runs r WHERE waiting <> "
            "(SELECT count(*) FROM perdure.inbox i WHERE i.run = r.num)"
        ).fetchall()
        seen = admin.execute("SELECT count(*) FROM perdure.seen").fetchone()
    assert wrong == []
    assert seen == (2 * rounds * width * width,)
    for side in "xy":
        waiting = {name for name in names[side] if inbox(stores[side], name)}
        assert set(stores[side].stirred(owners[side])) == waiting
        stores[side].close()


def test_mail_for_a_run_that_is_being_started_is_never_lost(postgres_url: str) -> None:
    starter, sender = PostgresStore(postgres_url), PostgresStore(postgres_url)
    names = [f"r{number}" for number in range(150)]
    ready = threading.Barrier(2)

    def start() -> None:
        for name in names:
            ready.wait()
            starter.start_runs([new_run(name)])

    thread = threading.Thread(target=start)
    thread.start()
    for name in names:
        ready.wait()
        assert sender.send(message(name, "m"))
    thread.join()
    rows = starter.inbox(names)
    assert [name for name in names if len(rows[name]) != 1] == []
    starter.close()
    sender.close()


def test_two_owners_never_claim_the_same_run(postgres_url: str) -> None:
    stores = [PostgresStore(postgres_url) for _ in range(4)]
    stores[0].start_runs([new_run(f"r{number}") for number in range(400)])
    claimed: list[str] = []

    def claim(store: PostgresStore) -> None:
        owner = store.register_owner("w")
        while claims := store.claim(owner, 7):
            claimed.extend(one.run_id for one in claims)

    threads = [threading.Thread(target=claim, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 400
    for store in stores:
        store.close()


def test_turns_update_their_runs_in_place(store: PostgresStore, postgres_url: str) -> None:
    """No index changes when a run goes from turn to turn: else every turn would cost five of them."""
    execute(postgres_url, "SELECT pg_stat_reset()")
    owned(store, "r")
    for seq in range(2, 203):
        store.commit([turn("r", 1, seq, detail=f"effect {seq}")])
    store.close()  # what a session counted is told at its end
    await_end(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        rows = admin.execute(
            "SELECT n_tup_upd, n_tup_upd - n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'runs'"
        ).fetchall()
    updates, moved = rows[0]
    assert updates > 200
    assert moved < 20


@pytest.mark.parametrize("statistics", ["none", "of unowned runs"])
def test_what_a_verb_reads_does_not_grow_with_the_database(
    store: PostgresStore, postgres_url: str, statistics: str
) -> None:
    """Plans are made while the tables are empty, or by statistics that say that nobody owns anything; then
    there are many runs, some of them owned. A plan that goes through all of them would do so 50 times.
    """
    idle = [new_run(f"idle{n}") for n in range(3_000)]
    hot = [f"hot{n}" for n in range(40)]
    if statistics == "none":
        owner = owned(store, *hot)
    store.start_runs(idle)
    execute(
        postgres_url,
        "UPDATE perdure.runs SET ready = false, status = 'waiting', wake_at = 4e9 WHERE owner = 0",
    )
    if statistics != "none":
        execute(postgres_url, "ANALYZE perdure.runs")
        owner = owned(store, *hot)
    execute(postgres_url, "VACUUM perdure.runs")
    execute(postgres_url, "SELECT pg_stat_reset()")
    calls = 50
    for seq in range(2, calls + 2):
        assert all(store.commit([turn(name, 1, seq) for name in hot[:4]]))
        assert store.claim(owner, 10) == []
        assert set(store.stirred(owner)) <= {hot[0]}
        assert store.next_wake() == 4e9
        store.send(message(hot[0], f"m{seq}"))
        store.load(hot[:2])
    assert len(store.release([Release(name, 1) for name in hot])) == len(hot)
    store.close()  # what a session counted is told at its end
    await_end(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        scans = admin.execute(
            "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE seq_scan > 0 "
            "AND schemaname = 'perdure'"
        ).fetchall()
        rows = admin.execute(
            "SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes WHERE relname = 'runs'"
        ).fetchall()
    assert scans == []
    assert sum(count for _, count in rows) > calls, "the sessions have told what they counted"
    read = {name: count for name, count in rows if count > 3 * len(idle)}
    assert read == {}


# -- being set up, opened and refused ----------------------------------------------------------


def test_many_handles_may_open_an_empty_database_at_once(empty_postgres_url: str) -> None:
    made: list[PostgresStore] = []
    threads = [
        threading.Thread(target=lambda: made.append(PostgresStore(empty_postgres_url)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    for store in made:
        assert store.counts() == {}
        store.close()


def test_the_schema_version_is_the_number_of_migrations() -> None:
    assert len(schema.migrations()) == schema.SCHEMA_VERSION


@pytest.mark.parametrize(
    ("comment", "code"),
    [
        ("Perdure schema version 999", "P406"),
        ("our own tables", "P404"),
    ],
)
def test_another_schema_is_refused(empty_postgres_url: str, comment: str, code: str) -> None:
    execute(empty_postgres_url, f"CREATE SCHEMA perdure; COMMENT ON SCHEMA perdure IS '{comment}'")
    with pytest.raises(StoreError) as caught:
        PostgresStore(empty_postgres_url)
    assert caught.value.code == code


def test_an_older_schema_waits_for_somebody_to_migrate_it(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This release's schema is taken for that of an earlier release, which one more migration would change."""
    PostgresStore(empty_postgres_url).close()
    newer = [*schema.migrations(), "ALTER TABLE perdure.runs ADD COLUMN colour text"]
    monkeypatch.setattr(schema, "migrations", lambda: newer)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 1)
    with pytest.raises(StoreError, match="db migrate") as caught:
        PostgresStore(empty_postgres_url)
    assert caught.value.code == "P410"
    assert schema.migrate_url(empty_postgres_url) == (1, 2)
    assert schema.migrate_url(empty_postgres_url) == (2, 2)
    store = PostgresStore(empty_postgres_url)
    owned(store, "r")
    store.close()


def test_a_database_that_must_exist_is_not_made(empty_postgres_url: str) -> None:
    with pytest.raises(CallError) as caught:
        open_store(empty_postgres_url, must_exist=True)
    assert caught.value.code == "P304"
    with psycopg.connect(empty_postgres_url) as admin:
        assert admin.execute("SELECT to_regnamespace('perdure')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda url: url.rpartition("/")[0] + "/nowhere", "P408"),
        (lambda _: "postgresql://perdure@127.0.0.1:1/perdure", "P408"),
        (lambda url: url + "?pooler=sometimes", "P303"),
        (lambda url: url + "?nonsense=1", "P303"),
    ],
)
def test_a_wrong_url_is_refused_without_its_password(
    postgres_url: str, change: Callable[[str], str], code: str
) -> None:
    url = change(postgres_url).replace("perdure@", "perdure:secret@")
    with pytest.raises((StoreError, CallError)) as caught:
        open_store(url)
    assert caught.value.code == code
    assert "secret" not in str(caught.value)


def test_a_read_only_handle_can_read(store: PostgresStore, postgres_url: str) -> None:
    owned(store, "r")
    reader = open_store(postgres_url, read_only=True)
    assert [run.run_id for run in reader.list_runs()] == ["r"]
    for write in (
        lambda: reader.start_runs([new_run("s")]),
        lambda: reader.send(message("r", "m")),
        lambda: reader.set_cursor("r", 1),
    ):
        with pytest.raises(StoreError) as caught:
            write()
        assert caught.value.code == "P402"
    reader.close()


def test_a_locked_run_is_reported(store: PostgresStore, postgres_url: str) -> None:
    owned(store, "r")
    impatient = PostgresStore(f"{postgres_url}?options=-c%20lock_timeout%3D50ms")
    with psycopg.connect(postgres_url) as holder:
        holder.execute("SELECT FROM perdure.runs FOR UPDATE")
        with pytest.raises(StoreError) as caught:
            impatient.commit([turn("r", 1, 2)])
    assert caught.value.code == "P401"
    assert impatient.commit([turn("r", 1, 2)]) == [True]
    impatient.close()


def test_a_failed_batch_leaves_nothing_behind(store: PostgresStore, postgres_url: str) -> None:
    """The second batch of one call fails in the server; the first was not committed either."""
    owned(store, "a", "b")
    execute(postgres_url, "ALTER TABLE perdure.log ADD CONSTRAINT short CHECK (seq < 3)")
    try:
        with pytest.raises(StoreError) as caught:
            store.commit([turn("a", 1, 2), turn("b", 1, 2), turn("a", 1, 3)])
    finally:
        execute(postgres_url, "ALTER TABLE perdure.log DROP CONSTRAINT short")
    assert caught.value.code == "P411"
    assert {run.seq for run in store.list_runs()} == {1}
    assert store.commit([turn("a", 1, 2)]) == [True]


def test_small_entries_outlive_their_snapshots(store: PostgresStore, postgres_url: str) -> None:
    """Their payloads stay in the log, and so do the rows that held a snapshot, without it."""
    owned(store, "r")
    for seq in range(2, 8):
        snapshot = {"snapshot": b"full", "snapshot_hash": b"s"} if seq % 2 == 0 else {}
        assert store.commit([turn("r", 1, seq, **snapshot)]) == [True]
    entries = store.entries("r")
    assert [e.seq for e in entries if e.payload is not None] == list(range(1, 8))
    with psycopg.connect(postgres_url) as admin:
        rows = admin.execute("SELECT seq, hash, payload FROM perdure.snapshots ORDER BY seq")
        assert rows.fetchall() == [(4, b"s", b"full"), (6, b"s", b"full")]
    assert load(store, "r").snapshot_seq == 6
    assert store.check() == [Flaw("r", "its program hash-of-order is not in the database")]


def test_a_first_commit_needs_an_owner(store: PostgresStore) -> None:
    store.start_runs([new_run("r")])
    assert store.commit([first("r", epoch=0)]) == [False]


def test_a_test_may_bring_its_own_clock(postgres_url: str) -> None:
    clock = Clock()
    store = PostgresStore(postgres_url, clock=clock)
    owned(store, "r")
    run = store.get_run("r")
    assert run is not None
    assert run.updated_at == clock.seconds == store.now()
    store.close()


def test_a_further_handle_to_a_server_that_is_away_is_an_outage_and_no_wrong_address(
    own_server: PostgresServer,
) -> None:
    store = PostgresStore(own_server.url())
    own_server.stop()
    with pytest.raises(StoreError) as caught:
        store.another()
    assert caught.value.code == "P407"
    with pytest.raises(StoreError) as caught:
        PostgresStore(own_server.url())
    assert caught.value.code == "P408"
    own_server.start()
    store.another().close()
    store.close()
