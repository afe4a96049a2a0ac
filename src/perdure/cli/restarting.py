"""`perdure restart`: let parked runs go on by a restart, one or many.

Layer: cli. Imports app, base.
Invariant: nothing is chosen for the user: without a name, the restarts are listed, and at a terminal asked for. With `--dry-run` no run
is told anything.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from perdure.app import Engine
from perdure.app.restarting import Restarted
from perdure.app.stopping import refuse_paused
from perdure.base.datum import Datum
from perdure.base.errors import CallError
from perdure.cli import console
from perdure.cli.arguments import value_of
from perdure.cli.looking import engine_for, restart_lines
from perdure.engine.inspection import RestartView

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def restart(
    *,
    words: tuple[str, ...],
    program: str | None,
    error: str | None,
    older_than: str | None,
    frame: str | None,
    task: int | None,
    dry_run: bool,
    allow_python: tuple[str, ...],
    db: str | None,
    json: bool,
) -> int:
    """Let parked runs go on."""
    many = program is not None or error is not None or older_than is not None
    if many and task is not None:
        raise CallError("P303", "--task is for one run", hint="perdure restart --help")
    if not words:
        raise CallError(
            "P303",
            "say which run: its id, or --program, --error or --older-than and a restart",
            hint="`perdure list --status parked` shows the runs that can be restarted",
        )
    with engine_for(db, allow_python) as engine:
        if many:
            name, *given = words
            values = _values(name, given)
            found = engine.restart_many(
                name,
                *values,
                program=program or "",
                error=error or "",
                older_than_s=seconds(older_than) if older_than is not None else 0.0,
                frame=frame,
                dry_run=dry_run,
            )
            return _say_many(name, found, dry_run=dry_run)
        run_id, *rest = words
        if not rest:
            chosen = _chosen(engine, run_id, task, json=json)
            if chosen is None:
                return console.STOPPED
            task, rest = chosen
        name, *given = rest
        values = _values(name, given)
        text = engine.restart(run_id, name, *values, frame=frame, task=task, dry_run=dry_run)
    document = {"id": run_id, "restart": name, "does": text, "told": not dry_run}
    if dry_run:
        console.answer(f"run {run_id} would {text}", document)
    else:
        how = f"go on with `perdure run --id {run_id}` or a worker"
        console.answer(f"run {run_id} will {text}; {how}", document)
    return console.OK


def _values(name: str, words: Sequence[str]) -> list[Any]:
    """Return the Python data of what a restart takes; the variable that `set` changes is a name, whatever it looks like."""
    return [
        word if name == "set" and number == 1 else _value(word, number)
        for number, word in enumerate(words, 1)
    ]


def _value(word: str, number: int) -> Any:
    """Return the Python data of a word: behind a quote, it is as Scheme writes it."""
    return Datum(word[1:]) if word.startswith("'") else value_of(word, f"value {number}")


def seconds(text: str) -> float:
    """Return a time span in seconds: a number, or one with the unit s, m, h, d or w."""
    number, factor = (text[:-1], _UNITS[text[-1]]) if text[-1:] in _UNITS else (text, 1.0)
    try:
        found = float(number) * factor
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise CallError("P303", f"{text!r} is not a time span", hint="like 90, 90s, 5m, 1h, 2d, 1w")
    return found


def _chosen(
    engine: Engine, run_id: str, task: int | None, *, json: bool
) -> tuple[int, list[str]] | None:
    """List the restarts of a run and, at a terminal, ask for one; return its task, name and values, None if none is wanted."""
    run = engine.find(run_id)
    refuse_paused(run)
    offered = [one for one in engine.restarts(run_id) if task in (None, one.task)]
    if not offered:
        raise CallError(
            "P305",
            f"run {run_id} is {run.status}, but not at an error of its program: there is nothing to choose",
            hint=f"`perdure show {run_id}` shows what it is doing",
        )
    asking = not json and sys.stdin.isatty() and sys.stderr.isatty()
    lines = [f"run {run_id} can go on by:", *restart_lines(offered, numbered=asking)]
    document = [
        {"task": o.task, "name": o.name, "parameters": o.parameters, "description": o.description}
        for o in offered
    ]
    if not asking:
        console.answer("\n".join(lines), {"id": run_id, "restarts": document})
        console.note(f"nothing was done; next: `perdure restart {run_id} NAME [VALUE ...]`")
        return None
    console.note("\n".join(lines))
    return _asked(offered)


def _asked(offered: Sequence[RestartView]) -> tuple[int, list[str]] | None:
    """Ask for a restart by its number or name, and for what it takes."""
    said = _line(f"which one? 1 to {len(offered)}, or nothing: ")
    named = [one for one in offered if one.name == said]
    if said.isdigit() and 0 < int(said) <= len(offered):
        named = [offered[int(said) - 1]]
    if not named:
        console.note("nothing was done" if not said else f"there is no restart {said}")
        return None
    chosen = named[0]
    words = [chosen.name]
    single, _, rest = chosen.parameters.partition(".")
    for parameter in single.split():
        words.append(_line(f"{parameter}: "))
        if not words[-1]:  # the end of input, too; the empty string is written ""
            console.note("nothing was done")
            return None
    while rest and (more := _line(f"{rest.strip()}, or nothing: ")):
        words.append(more)
    return chosen.task, words


def _line(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _say_many(name: str, found: Sequence[Restarted], *, dry_run: bool) -> int:
    verb = "would" if dry_run else "will"
    lines = [
        f"run {one.run_id} can't: {one.text}"
        if one.refused
        else f"run {one.run_id} {verb} {one.text}"
        for one in found
    ]
    told = sum(not one.refused for one in found)
    refused = len(found) - told
    summary = f"{told} run{'s' * (told != 1)} {verb} take {name}" + (
        f", {refused} can't" if refused else ""
    )
    lines.append(summary if found else "no parked run is meant")
    document = [
        {
            "id": one.run_id,
            "program": one.program,
            "error": one.error,
            "does": None if one.refused else one.text,
            "refused": one.text if one.refused else None,
            "told": not (one.refused or dry_run),
        }
        for one in found
    ]
    console.answer("\n".join(lines), document)
    return console.STOPPED if refused else console.OK
