"""A run whose owners die is tried alone and in the end quarantined; its neighbours are not. On every
store.

Owners die here by closing their handles: to the store that is the death of a process.
"""

from __future__ import annotations

import pytest
from turns import new_run, owned, turn

from perdure.base import limits
from perdure.store.api import MARK, Claim, Release, Store


def orphans(store: Store, *run_ids: str) -> None:
    """Start runs, and let their first owner die after their first commits."""
    other = store.another()
    owned(other, *run_ids)
    other.close()
    assert store.reap_dead_owners() == len(run_ids)


def die_with(store: Store, run_id: str) -> bool:
    """Let an owner claim a run and die; return whether it got it."""
    other = store.another()
    claim = other.claim_one(run_id, other.register_owner("short-lived"))
    other.close()
    store.reap_dead_owners()
    return claim is not None


def test_runs_of_a_dead_owner_are_handed_out_one_at_a_time(store: Store) -> None:
    orphans(store, "a", "b")
    store.start_runs([new_run("fresh")])
    owner = store.register_owner("w")
    claims = store.claim(owner, 10)
    assert [claim for claim in claims if not claim.probation] == [Claim("fresh", 1)]
    (suspect,) = (claim for claim in claims if claim.probation)
    assert store.next_wake() == 0.0
    (second,) = store.claim(owner, 10)
    assert second.probation
    assert {suspect.run_id, second.run_id} == {"a", "b"}


def test_two_owners_can_each_have_a_run_on_probation(store: Store) -> None:
    orphans(store, "a", "b")
    other = store.another()
    mine = store.claim(store.register_owner("w1"), 10)
    theirs = other.claim(other.register_owner("w2"), 10)
    assert sorted(claim.run_id for claim in mine + theirs) == ["a", "b"]
    other.close()


def test_a_run_that_had_nothing_to_commit_is_acquitted(store: Store) -> None:
    orphans(store, "a")
    owner = store.register_owner("w")
    (suspect,) = store.claim(owner, 10)
    store.acquit(suspect.run_id, suspect.epoch + 1)
    assert store.claim_one("a", owner) == suspect
    store.acquit(suspect.run_id, suspect.epoch)
    assert store.claim_one("a", owner) == Claim("a", suspect.epoch)


def test_a_mark_does_not_acquit(store: Store) -> None:
    """It says that an effect starts again, and that may be what kills."""
    orphans(store, "a")
    owner = store.register_owner("w")
    (suspect,) = store.claim(owner, 10)
    assert store.commit([turn("a", suspect.epoch, 2, kind=MARK)]) == [True]
    assert store.claim_one("a", owner) == suspect
    assert store.commit([turn("a", suspect.epoch, 3)]) == [True]
    assert store.claim_one("a", owner) == Claim("a", suspect.epoch)


def test_who_holds_a_run_that_killed_often_gets_no_other_suspect(store: Store) -> None:
    orphans(store, "a", "b")
    for _ in range(limits.DEATHS_ALONE - 1):
        assert die_with(store, "b")
    owner = store.register_owner("w")
    assert store.claim_one("b", owner) == Claim("b", 4, probation=True)
    assert store.claim_one("b", owner) == Claim("b", 4, probation=True)
    assert store.claim_one("a", owner) is None
    assert store.claim(owner, 10) == []
    store.acquit("b", 4)
    assert store.claim_one("a", owner) == Claim("a", 2, probation=True)


@pytest.mark.parametrize("how", ["claim", "claim_one"])
def test_a_run_that_kills_its_workers_is_quarantined(store: Store, how: str) -> None:
    orphans(store, "deadly")
    for _ in range(limits.DEATHS_MAX - 1):
        assert die_with(store, "deadly")
    owner = store.register_owner("w")
    if how == "claim":
        assert store.claim(owner, 10) == []
    else:
        assert store.claim_one("deadly", owner) is None
    run = store.get_run("deadly")
    assert run is not None
    assert (run.status, run.owner) == ("parked", 0)
    assert run.quarantined == "its worker died 5 times while executing it"
    assert store.next_wake() is None


def test_a_quarantined_run_does_not_stand_before_the_next_suspect(store: Store) -> None:
    orphans(store, "deadly", "innocent")
    for _ in range(limits.DEATHS_MAX - 1):
        die_with(store, "deadly")
    assert store.claim(store.register_owner("w"), 10) == [Claim("innocent", 2, probation=True)]


def test_lifting_the_quarantine_forgets_the_deaths(store: Store) -> None:
    orphans(store, "deadly")
    for _ in range(limits.DEATHS_MAX - 1):
        die_with(store, "deadly")
    owner = store.register_owner("w")
    store.claim(owner, 10)
    store.quarantine("deadly", "")
    (claim,) = store.claim(owner, 10)
    assert not claim.probation


def test_a_commit_forgets_the_deaths(store: Store) -> None:
    orphans(store, "r")
    for seq in range(2, 2 * limits.DEATHS_MAX):
        other = store.another()
        claim = other.claim_one("r", other.register_owner("short-lived"))
        assert claim is not None
        assert claim.probation
        assert other.commit([turn("r", claim.epoch, seq)]) == [True]
        other.close()
        store.reap_dead_owners()
    assert store.get_run("r").quarantined == ""  # type: ignore[union-attr]


def test_a_suspect_that_is_given_back_has_killed_nobody(store: Store) -> None:
    orphans(store, "r")
    owner = store.register_owner("w")
    for _ in range(2 * limits.DEATHS_MAX):
        (claim,) = store.claim(owner, 10)
        assert claim.probation
        store.release([Release("r", claim.epoch, ready=True)])


def test_neighbours_of_a_deadly_run_are_never_quarantined(store: Store) -> None:
    """Workers claim all that they get and die while they try the suspect, until it is gone."""
    names = [f"r{number}" for number in range(20)]
    store.start_runs([new_run(name) for name in names])
    for _ in range(20 * limits.DEATHS_MAX):
        worker = store.another()
        owner = worker.register_owner("w")
        while claims := worker.claim(owner, 10):
            deadly = False
            for claim in sorted(claims, key=lambda claim: not claim.probation):
                if claim.run_id == "r7":
                    deadly = True
                    break
                run = worker.get_run(claim.run_id)
                assert run is not None
                seq = run.seq + 1
                status = "completed" if seq > 3 else "ready"
                worker.commit([turn(claim.run_id, claim.epoch, seq, status)])
                worker.release([Release(claim.run_id, claim.epoch)])
            if deadly:
                break
        worker.close()
        store.reap_dead_owners()
    runs = {run.run_id: run for run in store.list_runs()}
    assert [name for name, run in runs.items() if run.quarantined] == ["r7"]
    assert all(run.status == "completed" for name, run in runs.items() if name != "r7")
