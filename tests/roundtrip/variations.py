"""Hard ways to run a program: small stacks, overflows out of nowhere, one cut at a chosen statement.

Method: a `Variation` of tests/language/runs.py; each puts its trouble around the machine's inner loop only, so that the
test's own code and the codec are not disturbed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from runs import Saved, Variation

from perdure.machine.code import CODES
from perdure.machine.machine import Machine
from perdure.machine.stepping import Stepper


class Around(Variation):
    """Does something around each stretch of evaluation; the machine's loop is entered between."""

    def trouble(self) -> Any:
        raise NotImplementedError

    def turn(self, machine: Machine, events: list[Any], now: float) -> Any:
        inner: Callable[[], Any] = machine._go

        def go() -> Any:
            with self.trouble():
                return inner()

        machine._go = go  # type: ignore[method-assign]
        try:
            return super().turn(machine, events, now)
        finally:
            del machine._go


class SmallStack(Around):
    """So many native frames are left."""

    def __init__(self, frames: int) -> None:
        self.frames = frames

    @contextmanager
    def trouble(self):
        depth, frame = 0, sys._getframe()
        while frame is not None:
            depth, frame = depth + 1, frame.f_back
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(depth + self.frames)
        try:
            yield
        finally:
            sys.setrecursionlimit(before)


class Overflows(Around):
    """Raises RecursionError before every n-th line of compiled code.

    n must be larger than the longest statement (whose operations are lines of their own): redone from its start, that one
    would never end.
    """

    def __init__(self, every: int, first: int) -> None:
        self.every = every
        self.left = first
        self.raised = 0

    def _line(self, frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            self.left -= 1
            if self.left <= 0:
                self.left = self.every
                self.raised += 1
                raise RecursionError
        return self._line

    def _call(self, frame: Any, event: str, argument: Any) -> Any:
        info = CODES.get(id(frame.f_code))
        return None if info is None or info.factory else self._line

    @contextmanager
    def trouble(self):
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(before)


class OnceSaved(Saved):
    """Is cut and restored before the n-th statement only."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self.stepper = Stepper(only=nth)

    def between(self, machine: Machine, *, preempted: bool) -> Machine:
        if preempted:
            return super().between(machine, preempted=preempted)
        self.save(machine)
        return machine
