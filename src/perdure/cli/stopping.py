"""Commands that stop runs and let them go on: cancel, pause, resume.

Layer: cli. Imports app, store.api, base.
Invariant: all runs are looked up before the first one is told anything; with `--dry-run` none is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from perdure.app import Engine
from perdure.app.stopping import is_paused
from perdure.base.errors import CallError
from perdure.cli import console
from perdure.cli.looking import engine_for, state_of
from perdure.store.api import Run

RESUMED = "resumed"


def cancel(
    *,
    run_ids: tuple[str, ...],
    program: str | None,
    status: str | None,
    reason: str,
    deadline: float | None,
    force: bool,
    dry_run: bool,
    db: str | None,
    json: bool,
) -> int:
    """Ask runs to end."""
    del json
    if force and deadline is not None:
        raise CallError("P303", "--force leaves no time to clean up", hint="leave out --deadline")
    if deadline is not None and not deadline >= 0:
        raise CallError("P303", f"--deadline: expected seconds, got {deadline:g}")

    def tell(engine: Engine, runs: Sequence[Run]) -> list[str]:
        return engine.cancel_many(runs, reason, deadline_s=deadline, force=force)

    how = "ended by force" if force else "cancelled"
    return _each(
        run_ids, program, status, dry_run=dry_run, db=db, tell=tell, done="cancelled", how=how
    )


def pause(
    *,
    run_ids: tuple[str, ...],
    program: str | None,
    status: str | None,
    dry_run: bool,
    db: str | None,
    json: bool,
) -> int:
    """Ask runs to rest."""
    del json

    def tell(engine: Engine, runs: Sequence[Run]) -> list[str]:
        return engine.pause_many(runs)

    return _each(
        run_ids, program, status, dry_run=dry_run, db=db, tell=tell, done="paused", how="paused"
    )


def resume(
    *,
    run_ids: tuple[str, ...],
    program: str | None,
    dry_run: bool,
    db: str | None,
    json: bool,
) -> int:
    """Let paused runs go on."""
    del json

    def tell(engine: Engine, runs: Sequence[Run]) -> list[str]:
        return engine.resume_many(runs)

    # Whether a run is paused is not a state of its own: parked runs are.
    status = None if run_ids else "parked"
    return _each(
        run_ids, program, status, dry_run=dry_run, db=db, tell=tell, done=RESUMED, how=RESUMED
    )


def _each(
    run_ids: tuple[str, ...],
    program: str | None,
    status: str | None,
    *,
    dry_run: bool,
    db: str | None,
    tell: Callable[[Engine, Sequence[Run]], list[str]],
    done: str,
    how: str,
) -> int:
    """Tell the chosen runs something, and say of each what becomes of it."""
    if not (run_ids or program or status):
        raise CallError(
            "P303",
            "say which runs: ids, or --program or --status",
            hint="perdure list shows all runs",
        )
    with engine_for(db) as engine:
        runs = engine.unfinished(run_ids, program=program or "", status=status or "")
        if done == RESUMED and not run_ids:
            runs = [run for run in runs if is_paused(run)]
        chosen = {run.run_id: run for run in runs}
        would = [i for i, run in chosen.items() if done != RESUMED or is_paused(run)]
        told = set(would if dry_run else tell(engine, runs))
        others = {i: engine.find(i) for i in dict.fromkeys(run_ids) if i not in told}
    lines: list[str] = []
    documents: list[dict[str, Any]] = []
    for run_id, run in (chosen | others).items():
        state = state_of(run)
        if run_id in told:
            verb = "would be" if dry_run else "will be"
            lines.append(f"run {run_id} {verb} {how} by whoever executes it")
        elif run_id in chosen:
            lines.append(f"run {run_id} is {state}, not paused")
        else:
            lines.append(f"run {run_id} is {state} already")
        documents.append({"id": run_id, done: run_id in told and not dry_run, "status": state})
    text = "\n".join(lines) if lines else "no such run has anything to be done"
    single = len(run_ids) == 1 and len(documents) == 1
    console.answer(text, documents[0] if single else documents)
    return console.OK
