"""What a worker counts and times: plain numbers that cost next to nothing to keep.

Layer: engine. Imports nothing of Perdure.
Invariant: METRICS names every number, with its help text and unit, and nothing else is kept; so whatever prints or exports
them needs no list of its own. A number is written by one thread (the worker's, but for what the heartbeat adds), and
may be read by any.

Not a client library of a monitoring system: those lock and look names up in dictionaries, and a turn has no microsecond
to spare. Histograms have a bucket for each power of two, which is found by `int.bit_length`.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

BUCKETS: Final = 64
"""Powers of two that a histogram tells apart: from a millionth to 9e12, in whichever unit."""


class Metric(Struct, frozen=True):
    """What a number is: its name, whether it is a "counter", a "gauge" or a "histogram", its unit and its meaning."""

    name: str
    kind: str
    unit: str
    help: str


METRICS: Final = (
    Metric("turns", "counter", "turns", "turns that became durable"),
    Metric("marks", "counter", "entries", "entries that only note starts or retries of effects"),
    Metric("preempted", "counter", "turns", "turns that were cut since they took too long"),
    Metric("commits", "counter", "transactions", "transactions with turns"),
    Metric("fenced", "counter", "turns", "turns that were lost, since another worker has the run"),
    Metric("batch_size", "histogram", "turns", "turns in one transaction"),
    Metric("commit_s", "histogram", "seconds", "how long transactions took"),
    Metric("wait_s", "histogram", "seconds", "how long runs with news waited for their turn"),
    Metric("claims", "counter", "runs", "runs that were claimed"),
    Metric("restores", "counter", "runs", "runs that were decoded"),
    Metric("restore_s", "histogram", "seconds", "how long decoding a run took"),
    Metric("releases", "counter", "runs", "runs that were given back"),
    Metric(
        "quarantines", "counter", "runs", "runs that were parked because they can't be executed"
    ),
    Metric("reaped", "counter", "runs", "runs that were taken from dead workers"),
    Metric("leases_lost", "counter", "times", "times that this worker was taken for dead"),
    Metric("effects_started", "counter", "attempts", "attempts of effects that were started"),
    Metric("effects_ended", "counter", "attempts", "attempts of effects that ended"),
    Metric("effects_abandoned", "counter", "attempts", "attempts whose outcome is wanted no more"),
    Metric("effects_retried", "counter", "attempts", "attempts that failed and are to be repeated"),
    Metric("effects_failed", "counter", "effects", "effects that raised a condition in their run"),
    Metric("effects_in_doubt", "counter", "effects", "effects of which nobody knows the outcome"),
    Metric("timer_late_s", "histogram", "seconds", "how late timers and retries were noticed"),
    Metric("outages", "counter", "times", "times that the database could not be used for a while"),
    Metric("compactions", "counter", "snapshots", "snapshots that replaced a chain of deltas"),
    Metric("compaction_s", "histogram", "seconds", "how long making such a snapshot took"),
    Metric("delta_bytes", "counter", "bytes", "bytes of deltas, as they are stored"),
    Metric("snapshot_bytes", "counter", "bytes", "bytes of snapshots, as they are stored"),
    Metric("live_runs", "gauge", "runs", "runs in memory"),
)


class Histogram:
    """How often a value was in which range.

    Attributes:
      counts: of the n-th bucket, values of at least 2**(n-1) and less than 2**n millionths.
      total: the sum of all values.
    """

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value: a size, or a time in seconds."""
        self.total += value
        self.counts[int(value * 1e6).bit_length()] += 1

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    def quantile(self, share: float) -> float:
        """Return the value that a share of all values stays below, to within a factor of two; 0.0 if there is none."""
        wanted = share * self.count
        seen = 0
        for bucket, count in enumerate(self.counts):
            if count and seen + count >= wanted:
                low = (1 << bucket >> 1) * 1e-6
                return low + (wanted - seen) / count * ((1 << bucket) * 1e-6 - low)
            seen += count
        return 0.0

    def snapshot(self) -> dict[str, Any]:
        """Return plain data: count, total, mean, quantiles, and `[upper bound, count]` of the buckets that are used."""
        count = self.count
        return {
            "count": count,
            "total": self.total,
            "mean": self.total / count if count else 0.0,
            "p50": self.quantile(0.5),
            "p99": self.quantile(0.99),
            "buckets": [[(1 << n) * 1e-6, c] for n, c in enumerate(self.counts) if c],
        }


class Metrics:
    """The numbers of one worker, as attributes by the names of METRICS."""

    __slots__ = tuple(metric.name for metric in METRICS)

    turns: int
    marks: int
    preempted: int
    commits: int
    fenced: int
    batch_size: Histogram
    commit_s: Histogram
    wait_s: Histogram
    claims: int
    restores: int
    restore_s: Histogram
    releases: int
    quarantines: int
    reaped: int
    leases_lost: int
    effects_started: int
    effects_ended: int
    effects_abandoned: int
    effects_retried: int
    effects_failed: int
    effects_in_doubt: int
    timer_late_s: Histogram
    outages: int
    compactions: int
    compaction_s: Histogram
    delta_bytes: int
    snapshot_bytes: int
    live_runs: int

    def __init__(self) -> None:
        for metric in METRICS:
            setattr(self, metric.name, Histogram() if metric.kind == "histogram" else 0)

    def snapshot(self) -> dict[str, Any]:
        """Return all numbers as plain data, by their names."""
        found: dict[str, Any] = {}
        for metric in METRICS:
            value = getattr(self, metric.name)
            found[metric.name] = value.snapshot() if type(value) is Histogram else value
        return found
