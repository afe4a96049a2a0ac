"""The live view of a run on a terminal: what each task waits for, and since when.

Layer: cli. Imports app, rich.
Invariant: looking never slows the run down much: a run whose state takes long to decode is looked at seldom.
"""

from __future__ import annotations

import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

from perdure.app import Engine
from perdure.cli.console import age_text
from perdure.engine.inspection import RunView

_LINES_MAX = 12
_SHARE = 20
"""Looking takes a twentieth of the time at most."""


class Progress:
    """A few lines at the bottom of the terminal, gone when it is stopped."""

    def __init__(self, engine: Engine, run_id: str) -> None:
        self._engine = engine
        self._run_id = run_id
        self._live = Live(console=Console(stderr=True), transient=True, auto_refresh=False)
        self._live.start()
        self._view: RunView | None = None
        self._next_look = 0.0

    def update(self) -> None:
        """Show how things stand now."""
        now = time.monotonic()
        if now >= self._next_look:
            self._view = self._engine.show(self._run_id)
            took = time.monotonic() - now
            self._next_look = now + max(0.5, took * _SHARE)
        if self._view is not None:
            self._live.update(_lines(self._view, self._engine.store.now()), refresh=True)

    def stop(self) -> None:
        """Take the lines away."""
        self._live.stop()


def _lines(view: RunView, now: float) -> Text:
    text = Text(f"{view.run_id}  {view.status}, {view.seq} turns", style="dim")
    shown = 0
    for task in view.tasks:
        name = task.name or f"task {task.number}"
        for wait in task.waits:
            if shown == _LINES_MAX:
                text.append("\n  ...")
                return text
            shown += 1
            text.append(f"\n  {name}: ")
            text.append(wait.what, style="bold")
            text.append(f", for {age_text(now - wait.since)}")
            if wait.attempt > 1:
                text.append(f", attempt {wait.attempt}", style="yellow")
    return text
