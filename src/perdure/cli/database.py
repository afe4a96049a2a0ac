"""`perdure db`: look after the database.

Layer: cli. Imports store, base.
Invariant: nothing of a run that has not ended is removed.
"""

from __future__ import annotations

import msgspec

from perdure.base.errors import CallError
from perdure.cli import console
from perdure.cli.looking import engine_for, existing
from perdure.store import opening
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


def migrate(*, db: str | None, json: bool) -> int:
    """Make the database what this release needs."""
    del json
    before, after = opening.migrate(console.database(db))
    if before == after:
        text = f"the schema has version {after} already"
    else:
        text = f"the schema went from version {before} to {after}" if before else "made the tables"
    console.answer(text, {"before": before, "after": after})
    return console.OK


def check(*, allow_python: tuple[str, ...], db: str | None, json: bool) -> int:
    """Print what is wrong in the database."""
    del json
    from perdure.engine.checking import check as check_database

    with engine_for(db, allow_python) as engine:
        flaws = list(check_database(engine.store, engine.programs))
        runs = sum(engine.store.counts().values())
    found = [{"run": flaw.run_id, "what": flaw.what} for flaw in flaws]
    lines = [f"{flaw.run_id}: {flaw.what}" if flaw.run_id else flaw.what for flaw in flaws]
    verdict = f"{len(flaws)} flaws" if flaws else "nothing is wrong"
    lines.append(f"checked {runs} runs: {verdict}")
    console.answer("\n".join(lines), {"runs": runs, "flaws": found})
    return console.DAMAGED if flaws else console.OK


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
