"""What a worker needs to go on with runs, in one round trip; and what is thrown away in the end.

Layer: store. Imports store.api, connection.py, psycopg.
Invariant: a load is one consistent state: its statements see one snapshot of the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.store.api import Entry, InboxRow, Loaded, Pruned, PrunePolicy, Run
from perdure.store.postgres.connection import Connection

_RUNS: Final = """
    SELECT r.num, CASE WHEN r.arguments = '' THEN d.arguments ELSE r.arguments END, d.result,
        r.id, r.name, r.program, r.parent, r.status, r.detail, r.seq, r.epoch, r.owner, r.wake_at,
        r.created_at, r.updated_at, r.quarantined
    FROM perdure.described r LEFT JOIN perdure.run_data d ON d.run = r.num WHERE r.id = ANY (%s)
"""
_CHAINS: Final = """
    SELECT l.run, l.snapshot, l.seq, coalesce(l.kind, 'turn'), l.at, l.hash, l.payload, ''::bytea,
        coalesce(l.note, '')
    FROM perdure.runs r, LATERAL (
        SELECT * FROM perdure.log l WHERE l.run = r.num AND l.seq >= coalesce((
            SELECT s.seq FROM perdure.log s WHERE s.run = r.num AND s.snapshot IS NOT NULL
            ORDER BY s.seq DESC LIMIT 1), 0)
        ORDER BY l.seq
    ) l
    WHERE r.id = ANY (%s)
"""
ENTRIES: Final = """
    WITH one AS (SELECT num FROM perdure.runs WHERE id = %(run)s)
    SELECT seq, kind, at, hash, NULL::bytea, payload_hash, coalesce(note, '')
    FROM perdure.history WHERE run = (SELECT num FROM one) AND seq > %(after)s
    UNION ALL
    SELECT seq, coalesce(kind, 'turn'), at, hash, payload, ''::bytea, coalesce(note, '')
    FROM perdure.log WHERE run = (SELECT num FROM one) AND seq > %(after)s
    ORDER BY seq LIMIT %(limit)s
"""
INBOX: Final = """
    SELECT r.id, i.num, i.kind, i.message_id, i.sender, i.payload, i.at
    FROM perdure.runs r, LATERAL (
        SELECT * FROM perdure.inbox i WHERE i.run = r.num ORDER BY i.num LIMIT %s
    ) i
    WHERE r.id = ANY (%s) AND r.waiting > 0
"""


def load(connection: Connection, run_ids: Sequence[str]) -> list[Loaded]:
    """Return what is stored of runs, in the order of their ids; unknown ones are left out."""
    wanted = list(run_ids)
    with connection.session() as raw, raw.pipeline(), raw.transaction():
        raw.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        answers = [
            raw.execute(query.encode(), values, binary=True)
            for query, values in (
                (_RUNS, (wanted,)),
                (_CHAINS, (wanted,)),
                (INBOX, (limits.INBOX_BATCH, wanted)),
            )
        ]
        runs, chains, inbox = (answer.fetchall() for answer in answers)
    snapshot_of: dict[int, tuple[bytes, bytes, int, bytes]] = {}
    entries_of: dict[int, list[Entry]] = {}
    for num, framed, *row in chains:
        entry = Entry(*row)
        if framed is None:
            entries_of.setdefault(num, []).append(entry)
        else:
            end = 1 + int.from_bytes(framed[:1])
            snapshot_of[num] = (framed[end:], framed[1:end], entry.seq, entry.entry_hash)
    inbox_of: dict[str, list[InboxRow]] = {}
    for run_id, *row in inbox:
        inbox_of.setdefault(run_id, []).append(InboxRow(*row))
    found: dict[str, Loaded] = {}
    for num, arguments, result, *row in runs:
        run = Run(*row)
        if arguments is None:
            shown = connection.target.shown
            raise StoreError("P405", f"{shown} is damaged: run {run.run_id} has no data")
        snapshot, hashed, seq, chain = snapshot_of.get(num, (None, b"", 0, b""))
        found[run.run_id] = Loaded(
            run, arguments, result, snapshot, hashed, seq, chain,
            tuple(entries_of.get(num, ())), tuple(inbox_of.get(run.run_id, ())),
        )  # fmt: skip
    return [found[run_id] for run_id in wanted if run_id in found]


OF_A_RUN: Final = (
    "log", "history", "inbox", "seen", "outputs", "log_lines", "run_data",
)  # fmt: skip


def prune(raw: psycopg.Connection[Any], policy: PrunePolicy, now: float) -> Pruned:
    """Remove what the policy no longer keeps."""
    runs = message_ids = 0
    with raw.transaction():
        if policy.finished_s is not None:
            ended = raw.execute(
                b"SELECT num FROM perdure.described WHERE status IN ('completed', 'failed', 'cancelled') "
                b"AND updated_at <= %s",
                (now - policy.finished_s,),
            ).fetchall()
            nums = [num for (num,) in ended]
            for table in OF_A_RUN:
                raw.execute(f"DELETE FROM perdure.{table} WHERE run = ANY (%s)".encode(), (nums,))  # noqa: S608
            raw.execute(b"DELETE FROM perdure.runs WHERE num = ANY (%s)", (nums,))
            runs = len(nums)
        if policy.message_ids_s is not None:
            # An id is kept while its message still waits in an inbox.
            message_ids = raw.execute(
                b"DELETE FROM perdure.seen s WHERE s.at <= %s AND NOT EXISTS (SELECT FROM perdure.inbox i "
                b"WHERE i.run = s.run AND i.sender = s.sender AND i.message_id = s.message_id)",
                (now - policy.message_ids_s,),
            ).rowcount
    return Pruned(runs, message_ids)
