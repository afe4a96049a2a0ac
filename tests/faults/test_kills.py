"""Kill a process with SIGKILL at random moments and at every named point, and look at what became of its effects.

The child process runs a program to its end; each round goes on where the last one was killed. Every effect writes its
request's key to a file, so that the file tells how often each was performed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from perdure import Engine

COUNT = 40
ROUNDS_MAX = 12
TIMEOUT_S = 60.0
POINTS = (
    "turn-taken",
    "before-commit",
    "after-commit",
    "effect-started",
    "effect-ended",
    "run-loaded",
)

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
    line("safe.txt", idempotency_key)
    await asyncio.sleep(0.001)
    return x

def once(x, idempotency_key):
    line("once.txt", idempotency_key)
    return x
"""

SAFE = """
(import (scheme base) (scheme write) (perdure) (python trace))
(define (main n)
  (let loop ((i 0) (sum 0) (kept '()))
    (cond ((= i n) (list sum (length kept)))
          (else
            (when (= 0 (modulo i 10)) (sleep 0.001))
            (display i)
            (let ((both (all (lambda () (safe i)) (lambda () (safe (* 2 i))))))
              (loop (+ i 1) (+ sum (car both) (cadr both)) (cons i kept)))))))
"""

ONCE = """
(import (scheme base) (perdure) (python trace))
(define (main n)
  (let loop ((i 0) (doubts 0) (done 0))
    (if (= i n)
        (list done doubts)
        (let ((got (guard (e (#t 'unknown)) (once i))))
          (if (eq? got 'unknown)
              (loop (+ i 1) (+ doubts 1) done)
              (loop (+ i 1) doubts (+ done 1)))))))
"""

CHILD = """
import sys
from perdure import Engine
from perdure.base.errors import RunStopped
with Engine("sqlite:" + sys.argv[1], execute="own") as engine:
    try:
        print(engine.run(sys.argv[2], int(sys.argv[3]), id="r", timeout=50))
    except RunStopped as stopped:
        # So many deaths in a row look as if the run were to blame: an operator knows better.
        assert "its worker died" in str(stopped), stopped
        engine.retry("r")
        print(engine.result("r", timeout=50))
"""


def finish(directory: Path, source: str, *, seed: int, points: tuple[str, ...]) -> tuple[str, int]:
    """Run a program to its end through many deaths; return what it printed and how often it was killed."""
    (directory / "trace.py").write_text(MODULE)
    (directory / "program.scm").write_text(source)
    chance = random.Random(seed)
    kills = 0
    while True:
        environment = dict(os.environ)
        environment.pop("PERDURE_CRASH_AT", None)
        if kills < ROUNDS_MAX:
            point = chance.choice(points)
            times = 1 if point == "run-loaded" else chance.randint(1, 12)
            environment["PERDURE_CRASH_AT"] = f"{point}:{times}"
        child = subprocess.run(
            [
                sys.executable,
                "-c",
                CHILD,
                str(directory / "k.db"),
                str(directory / "program.scm"),
                str(COUNT),
            ],
            capture_output=True,
            text=True,
            env=environment,
            timeout=TIMEOUT_S,
            check=False,
        )
        if child.returncode == -signal.SIGKILL:
            kills += 1
            continue
        assert child.returncode == 0, child.stderr
        return child.stdout.strip(), kills


def performed(file: Path) -> Counter[str]:
    return Counter(file.read_text().split()) if file.exists() else Counter()


@pytest.mark.parametrize("point", POINTS)
def test_idempotent_effects_are_all_done_whatever_the_point_of_death(
    tmp_path: Path, point: str
) -> None:
    printed, kills = finish(tmp_path, SAFE, seed=1, points=(point,))
    total = sum(3 * i for i in range(COUNT))
    assert printed == str([total, COUNT])
    assert kills > 0
    assert len(performed(tmp_path / "safe.txt")) == 2 * COUNT


def test_other_effects_are_never_done_twice(tmp_path: Path) -> None:
    printed, kills = finish(tmp_path, ONCE, seed=2, points=POINTS)
    done, doubts = (int(part) for part in printed.strip("[]").split(","))
    counts = performed(tmp_path / "once.txt")
    assert kills > 0
    assert max(counts.values()) == 1
    assert done + doubts == COUNT
    assert doubts <= kills
    assert done <= len(counts) <= COUNT


def test_output_is_recorded_exactly_once(tmp_path: Path) -> None:
    finish(tmp_path, SAFE, seed=3, points=POINTS)
    with Engine(f"sqlite:{tmp_path}/k.db", execute="none") as engine:
        assert engine.output("r") == "".join(str(i) for i in range(COUNT))
