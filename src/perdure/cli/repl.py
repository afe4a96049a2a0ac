"""`perdure repl`: a session in which forms are evaluated one after the other, itself a run that survives its terminal.

Layer: cli. Imports app, its neighbours; the terminal only if there is one.
Invariant: an entry is sent when the session has taken the one before and is done with it, so that a program which reads the console
gets the lines behind its own entry.
"""

from __future__ import annotations

import functools
import signal
import sys
from pathlib import Path

import perdure
from perdure.app import Answer, Engine
from perdure.base import ids
from perdure.base.errors import StoreError
from perdure.cli import console
from perdure.cli.leaving import DRAIN_S, Left, leave_on
from perdure.cli.repl_commands import COMMANDS, QUIT, Told, perform, task_lines
from perdure.cli.repl_input import Input, Piped, is_command
from perdure.cli.repl_names import bound_names
from perdure.cli.repl_reading import is_blank
from perdure.cli.repl_session import Session, state_folder
from perdure.engine import inspection
from perdure.machine.machine import Machine

_ENTRY_SHOWN_CHARS = 60


def repl(
    *,
    id: str | None,
    allow_python: tuple[str, ...],
    files: str,
    no_environment: bool,
    db: str | None,
) -> int:
    """Evaluate what is typed, in a new session or one that is there."""
    session = Session(
        lambda observer: Engine(
            console.database(db),
            execute="own",
            allow_python=allow_python,
            directory=Path.cwd(),
            files=files,
            environment=not no_environment,
            observer=observer,
        )
    )
    leave_on((signal.SIGTERM, signal.SIGHUP))
    talk = _Talk(session, keeps=id is not None or sys.stdin.isatty())
    try:
        talk.begin(id)
        code = talk.go_on()
    except Left as left:
        code = 128 + left.number
        talk.say_goodbye()
    except KeyboardInterrupt:
        code = 130
        talk.say_goodbye()
    except StoreError:
        talk.say_goodbye()
        raise
    _close(session)
    return code


def _close(session: Session) -> None:
    try:
        session.leave(DRAIN_S)
    except (KeyboardInterrupt, Left):
        console.note("not waiting for effects that have started: they may be in doubt")


class _Talk:
    """The conversation of a session with its input. `keeps`: the session is to stay when the input ends."""

    def __init__(self, session: Session, *, keeps: bool) -> None:
        self._session = session
        self._keeps = keeps
        self._input: Input = Piped()
        self._answer: Answer | None = None
        self._failures = 0
        self._greeting: list[str] = []
        self._told = Told(session, self._evaluate)

    def begin(self, run_id: str | None) -> None:
        """Begin or go on with the session, and say which it is."""
        session = self._session
        known = run_id is not None and session.engine.store.get_run(ids.check_run_id(run_id))
        if run_id is not None and known:
            session.come_back(run_id)
        else:
            session.begin(run_id, Path.cwd())
        self._failures = session.standing.failures
        if sys.stdin.isatty():
            self._prepare_terminal(known=bool(known))

    def _prepare_terminal(self, *, known: bool) -> None:
        # Of use to people alone, and slow to load.
        from perdure.cli.repl_terminal import Terminal

        session = self._session
        names = functools.partial(session.consult, bound_names)
        self._input = Terminal(session, names, COMMANDS, state_folder() / "history")
        word = "goes on" if known else "begins"
        version = perdure.__version__
        self._greeting = [f"perdure {version}: session {session.run_id} {word}; ,help helps"]
        self._greeting += session.consult(task_lines)
        standing = session.standing
        if standing.text:
            shown = " ".join(standing.text.split())
            if len(shown) > _ENTRY_SHOWN_CHARS:
                shown = f"{shown[: _ENTRY_SHOWN_CHARS - 1]}…"
            waits = session.consult(_what_main_waits_for)
            waits = f", {waits}" if waits else ""
            place = f"repl:{standing.number}"
            self._greeting.append(f"still evaluating {place}: {shown}{waits}; Ctrl-C gives it up")

    def go_on(self) -> int:
        """Take entry after entry until the input or the session ends, and return the exit code."""
        while True:
            try:
                return self._take_entries()
            except KeyboardInterrupt:
                if not sys.stdin.isatty():
                    raise
                self._session.interrupt()

    def _take_entries(self) -> int:
        session = self._session
        while self._greeting:
            console.note(self._greeting.pop(0))
        while not self._settled():
            if session.standing.wants_line:
                if not self._type_line():
                    return self._input_ended()
                continue
            entry = self._input.entry(session.standing.number + 1)
            if entry is None or entry.strip() == f",{QUIT}":
                return self._input_ended()
            if is_command(entry):
                perform(self._told, entry)
            elif not is_blank(entry):
                session.enter(entry)
        return self._exit_code()

    def _settled(self) -> bool:
        """Wait until something can be entered, and return whether the session has ended instead."""
        self._answer = self._session.settle(lambda standing: standing.idle or standing.wants_line)
        return self._answer is not None

    def _type_line(self) -> bool:
        """Send a line to the program that waits for one; return whether the input goes on."""
        session = self._session
        line = self._input.line()
        if line is not None and session.standing.wants_line:
            session.type(line)
        return line is not None

    def _evaluate(self, text: str) -> None:
        """Evaluate a text for a command, and return when that is over."""
        self._session.enter(text)
        while not self._settled() and self._session.standing.wants_line:
            if not self._type_line():
                return

    def _input_ended(self) -> int:
        """Leave the session; one that nobody knows by its id ends."""
        if self._keeps:
            self.say_goodbye()
            return self._exit_code()
        self._session.type(None)
        self._settled()
        return self._exit_code()

    def _exit_code(self) -> int:
        answer = self._answer
        if answer is not None and answer.error is not None:
            console.note(answer.error.text)
            return console.DAMAGED if answer.error.kind == "quarantined" else console.STOPPED
        if answer is not None and answer.result is not None and answer.result.exit_code is not None:
            return answer.result.exit_code
        failed = self._session.standing.failures > self._failures
        return console.STOPPED if failed and not sys.stdin.isatty() else console.OK

    def say_goodbye(self) -> None:
        """Say how the session can be gone on with, if it can."""
        session = self._session
        if session.run_id and not session.standing.ended:
            console.note(f"the session stays; go on with: perdure repl --id {session.run_id}")


def _what_main_waits_for(machine: Machine) -> str:
    """Return what the evaluation in progress waits for, in a few words."""
    root = machine.root
    for view in inspection.tasks_of(root, machine.provider):
        if view.number == root.main_task and view.waits:
            return view.waits[0].what
    return ""
