"""Runs on PostgreSQL: an example through the engine, and two worker processes of which one is killed.

Method: every effect writes its idempotency key to a file, so that the file tells how often each was performed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure import Engine
from perdure.engine.checking import check

EXAMPLES = Path(__file__).parents[2] / "examples"
RUNS = 24
STEPS = 30
PATIENCE_S = 90.0

MODULE = """
import asyncio
import os
from perdure import effect

def line(file, text):
    fd = os.open(os.path.join(os.path.dirname(__file__), file), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, (text + "\\n").encode())
    os.close(fd)

@effect(idempotent=True)
async def safe(x, idempotency_key):
    await asyncio.sleep(0.005)
    line("safe.txt", idempotency_key)
    return x

def once(x, idempotency_key):
    line("once.txt", idempotency_key)
    return x
"""

PROGRAM = """
(import (scheme base) (perdure) (python trace))
(define (main n)
  (let loop ((i 0) (sum 0) (doubts 0))
    (if (= i n)
        (list sum doubts)
        (let ((got (guard (e ((outcome-unknown? e) 'unknown)) (once i))))
          (loop (+ i 1) (+ sum (safe i)) (if (eq? got 'unknown) (+ doubts 1) doubts))))))
"""


def test_the_order_example_runs_on_postgres(postgres_url: str) -> None:
    order = {"id": "A1", "card": "4111", "items": ["book", "lamp"]}
    with Engine(postgres_url) as engine:
        result = engine.run(EXAMPLES / "order" / "order.scm", order, id="order", timeout=30)
        assert "parcel A1 with 2 items" in str(result)
        assert [entry.seq for entry in engine.log("order")] == list(
            range(1, len(engine.log("order")) + 1)
        )
    with Engine(postgres_url, execute="none") as again:
        assert again.result("order") == result
        assert list(check(again.store, again.programs)) == []


@pytest.fixture
def workers(tmp_path: Path, postgres_url: str) -> Iterator[list[subprocess.Popen[str]]]:
    log = (tmp_path / "workers.log").open("w")
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "perdure", "worker", "--db", postgres_url],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            text=True,
        )
        for _ in range(2)
    ]
    yield started
    for process in started:
        process.kill()
        process.wait()
    log.close()


def test_a_killed_workers_runs_go_on_in_the_other(
    tmp_path: Path, postgres_url: str, workers: list[subprocess.Popen[str]]
) -> None:
    (tmp_path / "trace.py").write_text(MODULE)
    (tmp_path / "program.scm").write_text(PROGRAM)
    with Engine(postgres_url, execute="none") as engine:
        for number in range(RUNS):
            engine.start(tmp_path / "program.scm", STEPS, id=f"r{number}")
        safe = tmp_path / "safe.txt"
        until = time.monotonic() + PATIENCE_S

        def wait(enough: int) -> None:
            while not safe.exists() or len(safe.read_text().split()) < enough:
                assert time.monotonic() < until, (tmp_path / "workers.log").read_text()
                time.sleep(0.01)

        wait(RUNS * STEPS // 4)
        os.kill(workers[0].pid, signal.SIGKILL)
        while engine.store.counts() != {"completed": RUNS}:
            assert time.monotonic() < until, (tmp_path / "workers.log").read_text()
            time.sleep(0.05)
        results = [engine.result(f"r{number}") for number in range(RUNS)]
        assert list(check(engine.store, engine.programs)) == []
    workers[1].send_signal(signal.SIGTERM)
    assert workers[1].wait(timeout=30) == 143
    assert {total for total, _ in results} == {sum(range(STEPS))}
    keys = Counter(safe.read_text().split())
    once = Counter((tmp_path / "once.txt").read_text().split())
    doubts = sum(doubt for _, doubt in results)
    assert len(keys) == RUNS * STEPS
    assert max(once.values()) == 1
    assert RUNS * STEPS - doubts <= len(once) <= RUNS * STEPS
    assert doubts <= RUNS
