"""Runs, messages and turns for the tests of this folder, and a clock that they can move."""

from __future__ import annotations

from typing import Any

from perdure.store.api import TURN, Commit, InboxRow, Loaded, NewRun, Send, Store


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


def new_run(run_id: str = "r", arguments: bytes = b"[]", name: str = "order") -> NewRun:
    return NewRun(run_id, name, "hash-of-" + name, arguments)


def message(to: str, message_id: str, payload: bytes = b"hello", sender: str = "") -> Send:
    return Send(to, "message", message_id, sender, payload)


def turn(run_id: str, epoch: int, seq: int, status: str = "waiting", **more: Any) -> Commit:
    more.setdefault("payload", b"delta-%d" % seq)
    more.setdefault("kind", TURN)
    return Commit(
        run_id=run_id,
        epoch=epoch,
        seq=seq,
        status=status,
        entry_hash=b"h%d" % seq,
        **more,
    )


def first(run_id: str, epoch: int = 1, **more: Any) -> Commit:
    return turn(run_id, epoch, 1, payload=b"", snapshot=b"full", snapshot_hash=b"s1", **more)


def owned(store: Store, *run_ids: str) -> int:
    """Start runs, claim them, commit their first entries; return the owner."""
    for run_id in run_ids:
        store.start_runs([new_run(run_id)])
    owner = store.register_owner("test")
    claims = store.claim(owner, 100)
    assert all(store.commit([first(claim.run_id) for claim in claims]))
    return owner


def load(store: Store, run_id: str) -> Loaded:
    """Return what is stored of a run, which must exist."""
    (loaded,) = store.load([run_id])
    return loaded


def inbox(store: Store, run_id: str) -> list[InboxRow]:
    """Return the rows that wait for one run."""
    return store.inbox([run_id])[run_id]
