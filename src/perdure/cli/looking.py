"""Commands that look: list, show, log, output, version.

Layer: cli. Imports the store for what is in plain rows, and app only where a run has to be decoded.
Invariant: none of them changes anything, or makes a database that was not there.
"""

from __future__ import annotations

import json as json_text
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import perdure
from perdure.base import ids
from perdure.base.errors import CallError
from perdure.cli import console
from perdure.engine.inspection import FrameView, RestartView, TaskView, detail_text, time_text
from perdure.engine.records import PAUSED
from perdure.store.api import STATES, Run, RunFilter, Store
from perdure.store.opening import open_store

if TYPE_CHECKING:
    from perdure.app import Engine


def existing(db: str | None) -> Store:
    """Return the store of a database that must be there already."""
    return open_store(console.database(db), must_exist=True)


def engine_for(db: str | None, allow_python: tuple[str, ...] = ()) -> Engine:
    """Return an engine that executes nothing, on a database that must be there already."""
    from perdure.app import Engine

    existing(db).close()
    return Engine(console.database(db), execute="none", allow_python=allow_python)


def find(store: Store, run_id: str, db: str | None) -> Run:
    """Return a run's row. Raises CallError."""
    found = store.get_run(ids.check_run_id(run_id))
    if found is None:
        raise CallError(
            "P307",
            f"there is no run {run_id!r} in {console.database(db)}",
            hint="`perdure list` shows all runs",
        )
    return found


def list_runs(
    *, status: str | None, program: str | None, limit: int, db: str | None, json: bool
) -> int:
    """List runs, newest first."""
    del json
    if status is not None and status not in STATES:
        raise CallError(
            "P303",
            f"{status!r} is not a state of a run",
            hint=f"one of {', '.join(sorted(STATES))}",
        )
    store = existing(db)
    wanted = ("ready",) if status == "running" else (status,) if status else ()
    named = ids.program_name(program or "")
    runs = store.list_runs(RunFilter(wanted, named, "", max(1, limit)))
    if status in ("ready", "running"):
        runs = [run for run in runs if state_of(run) == status]
    now = store.now()
    rows = [("ID", "STATE", "PROGRAM", "TURNS", "CHANGED", "WAITS FOR")]
    rows += [
        (
            run.run_id,
            state_of(run),
            run.program_name,
            str(run.seq),
            f"{console.age_text(now - run.updated_at)} ago",
            run.quarantined or detail_text(run.detail, run.wake_at),
        )
        for run in runs
    ]
    text = _table(rows) if runs else f"no runs in {console.database(db)}"
    console.answer(text, [run_document(run) for run in runs])
    return console.OK


def state_of(run: Run) -> str:
    """Return the state that people see: a ready run that somebody owns is running."""
    if run.quarantined:
        return "parked"
    return "running" if run.status == "ready" and run.owner else run.status


def run_document(run: Run) -> dict[str, Any]:
    """Return a run's row as data."""
    return {
        "id": run.run_id,
        "program": run.program_name,
        "status": state_of(run),
        "detail": run.quarantined or detail_text(run.detail, run.wake_at),
        "turns": run.seq,
        "parent": run.parent or None,
        "wake_at": run.wake_at,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
    }


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
        ).rstrip()
        for row in rows
    )


def show(*, run_id: str, allow_python: tuple[str, ...], db: str | None, json: bool) -> int:
    """Show a run's tasks, stacks and waits."""
    del json
    import msgspec

    with engine_for(db, allow_python) as engine:
        now = engine.store.now()
        view = engine.show(run_id)
    state = f"{view.status} ({PAUSED})" if view.paused else view.status
    lines = [f"run      {view.run_id}", f"program  {view.program}", f"state    {state}"]
    if view.cancelling:
        by_force = f", by force at {time_text(view.forced_at)}" if view.forced_at else ""
        lines.append(f"cancelling{by_force}{': ' if view.reason else ''}{view.reason}")
    if view.parent:
        lines.append(f"parent   {view.parent}")
    if view.quarantined:
        lines.append(f"quarantined: {view.quarantined}")
    turns = "1 turn" if view.seq == 1 else f"{view.seq} turns"
    lines.append(f"started  {console.time_text(view.created_at)}, {turns}")
    if view.mailbox:
        lines.append(f"mailbox  {view.mailbox} message{'s' * (view.mailbox > 1)}")
    for task in view.tasks:
        name = f" {task.name}" if task.name else ""
        cancelling = ", cancelling" if task.cancelling else ""
        lines += ["", f"task {task.number}{name}: {task.status}{cancelling}"]
        lines += [f"  {text}" for text in task.transactions]
        lines += [f"  waits for {_wait_text(wait, now)}" for wait in task.waits]
        lines += [
            f"  {_number(task, frame)}in {frame.procedure:<16} {frame.file}:{frame.line}"
            + "".join(f"   {name} = {value}" for name, value in frame.variables)
            for frame in task.frames
        ]
        if task.omitted:
            lines.append(f"  ... {task.omitted} more frames")
    if view.error:
        lines += ["", view.error]
    offered = [restart for task in view.tasks for restart in task.restarts]
    if offered and not view.paused:
        lines += ["", f"restarts (perdure restart {view.run_id} NAME [VALUE ...]):"]
        lines += restart_lines(offered)
    if view.status == "parked" and not view.paused:
        lines += ["", next_steps(view.run_id)]
    console.answer("\n".join(lines), msgspec.to_builtins(view))
    return console.OK


