"""SIGTERM: idle runs go to another worker at once, started effects that must not be repeated are waited for.

Method: two `perdure worker` processes on one SQLite database; the effects write which process performed them.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from workers import TIMEOUT_S, Place

MODULE = """
import asyncio, os
from perdure import effect

def line(text):
    fd = os.open("acts.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, (text + "\\n").encode())
    os.close(fd)

async def once(name, seconds):
    line(f"{name} begin {os.getpid()}")
    await asyncio.sleep(seconds)
    line(f"{name} end {os.getpid()}")
    return os.getpid()

@effect(idempotent=True)
async def again(name):
    line(f"{name} begin {os.getpid()}")
    if sum(row.startswith(f"{name} begin") for row in open("acts.txt")) == 1:
        await asyncio.sleep(1000)
    return os.getpid()
"""

IDLE = "(import (scheme base) (perdure))\n(define (main) (receive-message))"
ONCE = """
(import (scheme base) (perdure) (python acts))
(define (main name seconds)
  (guard (e ((outcome-unknown? e) 'unknown)) (once name seconds)))
"""
AGAIN = """
(import (scheme base) (perdure) (python acts))
(define (main name) (again name))
"""

IDLE_RUNS = 60
DRAIN_S = 3.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, MODULE, idle=IDLE, once=ONCE, again=AGAIN)
    yield made
    made.close()


def test_sigterm_hands_over_what_can_be_handed_over_and_waits_for_the_rest(place: Place) -> None:
    first = place.worker("first", "--drain-timeout", str(DRAIN_S))
    idle = [place.start("idle", id=f"idle-{n}") for n in range(IDLE_RUNS)]
    place.start("once", "short", 1.5, id="short")
    place.start("once", "long", 1000, id="long")
    place.start("again", "safe", id="safe")
    acts = place.folder / "acts.txt"

    def all_are_live() -> bool:
        owner = place.owners()["first"]
        runs = place.engine.list()
        began = acts.read_text().count("begin") if acts.exists() else 0
        return began == 3 and sum(r.owner == owner and r.seq > 0 for r in runs) == len(idle) + 3

    place.until(all_are_live)
    second = place.worker("second")
    old = place.owners()["first"]
    first.send_signal(signal.SIGTERM)
    told_at = time.monotonic()
    place.until(lambda: sum(run.owner == old for run in place.engine.list()) == 2)
    assert time.monotonic() - told_at < 1.0
    # What may be repeated is repeated elsewhere at once.
    assert place.wait("safe").result.value == second.pid
    assert first.poll() is None
    # What ends in time ends where it began; what does not is in doubt.
    assert place.wait("short").result.value == first.pid
    assert first.wait(TIMEOUT_S) == 128 + signal.SIGTERM
    assert DRAIN_S - 0.5 < time.monotonic() - told_at < DRAIN_S + 3.0
    assert place.wait("long").result.written == "unknown"
    counts = [row.split()[:2] for row in acts.read_text().splitlines()]
    assert counts.count(["short", "begin"]) == counts.count(["long", "begin"]) == 1
    assert "effect in doubt" in place.told("second")
    # The idle ones go on in the other worker.
    for run_id in idle:
        place.engine.send(run_id, 1)
    assert {place.wait(run_id).result.value for run_id in idle} == {1}


def test_a_second_signal_does_not_wait_for_effects(place: Place) -> None:
    worker = place.worker("w", "--drain-timeout", "1000")
    place.start("once", "long", 1000, id="long")
    place.until((place.folder / "acts.txt").exists)
    worker.send_signal(signal.SIGTERM)
    place.until(lambda: "worker drains" in place.told("w"))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(TIMEOUT_S) == 128 + signal.SIGTERM
    run = place.engine.find("long")
    assert run.owner == 0
