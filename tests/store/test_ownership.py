"""Claims, fences, leases and takeover, on every store."""

from __future__ import annotations

import pytest
from turns import Clock, first, inbox, message, new_run, owned, turn

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.store.api import Claim, NewRun, Release, Store


def test_a_ready_run_is_claimed_once(store: Store) -> None:
    store.start_runs([new_run("r")])
    other = store.another()
    mine, theirs = store.register_owner("a"), other.register_owner("b")
    assert store.claim(mine, 10) == [Claim("r", 1)]
    assert other.claim(theirs, 10) == []
    assert other.claim_one("r", theirs) is None
    assert store.claim_one("r", mine) == Claim("r", 1)
    other.close()


def test_claim_keeps_to_its_limit(store: Store) -> None:
    for number in range(5):
        store.start_runs([new_run(f"r{number}")])
    owner = store.register_owner("a")
    assert len(store.claim(owner, 2)) == 2
    assert len(store.claim(owner, 10)) == 3


def test_a_commit_under_an_old_epoch_changes_nothing(store: Store) -> None:
    """The first owner is taken for dead, a second takes over, the first comes back to life."""
    owned(store, "r")
    store.release([Release("r", 1, ready=True)])
    other = store.another()
    owner = other.register_owner("b")
    assert other.claim(owner, 1) == [Claim("r", 2)]
    assert store.commit([turn("r", 1, 2, output="x")]) == [False]
    assert store.outputs("r") == []
    assert other.commit([turn("r", 2, 2)]) == [True]
    other.close()


@pytest.mark.parametrize("seq", [1, 3])
def test_a_commit_with_a_wrong_seq_changes_nothing(store: Store, seq: int) -> None:
    owned(store, "r")
    assert store.commit([turn("r", 1, seq, "completed", result=b"x")]) == [False]
    run = store.get_run("r")
    assert run is not None
    assert (run.seq, run.status) == (1, "waiting")


def test_a_fenced_turn_does_not_spoil_its_batch(store: Store) -> None:
    owned(store, "a", "b", "c")
    batch = [turn("a", 1, 2), turn("b", 9, 2, sends=(message("c", "m"),)), turn("c", 1, 2)]
    assert store.commit(batch) == [True, False, True]
    assert inbox(store, "c") == []


def test_a_released_run_is_nobodys(store: Store) -> None:
    owned(store, "r")
    assert store.release([Release("r", 1)]) == [True]
    assert store.release([Release("r", 1)]) == [False]
    assert store.commit([turn("r", 1, 2)]) == [False]
    assert store.next_wake() is None


@pytest.mark.parametrize("status", ["waiting", "parked"])
def test_a_run_that_rests_is_claimed_when_its_time_has_come(
    store: Store, clock: Clock, status: str
) -> None:
    owner = owned(store, "r")
    store.commit([turn("r", 1, 2, status, wake_at=clock.seconds + 5)])
    store.release([Release("r", 1)])
    assert store.claim(owner, 1) == []
    assert store.next_wake() == clock.seconds + 5
    clock.seconds += 5
    assert store.claim(owner, 1) == [Claim("r", 2)]


def test_a_ready_run_is_claimable_again_after_release(store: Store) -> None:
    owner = owned(store, "r")
    store.commit([turn("r", 1, 2, "ready")])
    store.release([Release("r", 1)])
    assert store.next_wake() == 0.0
    assert store.claim(owner, 1) == [Claim("r", 2)]


def test_a_final_run_is_claimed_no_more(store: Store) -> None:
    owner = owned(store, "r")
    store.commit([turn("r", 1, 2, "completed", result=b"1")])
    assert store.claim(owner, 1) == []
    assert store.claim_one("r", owner) is None
    run = store.get_run("r")
    assert run is not None
    assert run.owner == 0


def test_runs_of_a_closed_handle_are_taken_over_at_once(store: Store) -> None:
    other = store.another()
    owned(other, "r")
    owner = store.register_owner("b")
    assert store.reap_dead_owners() == 0
    other.close()
    assert store.reap_dead_owners() == 1
    assert store.claim(owner, 1) == [Claim("r", 2, probation=True)]


def test_runs_of_a_hung_owner_are_taken_over_when_its_lease_is_over(
    store: Store, clock: Clock
) -> None:
    other = store.another()
    theirs = owned(other, "r")
    mine = store.register_owner("b")
    clock.seconds += limits.LEASE_S
    assert store.heartbeat(mine)
    assert store.reap_dead_owners() == 0
    clock.seconds += 1
    store.heartbeat(mine)
    assert store.reap_dead_owners() == 1
    assert other.heartbeat(theirs) is False
    assert other.commit([turn("r", 1, 2)]) == [False]
    with pytest.raises(StoreError) as caught:
        other.claim_one("r", theirs)
    assert caught.value.code == "P409"
    assert store.claim(mine, 1) == [Claim("r", 2, probation=True)]
    other.close()


def test_a_heartbeat_keeps_an_owner_alive(store: Store, clock: Clock) -> None:
    other = store.another()
    theirs = owned(other, "r")
    for _ in range(5):
        clock.seconds += limits.LEASE_S * 0.9
        assert other.heartbeat(theirs)
        assert store.reap_dead_owners() == 0
    other.close()


def test_a_quarantined_run_is_left_alone_until_it_is_lifted(store: Store) -> None:
    owner = owned(store, "r")
    store.quarantine("r", "the snapshot does not have its hash")
    run = store.get_run("r")
    assert run is not None
    assert (run.status, run.quarantined) == ("parked", "the snapshot does not have its hash")
    assert store.commit([turn("r", 1, 2)]) == [False]
    store.send(message("r", "m"))
    assert store.claim(owner, 1) == []
    assert store.claim_one("r", owner) is None
    assert store.next_wake() is None
    store.quarantine("r", "")
    assert store.claim(owner, 1) == [Claim("r", 4)]


def test_children_start_with_the_commit_that_asks_for_them(store: Store) -> None:
    owner = owned(store, "r")
    child = NewRun("r/1", "step", "h", b"[1]", parent="r")
    store.commit([turn("r", 1, 2, starts=(child, child))])
    assert store.claim(owner, 10) == [Claim("r/1", 1)]
    assert store.commit([first("r/1")]) == [True]
    run = store.get_run("r/1")
    assert run is not None
    assert run.parent == "r"


def test_runs_are_released_together(store: Store) -> None:
    owner = owned(store, "a", "b", "c")
    released = [Release("a", 1), Release("b", 9), Release("c", 1, ready=True)]
    assert store.release(released) == [True, False, True]
    assert store.release([]) == []
    assert store.claim(owner, 10) == [Claim("c", 2)]


def test_an_owner_can_ask_what_it_holds(store: Store) -> None:
    """The answer to a claim may be lost on its way; the run is the owner's all the same."""
    owner = owned(store, "a", "b")
    store.start_runs([new_run("free")])
    assert sorted(claim.run_id for claim in store.held(owner)) == ["a", "b"]
    assert store.held(owner)[0].epoch == 1
    store.release([Release("a", 1)])
    assert [claim.run_id for claim in store.held(owner)] == ["b"]
    assert store.held(owner + 1) == []
