"""A program that waits at the bottom of a deep recursion is saved there, and goes on from what was stored.

Goal: depth is bounded by memory, also where a run is suspended. Method: the run is encoded and decoded at each of its few stops.
"""

from __future__ import annotations

from runs import Ended, Saved, run, world

DEEP = """
(define (deep n)
  (if (= n 0)
      (begin (sleep 1) (sleep 1) 0)
      (+ 1 (deep (- n 1)))))
(deep 100000)
"""
REENTERED = """
(define bottom #f)
(define (deep n)
  (if (= n 0)
      (call/cc (lambda (k) (set! bottom k) 0))
      (+ 1 (deep (- n 1)))))
(define visits 0)
(let ((value (deep 20000)))
  (set! visits (+ visits 1))
  (sleep 1)
  (if (< visits 3) (bottom visits) value))
"""


class AtStops(Saved):
    """Encodes and decodes the run where it stops by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stepper = None


def ended(source: str) -> tuple[Ended, int]:
    way = AtStops()
    return run(world().toolchain.compile_source(source, "deep.scm"), way), way.restores


def test_a_recursion_that_waits_at_its_bottom_goes_on_from_what_was_stored() -> None:
    found, restores = ended(DEEP)
    assert (found.status, found.result) == ("completed", "100000")
    assert restores >= 2


def test_a_continuation_of_a_deep_recursion_is_entered_after_it_was_stored() -> None:
    found, restores = ended(REENTERED)
    assert (found.status, found.result) == ("completed", "20002")
    assert restores >= 3
