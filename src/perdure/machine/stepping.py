"""Stop before every statement: the strongest test of the machine.

Layer: machine. Imports machine.code and signals.
Invariant: a stop is a pre-emption, at a place that no test for one stands at; the statement is redone when the run goes on.
After a stop at a site, the next one is at another site, so every run comes to its end.

It uses Python's trace function, of the evaluator's thread only and only while compiled code runs. A stop inside an
expression that several statements share counts as one at the site from which all of it is redone.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from perdure.machine.code import CODES, PROLOGUE
from perdure.machine.signals import Preempt


@contextlib.contextmanager
def unstepped() -> Iterator[None]:
    """Let no stepper stop what the body runs: code outside a task, which can't be gone on with."""
    before = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(before)


class Stepper:
    """Raises `Preempt` before every statement of compiled code, or before the `only`-th. Keep one for a whole run.

    With `visits`, it stops at most so many times at one site.
    """

    def __init__(self, only: int = 0, visits: int = 0) -> None:
        self.stops = 0
        self._only = only
        self._visits = visits
        self._seen: dict[tuple[str, int], int] = {}
        self._last: tuple[str, int] | None = None

    def run(self, go: Callable[[], Any]) -> Any:
        """Call `go` with a stop before the next statement that is not the one of the last stop."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return go()
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        info = CODES.get(id(frame.f_code))
        return None if info is None or info.factory else self._line

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line" and frame.f_lineno > PROLOGUE:
            info = CODES[id(frame.f_code)]
            site = (info.definition, info.redo.get(frame.f_lineno, frame.f_lineno))
            if site != self._last:
                self._last = site
                self.stops += 1
                seen = self._seen[site] = self._seen.get(site, 0) + 1
                if self._only in (0, self.stops) and not 0 < self._visits < seen:
                    raise Preempt
        return self._line
