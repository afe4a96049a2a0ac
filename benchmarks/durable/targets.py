"""What Perdure must reach, and whether it did. A target whose figures were not measured is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.durable.cases import Case
from benchmarks.durable.results import (
    Results,
    best_peer,
    effect_bytes,
    rate,
    sleeper_bytes,
    wakes,
    worker_cpu,
)
from benchmarks.measure import duration

STORES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
FLOOR_SHARE = {
    ("sqlite", "async def"): 0.7,
    ("sqlite", "def"): 0.5,
    ("postgres", "async def"): 0.5,
}
AHEAD_W1, AHEAD_W2, AHEAD_W2_RESTATE, AHEAD_W4 = 1.3, 2.0, 1.5, 1.5
CPU_TWO_WORKERS = 1.15
READY_S, FLAT_RESUME = 0.010, 1.2
FROM_START_S = {"sqlite": 0.250, "postgres": 0.400}
SLEEPER_BYTES, ALL_ASLEEP_S, WAKES, IDLE_CPU = 750, 0.5, 2_000, 0.01
EFFECT_BYTES = {"sqlite": 250, "postgres": 320}
FLAT_STORE = 1.3
FLAT_MEMORY = 1.3


@dataclass(frozen=True)
class Target:
    """One figure beside what it must be."""

    workload: str
    what: str
    found: str
    wanted: str
    reached: bool


def targets(results: Results) -> list[Target]:
    """Return all targets for which there are figures."""
    return [
        target
        for part in (_sequence, _many, _workers, _resume, _parallel, _sleepers, _full)
        for target in part(results)
    ]


def _at_least(workload: str, what: str, found: float, wanted: float, unit: str = " ×") -> Target:
    return Target(
        workload, what, _number(found, unit), f"≥ {_number(wanted, unit)}", found >= wanted
    )


def _at_most(workload: str, what: str, found: float, wanted: float, unit: str = " ×") -> Target:
    return Target(
        workload, what, _number(found, unit), f"≤ {_number(wanted, unit)}", found <= wanted
    )


def _number(value: float, unit: str) -> str:
    if unit == "s":
        return duration(value)
    return f"{value:,.2f}{unit}" if unit == " ×" else f"{value:,.0f}{unit}"


def _ours(results: Results, workload: str, **wanted: str) -> list[Case]:
    return results.cases(workload, peer="perdure", **wanted)


def _sequence(results: Results) -> Iterator[Target]:
    for case in _ours(results, "W1"):
        found, store = results.median(case, rate), STORES[case.store]
        share = FLOOR_SHARE.get((case.store, case.variant))
        for floor in results.cases("W1", peer="floor", store=case.store):
            if share is not None:
                what = f"{case.variant} on {store}, of the floor"
                yield _at_least("W1", what, found / results.median(floor, rate), share)
        peer = best_peer(results, "W1", ("postgres", "own"))
        if case.store == "postgres" and case.variant == "async def" and peer is not None:
            yield _at_least("W1", f"on {store}, to the best peer", found / peer, AHEAD_W1)
        size = results.median(case, effect_bytes)
        what = f"{case.variant} on {store}"
        yield _at_most("W6", what, size, EFFECT_BYTES[case.store], " bytes an effect")


def _many(results: Results) -> Iterator[Target]:
    for case in _ours(results, "W2"):
        found, store = results.median(case, rate), STORES[case.store]
        for stores, name, wanted in (
            ((case.store,), f"the best peer on {store}", AHEAD_W2),
            (("own",), "Restate on its own store", AHEAD_W2_RESTATE),
        ):
            peer = best_peer(results, "W2", stores)
            if peer is not None:
                yield _at_least("W2", f"on {store}, to {name}", found / peer, wanted)


def _workers(results: Results) -> Iterator[Target]:
    for one in _ours(results, "W2b", variant="1 worker"):
        for two in _ours(results, "W2b", variant="2 workers"):
            base = results.median(one, worker_cpu)
            # The kernel counts a process's CPU time in steps of 10 ms: of little work it may find none.
            if base > 0:
                ratio = results.median(two, worker_cpu) / base
                what = "CPU per effect, two workers to one"
                yield _at_most("W2b", what, ratio, CPU_TWO_WORKERS)


def _resume(results: Results) -> Iterator[Target]:
    for key, store in STORES.items():
        cases = sorted(_ours(results, "W3", store=key), key=lambda case: case.number)
        if not cases:
            continue
        ready = [
            results.median(case, lambda figures: figures["ready_to_effect_s"]) for case in cases
        ]
        start = [
            results.median(case, lambda figures: figures["start_to_effect_s"]) for case in cases
        ]
        what = f"on {store}, ready to effect, slowest to fastest number of effects"
        yield _at_most("W3", what, max(ready) / min(ready), FLAT_RESUME)
        yield _at_most("W3", f"on {store}, ready to effect", max(ready), READY_S, "s")
        yield _at_most("W3", f"on {store}, start to effect", max(start), FROM_START_S[key], "s")


def _parallel(results: Results) -> Iterator[Target]:
    peer = best_peer(results, "W4", (*STORES, "own"))
    for case in _ours(results, "W4"):
        if peer is not None:
            what = f"on {STORES[case.store]}, to the best peer"
            yield _at_least("W4", what, results.median(case, rate) / peer, AHEAD_W4)


def _sleepers(results: Results) -> Iterator[Target]:
    for case in (*_ours(results, "W5"), *_ours(results, "W5b")):

        def of(key: str, case: Case = case) -> float:
            return results.median(case, lambda figures: figures[key])

        where = f"on {STORES[case.store]}, {of('sleepers'):,.0f} runs"
        size = results.median(case, sleeper_bytes)
        yield _at_most("W5", where, size, SLEEPER_BYTES, " bytes each")
        if case.workload == "W5":
            yield _at_most("W5", f"{where}, until all sleep", of("seconds"), ALL_ASLEEP_S, "s")
        else:
            idle = of("idle_cpu_s") / of("idle_s")
            what = f"{where}, CPU while all sleep"
            yield Target("W5", what, f"{idle:.1%}", f"≤ {IDLE_CPU:.0%}", idle <= IDLE_CPU)
            yield _at_least("W5", f"{where}, wake", results.median(case, wakes), WAKES, "/s")
    for key, store in STORES.items():
        memory = {
            results.median(case, lambda figures: figures["sleepers"]): results.median(
                case, lambda figures: figures["resident_bytes"]
            )
            for workload in ("W5", "W5b")
            for case in _ours(results, workload, store=key)
        }
        if len(memory) > 1:
            few, many = min(memory), max(memory)
            what = f"on {store}, memory with {many:,.0f} runs to that with {few:,.0f}"
            yield _at_most("W5", what, memory[many] / memory[few], FLAT_MEMORY)


def _full(results: Results) -> Iterator[Target]:
    for case in _ours(results, "W8"):
        sizes = next(figures["sizes"] for one, figures in results.raw if one == case)
        for key, name in (("wall_s", "a turn"), ("cpu_s", "its CPU time")):
            costs = [size[key] for size in sizes]
            what = f"on {STORES[case.store]}, {name}, dearest store to the smallest"
            yield _at_most("W8", what, max(costs) / costs[0], FLAT_STORE)
