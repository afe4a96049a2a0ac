"""The store as a simulated process sees it: a store in memory that is slow, away, full, or says nothing of what it did.

Layer: testing. Imports store.api and store.memory, base, and the rest of the simulation.
Invariant: faults are drawn in the order of calls, and only for calls whose number does not depend on what else this Python
process did before: code is compiled once for all worlds, so reading code is never disturbed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.store.api import (
    Claim,
    Commit,
    Entry,
    Flaw,
    InboxRow,
    Lent,
    Loaded,
    LoggedLine,
    NewRun,
    Output,
    Pruned,
    PrunePolicy,
    Release,
    Run,
    RunFilter,
    Send,
)
from perdure.store.memory import MemoryStore

if TYPE_CHECKING:
    from perdure.testing.simulation.worker import SimulatedWorker
    from perdure.testing.simulation.world import World

T = TypeVar("T")


class SimulatedStore:
    """A handle of a simulated process.

    Args:
      world: whose faults it has.
      inner: the handle that does the work.
      process: the worker whose handle it is, or None for a client's.
    """

    overlaps = False
    transacts = False

    def __init__(self, world: World, inner: MemoryStore, process: SimulatedWorker | None) -> None:
        self.inner = inner
        self.url = inner.url
        self.lease_s = inner.lease_s
        self.poll_s = world.faults.poll_s
        self.owner = 0
        self._world = world
        self._process = process
        self._version = -1

    def another(self) -> SimulatedStore:
        made = SimulatedStore(self._world, self.inner.another(), self._process)
        if self._process is not None:
            self._process.handles.append(made)
        return made

    def close(self) -> None:
        self._world.witness.closed(self.owner)
        self.inner.close()

    def now(self) -> float:
        return self.inner.now()

    def data_version(self) -> int:
        version = self._do("data_version", self.inner.data_version, quiet=True)
        if self._version < 0 or not self._world.happens(self._world.faults.stale):
            self._version = version
        return self._version

    def watch(self, hint: Callable[[], None]) -> None:
        world, process = self._world, self._process
        assert process is not None, "only workers watch"

        def told() -> None:
            if not world.happens(world.faults.deaf):
                process.after(world.chance.uniform(0.0, 0.1), hint)

        self.inner.watch(told)

    # -- faults --------------------------------------------------------------------------------

    def _do(
        self,
        verb: str,
        action: Callable[[], T],
        *,
        then: Callable[[T], None] | None = None,
        writes: bool = False,
        evaluating: bool = False,
        quiet: bool = False,
    ) -> T:
        """Return what an action returns, unless something goes wrong before or after it.

        Args:
          verb: what it is called in a trace.
          action: does it.
          then: called with what it returned, whether the process gets to know that or not.
          writes: it changes something: it fails when the disk is full, and its outcome may be unknown.
          evaluating: it may be called in the middle of a turn, when no other worker can have one.
          quiet: it is not in the trace unless it fails.
        """
        world, faults = self._world, self._world.faults
        if self._process is not None:
            self._process.step(verb, evaluating=evaluating)
        if not evaluating and not world.timeline.depth and world.happens(faults.slow):
            self._wait(world.chance.random())
        if world.outage == "P407" or (world.outage and writes) or world.happens(faults.refuse):
            raise self._failure(world.outage or "P407", verb, "nothing was done")
        value = action()
        if then is not None:
            then(value)
        if writes and world.happens(faults.forget):
            raise self._failure("P407", verb, "it was done")
        if not quiet and world.traced:
            world.note(self._name, f"{verb}: {_shown(value)}")
        if self._process is not None:
            self._process.step(verb, evaluating=evaluating)
        return value

    def _wait(self, seconds: float) -> None:
        if self._process is None:
            self._world.timeline.pass_time(seconds)
        else:
            self._process.wait(seconds)

    @property
    def _name(self) -> str:
        return "client" if self._process is None else self._process.name

    def _failure(self, code: str, verb: str, truth: str) -> StoreError:
        self._world.note(self._name, f"{verb}: {code} ({truth})")
        return StoreError(code, f"simulated failure of {verb}")

    # -- code ----------------------------------------------------------------------------------

    def put_program(self, program_hash: str, payload: bytes) -> None:
        self.inner.put_program(program_hash, payload)

    def get_program(self, program_hash: str) -> bytes | None:
        return self.inner.get_program(program_hash)

    def put_definitions(self, definitions: Mapping[str, bytes]) -> None:
        self._do(
            "put_definitions",
            lambda: self.inner.put_definitions(definitions),
            writes=True,
            evaluating=True,
        )

    def get_definitions(self, hashes: Iterable[str]) -> dict[str, bytes]:
        return self.inner.get_definitions(hashes)

    def set_name(self, name: str, program_hash: str) -> None:
        self.inner.set_name(name, program_hash)

    def get_name(self, name: str) -> str | None:
        return self._do("get_name", lambda: self.inner.get_name(name), evaluating=True, quiet=True)

    # -- runs ----------------------------------------------------------------------------------

    def start_runs(self, news: Sequence[NewRun]) -> list[tuple[Run, bool]]:
        return self._do("start_runs", lambda: self.inner.start_runs(news), writes=True)

    def get_run(self, run_id: str) -> Run | None:
        return self._do("get_run", lambda: self.inner.get_run(run_id))

    def list_runs(self, wanted: RunFilter = RunFilter()) -> list[Run]:  # noqa: B008 - frozen
        return self._do("list_runs", lambda: self.inner.list_runs(wanted))

    def counts(self) -> dict[str, int]:
        return self._do("counts", self.inner.counts)

    def result(self, run_id: str) -> bytes | None:
        return self._do("result", lambda: self.inner.result(run_id))

    def load(self, run_ids: Sequence[str]) -> list[Loaded]:
        return self._do("load", lambda: self.inner.load(run_ids))

    def inbox(
        self, run_ids: Sequence[str], limit: int = limits.INBOX_BATCH
    ) -> dict[str, list[InboxRow]]:
        return self._do("inbox", lambda: self.inner.inbox(run_ids, limit), quiet=not run_ids)

    def entries(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Entry]:
        return self._do("entries", lambda: self.inner.entries(run_id, after=after, limit=limit))

    def outputs(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Output]:
        return self._do("outputs", lambda: self.inner.outputs(run_id, after=after, limit=limit))

    def log_lines(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[LoggedLine]:
        return self._do("log_lines", lambda: self.inner.log_lines(run_id, after=after, limit=limit))

    def cursor(self, run_id: str) -> int:
        return self._do("cursor", lambda: self.inner.cursor(run_id))

    def set_cursor(self, run_id: str, seq: int) -> None:
        self._do("set_cursor", lambda: self.inner.set_cursor(run_id, seq), writes=True)

    def send(self, message: Send) -> bool:
        return self._do("send", lambda: self.inner.send(message), writes=True)

    def send_many(self, messages: Sequence[Send]) -> list[bool]:
        return self._do("send_many", lambda: self.inner.send_many(messages), writes=True)

    # -- ownership -----------------------------------------------------------------------------

    def register_owner(self, name: str) -> int:
        def registered(owner: int) -> None:
            self.owner = owner
            self._world.witness.lives(owner)

        return self._do(
            "register_owner", lambda: self.inner.register_owner(name), then=registered, writes=True
        )

    def heartbeat(self, owner: int) -> bool:
        def beaten(alive: bool) -> None:
            if alive:
                self._world.witness.lives(owner)

        return self._do(
            "heartbeat", lambda: self.inner.heartbeat(owner), then=beaten, writes=True, quiet=True
        )

    def reap_dead_owners(self) -> int:
        return self._do("reap", self.inner.reap_dead_owners, writes=True, quiet=True)

    def claim(self, owner: int, limit: int) -> list[Claim]:
        def claimed(claims: list[Claim]) -> None:
            for claim in claims:
                self._world.witness.claimed(claim, owner)

        return self._do("claim", lambda: self.inner.claim(owner, limit), then=claimed, writes=True)

    def claim_one(self, run_id: str, owner: int) -> Claim | None:
        def claimed(claim: Claim | None) -> None:
            if claim is not None:
                self._world.witness.claimed(claim, owner)

        return self._do(
            "claim_one", lambda: self.inner.claim_one(run_id, owner), then=claimed, writes=True
        )

    def held(self, owner: int) -> list[Claim]:
        return self._do("held", lambda: self.inner.held(owner))

    def acquit(self, run_id: str, epoch: int) -> None:
        self._do("acquit", lambda: self.inner.acquit(run_id, epoch), writes=True)

    def stirred(self, owner: int) -> list[str]:
        return self._do("stirred", lambda: self.inner.stirred(owner), quiet=True)

    def next_wake(self) -> float | None:
        return self._do("next_wake", self.inner.next_wake, quiet=True)

    def release(self, released: Sequence[Release]) -> list[bool]:
        def let_go(won: list[bool]) -> None:
            for one, mine in zip(released, won, strict=True):
                if mine:
                    self._world.witness.released(one)

        return self._do("release", lambda: self.inner.release(released), then=let_go, writes=True)

    def commit(self, commits: Sequence[Commit]) -> list[bool]:
        def committed(won: list[bool]) -> None:
            for one, mine in zip(commits, won, strict=True):
                if self._world.traced:
                    self._world.note(self._name, _commit_shown(one, won=mine))
                if mine:
                    self._world.witness.committed(one)

        if self._process is not None and self._world.happens(self._world.faults.late):
            self._process.hang_inside("commit")
        return self._do("commit", lambda: self.inner.commit(commits), then=committed, writes=True)

    def transact(self, run_id: str, epoch: int, seq: int, work: Callable[[Lent], Commit]) -> bool:
        return self.inner.transact(run_id, epoch, seq, work)

    def compact(self, run_id: str, seq: int, snapshot: bytes, snapshot_hash: bytes) -> bool:
        return self._do(
            "compact", lambda: self.inner.compact(run_id, seq, snapshot, snapshot_hash), writes=True
        )

    def quarantine(self, run_id: str, reason: str) -> None:
        self._do(
            "quarantine",
            lambda: self.inner.quarantine(run_id, reason),
            then=lambda _: self._world.witness.quarantined(run_id, reason),
            writes=True,
        )

    def prune(self, policy: PrunePolicy = PrunePolicy()) -> Pruned:  # noqa: B008 - frozen
        return self._do("prune", lambda: self.inner.prune(policy), writes=True)

    def check(self) -> list[Flaw]:
        return self._do("check", self.inner.check)


def _shown(value: Any) -> str:
    """Return in a few words what a call returned."""
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "nothing"
    if isinstance(value, Loaded):
        run = value.run
        return f"{run.run_id} at {run.seq}, {run.status}, {len(value.inbox)} rows"
    if isinstance(value, Claim):
        return f"{value.run_id} as {value.epoch}" + (" on probation" if value.probation else "")
    if isinstance(value, dict):
        return ", ".join(f"{one}: {len(rows)} rows" for one, rows in value.items()) or "nothing"
    if isinstance(value, Run):
        return f"{value.run_id} {value.status}"
    if isinstance(value, tuple):
        return " ".join(map(_shown, value))
    return str(value)[:100]


def _commit_shown(commit: Commit, *, won: bool) -> str:
    place = f"{commit.run_id} {commit.epoch}/{commit.seq}"
    rows = f", took rows {commit.consumed}" if commit.consumed else ""
    return f"{place} {'won' if won else 'LOST'}, {commit.status}: {commit.note}{rows}"
