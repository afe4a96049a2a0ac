"""Inboxes, duplicates, mail for runs to come, and the end of watched runs, on every store."""

from __future__ import annotations

import pytest
from turns import Clock, first, inbox, message, new_run, owned, turn

from perdure.store.api import Claim, PrunePolicy, Release, Send, Store


def test_a_message_wakes_its_run(store: Store) -> None:
    owner = owned(store, "r")
    store.release([Release("r", 1)])
    assert store.claim(owner, 1) == []
    assert store.send(message("r", "m1")) is True
    assert store.claim(owner, 1) == [Claim("r", 2)]
    row = inbox(store, "r")[0]
    assert (row.kind, row.message_id, row.sender, row.payload) == ("message", "m1", "", b"hello")


def test_a_message_to_an_owned_run_stirs_it(store: Store) -> None:
    owner = owned(store, "r", "quiet")
    assert store.stirred(owner) == []
    store.send(message("r", "m1"))
    assert store.stirred(owner) == ["r"]
    store.commit([turn("r", 1, 2, consumed=tuple(row.row for row in inbox(store, "r")))])
    assert store.stirred(owner) == []
    assert inbox(store, "r") == []


def test_rows_that_a_turn_did_not_take_keep_the_run_ready(store: Store) -> None:
    owner = owned(store, "r")
    store.send(message("r", "m1"))
    store.send(message("r", "m2"))
    store.commit([turn("r", 1, 2, consumed=(inbox(store, "r")[0].row,))])
    assert [row.message_id for row in inbox(store, "r")] == ["m2"]
    assert store.stirred(owner) == ["r"]
    store.release([Release("r", 1)])
    assert store.claim(owner, 1) == [Claim("r", 2)]


def test_messages_come_in_the_order_in_which_they_were_sent(store: Store) -> None:
    owned(store, "r")
    for number in range(10):
        store.send(message("r", f"m{number}"))
    assert [row.message_id for row in inbox(store, "r")] == [f"m{n}" for n in range(10)]
    assert [row.message_id for row in store.inbox(["r"], limit=2)["r"]] == ["m0", "m1"]


def test_many_messages_are_sent_at_once_and_those_to_one_run_keep_their_order(store: Store) -> None:
    owner = owned(store, "r", "s")
    sent = [message(to, f"m{n}") for n in range(5) for to in ("s", "r")]
    assert store.send_many([*sent, message("r", "m1")]) == [True] * 10 + [False]
    assert store.send_many([]) == []
    assert sorted(store.stirred(owner)) == ["r", "s"]
    for run in ("r", "s"):
        assert [row.message_id for row in inbox(store, run)] == [f"m{n}" for n in range(5)]


def test_the_same_message_id_twice_is_one_message_also_after_it_was_consumed(store: Store) -> None:
    owned(store, "r")
    assert store.send(message("r", "m", b"one")) is True
    assert store.send(message("r", "m", b"two")) is False
    store.commit([turn("r", 1, 2, consumed=tuple(row.row for row in inbox(store, "r")))])
    assert store.send(message("r", "m", b"three")) is False
    assert inbox(store, "r") == []


def test_the_same_message_id_of_two_senders_is_two_messages(store: Store) -> None:
    owned(store, "r")
    assert store.send(message("r", "m", sender="a"))
    assert store.send(message("r", "m", sender="b"))
    assert len(inbox(store, "r")) == 2


def test_console_lines_are_never_duplicates(store: Store) -> None:
    owned(store, "r")
    line = Send("r", "console", "", "", b"yes")
    assert store.send(line)
    assert store.send(line)
    assert [row.kind for row in inbox(store, "r")] == ["console", "console"]


def test_a_message_to_a_run_that_does_not_exist_yet_waits_for_it(store: Store) -> None:
    owned(store, "a")
    assert store.send(message("later", "m1"))
    assert store.send(message("later", "m1")) is False
    store.commit([turn("a", 1, 2, sends=(message("later", "m2", sender="a"),))])
    store.start_runs([new_run("later")])
    assert [row.message_id for row in inbox(store, "later")] == ["m1", "m2"]
    assert store.send(message("later", "m1")) is False


