"""Runs, code, names, logs, output and retention, on every store."""

from __future__ import annotations

import time

import pytest
from turns import Clock, first, load, message, new_run, owned, turn

from perdure.base.errors import CallError
from perdure.store.api import Commit, LogLine, PrunePolicy, Release, RunFilter, Store


def test_starting_a_run_twice_gives_the_same_run(store: Store) -> None:
    [(run, made)] = store.start_runs([new_run("r", b"[1]")])
    [(again, made_again)] = store.start_runs([new_run("r", b"[1]")])
    assert (made, made_again) == (True, False)
    assert again == run
    assert (run.status, run.seq, run.owner) == ("ready", 0, 0)


@pytest.mark.parametrize("other", [new_run("r", b"[2]"), new_run("r", b"[1]", "refund")])
def test_starting_a_run_with_other_input_is_an_error(store: Store, other: object) -> None:
    store.start_runs([new_run("r", b"[1]")])
    with pytest.raises(CallError, match=r"another (program|arguments)") as caught:
        store.start_runs([other])
    assert caught.value.code == "P302"


@pytest.mark.parametrize("size", [0, 128, 129, 100_000])
def test_arguments_of_every_size_are_kept(store: Store, size: int) -> None:
    arguments = b"x" * size
    store.start_runs([new_run("r", arguments)])
    assert load(store, "r").arguments == arguments
    assert store.start_runs([new_run("r", arguments)])[0][1] is False
    with pytest.raises(CallError):
        store.start_runs([new_run("r", arguments + b"y")])
    store.set_cursor("r", 3)
    assert (store.cursor("r"), load(store, "r").arguments) == (3, arguments)


def test_runs_are_started_together(store: Store) -> None:
    store.start_runs([new_run("b")])
    started = store.start_runs([new_run("a"), new_run("b"), new_run("c"), new_run("a")])
    assert [(run.run_id, made) for run, made in started] == [
        ("a", True),
        ("b", False),
        ("c", True),
        ("a", False),
    ]
    assert store.start_runs([]) == []
    owner = store.register_owner("w")
    assert [claim.run_id for claim in store.claim(owner, 10)] == ["b", "a", "c"]


@pytest.mark.parametrize("wrong", ["there", "young"])
def test_one_run_with_other_input_keeps_its_batch_from_starting(store: Store, wrong: str) -> None:
    """It differs from a run that is there, or from one before it in the batch."""
    store.start_runs([new_run("there")])
    with pytest.raises(CallError) as caught:
        store.start_runs([new_run("young"), new_run(wrong, b"[2]"), new_run("next")])
    assert caught.value.code == "P302"
    assert [run.run_id for run in store.list_runs()] == ["there"]


def test_runs_are_loaded_together_with_their_inboxes(store: Store) -> None:
    owned(store, "a", "b")
    store.commit([turn("b", 1, 2)])
    store.send(message("b", "m1"))
    store.send(message("b", "m2"))
    b, a = store.load(["b", "nobody", "a"])
    assert (a.run.run_id, a.inbox, a.entries) == ("a", (), ())
    assert [entry.seq for entry in b.entries] == [2]
    assert [row.message_id for row in b.inbox] == ["m1", "m2"]
    assert list(b.inbox) == store.inbox(["b"])["b"]


def test_code_and_names_are_kept(store: Store) -> None:
    store.put_program("p1", b"source")
    store.put_program("p1", b"source")
    store.put_definitions({"d1": b"anf1", "d2": b"anf2"})
    store.set_name("order", "p1")
    store.set_name("order", "p2")
    assert store.get_program("p1") == b"source"
    assert store.get_program("nope") is None
    assert store.get_definitions(["d2", "d3"]) == {"d2": b"anf2"}
    assert store.get_name("order") == "p2"
    assert store.get_name("nope") is None


def test_load_gives_the_newest_snapshot_and_what_came_after(store: Store) -> None:
    owned(store, "r")
    store.commit([turn("r", 1, 2)])
    store.commit([turn("r", 1, 3, snapshot=b"full-3", snapshot_hash=b"s3")])
    store.commit([turn("r", 1, 4, note="took a message")])
    loaded = load(store, "r")
    assert (loaded.snapshot, loaded.snapshot_hash, loaded.snapshot_seq) == (b"full-3", b"s3", 3)
    assert loaded.chain_hash == b"h3"
    assert [(e.seq, e.payload, e.entry_hash, e.note) for e in loaded.entries] == [
        (4, b"delta-4", b"h4", "took a message")
    ]
    assert loaded.arguments == b"[]"
    assert loaded.run.seq == 4


def test_a_run_that_was_never_committed_loads_without_a_snapshot(store: Store) -> None:
    store.start_runs([new_run("r", b"[7]")])
    loaded = load(store, "r")
    assert (loaded.snapshot, loaded.snapshot_seq, loaded.chain_hash, loaded.entries) == (
        None,
        0,
        b"",
        (),
    )
    assert loaded.arguments == b"[7]"


