"""Two engines in one process do not get into each other's way.

Goal: what is process-wide (the watchdog, the current output port's hook) belongs to the run that is evaluated now.
Method: make a second engine, then run a program in the first that captures output and one that has to be pre-empted.
"""

from __future__ import annotations

from pathlib import Path

from perdure import Engine

CAPTURES = """
(define (main) (with-output-to-string (lambda () (display "inside"))))
"""
SPINS = """
(define (main)
  (race (lambda () (let loop () (loop)))
        (lambda () (sleep 0.01) 'stopped)))
"""


def test_an_engine_works_as_before_when_another_one_was_made(tmp_path: Path) -> None:
    captures, spins = tmp_path / "captures.scm", tmp_path / "spins.scm"
    captures.write_text(CAPTURES)
    spins.write_text(SPINS)
    with Engine("memory:") as first, Engine("memory:") as second:
        for engine in (second, first):
            assert engine.result(engine.start(captures), timeout=20) == "inside"
            assert engine.result(engine.start(spins), timeout=20) == "stopped"
