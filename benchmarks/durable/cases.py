"""What is measured: every engine, workload, store and variant, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

PEERS = ("perdure", "floor", "dbos", "langgraph", "absurd", "dura", "restate")
WORKLOADS = ("W1", "W2", "W2b", "W3", "W4", "W5", "W5b", "W6", "W8")
OWN_ROUNDS = frozenset({"W8"})
"""Workloads that interleave by themselves and are run once."""


@dataclass(frozen=True)
class Sizes:
    """How much work: see protocol.Given. `wakers` are the sleeping runs of W5b."""

    effects: int = 1_000
    runs: int = 500
    each: int = 10
    parallel: int = 500
    sleepers: int = 2_000
    wakers: int = 100_000
    kills: tuple[int, ...] = (100, 1_000, 5_000, 20_000)
    restarts: int = 3
    stored: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    turns: int = 200


SIZES = {
    "full": Sizes(),
    "small": Sizes(
        effects=20,
        runs=6,
        each=3,
        parallel=5,
        sleepers=8,
        wakers=20,
        kills=(5, 12),
        restarts=2,
        stored=(5, 20),
        turns=10,
    ),
}


@dataclass(frozen=True)
class Case:
    """One program that is run in every round. `number` is the effect that is killed, in W3."""

    workload: str
    peer: str
    store: str
    variant: str = ""
    number: int = 0

    def __str__(self) -> str:
        more = [self.variant, f"after {self.number:,}" if self.number else ""]
        return " ".join([self.workload, self.peer, self.store, *filter(None, more)])


def _variants(workload: str, peer: str, stores: tuple[str, ...], *variants: str) -> list[Case]:
    return [Case(workload, peer, store, one) for store in stores for one in variants or ("",)]


BOTH, SQLITE, POSTGRES, OWN = ("sqlite", "postgres"), ("sqlite",), ("postgres",), ("own",)

CASES: tuple[Case, ...] = (
    *_variants("W1", "perdure", BOTH, "async def", "def"),
    *_variants("W1", "floor", BOTH),
    *_variants("W1", "dbos", BOTH, "sync", "async"),
    *_variants("W1", "langgraph", BOTH, "default", "sync"),
    *_variants("W1", "absurd", POSTGRES),
    *_variants("W1", "dura", SQLITE),
    *_variants("W1", "restate", OWN),
    *_variants("W2", "perdure", BOTH),
    *_variants("W2", "dbos", BOTH, "threads", "async", "queue"),
    *_variants("W2", "langgraph", BOTH),
    *_variants("W2", "absurd", POSTGRES, "sync 8", "async 16"),
    *_variants("W2", "dura", SQLITE, "1 worker", "4 workers"),
    *_variants("W2", "restate", OWN),
    *_variants("W2b", "perdure", POSTGRES, "1 worker", "2 workers"),
    *_variants("W3", "perdure", BOTH),
    *_variants("W3", "dbos", BOTH),
    *_variants("W3", "langgraph", BOTH),
    *_variants("W3", "absurd", POSTGRES),
    *_variants("W3", "dura", SQLITE),
    *_variants("W3", "restate", OWN, "all", "service"),
    *_variants("W4", "perdure", BOTH),
    *_variants("W4", "dbos", BOTH, "gather", "queue"),
    *_variants("W4", "langgraph", BOTH),
    *_variants("W4", "absurd", POSTGRES, "children", "gather"),
    *_variants("W4", "dura", SQLITE),
    *_variants("W4", "restate", OWN),
    *_variants("W5", "perdure", BOTH),
    *_variants("W5", "dbos", BOTH),
    *_variants("W5", "langgraph", BOTH),
    *_variants("W5", "absurd", POSTGRES),
    *_variants("W5", "dura", SQLITE),
    *_variants("W5", "restate", OWN),
    *_variants("W5b", "perdure", BOTH),
    *_variants("W8", "perdure", BOTH),
)


def chosen(
    workloads: tuple[str, ...], peers: tuple[str, ...], stores: tuple[str, ...], sizes: Sizes
) -> list[Case]:
    """Return the cases of some workloads, engines and stores; W3 once for each number, W6 comes out of W1."""
    wanted = {"W1" if one == "W6" else one for one in workloads}
    found: list[Case] = []
    for workload in WORKLOADS:
        for number in sizes.kills if workload == "W3" else (0,):
            found += [
                replace(case, number=number)
                for case in CASES
                if case.workload == workload
                and workload in wanted
                and case.peer in peers
                and case.store in stores
            ]
    return found