def test_an_unknown_run_is_none_or_empty_everywhere(store: Store) -> None:
    assert store.load(["x"]) == []
    assert store.get_run("x") is None
    assert store.result("x") is None
    assert store.inbox(["x"]) == {"x": []}
    assert store.entries("x") == []
    assert store.outputs("x") == []
    assert store.log_lines("x") == []
    assert store.cursor("x") == 0
    owner = store.register_owner("w")
    assert store.claim_one("x", owner) is None
    assert store.commit([turn("x", 1, 1)]) == [False]
    assert store.release([Release("x", 1)]) == [False]


def test_runs_are_listed_newest_first_and_filtered(store: Store, clock: Clock) -> None:
    for run_id, name in (("a", "order"), ("b", "refund"), ("c", "order")):
        store.start_runs([new_run(run_id, name=name)])
        clock.seconds += 1
    owner = store.register_owner("w")
    store.claim_one("a", owner)
    store.commit([first("a", status="completed", result=b"42")])
    assert [r.run_id for r in store.list_runs()] == ["c", "b", "a"]
    assert [r.run_id for r in store.list_runs(RunFilter(program_name="order"))] == ["c", "a"]
    assert [r.run_id for r in store.list_runs(RunFilter(statuses=("completed",)))] == ["a"]
    assert [r.run_id for r in store.list_runs(RunFilter(limit=1))] == ["c"]
    assert store.counts() == {"ready": 2, "completed": 1}
    assert store.result("a") == b"42"


def test_output_is_kept_by_turn_and_the_cursor_remembers_what_was_printed(store: Store) -> None:
    owned(store, "r")
    store.commit(
        [turn("r", 1, 2, output="one\n"), turn("r", 1, 3, output="zwei ü\n"), turn("r", 1, 4)]
    )
    assert [(o.seq, o.text) for o in store.outputs("r")] == [(2, "one\n"), (3, "zwei ü\n")]
    assert [o.seq for o in store.outputs("r", after=2)] == [3]
    store.set_cursor("r", 3)
    assert store.cursor("r") == 3


def test_the_programs_own_log_is_kept(store: Store) -> None:
    owned(store, "r")
    store.commit(
        [turn("r", 1, 2, logged=(LogLine("info", "paid", '{"sum":5}'), LogLine("warn", "late")))]
    )
    assert [(x.seq, x.level, x.message, x.fields) for x in store.log_lines("r")] == [
        (2, "info", "paid", '{"sum":5}'),
        (2, "warn", "late", "{}"),
    ]


def test_an_endless_run_stays_bounded(store: Store) -> None:
    """Two snapshots, the payloads since the older one, some headers, some output: nothing else
    grows."""
    owned(store, "r")
    for seq in range(2, 62):
        snapshot = {"snapshot": b"full", "snapshot_hash": b"s"} if seq % 10 == 0 else {}
        line = (LogLine("info", str(seq)),)
        assert store.commit([turn("r", 1, seq, output="12345", logged=line, **snapshot)]) == [True]
    entries = store.entries("r")
    # On PostgreSQL the older snapshot's own entry is kept with it.
    assert [e.seq for e in entries if e.seq > 50 and e.payload is not None] == list(range(51, 62))
    assert [e.seq for e in entries if e.seq < 51] in ([], [50])
    assert len(store.outputs("r")) <= 4
    assert [x.message for x in store.log_lines("r")] == ["58", "59", "60", "61"]


def test_a_dropped_payload_leaves_its_hash(store: Store) -> None:
    import hashlib

    owned(store, "r")
    for seq in (2, 3, 4):
        store.commit([turn("r", 1, seq, snapshot=b"full", snapshot_hash=b"s")])
    dropped = next(e for e in store.entries("r") if e.seq == 2)
    assert dropped.payload is None
    assert dropped.payload_hash == hashlib.sha256(b"delta-2").digest()


def test_prune_removes_old_finished_runs_and_nothing_else(store: Store, clock: Clock) -> None:
    owned(store, "old", "alive")
    store.commit([turn("old", 1, 2, "completed", result=b"1")])
    clock.seconds += 10
    store.start_runs([new_run("young")])
    policy = PrunePolicy(finished_s=5)
    assert store.prune(policy).runs == 1
    assert store.get_run("old") is None
    assert store.entries("old") == []
    assert {r.run_id for r in store.list_runs()} == {"alive", "young"}
    assert store.start_runs([new_run("old")])[0][1] is True


def test_prune_with_the_default_policy_keeps_what_is_young(store: Store) -> None:
    owned(store, "r")
    store.commit([turn("r", 1, 2, "completed")])
    assert store.prune().runs == 0
    assert store.get_run("r") is not None


def test_commit_keeps_a_result_until_there_is_another(store: Store) -> None:
    owned(store, "r")
    store.commit([turn("r", 1, 2, "parked", result=b"error", detail="car: no pair")])
    store.commit([turn("r", 1, 3, "waiting")])
    assert store.result("r") == b"error"
    store.commit([turn("r", 1, 4, "completed", result=b"fine")])
    assert store.result("r") == b"fine"


def test_data_version_changes_when_another_handle_commits(store: Store) -> None:
    other = store.another()
    before = store.data_version()
    assert store.data_version() == before
    other.start_runs([new_run("r")])
    deadline = time.monotonic() + 2 * store.poll_s
    while store.data_version() == before:
        assert time.monotonic() < deadline
    other.close()


def test_commit_is_a_plain_value() -> None:
    commit = first("r")
    assert isinstance(commit, Commit)
    assert commit == first("r")