def test_a_message_to_a_finished_run_is_dropped(store: Store) -> None:
    owned(store, "r")
    store.commit([turn("r", 1, 2, "completed")])
    assert store.send(message("r", "m")) is False
    assert inbox(store, "r") == []


def test_messages_are_sent_with_the_turn_or_not_at_all(store: Store) -> None:
    owned(store, "a", "b")
    sends = (message("b", "a/1", b"1", "a"), message("b", "a/2", b"2", "a"))
    assert store.commit([turn("a", 7, 2, sends=sends)]) == [False]
    assert inbox(store, "b") == []
    assert store.commit([turn("a", 1, 2, sends=sends)]) == [True]
    assert [(row.sender, row.payload) for row in inbox(store, "b")] == [("a", b"1"), ("a", b"2")]


def test_a_run_can_send_to_itself(store: Store) -> None:
    owner = owned(store, "a")
    store.commit([turn("a", 1, 2, sends=(message("a", "a/1", sender="a"),))])
    assert store.stirred(owner) == ["a"]


def test_consuming_rows_of_another_run_does_nothing(store: Store) -> None:
    owned(store, "a", "b")
    store.send(message("b", "m"))
    store.commit([turn("a", 1, 2, consumed=tuple(row.row for row in inbox(store, "b")))])
    assert len(inbox(store, "b")) == 1


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_who_watches_a_run_hears_of_its_end(store: Store, status: str) -> None:
    owner = owned(store, "parent", "child")
    store.commit(
        [turn("parent", 1, 2, watches=("child",)), turn("child", 1, 2, status, result=b"42")]
    )
    row = inbox(store, "parent")[0]
    assert (row.kind, row.sender, row.message_id, row.payload) == (
        "finished",
        "child",
        status,
        b"42",
    )
    assert store.stirred(owner) == ["parent"]


def test_who_watches_a_finished_run_hears_of_its_end_at_once(store: Store) -> None:
    owned(store, "parent", "child")
    store.commit([turn("child", 1, 2, "failed", result=b"why")])
    store.commit([turn("parent", 1, 2, watches=("child",))])
    assert [(row.kind, row.payload) for row in inbox(store, "parent")] == [("finished", b"why")]


def test_a_watched_run_may_be_started_by_the_same_commit(store: Store) -> None:
    owner = owned(store, "parent")
    store.commit([turn("parent", 1, 2, starts=(new_run("c"),), watches=("c", "c"))])
    store.claim(owner, 1)
    store.commit([first("c", status="completed", result=b"1")])
    assert len(inbox(store, "parent")) == 1


def test_message_ids_of_living_runs_are_forgotten_by_policy_alone(
    store: Store, clock: Clock
) -> None:
    owned(store, "r")
    store.send(message("r", "taken"))
    store.commit([turn("r", 1, 2, consumed=tuple(row.row for row in inbox(store, "r")))])
    store.send(message("r", "waiting"))
    clock.seconds += 10
    assert store.prune(PrunePolicy(message_ids_s=60)).message_ids == 0
    assert store.prune(PrunePolicy(message_ids_s=5)).message_ids == 1
    assert store.send(message("r", "waiting")) is False
    assert store.send(message("r", "taken")) is True


def test_inboxes_of_many_runs_come_in_one_answer(store: Store) -> None:
    owned(store, "a", "b", "c")
    store.send(message("a", "m1"))
    store.send(message("c", "m2"))
    store.send(message("a", "m3"))
    rows = store.inbox(["a", "b", "c"])
    assert {run_id: [row.message_id for row in found] for run_id, found in rows.items()} == {
        "a": ["m1", "m3"],
        "b": [],
        "c": ["m2"],
    }
    assert store.inbox([]) == {}
