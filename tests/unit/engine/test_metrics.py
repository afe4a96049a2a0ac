"""What a worker counts is what happened.

Method: histograms against the values that were put in; a worker's numbers after programs whose turns are known.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from perdure import Engine
from perdure.engine.metrics import METRICS, Histogram, Metrics

MODULE = """
from perdure import effect, Retry

tries = []

@effect(idempotent=True, retry=Retry(attempts=3, base_s=0.001))
def shaky(x):
    tries.append(x)
    if len(tries) == 1:
        raise ValueError("not yet")
    return x

async def quick(x):
    return x + 1

def bad(x):
    raise ValueError("never")
"""

PROGRAM = """
(import (scheme base) (perdure) (python parts))
(define (main n)
  (let loop ((i 0)) (when (< i n) (quick i) (loop (+ i 1))))
  (sleep 0.01)
  (guard (e (#t #t)) (bad 1))
  (shaky 1))
"""


def test_quantiles_are_right_to_within_a_factor_of_two() -> None:
    chance = random.Random(1)
    histogram = Histogram()
    values = sorted(chance.expovariate(100) for _ in range(10_000))
    for value in values:
        histogram.add(value)
    assert histogram.count == len(values)
    assert histogram.total == pytest.approx(sum(values))
    for share in (0.01, 0.5, 0.9, 0.99):
        exact = values[int(share * len(values))]
        assert exact / 2 <= histogram.quantile(share) <= exact * 2
    assert Histogram().quantile(0.5) == 0.0


def test_a_snapshot_is_plain_data_with_every_number() -> None:
    metrics = Metrics()
    metrics.batch_size.add(3)
    found = json.loads(json.dumps(metrics.snapshot()))
    assert set(found) == {metric.name for metric in METRICS}
    assert found["batch_size"]["count"] == 1
    assert found["batch_size"]["buckets"] == [[4.194304, 1]]
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_a_worker_counts_turns_commits_and_effects(tmp_path: Path) -> None:
    (tmp_path / "parts.py").write_text(MODULE)
    (tmp_path / "program.scm").write_text(PROGRAM)
    with Engine(f"sqlite:{tmp_path}/m.db", execute="none") as engine:
        for name in ("a", "b"):
            engine.start(tmp_path / "program.scm", 20, id=name)
        worker = engine.worker()
        worker.start()
        for name in ("a", "b"):
            assert engine.result(name, timeout=30) == 1
        worker.stop()
        assert worker.join(10)
        found = worker.metrics.snapshot()
        entries = sum(len(engine.log(name)) for name in ("a", "b"))
    assert found["turns"] + found["marks"] == entries == found["batch_size"]["total"]
    assert found["commits"] == found["commit_s"]["count"] <= entries
    assert found["claims"] == found["restores"] == found["restore_s"]["count"] == 2
    assert found["effects_started"] == found["effects_ended"] == 2 * 22 + 1
    assert found["effects_retried"] == 1
    assert found["effects_failed"] == 2
    assert found["timer_late_s"]["count"] == 3  # two that sleep, one that tries again
    assert found["wait_s"]["count"] >= entries
    assert found["delta_bytes"] > 0
    assert found["snapshot_bytes"] > 0
    assert found["fenced"] == found["quarantines"] == found["outages"] == found["live_runs"] == 0
