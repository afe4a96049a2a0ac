"""Tests of programs that are written in Scheme: they run in a world of their own, and make worlds by (perdure world).

Layer: testing. Imports app, engine, snapshot, values, base, and its neighbours.
Invariant: a test is an ordinary program. Everything between it and its worlds goes through messages, so its values are the
codec's (symbols and lists stay what they are) and its stubs are called on its own machine, between turns of both.

    found = run_file("test_order.scm")
    found.passed, found.failed, found.report
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from perdure.base import limits
from perdure.base.errors import PerdureError
from perdure.machine.machine import Machine
from perdure.snapshot import exchange
from perdure.store.api import FINAL, Commit, Send
from perdure.testing.virtual import commands
from perdure.testing.virtual.crashing import Sweep
from perdure.testing.virtual.performing import StubError
from perdure.testing.virtual.world import World
from perdure.values.conditions import SchemeError
from perdure.values.lists import from_items, list_items
from perdure.values.types import Record, String, Symbol, intern

HARNESS = "perdure-test"
"""The id that (perdure world) sends its messages to; no run has it."""

FILE = "perdure-test-file"
"""The id of the run of a test itself, by which (perdure world) knows that somebody keeps worlds."""

_STUCK = "P315"
_RUNNER = "value of:test-runner-current"


class Found(Struct, frozen=True):
    """What came of a file of tests.

    Attributes:
      passed, failed, skipped: tests of SRFI 64, as its runner has counted them; 0 in a file that has none.
      error: why the file itself did not come to its end; "" if it did.
      output: what it displayed.
    """

    passed: int
    failed: int
    skipped: int
    error: str
    output: str

    @property
    def good(self) -> bool:
        """Whether nothing failed."""
        return not (self.failed or self.error)

    @property
    def summary(self) -> str:
        """How many tests there were: "2 passed, 1 failed"."""
        parts = [f"{self.passed} passed"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += ["and did not come to its end"] if self.error else []
        return ", ".join(parts)

    @property
    def report(self) -> str:
        """What it displayed, and why it did not come to its end."""
        return "\n".join(part.rstrip("\n") for part in (self.output, self.error) if part)


def run_file(path: str | Path) -> Found:
    """Run a file of tests and return what came of it. Raises ProgramError, CallError: it is no program."""
    file = Path(path).resolve()
    test = SchemeTest(file)
    try:
        return test.run()
    finally:
        test.close()


class _TestWorld(World):
    """The world that a test itself runs in."""

    def __init__(self, file: Path, sent: Callable[[Send], None]) -> None:
        self._sent = sent
        super().__init__(
            file.name,
            directory=file.parent,
            real=True,
            files="all",
            environment=os.environ,
            turns_max=10 * limits.TEST_TURNS_MAX,
        )

    def committed(self, commit: Commit) -> None:
        for send in commit.sends:
            if send.to == HARNESS:
                self._sent(send)


class SchemeTest:
    """One file while it runs, and the worlds that it has made."""

    def __init__(self, file: Path) -> None:
        self.directory = file.parent
        self.worlds: list[World] = []
        self.sweep: Sweep | None = None
        self.points_max = limits.TEST_CRASHES_MAX
        self.doubts = False
        self._number = 0
        self._asked: deque[tuple[int, list[Any]]] = deque()
        self._outer = _TestWorld(file, self._heard)
        self._answers = 0

    def close(self) -> None:
        """Let go of all worlds."""
        for world in (*self.worlds, self._outer):
            world.close()

    def run(self) -> Found:
        """Run the test to its end."""
        error = ""
        run = self._outer.start(id=FILE)
        try:
            while run.status not in FINAL and run.status != "parked":
                if not self._serve() and not self._wait():
                    error = f"the test waits for something that never comes: {run.waits_for}"
                    break
        except PerdureError as stopped:
            error = str(stopped)
        if not error and run.error is not None:
            error = run.error.text
        answer = self._outer.engine.answer(FILE)
        code = answer.result.exit_code if answer.result is not None else None
        if code and not error:
            error = f"the test ended with exit code {code}"
        passed, failed, skipped = self._outer.engine.consult(FILE, _counts) or (0, 0, 0)
        return Found(passed, failed, skipped, error, run.output)

    # -- messages --------------------------------------------------------------------------------

    def _heard(self, send: Send) -> None:
        number, *command = list_items("test", exchange.load_value(send.payload))
        self._asked.append((number, command))

    def _reply(self, number: int, *answer: Any) -> None:
        self._answers += 1
        value = from_items([intern("%world"), number, *answer])
        payload = exchange.dump_value(value)
        message = Send(FILE, "message", f"answer-{self._answers}", HARNESS, payload)
        self._outer.engine.store.send(message)
        self._outer.settle()

    def _wait(self) -> bool:
        """Let the test's own time pass up to what it waits for; return whether there is such a thing."""
        due = self._outer.next_alarm
        if due is None:
            return False
        self._outer.advance_to(due)
        return True

    def _serve(self) -> bool:
        """Do what the test asks for; return whether it has asked."""
        if not self._asked:
            return False
        number, command = self._asked.popleft()
        before, self._number = self._number, number
        try:
            value = commands.perform(self, command)
        except (PerdureError, SchemeError, AssertionError) as error:
            if getattr(error, "code", "") == _STUCK:
                raise  # whoever waits for this answer will never take it
            self._reply(number, intern("failed"), String(commands.text_of(error)))
        else:
            self._reply(number, intern("done"), value)
        finally:
            self._number = before
        return True

    def call(self, place: int, arguments: list[Any]) -> tuple[Symbol, Any]:
        """Call a procedure of the test while it waits for the command in progress.

        Returns:
          `value` and what it gives, or `raised` and what it raised: heap values.

        Raises:
          StubError: P315, it waits for something that never comes.
        """
        number = self._number
        self._reply(number, intern("call"), place, *arguments)
        while True:
            if self._asked and _is_answer(self._asked[0], number):
                _, kind, value = self._asked.popleft()[1]
                return kind, value
            if not self._serve() and not self._wait():
                raise StubError(_STUCK, "a stub of the test waits for something that never comes")


def _is_answer(asked: tuple[int, list[Any]], number: int) -> bool:
    return asked[0] == number and asked[1][0] is intern("answer")


def _counts(machine: Machine) -> tuple[int, int, int] | None:
    """Return what the runner of SRFI 64 has counted; None if there is none."""
    runner = machine.namespace.get(_RUNNER)
    if type(runner) is not Record:
        return None
    counts = dict(zip(runner.rtd.field_names, runner.fields, strict=True))
    return (
        counts["pass"] + counts["xfail"],
        counts["fail"] + counts["xpass"],
        counts["skip"],
    )
