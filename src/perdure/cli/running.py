"""`perdure run`: one run in the foreground.

Layer: cli. Imports app, progress, base.
Invariant: what is printed of a run was committed before; the cursor of what was printed is stored after it, so a
kill repeats at most the last piece (rule 8 of the design).
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from perdure.app import Answer, Engine
from perdure.base import ids
from perdure.base.errors import CallError, PerdureError, StoreError
from perdure.cli import console
from perdure.cli.arguments import values_of
from perdure.cli.leaving import DRAIN_S, Left, leave_on
from perdure.cli.runs import notices, print_answer

LOOK_S = 0.1
"""How often new output is looked for while the run goes on."""


def run(
    *,
    file: str | None,
    arguments: tuple[str, ...],
    id: str | None,
    stress: bool,
    allow_python: tuple[str, ...],
    files: str,
    no_environment: bool,
    db: str | None,
    json: bool,
) -> int:
    """Run a program to its end, or go on with a run."""
    if file is None and id is None:
        raise CallError(
            "P303", "give a Scheme file, or --id of a run to go on with", hint="perdure run --help"
        )
    given = values_of(arguments)
    engine = Engine(
        console.database(db),
        execute="own",
        allow_python=allow_python,
        directory=Path.cwd(),
        files=files,
        environment=not no_environment,
        stress=stress,
    )
    leave_on((signal.SIGINT, signal.SIGTERM))
    run_id = ""
    try:
        run_id, said = _started(engine, file, given, id)
        # Only now: who reads it may leave at once, and is to be told how to go on.
        console.note(said)
        answer = _Foreground(engine, run_id, live=not json).wait()
    except StoreError:
        if run_id:
            console.note(
                f"the run stays as it was last saved; go on with: perdure run --id {run_id}"
            )
        raise
    except Left as left:
        _leave(engine, run_id)
        return 128 + left.number
    code = print_answer(answer, json=json)
    with contextlib.suppress(Left):
        engine.close()
    return code


def _leave(engine: Engine, run_id: str) -> None:
    """Let started effects finish, give the run back, and say how to go on."""
    try:
        if run_id:
            console.note(f"\ndetached; the run stays. Go on with: perdure run --id {run_id}")
        engine.close(DRAIN_S)
    except Left:
        console.note("not waiting for effects that have started: they may be in doubt")


def _started(
    engine: Engine, file: str | None, given: list[Any], run_id: str | None
) -> tuple[str, str]:
    """Record the run, or find the one that is meant; return its id and what to say of it."""
    there = engine.store.get_run(ids.check_run_id(run_id)) if run_id is not None else None
    if there is None:
        if file is None:
            assert run_id is not None, "checked by the caller"
            engine.find(run_id)
        assert file is not None, "find raised otherwise"
        program = engine.compile(file)
        notices(program)
        new = engine.start(program, *given, id=run_id)
        return new, f"run {new}"
    if file is not None:
        _same(engine, file, given, there)
    return str(there.run_id), f"run {there.run_id} goes on: it is {there.status}"


def _same(engine: Engine, file: str, given: list[Any], there: Any) -> None:
    """Compare a file and arguments with the run that is there; an edited file gets a notice."""
    if Path(file).stem != there.program_name:
        raise CallError(
            "P302",
            f"run {there.run_id} is a run of {there.program_name}, not of {Path(file).stem}",
            hint="leave out the file to go on with it, or give another --id",
        )
    try:
        program = engine.compile(file)
    except PerdureError as error:
        console.note(
            f"notice: {file} can't be compiled now ({error.code}); the run goes on with its own code"
        )
        return
    if given:
        engine.start(program, *given, id=there.run_id)
    if program.hash != there.program_hash:
        console.note(
            f"notice: {file} has changed since the run began; the run goes on with its own code"
        )


class _Foreground:
    """A run that is waited for: its output, its console and what it waits for."""

    def __init__(self, engine: Engine, run_id: str, *, live: bool) -> None:
        self._engine = engine
        self._run_id = run_id
        self._store = engine.store
        self._printed = self._stored = self._store.cursor(run_id)
        self._live = live and sys.stderr.isatty()
        self._progress: Any = None
        self._began = time.monotonic()
        self._reading = False

    def wait(self) -> Answer:
        """Return how the run ended."""
        engine, run_id = self._engine, self._run_id
        if self._live and sys.stdin.isatty():
            self._read_lines()
        try:
            while (answer := engine.wait(run_id, timeout=LOOK_S)) is None:
                self._print_output()
                self._keep_cursor()
                self._look()
        finally:
            self._stop_progress()
        self._print_output()
        self._keep_cursor()
        return answer

    def _print_output(self) -> None:
        while page := self._store.outputs(self._run_id, after=self._printed):
            self._stop_progress()
            console.output("".join(piece.text for piece in page))
            self._printed = page[-1].seq

    def _keep_cursor(self) -> None:
        if self._printed != self._stored:
            self._store.set_cursor(self._run_id, self._printed)
            self._stored = self._printed

    def _look(self) -> None:
        """Show what is waited for, and read lines if the run wants any."""
        if not self._reading and not sys.stdin.isatty():
            self._read_if_wanted()
        if not self._live or time.monotonic() - self._began < 1.0:
            return
        if self._progress is None:
            # Heavy, and of no use to a program that ends within a second.
            from perdure.cli.progress import Progress

            self._progress = Progress(self._engine, self._run_id)
        self._progress.update()

    def _stop_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _read_if_wanted(self) -> None:
        """Read lines that are piped in once the run waits for its console; not before, for they may be for others."""
        detail = self._engine.find(self._run_id).detail
        wanted = detail.startswith("a console line")
        if not wanted and detail.endswith(" more"):
            view = self._engine.show(self._run_id)
            wanted = any(wait.kind == "console" for task in view.tasks for wait in task.waits)
        if wanted:
            self._read_lines()

    def _read_lines(self) -> None:
        self._reading = True
        threading.Thread(target=self._forward, name="perdure-console", daemon=True).start()

    def _forward(self) -> None:
        """Send what is typed to the run's console; runs in a thread of its own."""
        with contextlib.suppress(OSError, ValueError, PerdureError):
            for line in sys.stdin:
                self._engine.send_line(self._run_id, line.removesuffix("\n"))
            self._engine.send_line(self._run_id, None)
