"""Tests of trip.scm in Python: offers that are gone, a traveller who says no, or nothing, or cancels; kills at every point."""

from collections.abc import Callable

import pytest

from perdure.testing import Run, World

REQUEST = {"traveller": "ada", "to": "Oslo"}


class OfferGone(Exception):
    """Somebody else was faster."""


def names(run: Run) -> list[str]:
    return [effect.name for effect in run.effects]


def test_a_trip_is_held_until_the_traveller_says_yes(world: Callable[..., World]) -> None:
    run = world("trip.scm", real=True).start(REQUEST)
    assert run.status == "waiting"
    run.send("yes")
    assert run.result == ["booked", "ada has paid for 2", "offers", 1]
    assert run.calls("drop-seat") == run.calls("drop-room") == []


def test_when_an_offer_is_gone_both_are_asked_for_again(world: Callable[..., World]) -> None:
    here = world("trip.scm", real=True)
    here.fail("confirm-offer", OfferGone("too late"), times=2)
    run = here.start(REQUEST)
    here.advance(hours=1)
    run.send("yes")
    # The count is as it was before each attempt that failed.
    assert run.result == ["booked", "ada has paid for 2", "offers", 1]
    assert len(run.calls("hold-seat")) == 3
    assert len(run.calls("drop-seat")) == len(run.calls("drop-room")) == 2


def test_whoever_says_no_gets_everything_given_back(world: Callable[..., World]) -> None:
    run = world("trip.scm", real=True).start(REQUEST)
    run.send("no")
    assert run.result == ["declined"]
    assert names(run)[-2:] == ["drop-room", "drop-seat"]


def test_two_days_of_silence_end_it(world: Callable[..., World]) -> None:
    here = world("trip.scm", real=True)
    run = here.start(REQUEST)
    here.advance(days=2)
    assert run.result == ["no-answer"]
    assert names(run)[-2:] == ["drop-room", "drop-seat"]


def test_a_cancelled_trip_gives_back_what_it_holds(world: Callable[..., World]) -> None:
    run = world("trip.scm", real=True).start(REQUEST)
    run.cancel("ill")
    assert run.status == "cancelled"
    assert names(run)[-2:] == ["drop-room", "drop-seat"]


@pytest.mark.crash_everywhere
def test_a_trip_survives_a_kill_at_every_point(world: Callable[..., World]) -> None:
    here = world("trip.scm", real=True)
    here.fail("confirm-offer", OfferGone("too late"))
    run = here.start(REQUEST)
    here.advance(hours=1)
    run.send("no")
    assert run.result == ["declined"]
