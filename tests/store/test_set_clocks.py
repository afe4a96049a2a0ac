"""A database's clock that is set forward or back takes no lease from a living owner, and keeps none for a hung one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from turns import Clock, new_run

from perdure.base import limits
from perdure.store.api import Store
from perdure.store.leases import Trust
from perdure.store.postgres import PostgresStore
from perdure.store.sqlite import SqliteStore

DAY_S = 86_400.0
LEASE_S = limits.LEASE_S


class Clocks:
    """A database's clock that tests set, and a monotonic one; `pass_by` moves both."""

    def __init__(self) -> None:
        self.wall = Clock()
        self.monotonic = Clock()

    def pass_by(self, seconds: float) -> None:
        self.wall.seconds += seconds
        self.monotonic.seconds += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clocks: Clocks) -> Iterator[Store]:
    given = {"clock": clocks.wall, "monotonic": clocks.monotonic}
    made: Store
    if request.param == "postgres":
        made = PostgresStore(request.getfixturevalue("postgres_url"), **given)
    else:
        made = SqliteStore(str(tmp_path / "runs.db"), **given)
    yield made
    made.close()


def pass_with_beats(store: Store, clocks: Clocks, owners: dict[int, Store], seconds: float) -> int:
    """Let time pass, with a beat of each owner every third of a lease and looks in between; return what was freed."""
    freed = 0
    for _ in range(int(seconds / 2)):
        clocks.pass_by(2.0)
        if clocks.monotonic.seconds % 10 < 2:
            for owner, handle in owners.items():
                assert handle.heartbeat(owner), "a living owner was taken for dead"
        freed += store.reap_dead_owners()
    return freed


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S, LEASE_S * 1.5, -LEASE_S * 1.5])
def test_a_clock_that_is_set_frees_no_runs_of_the_living(
    store: Store, clocks: Clocks, jump_s: float
) -> None:
    other = store.another()
    mine, theirs = store.register_owner("a"), other.register_owner("b")
    store.start_runs([new_run("r")])
    assert other.claim(theirs, 1)
    owners = {mine: store, theirs: other}
    assert pass_with_beats(store, clocks, owners, LEASE_S) == 0
    clocks.wall.seconds += jump_s
    assert pass_with_beats(store, clocks, owners, 3 * LEASE_S) == 0
    other.close()


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S])
def test_an_owner_that_hangs_since_before_the_clock_was_set_loses_its_runs(
    store: Store, clocks: Clocks, jump_s: float
) -> None:
    other = store.another()
    mine, theirs = store.register_owner("a"), other.register_owner("b")
    store.start_runs([new_run("r")])
    assert other.claim(theirs, 1)
    assert pass_with_beats(store, clocks, {mine: store, theirs: other}, LEASE_S) == 0
    clocks.wall.seconds += jump_s
    assert pass_with_beats(store, clocks, {mine: store}, 2 * LEASE_S) == 1
    other.close()


def test_who_has_just_begun_to_look_waits_for_the_beats_of_the_living() -> None:
    monotonic = Clock()
    trust = Trust(LEASE_S, monotonic)
    assert not trust.look(DAY_S)
    monotonic.seconds += LEASE_S / 2
    assert trust.look(DAY_S + LEASE_S / 2)
    assert trust.given


def test_a_clock_that_was_given_alone_is_always_believed() -> None:
    trust = Trust(LEASE_S, None)
    assert trust.look(0.0)
    assert trust.look(DAY_S)
    assert trust.expected() is None
