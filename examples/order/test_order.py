"""Tests of order.scm in Python: the shop's functions as they are, stubs for what goes wrong, and a kill at every point."""

from collections.abc import Callable

import pytest

from perdure.testing import World

ORDER = {"id": "A1", "card": "4111", "items": ["book", "lamp"]}


def test_an_order_is_paid_and_shipped(world: Callable[..., World]) -> None:
    run = world("order.scm", real=True).start(ORDER)
    assert run.result == ["shipped", "parcel A1 with 2 items"]
    assert run.calls("charge-card") == [["4111", 75]]
    assert run.output == "paid 75\n"


def test_a_carrier_that_fails_has_everything_undone(world: Callable[..., World]) -> None:
    here = world("order.scm", real=True, stubs={"ship": ConnectionError("no carrier")})
    run = here.start(ORDER)
    assert run.result == ["failed", "A1"]
    assert len(run.calls("release")) == 2
    assert len(run.calls("refund")) == 1


def test_an_order_without_a_payment_has_nothing_to_undo(world: Callable[..., World]) -> None:
    here = world("order.scm", real=True)
    here.fail("charge-card", ValueError("declined"))
    run = here.start(ORDER)
    assert run.result == ["failed", "A1"]
    assert [effect.name for effect in run.effects] == ["charge-card"]


@pytest.mark.crash_everywhere
def test_an_order_survives_a_kill_at_every_point(world: Callable[..., World]) -> None:
    here = world("order.scm", real=True)
    assert here.start(ORDER).result == ["shipped", "parcel A1 with 2 items"]
    assert here.start({**ORDER, "items": ["book", "unicorn"]}).result == ["failed", "A1"]
