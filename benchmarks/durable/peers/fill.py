"""Fill a database of Perdure's with copies of a run, row by row, without executing them.

It copies whatever columns the tables have, so that it goes on with the next migration; only the tables with rows of each run, and
the columns that identify the run, are named here. They are the same on SQLite and PostgreSQL, but for snapshots.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perdure.store.database import connect

KEYS = {"runs": "num", "run_data": "run", "log": "run", "snapshots": "run"}
"""Tables with rows of each run, and the column with the number of the run."""
REPLACED = {"num": "k", "run": "k", "id": "'copy-' || k", "wake_at": "wake_at + k"}
"""What a copy has in its columns instead of the original's values; k is its number. Each is due a second after the one before."""
BATCH = 100_000

Execute = Callable[[str], Any]


def copy_run(url: str, run_id: str, copies: int) -> None:
    """Make copies of a run that nobody owns."""
    if url.startswith("sqlite:"):
        _copy_sqlite(url.removeprefix("sqlite:"), run_id, copies)
    else:
        _copy_postgres(url, run_id, copies)


def _copy_sqlite(path: str, run_id: str, copies: int) -> None:
    connection = connect(path)
    execute = connection.execute
    columns = {
        table: [name for _, name, *_ in execute(f"PRAGMA table_info({table})")] for table in KEYS
    }
    original, highest = _numbers(execute, "", run_id)
    for first, last in _batches(highest, copies):
        execute("BEGIN IMMEDIATE")
        for table, names in columns.items():
            numbers = (
                f"WITH RECURSIVE n(k) AS (SELECT {first} UNION ALL "
                f"SELECT k + 1 FROM n WHERE k < {last}) "
            )
            execute(numbers + _copying("", table, names, "n", original))
        execute("COMMIT")
    execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


def _copy_postgres(url: str, run_id: str, copies: int) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        execute: Execute = connection.execute
        columns = {
            table: [
                name
                for (name,) in execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = "
                    f"'perdure' AND table_name = '{table}' ORDER BY ordinal_position"
                )
            ]
            for table in KEYS
            # Snapshots are in the log, and that table is a view.
            if table != "snapshots"
        }
        original, highest = _numbers(execute, "perdure.", run_id)
        for first, last in _batches(highest, copies):
            series = f"generate_series({first}, {last}) AS n(k)"
            for table, names in columns.items():
                execute(_copying("perdure.", table, names, series, original))
        sequence = "pg_get_serial_sequence('perdure.runs', 'num')"
        execute(f"SELECT setval({sequence}, (SELECT max(num) FROM perdure.runs))")
        # What the server would do by itself soon, and in the middle of what is measured.
        execute("VACUUM (ANALYZE)")
        execute("CHECKPOINT")


def _numbers(execute: Execute, schema: str, run_id: str) -> tuple[int, int]:
    """Return the number of a run, and the highest number of all."""
    query = (
        f"SELECT num, (SELECT max(num) FROM {schema}runs) FROM {schema}runs WHERE id = '{run_id}'"
    )
    ((original, highest),) = execute(query).fetchall()
    return original, highest


def _batches(highest: int, copies: int) -> list[tuple[int, int]]:
    """Return the first and last number of each batch of copies."""
    end = highest + copies
    return [(first, min(first + BATCH - 1, end)) for first in range(highest + 1, end + 1, BATCH)]


def _copying(schema: str, table: str, names: list[str], series: str, original: int) -> str:
    """Return the statement that copies the rows of a run in one table for every k of a series."""
    values = ", ".join(REPLACED.get(name, name) for name in names)
    return (
        f"INSERT INTO {schema}{table} ({', '.join(names)}) SELECT {values} "
        f"FROM {series} CROSS JOIN {schema}{table} AS t WHERE t.{KEYS[table]} = {original} ORDER BY k"
    )
