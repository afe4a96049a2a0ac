"""Poisonous programs beside healthy ones, in one worker: nobody but themselves is hurt.

Method: a `perdure worker` process with a small quota of memory executes poison of each kind and 99 healthy runs, which all
have to come to their end in time; what the poisonous ones came to is looked at one by one.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from workers import TIMEOUT_S, Place

from perdure.base import limits

QUOTA_MIB = 192
HEALTHY_MAX_S = 30.0

MODULE = """
async def quick(x):
    return x + 1
"""

HEAD = "(import (scheme base) (scheme write) (perdure) (python acts))\n"

PROGRAMS = {
    "healthy": """
(define (main n)
  (let loop ((i 0))
    (when (< i 5) (sleep 0.05) (quick i) (loop (+ i 1))))
  n)""",
    "spin": "(define (main) (let loop ((i 0)) (loop (+ i 1))))",
    # A list that would take 10 GB, made by a loop; by one operation; and as garbage that a handler lets go of.
    "hoard": "(define (main) (let loop ((l (list))) (loop (cons (make-string 100 #\\x) l))))",
    "gulp": "(define (main) (make-vector 100000000 0))",
    "gorge": """
(define (main)
  (let* ((a (make-vector 20000000 0)) (b (make-vector 20000000 0)) (c (make-vector 20000000 0)))
    (sleep 1)
    (list a b c)))""",
    "careful": """
(define (main)
  (let ((first (guard (e (#t (condition-message e)))
                 (let ((large (list (make-vector 20000000 0) (make-vector 20000000 0))))
                   (let loop ((i 0)) (when (< i 1000000) (loop (+ i 1))))
                   (length large)))))
    (sleep 0.01)
    (list first "alive")))""",
    "deep": """
(define (deep n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))
(define (main) (deep 1000000))""",
    "flood": "(define (main) (let loop () (display (make-string 10000 #\\x)) (loop)))",
    "scream": "(define (main) (display (make-string 20000000 #\\x)))",
    "mail": "(define (main) (let loop () (send-message (self) 1) (loop)))",
    "hog": "(define (main) (let loop ((i 0)) (expt 3 300000) (loop (+ i 1))))",
}
ENDLESS = ("spin", "flood", "mail", "hog")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    programs = {name: HEAD + text for name, text in PROGRAMS.items()}
    made = Place(tmp_path, MODULE, **programs)
    yield made
    made.close()


def resident_mib(pid: int) -> int:
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("VmRSS")).split()[1]) // 1024


def test_ninety_nine_healthy_runs_finish_beside_poison(place: Place) -> None:
    worker = place.worker("w", "--memory", str(QUOTA_MIB), "--drain-timeout", "0", "--lease", "10")
    for name in PROGRAMS:
        if name != "healthy":
            place.start(name, id=name)
    place.until(lambda: all(place.engine.find(name).seq > 0 for name in ENDLESS))
    began = time.monotonic()
    healthy = [place.start("healthy", n, id=f"healthy-{n}") for n in range(99)]
    assert [place.value(one) for one in healthy] == list(range(99))
    took_s = time.monotonic() - began
    assert took_s < HEALTHY_MAX_S
    for name in ENDLESS:
        assert place.engine.find(name).status in ("ready", "running")
        place.engine.cancel(name)
    assert {place.wait(name).status for name in ENDLESS} == {"cancelled"}
    # Each of the others came to what was meant for it.
    first, alive = place.value("careful")
    assert (
        "more than" in first
    )  # the memory that the turn took, or the state, whichever is noticed first
    assert alive == "alive"
    for name, told in (
        ("hoard", "state has"),
        ("gulp", "the result would have"),
        ("scream", "displays at most"),
    ):
        error = place.wait(name).error
        assert error is not None
        assert (error.kind, error.code) == ("quota-error", "P214")
        assert told in error.message
    # This one gave no chance to raise a condition, so its turn was thrown away.
    gorge = place.wait("gorge").error
    assert gorge is not None
    assert "P601" in gorge.message
    assert place.value("deep") == 1_000_000
    # Output and messages are kept within bounds, and the memory is given back.
    stored = sum(len(piece.text) for piece in place.engine.outputs("flood"))
    assert stored < 2 * (limits.OUTPUT_KEPT_CHARS + limits.TURN_OUTPUT_CHARS)
    assert resident_mib(worker.pid) < 4 * QUOTA_MIB
    assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(TIMEOUT_S) == 128 + signal.SIGTERM
    assert place.told("w").count('"lease lost"') == 0
