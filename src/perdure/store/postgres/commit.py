"""Turns as the arrays that perdure.take_turns and perdure.commit take.

Layer: store. Imports base, store.api, binary.py, connection.py's words.
Invariant: one batch has one turn of each run at most, sorted by run id: the order in which rows are locked
everywhere.

Arrays, not a statement for each turn: a batch is one round trip, and its cost for the client is a few
microseconds a turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from perdure.store.api import FINAL, Commit, Retention
from perdure.store.postgres.binary import (
    NO_BLOBS,
    NO_INTS,
    NO_TEXTS,
    blobs,
    integer,
    integers,
    numbers,
    texts,
)
from perdure.store.postgres.connection import Verb, verb

TAKE_TURNS: Final = verb("take_turns", 15, "won, clock")
COMMIT: Final = verb("commit", 41, "won, clock, touched")

Batch = list[tuple[int, Commit]]
"""Turns with their positions in what the caller gave."""


def batches_of(commits: Sequence[Commit]) -> list[Batch]:
    """Return the turns in batches to be committed one after the other: the n-th has the n-th turn of each
    run.
    """
    found: list[Batch] = []
    turns_of: dict[str, int] = {}
    for position, turn in enumerate(commits):
        number = turns_of.get(turn.run_id, 0)
        turns_of[turn.run_id] = number + 1
        if number == len(found):
            found.append([])
        found[number].append((position, turn))
    for batch in found:
        batch.sort(key=_run_id)
    return found


def _run_id(turn: tuple[int, Commit]) -> str:
    return turn[1].run_id


def encode(batch: Batch, at: bytes | None, retention: Retention) -> tuple[Verb, list[bytes | None]]:
    """Return the call that commits a batch."""
    turns = [turn for _, turn in batch]
    values: list[bytes | None] = [
        at,
        texts([turn.run_id for turn in turns]),
        integers([turn.epoch for turn in turns]),
        integers([turn.seq for turn in turns]),
        texts([turn.kind for turn in turns]),
        blobs([turn.entry_hash for turn in turns]),
        blobs([turn.payload for turn in turns]),
        texts([turn.note for turn in turns]),
        texts([turn.status for turn in turns]),
        texts([turn.detail for turn in turns]),
        numbers([turn.wake_at for turn in turns]),
        integers([len(turn.consumed) for turn in turns]),
        _snapshots(turns),
    ]
    if any(turn.consumed for turn in turns):
        rows = [(n, row) for n, turn in enumerate(turns, 1) for row in turn.consumed]
        values += (integers([n for n, _ in rows]), integers([row for _, row in rows]))
    else:
        values += (NO_INTS, NO_INTS)
    if not any(map(_brings_more, turns)):
        return TAKE_TURNS, values
    return COMMIT, [*values, *_details(turns), *_kept(retention), *_others(turns)]


def _brings_more(turn: Commit) -> bool:
    return bool(
        turn.snapshot is not None
        or turn.status in FINAL
        or turn.result is not None
        or turn.output
        or turn.sends
        or turn.starts
        or turn.watches
        or turn.logged
    )


def _details(turns: Sequence[Commit]) -> list[bytes]:
    """Return the arrays of results, outputs and log lines."""
    numbered = list(enumerate(turns, 1))
    results = [(n, turn.result) for n, turn in numbered if turn.result is not None]
    outputs = [(n, turn.output) for n, turn in numbered if turn.output]
    lines = [(n, line) for n, turn in numbered for line in turn.logged]
    return [
        integers([n for n, _ in results]),
        blobs([result for _, result in results]),
        integers([n for n, _ in outputs]),
        texts([output for _, output in outputs]),
        integers([n for n, _ in lines]),
        texts([line.level for _, line in lines]),
        texts([line.message for _, line in lines]),
        texts([line.fields for _, line in lines]),
    ]


def _snapshots(turns: Sequence[Commit]) -> bytes:
    """Return the array of snapshots as the log has them: the hash's length, the hash, the payload."""
    if all(turn.snapshot is None for turn in turns):
        return NO_BLOBS
    return blobs(
        [
            None if turn.snapshot is None else framed(turn.snapshot, turn.snapshot_hash)
            for turn in turns
        ]
    )


def framed(snapshot: bytes, hashed: bytes) -> bytes:
    """Return a snapshot as the log has it: the hash's length, the hash, the payload."""
    return b"%c%b%b" % (len(hashed), hashed, snapshot)


def _kept(retention: Retention) -> list[bytes]:
    return [
        integer(retention.headers),
        integer(retention.output_bytes),
        integer(retention.log_lines),
        integer(retention.small_bytes),
    ]


_NOTHING_FOR_OTHERS: Final = (
    NO_INTS, NO_TEXTS, NO_TEXTS, NO_TEXTS, NO_BLOBS, NO_TEXTS,
    NO_INTS, NO_TEXTS, NO_TEXTS, NO_TEXTS, NO_TEXTS, NO_BLOBS,
    NO_INTS, NO_TEXTS,
)  # fmt: skip


def _others(turns: Sequence[Commit]) -> Sequence[bytes]:
    """Return the arrays of new runs, messages and watches."""
    numbered = list(enumerate(turns, 1))
    starts = [(n, new) for n, turn in numbered for new in turn.starts]
    sends = [(n, message) for n, turn in numbered for message in turn.sends]
    watches = [(n, run_id) for n, turn in numbered for run_id in turn.watches]
    if not (starts or sends or watches):
        return _NOTHING_FOR_OTHERS
    return [
        integers([n for n, _ in starts]),
        texts([new.run_id for _, new in starts]),
        texts([new.program_name for _, new in starts]),
        texts([new.program_hash for _, new in starts]),
        blobs([new.arguments for _, new in starts]),
        texts([new.parent for _, new in starts]),
        integers([n for n, _ in sends]),
        texts([message.to for _, message in sends]),
        texts([message.kind for _, message in sends]),
        texts([message.message_id for _, message in sends]),
        texts([message.sender for _, message in sends]),
        blobs([message.payload for _, message in sends]),
        integers([n for n, _ in watches]),
        texts([run_id for _, run_id in watches]),
    ]