def next_steps(run_id: str) -> str:
    """Return what can be done with a parked run."""
    return (
        f"next: `perdure restart {run_id}` lists the ways to go on, "
        f"`perdure retry {run_id}` does the failing operation again, `perdure cancel {run_id}` ends the run"
    )


def restart_lines(offered: Sequence[RestartView], *, numbered: bool = False) -> list[str]:
    """Return a line for each restart: its name, what it takes, what it does; with its task if there are several."""
    several = len({restart.task for restart in offered}) > 1
    calls = [f"{restart.name} {restart.parameters}".strip() for restart in offered]
    width = max(map(len, calls), default=0)
    lines = []
    for number, (restart, call) in enumerate(zip(offered, calls, strict=True), 1):
        label = f"{number:3d}. " if numbered else "  "
        task = f" (task {restart.task})" if several else ""
        lines.append(f"{label}{call.ljust(width)}  {restart.description}{task}".rstrip())
    return lines


def _number(task: TaskView, frame: FrameView) -> str:
    """Return a frame's number where it can be given to a restart."""
    return f"{frame.number} " if task.restarts else ""


def _wait_text(wait: Any, now: float) -> str:
    text = f"{wait.what}, for {console.age_text(now - wait.since)}"
    if wait.kind != "effect":
        return text
    text += f" (request {wait.request})"
    if not (wait.attempt > 1 or wait.error):
        return text
    most = f" of {wait.attempts}" if wait.attempts else ""
    if wait.started or wait.due is None:
        text += f"; attempt {wait.attempt}{most}"
    else:
        soon = "now" if wait.due <= now else f"in {console.age_text(wait.due - now)}"
        text += f"; attempt {wait.attempt + 1}{most} {soon}"
    return f"{text}; last error: {wait.error}" if wait.error else text


def log(*, run_id: str, db: str | None, json: bool) -> int:
    """Show the entries of a run's log, with the lines that the program logged."""
    del json
    store = existing(db)
    find(store, run_id, db)
    entries: list[Any] = []
    while page := store.entries(run_id, after=entries[-1].seq if entries else 0):
        entries += page
    logged = store.log_lines(run_id)
    rows: list[tuple[int, int, str, dict[str, Any]]] = []
    for entry in entries:
        size = len(entry.payload) if entry.payload is not None else None
        kept = f"{size} bytes" if size is not None else "not kept"
        text = (
            f"{entry.seq:6d}  {console.time_text(entry.at)}  {entry.kind:<6} {entry.note}  ({kept})"
        )
        document = {
            "seq": entry.seq,
            "at": entry.at,
            "kind": entry.kind,
            "note": entry.note,
            "bytes": size,
        }
        rows.append((entry.seq, 0, text, document | {"hash": entry.entry_hash.hex()}))
    for line in logged:
        fields = json_text.loads(line.fields)
        shown = "".join(f" {name}={value}" for name, value in fields.items())
        text = f"{line.seq:6d}  {console.time_text(line.at)}  {line.level:<6} {line.message}{shown}"
        document = {"seq": line.seq, "at": line.at, "kind": "log", "level": line.level}
        rows.append((line.seq, 1, text, document | {"message": line.message, "fields": fields}))
    rows.sort(key=lambda row: row[:2])
    console.answer("\n".join(row[2] for row in rows), [row[3] for row in rows])
    return console.OK


def output(*, run_id: str, db: str | None, json: bool) -> int:
    """Print what a run's program displayed."""
    store = existing(db)
    find(store, run_id, db)
    pieces: list[str] = []
    after = 0
    while page := store.outputs(run_id, after=after):
        pieces += [piece.text for piece in page]
        after = page[-1].seq
    text = "".join(pieces)
    if json:
        console.answer("", {"id": run_id, "output": text})
    else:
        console.output(text)
    return console.OK


def version(*, json: bool) -> int:
    """Print the version."""
    del json
    console.answer(f"perdure {perdure.__version__}", {"version": perdure.__version__})
    return console.OK
