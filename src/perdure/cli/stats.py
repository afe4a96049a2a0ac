"""A worker's numbers as people read them: a line now and then, and a table at the end.

Layer: cli. Imports engine.metrics, base.
Invariant: the table has every number of METRICS, by its name, so that it needs no change when one is added.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from perdure.engine.metrics import METRICS, Histogram, Metrics

_SIZES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


class Ticker:
    """Prints a line of numbers every so many seconds, from a thread of its own.

    Args:
      metrics: what is shown.
      every_s: seconds between two lines.
      show: prints a line.
    """

    def __init__(self, metrics: Metrics, every_s: float, show: Callable[[str], None]) -> None:
        self._metrics = metrics
        self._every_s = every_s
        self._show = show
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="perdure-stats", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self._thread.join()

    def _tick(self) -> None:
        began, turns, effects = time.monotonic(), 0, 0
        while not self._stopped.wait(self._every_s):
            now = time.monotonic()
            self._show(line(self._metrics, turns, effects, now - began))
            began, turns, effects = now, self._metrics.turns, self._metrics.effects_ended


def line(metrics: Metrics, turns_before: int, effects_before: int, elapsed_s: float) -> str:
    """Return one line: rates since a moment, and how the worker stands.

    Args:
      metrics: the numbers now.
      turns_before, effects_before: what these were then.
      elapsed_s: how long ago that was.
    """
    m = metrics
    running = m.effects_started - m.effects_ended - m.effects_abandoned
    batch = m.turns / m.commits if m.commits else 0.0
    return (
        f"{(m.turns - turns_before) / elapsed_s:.0f} turns/s"
        f"  {(m.effects_ended - effects_before) / elapsed_s:.0f} effects/s, {running} running"
        f"  {m.live_runs} runs in memory"
        f"  {batch:.1f} turns a commit"
        f"  commit {_span(m.commit_s.quantile(0.5))}, p99 {_span(m.commit_s.quantile(0.99))}"
        f"  wait p99 {_span(m.wait_s.quantile(0.99))}"
    )


def table(metrics: Metrics) -> str:
    """Return every number that is not zero, one on a line, with its meaning."""
    rows: list[tuple[str, str, str]] = []
    for metric in METRICS:
        value = getattr(metrics, metric.name)
        if isinstance(value, Histogram):
            count = value.count
            if not count:
                continue
            show = _span if metric.unit == "seconds" else _number
            parts = (value.total / count, value.quantile(0.5), value.quantile(0.99))
            mean, half, most = map(show, parts)
            shown = f"{count} x {mean} (p50 {half}, p99 {most})"
        elif value:
            shown = str(value)
        else:
            continue
        rows.append((metric.name, shown, metric.help))
    wide = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return "\n".join(f"{name:<{wide[0]}}  {shown:<{wide[1]}}  {text}" for name, shown, text in rows)


def _span(seconds: float) -> str:
    for size, unit in _SIZES:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.2g} us" if seconds else "0"


def _number(value: float) -> str:
    return f"{value:.3g}"
