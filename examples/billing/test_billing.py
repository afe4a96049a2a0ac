"""Tests of billing.scm in Python: a year of it takes some milliseconds. The provider is a stub; payments.py is not called."""

from collections.abc import Callable

import pytest

from perdure import effect
from perdure.testing import Later, World

ADA = {"customer": "ada", "plan": "basic"}
PRICES = {"basic": 10, "pro": 25}


def bill(customer: str, plan: str, invoice: int) -> int:
    return PRICES[plan]


def test_a_year_is_billed_every_thirty_days(world: Callable[..., World]) -> None:
    here = world("billing.scm", stubs={"bill": bill})
    run = here.start(ADA)
    here.advance(days=45)
    run.send({"plan": "pro"})
    here.advance(days=320)
    assert len(run.calls("bill")) == 13
    run.send({"end": True})
    assert run.result == ["ended", 13, 295]


def test_a_provider_that_is_down_for_a_while_is_asked_again(world: Callable[..., World]) -> None:
    here = world("billing.scm", stubs={"bill": bill})
    here.fail("bill", ConnectionError("down"), times=3)
    run = here.start(ADA)
    here.advance(hours=1)
    run.send({"end": True})
    assert run.result == ["ended", 1, 10]
    assert [one.outcome for one in run.effects] == ["raised", "raised", "raised", "returned"]


def test_a_provider_that_stays_down_leaves_an_invoice_unpaid(world: Callable[..., World]) -> None:
    here = world("billing.scm", stubs={"bill": Later(60, 10)})
    run = here.start(ADA)  # each attempt takes a minute, and payments.py allows thirty seconds
    here.advance(days=1)
    run.send({"end": True})
    assert run.result == ["ended", 1, 0]
    assert run.logged == [("warning", "not paid")]


@pytest.mark.crash_everywhere
def test_no_kill_bills_twice(world: Callable[..., World]) -> None:
    paid: dict[str, int] = {}

    @effect(idempotent=True)
    def once(customer: str, plan: str, invoice: int, idempotency_key: str) -> int:
        return paid.setdefault(idempotency_key, PRICES[plan])

    here = world("billing.scm", stubs={"bill": once})
    run = here.start(ADA)
    here.advance(days=100)
    run.send({"end": True})
    assert run.result == ["ended", 4, 40]
    assert sum(paid.values()) == 40
