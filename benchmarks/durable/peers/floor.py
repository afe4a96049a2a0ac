"""The physical floor: bare commits of the bytes that one of Perdure's turns writes, through the same drivers.

One INSERT is one transaction, in autocommit, its statement prepared: no engine that makes each effect durable by itself can
be faster. The grouped floor writes a hundred such rows in one transaction: what many runs can share.
"""

from __future__ import annotations

import os
import statistics
from typing import Any

from benchmarks.durable.peers.perdure_ground import SEQUENCE
from benchmarks.durable.peers.protocol import Given, Window, check, main
from perdure import Engine
from perdure.store.database import connect

SAMPLE = 60
GROUP = 100


def turn_bytes(folder: str) -> int:
    """Return the size of a turn's log entry: delta, hash, note."""
    sizes: list[int] = []

    def note(commit: Any) -> None:
        sizes.append(len(commit.payload) + len(commit.entry_hash) + len(commit.note.encode()))

    with Engine(f"sqlite:{folder}/sample.db", observer=note) as engine:
        check(engine.run(SEQUENCE, SAMPLE, False), SAMPLE)
    return round(statistics.median(sizes[2:]))


def w1(given: Given) -> dict[str, Any]:
    """Commit rows one by one, then in groups."""
    size = turn_bytes(given.folder)
    rows = [os.urandom(size) for _ in range(given.effects)]
    single, grouped = _postgres(given, rows) if given.url else _sqlite(given, rows)
    return {
        "bytes": size,
        "effects": given.effects,
        **single.figures,
        "grouped_seconds": grouped.figures["seconds"],
    }


def _sqlite(given: Given, rows: list[bytes]) -> tuple[Window, Window]:
    connection = connect(given.file)
    execute = connection.execute
    execute("CREATE TABLE floor (num INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT")
    insert = "INSERT INTO floor (data) VALUES (?)"
    for row in rows[:10]:
        execute(insert, (row,))
    single = Window()
    for row in rows:
        execute(insert, (row,))
    single.close()
    grouped = Window()
    for first in range(0, len(rows), GROUP):
        execute("BEGIN IMMEDIATE")
        for row in rows[first : first + GROUP]:
            execute(insert, (row,))
        execute("COMMIT")
    grouped.close()
    check(execute("SELECT count(*) FROM floor").fetchall(), [(2 * len(rows) + len(rows[:10]),)])
    connection.close()
    return single, grouped


def _postgres(given: Given, rows: list[bytes]) -> tuple[Window, Window]:
    import psycopg

    with psycopg.connect(given.url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE floor (num bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data bytea NOT NULL)"
        )
        insert = "INSERT INTO floor (data) VALUES (%b)"
        cursor = connection.cursor()
        for row in rows[:10]:
            cursor.execute(insert, (row,), prepare=True)
        single = Window()
        for row in rows:
            cursor.execute(insert, (row,), prepare=True)
        single.close()
        grouped = Window()
        for first in range(0, len(rows), GROUP):
            cursor.execute(
                "INSERT INTO floor (data) SELECT unnest(%b::bytea[])",
                (rows[first : first + GROUP],),
                prepare=True,
            )
        grouped.close()
        found = cursor.execute("SELECT count(*) FROM floor").fetchall()
        check(found, [(2 * len(rows) + len(rows[:10]),)])
    return single, grouped


if __name__ == "__main__":
    main({"W1": w1})
