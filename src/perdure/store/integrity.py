"""What must hold between the tables of a database, as questions to SQLite and PostgreSQL alike.

Layer: store. Imports store.api.
Invariant: each question is one statement, and a sound database answers it with no rows; a worker may go
on meanwhile, for one statement sees one state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from perdure.store.api import Flaw

_OF_A_RUN: Final = (
    "run_data",
    "log",
    "history",
    "snapshots",
    "inbox",
    "seen",
    "outputs",
    "log_lines",
)

_QUESTIONS: Final = (
    (
        (
            "SELECT r.id, r.seq FROM {0}runs r WHERE {elsewhere} AND NOT EXISTS "
            "(SELECT 1 FROM {0}run_data d WHERE d.run = r.num AND d.arguments IS NOT NULL)"
        ),
        "what it was started with is missing",
    ),
    (
        (
            "SELECT r.id, r.seq, (SELECT max(l.seq) FROM {0}log l WHERE l.run = r.num) FROM {0}runs r "
            "WHERE r.seq <> coalesce((SELECT max(l.seq) FROM {0}log l WHERE l.run = r.num), 0)"
        ),
        "it is at seq {1}, and its log ends at {2}",
    ),
    (
        (
            "SELECT r.id, g.gaps FROM {0}runs r JOIN (SELECT run, max(seq) - min(seq) + 1 - count(*) "
            "AS gaps FROM (SELECT run, seq FROM {0}log UNION ALL SELECT run, seq FROM {0}history) e "
            "GROUP BY run) g ON g.run = r.num WHERE g.gaps <> 0"
        ),
        "{1} entries of its log are missing",
    ),
    (
        (
            "SELECT r.id, r.seq FROM {0}runs r WHERE r.seq > 0 AND NOT EXISTS "
            "(SELECT 1 FROM {0}snapshots s WHERE s.run = r.num AND s.seq <= r.seq)"
        ),
        "it has no snapshot",
    ),
    (
        (
            "SELECT r.id, h.seq FROM {0}runs r JOIN {0}history h ON h.run = r.num "
            "WHERE h.seq > (SELECT max(s.seq) FROM {0}snapshots s WHERE s.run = r.num)"
        ),
        "the payload of its entry {1} is missing, and no snapshot stands for it",
    ),
    (
        (
            "SELECT r.id, r.program FROM {runs} r "
            "WHERE NOT EXISTS (SELECT 1 FROM {0}programs p WHERE p.hash = r.program)"
        ),
        "its program {1:.16} is not in the database",
    ),
    (
        (
            "SELECT r.id, r.owner FROM {0}runs r WHERE r.owner <> 0 "
            "AND NOT EXISTS (SELECT 1 FROM {0}owners o WHERE o.num = r.owner)"
        ),
        "its owner {1} does not exist",
    ),
    (
        (
            "SELECT '', n.name, n.program FROM {0}names n "
            "WHERE NOT EXISTS (SELECT 1 FROM {0}programs p WHERE p.hash = n.program)"
        ),
        "the name {1} means the program {2:.16}, which is not in the database",
    ),
    (
        (
            "SELECT '', w.run_id, w.watcher FROM {0}watchers w "
            "WHERE NOT EXISTS (SELECT 1 FROM {0}runs r WHERE r.num = w.watcher)"
        ),
        "a run that does not exist (number {2}) watches {1}",
    ),
    *(
        (
            (
                f"SELECT '', t.run, count(*) FROM {{0}}{table} t "  # noqa: S608 - constants
                "WHERE NOT EXISTS (SELECT 1 FROM {0}runs r WHERE r.num = t.run) GROUP BY t.run"
            ),
            f"{{2}} rows of {table} belong to a run that does not exist (number {{1}})",
        )
        for table in _OF_A_RUN
    ),
)


def flaws(
    ask: Callable[[str], Iterable[tuple[Any, ...]]],
    *,
    prefix: str = "",
    runs: str = "runs",
    elsewhere: str = "1 = 1",
) -> list[Flaw]:
    """Return what does not hold.

    Args:
      ask: gives the rows of a query.
      prefix: what stands before the name of a table.
      runs: the table or view that has runs with their programs.
      elsewhere: says of a run `r` that its arguments are in run_data.
    """
    return [
        Flaw(row[0], says.format(*row))
        for query, says in _QUESTIONS
        for row in ask(query.format(prefix, runs=runs, elsewhere=elsewhere))
    ]
