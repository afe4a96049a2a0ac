"""Many simulated worlds with faults of all kinds, and worlds whose database is broken.

Goal: promises 1 to 3 and 6, and that every run ends rightly once faults cease; that the simulation would notice if not;
that a seed is all that is needed to see a world again.
Method: `perdure.testing.simulation`; a world that fails prints its seed. `python -m perdure.testing.simulation --seeds 100000`
tries more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from perdure.store.api import Commit, Send
from perdure.store.memory import MemoryStore
from perdure.testing.simulation.__main__ import main
from perdure.testing.simulation.world import Found, Kit, make_kit, report, simulate

SEEDS = 2_000
CHUNK = 100
FOUND_WITHIN = 300
"""Worlds after which every broken store must have been found out."""


@pytest.fixture(scope="session")
def kit() -> Kit:
    return make_kit()


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_world_violates_a_promise(kit: Kit, first: int) -> None:
    failed = [
        report(found)
        for found in (simulate(kit, seed) for seed in range(first, first + CHUNK))
        if found.violations
    ]
    assert not failed, "\n".join(failed)


# -- the checks can fail -----------------------------------------------------------------------


class Broken(MemoryStore):
    """A store whose handles are all of its own kind."""

    def another(self) -> MemoryStore:
        return type(self)(clock=self.now, retention=self.retention, world=self._world)


class ForgetsFences(Broken):
    """Lets whoever had a run once commit a turn, whatever was committed since."""

    def _commit(self, turn: Commit) -> bool:
        run = self.get_run(turn.run_id)
        assert run is not None
        return super()._commit(replace(turn, epoch=run.epoch, seq=run.seq + 1))


class DeliversTwice(Broken):
    """Takes a message for a new one whenever it is sent."""

    def _send(self, message: Send) -> bool:
        sent = super()._send(message)
        record = self._record(message.to)
        if record is not None:
            record.seen.clear()
        return sent


class LosesMessages(Broken):
    """Says that it has taken a message, and forgets every seventh."""

    def _send(self, message: Send) -> bool:
        if self._world.next_row % 7 == 0:
            self._world.next_row += 1
            return True
        return super()._send(message)


class KeepsRows(Broken):
    """Does not take consumed rows out of an inbox."""

    def _commit(self, turn: Commit) -> bool:
        return super()._commit(replace(turn, consumed=()))


class LosesTurns(Broken):
    """Says that a turn was committed, and forgets it, now and then."""

    def _commit(self, turn: Commit) -> bool:
        return turn.seq == 3 or super()._commit(turn)


class LosesMarks(Broken):
    """Keeps turns, but without their notes of what was started."""

    def _commit(self, turn: Commit) -> bool:
        if turn.kind == "mark":
            turn = replace(turn, payload=b"")
        return super()._commit(turn)


class GivesTwice(Broken):
    """Thinks that every owner is dead."""

    def reap_dead_owners(self) -> int:
        self._world.dead.update(self._world.heartbeats)
        return super().reap_dead_owners()


@pytest.mark.parametrize(
    "broken",
    [
        ForgetsFences,
        DeliversTwice,
        LosesMessages,
        KeepsRows,
        LosesTurns,
        LosesMarks,
        GivesTwice,
    ],
)
def test_a_broken_store_is_found_out(kit: Kit, broken: Callable[..., MemoryStore]) -> None:
    worlds = (simulate(kit, seed, database=broken) for seed in range(FOUND_WITHIN))
    assert any(found.violations for found in worlds)


# -- a seed is all that is needed --------------------------------------------------------------


def test_a_world_is_the_same_again_whatever_came_before(kit: Kit) -> None:
    first = [simulate(kit, seed, traced=True) for seed in range(30)]
    again = [simulate(kit, seed, traced=True) for seed in reversed(range(30))]
    assert [found.trace for found in first] == [found.trace for found in reversed(again)]
    assert len({found.trace for found in first}) == 30


def test_a_world_is_the_same_in_another_process() -> None:
    def printed(hash_seed: str) -> str:
        command = [sys.executable, "-m", "perdure.testing.simulation", "--seed", "7", "--trace"]
        environment: dict[str, str] = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert printed("1") == printed("2")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_many_worlds_are_run_by_command(capsys: Any, processes: str) -> None:
    assert main(["--seeds", "5", "--from", "40", "--processes", processes]) == 0
    assert capsys.readouterr().out.startswith("5 worlds, ")


def test_a_failing_world_says_how_to_see_it_again() -> None:
    found = Found(seed=12, violations=("a is wrong", "b is wrong"), trace=(), turns=3)
    assert report(found).splitlines() == [
        "seed 12:",
        "  a is wrong",
        "  b is wrong",
        "  again: python -m perdure.testing.simulation --seed 12 --trace",
    ]
