"""The REPL's own commands, which begin with a comma.

Layer: cli. Imports its neighbours, engine.inspection, snapshot.wire.
Invariant: a command looks at the session between two turns and changes nothing in it; `,time` alone evaluates something.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass

from perdure.base import limits
from perdure.base.errors import PerdureError
from perdure.cli import console
from perdure.cli.repl_expansion import expanded, expanded_once
from perdure.cli.repl_names import apropos, description, first_line
from perdure.cli.repl_session import Session, session_of
from perdure.engine import inspection
from perdure.machine.machine import Machine
from perdure.primitives.session import below
from perdure.snapshot import wire
from perdure.snapshot.fold import written_objects
from perdure.values.types import PythonProcedure

_WHOLE_VALUE_CHARS = 20_000
"""What `,stack N` shows of one variable."""


@dataclass(frozen=True)
class Told:
    """What a command may use: the session, and a procedure that evaluates a text and returns when that is over."""

    session: Session
    evaluate: Callable[[str], None]


@dataclass(frozen=True)
class Command:
    """A command: what it does with the rest of its line, how it is written, and what it is good for."""

    perform: Callable[[Told, str], list[str]]
    usage: str
    help: str
    takes: str = "nothing"
    """"nothing", "something" (an argument must be there) or "maybe"."""


QUIT = "quit"


def perform(told: Told, entry: str) -> None:
    """Perform a command and print what it says; what is wrong with it, to standard error."""
    name, _, rest = entry.strip().removeprefix(",").strip().partition(" ")
    name, rest = name.strip(), rest.strip()
    command = COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean ,{near[0]}?" if near else ",help lists the commands"
        console.note(f"there is no command ,{name}\n  next: {hint}")
        return
    if (command.takes == "something" and not rest) or (command.takes == "nothing" and rest):
        console.note(f",{name} is written {command.usage}")
        return
    try:
        lines = command.perform(told, rest)
    except PerdureError as error:
        console.note(str(error))
        return
    if lines:
        console.output("\n".join(lines) + "\n")


def _help(_told: Told, _rest: str) -> list[str]:
    width = max(len(command.usage) for command in COMMANDS.values())
    rows = [f"{command.usage.ljust(width)}  {command.help}" for command in COMMANDS.values()]
    return [
        *rows,
        "",
        "Ctrl-C gives up the evaluation in progress. Ctrl-D leaves; the session stays. (exit) ends it.",
    ]


def _quit(told: Told, _rest: str) -> list[str]:
    raise AssertionError(f"session {told.session.run_id}: whoever reads entries leaves at this one")


def _expand(told: Told, rest: str) -> list[str]:
    lines: list[str] = told.session.consult(lambda machine: expanded(machine, rest))
    return lines


def _expand_once(told: Told, rest: str) -> list[str]:
    lines: list[str] = told.session.consult(lambda machine: expanded_once(machine, rest))
    return lines


def _describe(told: Told, rest: str) -> list[str]:
    def text_of(procedure: PythonProcedure) -> str:
        engine = told.session.engine
        run = engine.find(told.session.run_id)
        program = engine.programs.program(engine.store, run.program_hash)
        return first_line(engine.programs.modules.of(program.directory).function(procedure).call)

    lines: list[str] = told.session.consult(lambda machine: description(machine, rest, text_of))
    return lines


def _apropos(told: Told, rest: str) -> list[str]:
    lines: list[str] = told.session.consult(lambda machine: apropos(machine, rest))
    return lines


# -- time ----------------------------------------------------------------------------------------


def _time(told: Told, rest: str) -> list[str]:
    store, run_id = told.session.engine.store, told.session.run_id
    before = told.session.engine.find(run_id).seq
    wall, computing = time.perf_counter(), time.process_time()
    told.evaluate(rest)
    wall, computing = time.perf_counter() - wall, time.process_time() - computing
    entries = store.entries(run_id, after=before)
    saved = [entry.payload for entry in entries if entry.payload]
    objects = sum(_objects_in(payload) for payload in saved)
    turns = "1 turn" if len(entries) == 1 else f"{len(entries)} turns"
    return [
        f"{wall * 1000:.1f} ms, {computing * 1000:.1f} ms of them computing",
        f"{turns}; saved {objects} objects, {sum(map(len, saved))} bytes",
    ]


def _objects_in(payload: bytes) -> int:
    """Return how many objects a delta adds or changes (docs/reference/snapshot-format.md)."""
    return written_objects(wire.unpack(payload))


# -- stacks and tasks ----------------------------------------------------------------------------


def _stack(told: Told, rest: str) -> list[str]:
    lines: list[str] = told.session.consult(lambda machine: _stack_of(machine, rest))
    return lines


def _stack_of(machine: Machine, rest: str) -> list[str]:
    session = session_of(machine)
    failure = session[2] if session is not None else None
    if failure is None:
        return ["there was no error yet"]
    raised, continuation, base = failure.items
    stack = inspection.stack_of_error(raised) or continuation.stack
    chars = _WHOLE_VALUE_CHARS if rest else limits.SHOWN_VALUE_CHARS
    frames, omitted = inspection.frames_of(
        stack,
        machine.provider,
        base=below(base),
        value_chars=chars,
        at=inspection.failed_site(raised, stack),
    )
    if not rest:
        lines = [inspection.report_of({}, raised, machine.provider, stack=stack).message]
        lines += [_frame_line(number, frame) for number, frame in enumerate(frames)]
        return [*lines, f"{omitted} more frames are not shown"] if omitted else lines
    if not rest.isdigit() or int(rest) >= len(frames):
        return [f"there is no frame {rest}: ,stack shows {len(frames)} frames, from 0"]
    frame = frames[int(rest)]
    shown = [f"  {name} = {value}" for name, value in frame.variables]
    return [_frame_line(int(rest), frame), *(shown or ["  it has no variables here"])]


def _frame_line(number: int, frame: inspection.FrameView) -> str:
    names = ", ".join(name for name, _ in frame.variables)
    return f"{number:3d}  {frame.procedure:<16} {frame.file}:{frame.line}:{frame.column}  {names}".rstrip()


def _tasks(told: Told, _rest: str) -> list[str]:
    lines: list[str] = told.session.consult(task_lines)
    return lines or ["there are no tasks in the background"]


def task_lines(machine: Machine) -> list[str]:
    """Return what every task but the one at the prompt does, as lines."""
    views = inspection.tasks_of(machine.root, machine.provider)
    lines: list[str] = []
    for view in views:
        if view.number == machine.root.main_task:
            continue
        name = f"task {view.number}{f' {view.name}' if view.name else ''}"
        waits = ", ".join(wait.what for wait in view.waits)
        lines.append(f"{name}: {view.status}{f', {waits}' if waits else ''}")
        if view.error:
            lines.append(f"  {view.error}")
    return lines


COMMANDS: dict[str, Command] = {
    "help": Command(_help, ",help", "shows this list"),
    "describe": Command(
        _describe, ",describe NAME", "what a name is, where from, its value", "something"
    ),
    "apropos": Command(
        _apropos, ",apropos TEXT", "the names that contain a text, in all libraries", "something"
    ),
    "expand": Command(
        _expand, ",expand FORM", "a form as the compiler gets it: no macros left", "something"
    ),
    "expand1": Command(_expand_once, ",expand1 FORM", "one step of a macro", "something"),
    "time": Command(
        _time, ",time FORM", "evaluates a form, and says what that took and saved", "something"
    ),
    "stack": Command(
        _stack,
        ",stack [N]",
        "the stack of the last error, or the variables of frame N of it",
        "maybe",
    ),
    "tasks": Command(_tasks, ",tasks", "what goes on in the background"),
    QUIT: Command(_quit, ",quit", "leaves the session, as Ctrl-D does; it stays"),
}
