"""What was seen of a world from outside the engine, and what must never be seen.

Layer: testing. Imports store.api and base; nothing of the engine.
Invariant: nothing here is told by the engine, and of the store only what calls returned: a store that forgets a fence
contradicts what it said before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from perdure.base import limits
from perdure.store.api import FINAL, Claim, Commit, Release


class Performed(Struct, frozen=True):
    """One time that a Python function was called: under which key, with what, by which process."""

    key: str
    name: str
    arguments: tuple[Any, ...]
    process: str


class Holder(Struct, frozen=True):
    """Who has a run."""

    owner: int
    epoch: int


class Witness:
    """Checks at every step what can be checked at once; the rest is looked at when the world has ended.

    Args:
      now: the database's clock.
      violated: called with what is wrong.

    Attributes:
      performed: the ledger: what was done, by idempotency key.
      committed_seq: how far each run is known to have come.
      ended: how runs ended.
      latest: the latest time that the database's clock has shown.
    """

    def __init__(self, now: Callable[[], float], violated: Callable[[str], None]) -> None:
        self.performed: dict[str, list[Performed]] = defaultdict(list)
        self.committed_seq: dict[str, int] = {}
        self.ended: dict[str, str] = {}
        self.consumed: set[int] = set()
        self._now = now
        self._violated = violated
        self._holders: dict[str, Holder] = {}
        self._epochs: dict[str, int] = {}
        self._beats: dict[int, float] = {}
        self.latest = 0.0

    # -- owners ----------------------------------------------------------------------------------

    def lives(self, owner: int) -> None:
        """An owner registered, or renewed its lease."""
        self._beats[owner] = self._now()

    def closed(self, owner: int) -> None:
        """The handle of an owner was closed, by itself or with its process."""
        self._beats.pop(owner, None)

    def time_is(self, now: float) -> None:
        """The database's clock shows a time."""
        self.latest = max(self.latest, now)

    def has_been(self, moment: float) -> bool:
        """Return whether the database's clock has shown a time, or a later one."""
        return self.latest >= moment

    def _may_live(self, owner: int) -> bool:
        beat = self._beats.get(owner)
        return beat is not None and self.latest - beat < limits.LEASE_S

    def claimed(self, claim: Claim, owner: int) -> None:
        """A run was handed out."""
        run_id = claim.run_id
        holder = self._holders.get(run_id)
        if holder is not None and holder.owner != owner and self._may_live(holder.owner):
            self._violated(
                f"{run_id} was given to owner {owner} while {holder.owner}, who lives, had it"
            )
        if claim.epoch < self._epochs.get(run_id, 0) or (
            claim.epoch == self._epochs.get(run_id, 0) and (holder is None or holder.owner != owner)
        ):
            self._violated(f"{run_id} was claimed under the epoch {claim.epoch} for a second time")
        self._epochs[run_id] = claim.epoch
        self._holders[run_id] = Holder(owner, claim.epoch)

    def released(self, release: Release) -> None:
        """A run was given back."""
        holder = self._holders.pop(release.run_id, None)
        if holder is None or holder.epoch != release.epoch:
            self._violated(f"{release.run_id} was given back by somebody who did not have it")

    def quarantined(self, run_id: str, reason: str) -> None:
        """A run was taken from everybody, or is let go again."""
        del reason
        self._holders.pop(run_id, None)
        self._epochs[run_id] = self._epochs.get(run_id, 0) + 1

    # -- turns -----------------------------------------------------------------------------------

    def committed(self, commit: Commit) -> None:
        """A turn was said to have won, or would have been if the answer had not been lost."""
        run_id = commit.run_id
        holder = self._holders.get(run_id)
        if holder is None or holder.epoch != commit.epoch:
            self._violated(
                f"{run_id} was committed under the epoch {commit.epoch} of an owner that is fenced"
            )
        before = self.committed_seq.get(run_id, 0)
        if commit.seq != before + 1:
            self._violated(f"{run_id} went from turn {before} to turn {commit.seq}")
        if run_id in self.ended:
            self._violated(f"{run_id} went on after it was {self.ended[run_id]}")
        twice = self.consumed.intersection(commit.consumed)
        if twice:
            self._violated(f"{run_id} took the rows {sorted(twice)} for a second time")
        self.consumed.update(commit.consumed)
        self.committed_seq[run_id] = commit.seq
        if commit.status in FINAL:
            self.ended[run_id] = commit.status
            self._holders.pop(run_id, None)

    # -- effects ---------------------------------------------------------------------------------

    def perform(self, done: Performed, *, idempotent: bool) -> None:
        """A Python function was called."""
        before = self.performed[done.key]
        if before and not idempotent:
            self._violated(
                f"{done.name} {done.key} is not idempotent and was done twice: "
                f"by {before[0].process} and by {done.process}"
            )
        if before and (before[0].name, before[0].arguments) != (done.name, done.arguments):
            self._violated(f"{done.key} is the key of {before[0]} and of {done}")
        if done.name == "woke" and not self.has_been(done.arguments[0]):
            self._violated(
                f"{done.key}: a sleep until {done.arguments[0]} was over at {self.latest}"
            )
        before.append(done)

    def times(self, name: str, arguments: tuple[Any, ...]) -> int:
        """Return how often a function was done with certain arguments."""
        return sum(
            (one.name, one.arguments) == (name, arguments)
            for done in self.performed.values()
            for one in done
        )
