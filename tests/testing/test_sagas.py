"""A saga of ten effects, with each of them failing and the worker killed everywhere: money is conserved.

Method: a bank in Python that knows idempotency keys; the program moves money in a transaction whose steps have undoes. What the bank has
at the end is what the program says it did: everything, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perdure import effect
from perdure.testing import Later, Run, World, crash_everywhere

SAGA = """
(import (scheme base) (perdure) (python bank))
(define done '())
(define (main steps)
  (guard (failure ((effect-error? failure) (list 'undone done (effect-error-type failure))))
    (transaction
      (for-each
        (lambda (step)
          (compensate (move step 10) (move-back step 10))
          (set! done (cons step done))
          (if (= step 5) (sleep 3600)))
        (vector->list steps))
      (list 'done (length done)))))
"""


class Bank:
    """Ten customers' money and the shop's. The customer `failing`, if there is one, can't be reached."""

    def __init__(self, failing: int | None) -> None:
        self.customers = dict.fromkeys(range(10), 100)
        self.shop = 0
        self._failing = failing
        self._keys: set[str] = set()

    def move(self, customer: int, amount: int, idempotency_key: str) -> None:
        """Take money from a customer, once for each key."""
        if idempotency_key not in self._keys:
            self._keys.add(idempotency_key)
            self.customers[customer] -= amount
            self.shop += amount

    def stubs(self) -> dict[str, Any]:
        """Return the effects of the program."""

        @effect(idempotent=True)
        def move(customer: int, amount: int, idempotency_key: str) -> Later:
            if customer == self._failing:
                raise ConnectionError("no route")
            self.move(customer, amount, idempotency_key)
            return Later(customer % 3)

        @effect(idempotent=True)
        def move_back(customer: int, amount: int, idempotency_key: str) -> None:
            self.move(customer, -amount, idempotency_key)

        return {"move": move, "move-back": move_back}


@pytest.fixture
def saga(tmp_path: Path) -> Path:
    path = tmp_path / "saga.scm"
    path.write_text(SAGA)
    return path


def tell(world: Callable[..., World], saga: Path, failing: int | None) -> Run:
    bank = Bank(failing)
    here = world(saga, stubs=bank.stubs())
    run = here.start(list(range(10)))
    here.run()
    if failing is None:
        assert run.written == "(done 10)"
        assert bank.shop == 100
        assert set(bank.customers.values()) == {90}
    else:
        assert run.written == '(undone () "ConnectionError")'
        assert bank.shop == 0
        assert set(bank.customers.values()) == {100}
    return run


@pytest.mark.parametrize("failing", [None, *range(10)])
def test_a_saga_is_done_or_undone(saga: Path, failing: int | None) -> None:
    run = tell(World, saga, failing)
    undone = [customer for customer, _ in run.calls("move-back")]
    assert undone == list(reversed(range(failing or 0)))


@pytest.mark.parametrize("failing", [None, 0, 4, 9])
def test_a_saga_is_done_or_undone_wherever_the_worker_dies(saga: Path, failing: int | None) -> None:
    crashes = crash_everywhere(lambda world: tell(world, saga, failing), points_max=40)
    assert crashes.doubtful == 0
    assert crashes.points >= 6


DOUBTFUL = """
(import (scheme base) (perdure) (python bank))
(define (main)
  (guard (failure ((outcome-unknown? failure) 'undone))
    (transaction
      (compensate (pay 1) (pay-back 1))
      (compensate (pay 2) (pay-back 2))
      (sleep 5)
      (compensate (pay 3) (pay-back 3))
      'done)))
"""


def test_a_saga_of_effects_that_must_not_be_repeated_asks_in_every_doubt(tmp_path: Path) -> None:
    path = tmp_path / "doubtful.scm"
    path.write_text(DOUBTFUL)
    asked = []

    def story(world: Callable[..., World]) -> None:
        paid: set[int] = set()
        pay_back = effect(idempotent=True)(lambda number: paid.discard(number))
        here = world(path, stubs={"pay": paid.add, "pay-back": pay_back})
        run = here.start()
        here.run()
        while run.status == "parked":
            # Whoever is asked looks at the bank: did the payment take place that nobody has heard of?
            known = [one for one in run.attempts("pay") if one.outcome == "returned"]
            happened = len(known) + 1 in paid
            asked.append(happened)
            run.restart("it-happened" if happened else "it-did-not")
            here.run()
        assert paid == ({1, 2, 3} if run.written == "done" else set())

    crashes = crash_everywhere(story, doubts=True)
    assert crashes.points >= 12
    assert set(asked) == {True, False}
