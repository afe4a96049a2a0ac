"""Fill a database of Perdure's with copies of a run, row by row, without executing them.

It copies whatever columns the tables have, so that it goes on with the next migration; only the names of the tables and of
the columns that identify a run are written here.
"""

from __future__ import annotations

from perdure.store.database import connect

SQLITE_KEYS = {"run_data": "run", "log": "run", "snapshots": "run"}
"""Tables with rows of each run, and the column that holds its number; `runs` itself has the number and the id."""
BATCH = 100_000


def copy_run(url: str, run_id: str, copies: int) -> None:
    """Make copies of a run that nobody owns. Each is due a second after the one before."""
    _copy_sqlite(url.removeprefix("sqlite:"), run_id, copies)


def _copy_sqlite(path: str, run_id: str, copies: int) -> None:
    connection = connect(path)
    execute = connection.execute
    ((original, highest),) = execute(
        "SELECT num, (SELECT max(num) FROM runs) FROM runs WHERE id = ?", (run_id,)
    )
    numbers = "WITH RECURSIVE n(k) AS (SELECT ?1 UNION ALL SELECT k + 1 FROM n WHERE k < ?2) "
    replaced = {
        "runs": {"num": "k", "id": "printf('copy-%09d', k)", "wake_at": "wake_at + k"},
        **{table: {key: "k"} for table, key in SQLITE_KEYS.items()},
    }
    for first in range(highest + 1, highest + copies + 1, BATCH):
        last = min(first + BATCH, highest + copies + 1) - 1
        execute("BEGIN IMMEDIATE")
        for table, values in replaced.items():
            columns = [name for _, name, *_ in execute(f"PRAGMA table_info({table})")]
            wanted = ", ".join(values.get(name, name) for name in columns)
            key = "num" if table == "runs" else SQLITE_KEYS[table]
            execute(
                f"{numbers} INSERT INTO {table} ({', '.join(columns)}) "
                f"SELECT {wanted} FROM n JOIN {table} WHERE {table}.{key} = ?3 ORDER BY k",
                (first, last, original),
            )
        execute("COMMIT")
    execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()
