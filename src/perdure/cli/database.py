"""`perdure db`: look after the database.

Layer: cli. Imports store, base.
Invariant: nothing of a run that has not ended is removed.
"""

from __future__ import annotations

import msgspec

from perdure.base.errors import CallError
from perdure.cli import console
from perdure.cli.looking import existing
from perdure.store.api import PrunePolicy

_DAY_S = 86_400.0


def prune(*, days: float, vacuum: bool, db: str | None, json: bool) -> int:
    """Remove what the policy no longer keeps."""
    del json
    if not days >= 0:
        raise CallError("P303", f"--days must be a number that is not negative, got {days:g}")
    store = existing(db)
    removed = store.prune(PrunePolicy(finished_s=days * _DAY_S, vacuum=vacuum))
    text = f"removed {removed.runs} finished runs and {removed.message_ids} remembered message ids"
    console.answer(text, msgspec.to_builtins(removed))
    return console.OK


def info(*, db: str | None, json: bool) -> int:
    """Count the runs in each state."""
    del json
    counts = existing(db).counts()
    lines = [
        f"database  {console.database(db)}",
        *(f"{state:<9} {n}" for state, n in sorted(counts.items())),
    ]
    console.answer("\n".join(lines), {"db": console.database(db), "runs": counts})
    return console.OK
