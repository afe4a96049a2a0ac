"""A snapshot that comes later than its entry: the chain up to there is replaced, what follows stays."""

from __future__ import annotations

import pytest
from turns import load, new_run, owned, turn

from perdure.store.api import Store


def test_a_snapshot_replaces_the_chain_up_to_its_entry(store: Store) -> None:
    owned(store, "r")
    assert store.commit([turn("r", 1, seq) for seq in (2,)]) == [True]
    for seq in range(3, 7):
        store.commit([turn("r", 1, seq)])
    assert store.compact("r", 4, b"later", b"s4")
    found = load(store, "r")
    assert (found.snapshot, found.snapshot_hash, found.snapshot_seq) == (b"later", b"s4", 4)
    assert found.chain_hash == b"h4"
    assert [entry.payload for entry in found.entries] == [b"delta-5", b"delta-6"]
    # The owner goes on.
    assert store.commit([turn("r", 1, 7)]) == [True]
    assert [entry.seq for entry in load(store, "r").entries] == [5, 6, 7]


def test_what_is_older_than_the_snapshot_before_is_forgotten(store: Store) -> None:
    owned(store, "r")
    for seq in range(2, 12):
        store.commit([turn("r", 1, seq, output=f"text-{seq:02}\n")])
    assert store.compact("r", 6, b"six", b"s6")
    assert [e.seq for e in store.entries("r") if e.payload is not None][-6:] == [6, 7, 8, 9, 10, 11]
    assert store.compact("r", 10, b"ten", b"s10")
    kept = store.entries("r")
    assert [entry.seq for entry in kept] == [6, 7, 8, 9, 10, 11]
    assert kept[0].payload in (None, b"delta-6")  # one that has a snapshot in its row keeps it
    assert [entry.payload for entry in kept[1:]] == [b"delta-%d" % seq for seq in range(7, 12)]
    assert [piece.seq for piece in store.outputs("r")] == [10, 11]


@pytest.mark.parametrize("seq", [1, 2, 5])
def test_a_snapshot_that_is_not_newer_or_of_no_entry_is_refused(store: Store, seq: int) -> None:
    owned(store, "r")
    store.commit([turn("r", 1, 2, snapshot=b"two", snapshot_hash=b"s2")])
    store.commit([turn("r", 1, 3)])
    assert not store.compact("r", seq, b"late", b"s")
    assert load(store, "r").snapshot == b"two"


def test_a_run_that_has_ended_or_never_began_is_left_alone(store: Store) -> None:
    owned(store, "r")
    store.commit([turn("r", 1, 2)])
    store.commit([turn("r", 1, 3, status="completed")])
    assert not store.compact("r", 2, b"late", b"s")
    store.start_runs([new_run("new")])
    assert not store.compact("new", 1, b"early", b"s")
    assert not store.compact("nobody", 1, b"early", b"s")
