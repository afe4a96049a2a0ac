"""What one turn, one message and one new run do to the tables, inside somebody's transaction.

Layer: store. Imports base, store.api.
Invariant: nothing here begins or ends a transaction, and `commit` writes nothing before its UPDATE
of runs has matched: that statement is the fence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw

from perdure.store.api import FINAL, MARK, Commit, NewRun, Pruned, PrunePolicy, Retention, Send

Execute = Callable[..., Any]


def start(execute: Execute, new: NewRun, now: float) -> bool:
    """Insert a run, with the mail that waited for it; return False if it exists."""
    row = execute(
        "INSERT INTO runs (id, name, program, parent, created_at, updated_at, status) "
        "VALUES (?, ?, ?, ?, ?, ?, 'ready') ON CONFLICT (id) DO NOTHING RETURNING num",
        (new.run_id, new.program_name, new.program_hash, new.parent, now, now),
    ).fetchone()
    if row is None:
        return False
    num = row[0]
    execute("INSERT INTO run_data (run, arguments) VALUES (?, ?)", (num, new.arguments))
    if not execute("SELECT 1 FROM mail WHERE run_id = ? LIMIT 1", (new.run_id,)).fetchone():
        return True
    execute(
        "INSERT INTO inbox (run, kind, message_id, sender, payload, at) "
        "SELECT ?, kind, message_id, sender, payload, at FROM mail WHERE run_id = ? ORDER BY num",
        (num, new.run_id),
    )
    execute(
        "INSERT OR IGNORE INTO seen SELECT ?, sender, message_id, at FROM mail "
        "WHERE run_id = ? AND message_id <> ''",
        (num, new.run_id),
    )
    execute("DELETE FROM mail WHERE run_id = ?", (new.run_id,))
    return True


def send(execute: Execute, message: Send, now: float) -> bool:
    """Put a message into an inbox, or into the mail for a run to come; False: dropped or seen
    before.
    """
    row = execute("SELECT num, status FROM runs WHERE id = ?", (message.to,)).fetchone()
    if row is None:
        return _mail(execute, message, now)
    num, status = row
    if status in FINAL:
        return False
    if (
        message.message_id
        and not execute(
            "INSERT INTO seen VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1",
            (num, message.sender, message.message_id, now),
        ).fetchall()
    ):
        return False
    _deliver(execute, num, message.kind, message.message_id, message.sender, message.payload, now)
    return True


def _mail(execute: Execute, message: Send, now: float) -> bool:
    if (
        message.message_id
        and execute(
            "SELECT 1 FROM mail WHERE run_id = ? AND sender = ? AND message_id = ?",
            (message.to, message.sender, message.message_id),
        ).fetchone()
    ):
        return False
    execute(
        "INSERT INTO mail (run_id, kind, message_id, sender, payload, at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (message.to, message.kind, message.message_id, message.sender, message.payload, now),
    )
    return True


def _deliver(
    execute: Execute, num: int, kind: str, message_id: str, sender: str, payload: bytes, now: float
) -> None:
    execute(
        "INSERT INTO inbox (run, kind, message_id, sender, payload, at) VALUES (?, ?, ?, ?, ?, ?)",
        (num, kind, message_id, sender, payload, now),
    )
    execute("UPDATE runs SET ready = 1 WHERE num = ?", (num,))


# Epoch and seq together are the fence. The owner is part of it too: a run that was released or
# freed from a worker taken for dead belongs to nobody, and its old owner may not go on as if it
# did. A run that was sent something stays ready if its inbox holds more rows than this turn took;
# they are deleted after this statement, because before it nothing may be written.
_FENCE = (
    "UPDATE runs SET seq = ?1, status = ?2, detail = ?3, wake_at = ?4, updated_at = ?5, "
    "ready = (?6 OR ready AND EXISTS "
    "(SELECT 1 FROM inbox WHERE inbox.run = runs.num LIMIT 1 OFFSET ?9)), deaths = iif(?10, deaths, 0) "
    "WHERE id = ?7 AND epoch = ?8 AND seq = ?1 - 1 AND owner <> 0"
)
_LOG = (
    "INSERT INTO log (run, seq, kind, at, hash, payload, note) "
    "SELECT num, ?2, ?3, ?4, ?5, ?6, ?7 FROM runs WHERE id = ?1"
)


def commit(connection: apsw.Connection, turn: Commit, now: float, retention: Retention) -> bool:
    """Write one turn; False if the run is not at (epoch, seq - 1) any more."""
    execute: Execute = connection.execute
    run_id, seq, status, taken = turn.run_id, turn.seq, turn.status, len(turn.consumed)
    ready = 1 if status == "ready" else 0
    # Not RETURNING: its rows are kept in a table of their own, which costs as much as the update.
    execute(
        _FENCE,
        (
            seq,
            status,
            turn.detail,
            turn.wake_at,
            now,
            ready,
            run_id,
            turn.epoch,
            taken,
            turn.kind == MARK,
        ),
    )
    if connection.changes() != 1:
        return False
    execute(_LOG, (run_id, seq, turn.kind, now, turn.entry_hash, turn.payload, turn.note or None))
    if taken or turn.output or turn.logged or turn.watches or turn.starts or turn.sends:
        _consequences(connection, turn, now)
    if turn.result is not None:
        execute(
            "UPDATE run_data SET result = ? WHERE run = ?", (turn.result, _num(execute, run_id))
        )
    if turn.snapshot is not None:
        num = _num(execute, run_id)
        execute(
            "INSERT INTO snapshots VALUES (?, ?, ?, ?)",
            (num, seq, turn.snapshot_hash, turn.snapshot),
        )
        _compact(execute, num, seq, retention)
    if status in FINAL:
        _finish(execute, _num(execute, run_id), turn, now)
    return True


def _num(execute: Execute, run_id: str) -> int:
    num: int = execute("SELECT num FROM runs WHERE id = ?", (run_id,)).fetchone()[0]
    return num


def _consequences(connection: apsw.Connection, turn: Commit, now: float) -> None:
    """Write what a turn did beside changing its own state."""
    execute: Execute = connection.execute
    num = _num(execute, turn.run_id)
    if turn.consumed:
        connection.executemany(
            "DELETE FROM inbox WHERE num = ? AND run = ?", [(row, num) for row in turn.consumed]
        )
    if turn.output:
        execute("INSERT INTO outputs VALUES (?, ?, ?)", (num, turn.seq, turn.output))
    for line in turn.logged:
        execute(
            "INSERT INTO log_lines (run, seq, at, level, message, fields) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (num, turn.seq, now, line.level, line.message, line.fields),
        )
    for new in turn.starts:
        start(execute, new, now)
    for message in turn.sends:
        send(execute, message, now)
    for watched in turn.watches:
        _watch(execute, num, watched, now)


def _watch(execute: Execute, num: int, watched: str, now: float) -> None:
    row = execute(
        "SELECT status, coalesce(result, x'') FROM runs LEFT JOIN run_data ON run = num "
        "WHERE id = ?",
        (watched,),
    ).fetchone()
    if row is not None and row[0] in FINAL:
        _deliver(execute, num, "finished", row[0], watched, row[1], now)
    else:
        execute("INSERT OR IGNORE INTO watchers VALUES (?, ?)", (watched, num))


def _finish(execute: Execute, num: int, turn: Commit, now: float) -> None:
    """Close a run for good: nothing wakes it, nobody owns it, and who watched it hears of it."""
    execute("UPDATE runs SET owner = 0, ready = 0, wake_at = NULL WHERE num = ?", (num,))
    execute("DELETE FROM inbox WHERE run = ?", (num,))
    execute("DELETE FROM watchers WHERE watcher = ?", (num,))
    watchers = execute("SELECT watcher FROM watchers WHERE run_id = ?", (turn.run_id,)).fetchall()
    if watchers:
        payload = execute(
            "SELECT coalesce(result, x'') FROM run_data WHERE run = ?", (num,)
        ).fetchone()[0]
        for (watcher,) in watchers:
            _deliver(execute, watcher, "finished", turn.status, turn.run_id, payload, now)
        execute("DELETE FROM watchers WHERE run_id = ?", (turn.run_id,))


def compact(
    execute: Execute,
    run_id: str,
    seq: int,
    snapshot: bytes,
    snapshot_hash: bytes,
    retention: Retention,
) -> bool:
    """Let a snapshot replace a chain that goes on; False if there is one as new, or no such entry."""
    row = execute(
        "SELECT num FROM runs WHERE id = ? AND status NOT IN ('completed', 'failed', 'cancelled') "
        "AND snapshot_seq BETWEEN 1 AND ? AND seq >= ?",
        (run_id, seq - 1, seq),
    ).fetchone()
    if row is None:
        return False
    execute("INSERT INTO snapshots VALUES (?, ?, ?, ?)", (row[0], seq, snapshot_hash, snapshot))
    _compact(execute, row[0], seq, retention)
    return True


def _compact(execute: Execute, num: int, seq: int, retention: Retention) -> None:
    """Apply the retention: keep two snapshots, the payloads since the older one, and bounded
    headers and output.

    Args:
      num, seq: the run, and where its new snapshot is.
    """
    before = execute("SELECT snapshot_seq FROM runs WHERE num = ?", (num,)).fetchone()[0]
    execute("UPDATE runs SET snapshot_seq = ? WHERE num = ?", (seq, num))
    if not before:
        return  # the first one replaces nothing
    execute("DELETE FROM snapshots WHERE run = ? AND seq < ?", (num, before))
    execute(
        "INSERT INTO history SELECT run, seq, kind, at, hash, sha256(payload), note FROM log "
        "WHERE run = ? AND seq <= ? AND seq > ?",
        (num, before, seq - retention.headers),
    )
    execute("DELETE FROM log WHERE run = ? AND seq <= ?", (num, before))
    execute("DELETE FROM history WHERE run = ? AND seq <= ?", (num, seq - retention.headers))
    kept = 0
    for at, size in execute(
        "SELECT seq, length(CAST(text AS BLOB)) FROM outputs WHERE run = ? ORDER BY seq DESC",
        (num,),
    ).fetchall():
        if kept >= retention.output_bytes:
            execute("DELETE FROM outputs WHERE run = ? AND seq <= ?", (num, at))
            break
        kept += size
    execute(
        "DELETE FROM log_lines WHERE run = ?1 AND num <= (SELECT num FROM log_lines "
        "WHERE run = ?1 ORDER BY num DESC LIMIT 1 OFFSET ?2)",
        (num, retention.log_lines),
    )


_OF_A_RUN = ("log", "history", "snapshots", "inbox", "seen", "outputs", "log_lines", "run_data")


def prune(connection: apsw.Connection, policy: PrunePolicy, now: float) -> Pruned:
    """Remove what the policy no longer keeps."""
    execute: Execute = connection.execute
    runs = message_ids = 0
    if policy.finished_s is not None:
        nums = execute(
            "SELECT num FROM runs WHERE status IN ('completed', 'failed', 'cancelled') "
            "AND updated_at <= ?",
            (now - policy.finished_s,),
        ).fetchall()
        for table in _OF_A_RUN:
            delete = f"DELETE FROM {table} WHERE run = ?"  # noqa: S608 - made of constants
            connection.executemany(delete, nums)
        connection.executemany("DELETE FROM runs WHERE num = ?", nums)
        runs = len(nums)
    if policy.message_ids_s is not None:
        # An id is kept while its message still waits in an inbox.
        execute(
            "DELETE FROM seen WHERE at <= ? AND NOT EXISTS "
            "(SELECT 1 FROM inbox WHERE inbox.run = seen.run "
            "AND inbox.sender = seen.sender AND inbox.message_id = seen.message_id)",
            (now - policy.message_ids_s,),
        )
        message_ids = connection.changes()
    return Pruned(runs, message_ids)
