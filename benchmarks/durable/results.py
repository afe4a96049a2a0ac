"""The figures of all rounds, and what is made of them: rates, bytes, medians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.durable.cases import Case
from benchmarks.measure import median


class Results:
    """All figures of all rounds."""

    def __init__(self) -> None:
        self.raw: list[tuple[Case, dict[str, Any]]] = []

    def add(self, case: Case, figures: dict[str, Any]) -> None:
        """Keep the figures of one execution."""
        self.raw.append((case, figures))

    def cases(self, workload: str, **wanted: Any) -> list[Case]:
        """Return the measured cases of a workload, in order, with certain fields."""
        found = dict.fromkeys(case for case, _ in self.raw if case.workload == workload)
        return [
            case
            for case in found
            if all(getattr(case, name) == value for name, value in wanted.items())
        ]

    def values(self, case: Case, figure: Callable[[dict[str, Any]], Any]) -> list[float]:
        """Return a figure of every round; a list of them counts one by one."""
        found: list[float] = []
        for one, figures in self.raw:
            if one == case:
                value = figure(figures)
                found += value if isinstance(value, list) else [value]
        return found

    def median(self, case: Case, figure: Callable[[dict[str, Any]], Any]) -> float:
        """Return the median of a figure over the rounds."""
        return median(self.values(case, figure))


def rate(figures: dict[str, Any]) -> float:
    """Effects a second."""
    return float(figures["effects"] / figures["seconds"])


def grouped_rate(figures: dict[str, Any]) -> float:
    """Rows a second when a hundred share a commit."""
    return float(figures["effects"] / figures["grouped_seconds"])


def effect_bytes(figures: dict[str, Any]) -> float:
    """Bytes stored per effect."""
    return float(figures["stored_bytes"] / figures["effects"])


def sleeper_bytes(figures: dict[str, Any]) -> float:
    """Bytes stored per sleeping run."""
    return float(figures["stored_bytes"] / figures["sleepers"])


def wakes(figures: dict[str, Any]) -> float:
    """Runs a second that woke up, from when they were due to the last one."""
    return float(figures["sleepers"] / figures["late_last_s"])


def worker_cpu(figures: dict[str, Any]) -> float:
    """CPU seconds of the workers per effect."""
    return float(figures["worker_cpu_s"] / figures["effects"])


def best_peer(results: Results, workload: str, stores: Sequence[str]) -> float | None:
    """Return the highest rate of a peer on some stores, each variant counted; None if no peer was measured."""
    rates = [
        results.median(case, rate)
        for case in results.cases(workload)
        if case.peer not in ("perdure", "floor") and case.store in stores
    ]
    return max(rates, default=None)
