"""Markdown tables of what was measured, one for each workload, and Perdure's figures beside its targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.durable.cases import Case
from benchmarks.durable.results import (
    Results,
    effect_bytes,
    grouped_rate,
    rate,
    sleeper_bytes,
    wakes,
    worker_cpu,
)
from benchmarks.durable.targets import Target
from benchmarks.measure import duration, table

TITLES = {
    "W1": "W1 and W6: one run, effects in sequence; bytes stored per effect",
    "W2": "W2: many short runs, started together, one worker process",
    "W2b": "W2b: the same by worker processes on PostgreSQL, CPU time of the workers",
    "W3": "W3: killed in an effect, started again; until that effect begins again",
    "W4": "W4: one run, parallel effects, joined",
    "W5": "W5: sleeping runs",
    "W5b": "W5b: sleeping runs that are all due together",
    "W8": "W8: a turn in a full store",
}


def show(results: Results, targets: Sequence[Target]) -> None:
    """Print all tables of what was measured."""
    for workload, title in TITLES.items():
        if results.cases(workload):
            heads, rows = _TABLES[workload](results)
            table(title, heads, rows)
    if targets:
        rows = [
            (one.workload, one.what, one.found, one.wanted, "yes" if one.reached else "**no**")
            for one in targets
        ]
        table("Perdure and its targets", ("", "figure", "measured", "target", "reached"), rows)


Rows = tuple[Sequence[str], list[Sequence[Any]]]


def _names(case: Case) -> tuple[str, str]:
    store = {"sqlite": "SQLite", "postgres": "PostgreSQL", "own": "its own"}[case.store]
    return f"{case.peer} {case.variant}".strip(), store


def _rates(results: Results, workload: str) -> Rows:
    base = {
        case.store: results.median(case, rate)
        for case in reversed(results.cases(workload, peer="perdure"))
    }
    rows = []
    for case in results.cases(workload):
        if case.peer == "floor":
            continue
        found = results.median(case, rate)
        ratios = [
            f"{base[store] / found:.2f}" if store in base and case.peer != "perdure" else "–"
            for store in ("sqlite", "postgres")
        ]
        seconds = results.median(case, lambda figures: figures["seconds"])
        rows.append((*_names(case), f"{found:,.0f}", duration(seconds), *ratios))
    heads = ("engine", "store", "effects/s", "in all", "Perdure on SQLite ×", "on PostgreSQL ×")
    return heads, rows


def _w1(results: Results) -> Rows:
    floors = {case.store: results.median(case, rate) for case in results.cases("W1", peer="floor")}
    heads, rows = _rates(results, "W1")
    whole = []
    measured = [case for case in results.cases("W1") if case.peer != "floor"]
    for case, row in zip(measured, rows, strict=True):
        floor = floors.get(case.store)
        share = f"{results.median(case, rate) / floor:.2f}" if floor else "–"
        whole.append((*row, share, f"{results.median(case, effect_bytes):,.0f}"))
    for case in results.cases("W1", peer="floor"):
        found = results.median(case, rate)
        grouped = results.median(case, grouped_rate)
        size = results.median(case, lambda figures: figures["bytes"])
        name = f"bare commits of {size:.0f} bytes ({grouped:,.0f} rows/s in groups)"
        whole.append((name, _names(case)[1], f"{found:,.0f}", "–", "–", "–", "1.00", "–"))
    return (*heads, "of the floor", "bytes per effect"), whole


def _w2b(results: Results) -> Rows:
    rows = [
        (
            *_names(case),
            f"{results.median(case, rate):,.0f}",
            duration(results.median(case, worker_cpu)),
        )
        for case in results.cases("W2b")
    ]
    return ("workers", "store", "effects/s", "CPU per effect"), rows


def _w3(results: Results) -> Rows:
    cases = results.cases("W3")
    numbers = sorted({case.number for case in cases})
    rows = []
    for names in dict.fromkeys(_names(case) for case in cases):
        row = list(names)
        for key in ("ready_to_effect_s", "start_to_effect_s"):
            for number in numbers:
                (case,) = [one for one in cases if _names(one) == names and one.number == number]
                row.append(duration(results.median(case, lambda figures, k=key: figures[k])))
        rows.append(row)
    after = [f"after {number:,}" for number in numbers]
    heads = ["engine", "store", *(f"ready, {a}" for a in after), *(f"start, {a}" for a in after)]
    return heads, rows


def _w5(results: Results, workload: str) -> Rows:
    heads = ["engine", "store", "runs", "until all sleep", "bytes each", "memory each", "memory"]
    if workload == "W5b":
        heads += ["CPU while all sleep", "wakes/s", "first late", "last late"]
    rows = []
    for case in results.cases(workload):

        def of(key: str, case: Case = case) -> float:
            return results.median(case, lambda figures: figures[key])

        woken = []
        if workload == "W5b":
            woken = [
                f"{of('idle_cpu_s') / of('idle_s'):.1%}",
                f"{results.median(case, wakes):,.0f}",
                duration(of("late_first_s")),
                duration(of("late_last_s")),
            ]
        rows.append(
            (
                *_names(case),
                f"{of('sleepers'):,.0f}",
                duration(of("seconds")),
                f"{results.median(case, sleeper_bytes):,.0f}",
                f"{of('memory_bytes') / of('sleepers') / 1024:.2f} KiB",
                f"{of('resident_bytes') / 2**20:.0f} MiB",
                *woken,
            )
        )
    return heads, rows


def _w8(results: Results) -> Rows:
    rows = []
    for case in results.cases("W8"):
        sizes = results.raw[[one for one, _ in results.raw].index(case)][1]["sizes"]
        for one in sizes:
            rows.append(
                (
                    *_names(case),
                    f"{one['runs']:,}",
                    duration(one["wall_s"]),
                    f"{one['wall_s'] / sizes[0]['wall_s']:.2f}",
                    duration(one["cpu_s"]),
                    f"{one['cpu_s'] / sizes[0]['cpu_s']:.2f}",
                )
            )
    return ("engine", "store", "runs in the store", "turn", "ratio", "CPU", "ratio"), rows


_TABLES: dict[str, Callable[[Results], Rows]] = {
    "W1": _w1,
    "W2": lambda results: _rates(results, "W2"),
    "W2b": _w2b,
    "W3": _w3,
    "W4": lambda results: _rates(results, "W4"),
    "W5": lambda results: _w5(results, "W5"),
    "W5b": lambda results: _w5(results, "W5b"),
    "W8": _w8,
}
