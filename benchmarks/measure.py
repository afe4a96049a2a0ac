"""Statistics, tables, and a watch on Python's collector; what every benchmark uses.

Ratios are of medians over interleaved rounds: on a busy machine both sides then suffer alike. CPU time of the thread or
process that does the work is preferred to wall time wherever no disk is waited for.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Sequence
from typing import Any, Self

MEDIAN, P99 = 0.5, 0.99


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which that share of the values lies; of few values, the largest one for 0.99."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def duration(seconds: float) -> str:
    """Return a time with the unit that suits it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds:.2f} s"


def child_environment(**more: str) -> dict[str, str]:
    """Return an environment for a measured process: it may keep the bytecode of what it imports, as it would at home."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **more}


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows as a Markdown table, so that what is printed can be pasted into README.md."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max([len(h), *(len(row[n]) for row in cells)]) for n, h in enumerate(heads)]
    print(f"\n{title}\n")
    print("| " + " | ".join(h.ljust(w) for h, w in zip(heads, widths, strict=True)) + " |")
    print("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    for row in cells:
        print("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |")


class Collector:
    """Watches Python's garbage collector: how long each pause took, by generation.

    Attributes:
      pauses: (generation, seconds) of each pause since `clear`.
      total: seconds of all pauses since the object was made; its difference belongs to what ran meanwhile.
    """

    def __init__(self) -> None:
        self.pauses: list[tuple[int, float]] = []
        self.total = 0.0
        self._began = 0.0

    def __enter__(self) -> Self:
        gc.callbacks.append(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._note)

    def clear(self) -> None:
        """Forget the pauses so far."""
        self.pauses.clear()

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.thread_time()
        else:
            spent = time.thread_time() - self._began
            self.total += spent
            self.pauses.append((info["generation"], spent))

    def summary(self) -> str:
        """Return number, total and longest pause."""
        if not self.pauses:
            return "none"
        spent = [seconds for _, seconds in self.pauses]
        return f"{len(spent)}, {duration(sum(spent))} in all, longest {duration(max(spent))}"
