"""Tests of intake.scm in Python: a record that nobody foresaw, and the ways to go on from it."""

from collections.abc import Callable

from perdure.testing import World

RECORDS = [
    {"item": "tea", "count": 4},
    {"item": "cup", "count": "many"},
    {"item": "jar", "count": 2},
]


def test_good_records_are_entered(world: Callable[..., World]) -> None:
    run = world("intake.scm", real=True).start(RECORDS[::2])
    assert run.result == ["entered", 6]


def test_a_bad_record_parks_and_somebody_is_told(world: Callable[..., World]) -> None:
    run = world("intake.scm", real=True).start(RECORDS)
    assert run.status == "parked"
    assert len(run.calls("notify")) == 1


def test_a_record_can_be_left_out(world: Callable[..., World]) -> None:
    run = world("intake.scm", real=True).start(RECORDS)
    run.restart("skip-record")
    assert run.result == ["entered", 6]


def test_a_count_can_be_supplied(world: Callable[..., World]) -> None:
    run = world("intake.scm", real=True).start(RECORDS)
    run.restart("use-count", 12)
    assert run.result == ["entered", 18]
    assert run.calls("enter") == [["tea", 4], ["cup", 12], ["jar", 2]]


def test_what_nobody_answers_is_taken_back_after_three_days(world: Callable[..., World]) -> None:
    here = world("intake.scm", real=True)
    run = here.start(RECORDS)
    here.advance(days=3)
    assert run.status == "failed"
    assert run.calls("take-back") == [["tea", 4]]
