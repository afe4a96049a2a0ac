"""The store in memory: the same verbs on dictionaries, for tests and for runs that need not survive.

Layer: store. Imports base, store.api.
Invariant: behaves as the other stores do (tests/store is one suite over all), but that nothing outlives the process.
Handles made by `another` share one world under one lock. An owner dies when its handle is closed; `kill` makes one die.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from perdure.base import limits
from perdure.store.api import (
    FINAL,
    MARK,
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
    Retention,
    Run,
    RunFilter,
    Send,
)
from perdure.store.lending import refuse
from perdure.store.memory_record import Record
from perdure.store.refusals import check_same, deadly, taken_for_dead


class _World:
    """What all handles share."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.runs: dict[str, Record] = {}
        self.programs: dict[str, bytes] = {}
        self.definitions: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.mail: dict[str, list[InboxRow]] = {}
        self.watchers: dict[str, list[str]] = {}
        self.heartbeats: dict[int, float] = {}
        self.dead: set[int] = set()
        self.next_owner = 1
        self.next_row = 1
        self.version = 0
        self.hints: dict[int, Callable[[], None]] = {}


class MemoryStore:
    """A handle to a world in memory; see store.api for what its methods do."""

    url = ""
    poll_s = limits.POLL_S
    overlaps = False
    transacts = False

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        retention: Retention = Retention(),  # noqa: B008 - frozen
        lease_s: float = limits.LEASE_S,
        world: _World | None = None,
    ) -> None:
        self.now = clock
        self.retention = retention
        self.lease_s = lease_s
        self._world = world or _World()
        self._owner = 0
        self._own_writes = 0

    def another(self) -> MemoryStore:
        return MemoryStore(
            clock=self.now, retention=self.retention, lease_s=self.lease_s, world=self._world
        )

    def close(self) -> None:
        self._world.hints.pop(id(self), None)
        if self._owner:
            self.kill(self._owner)
            self._owner = 0

    def kill(self, owner: int) -> None:
        """Make an owner dead, as if its process had been killed."""
        with self._world.lock:
            self._world.dead.add(owner)

    def data_version(self) -> int:
        with self._world.lock:
            return self._world.version - self._own_writes

    def watch(self, hint: Callable[[], None]) -> None:
        self._world.hints[id(self)] = hint

    @contextmanager
    def _writing(self) -> Iterator[_World]:
        with self._world.lock:
            yield self._world
            self._wrote()

    def _wrote(self) -> None:
        self._world.version += 1
        self._own_writes += 1

    def _tell_others(self) -> None:
        for handle, hint in list(self._world.hints.items()):
            if handle != id(self):
                hint()

    def _record(self, run_id: str) -> Record | None:
        return self._world.runs.get(run_id)

    # -- code ------------------------------------------------------------------------------

    def put_program(self, program_hash: str, payload: bytes) -> None:
        with self._writing() as world:
            world.programs.setdefault(program_hash, payload)

    def get_program(self, program_hash: str) -> bytes | None:
        return self._world.programs.get(program_hash)

    def put_definitions(self, definitions: Mapping[str, bytes]) -> None:
        with self._writing() as world:
            for hashed, payload in definitions.items():
                world.definitions.setdefault(hashed, payload)

    def get_definitions(self, hashes: Iterable[str]) -> dict[str, bytes]:
        known = self._world.definitions
        return {one: known[one] for one in hashes if one in known}

    def set_name(self, name: str, program_hash: str) -> None:
        with self._writing() as world:
            world.names[name] = program_hash

    def get_name(self, name: str) -> str | None:
        return self._world.names.get(name)

    # -- runs ------------------------------------------------------------------------------

    def start_runs(self, news: Sequence[NewRun]) -> list[tuple[Run, bool]]:
        with self._writing() as world:
            known = {
                new.run_id: (record.run.program_name, record.arguments)
                for new in news
                if (record := world.runs.get(new.run_id)) is not None
            }
            for new in news:
                there = known.setdefault(new.run_id, (new.program_name, new.arguments))
                check_same(new, *there)
            made = [self._start(new) for new in news]
            started = [
                (world.runs[new.run_id].run, one) for new, one in zip(news, made, strict=True)
            ]
        self._tell_others()
        return started

    def _start(self, new: NewRun) -> bool:
        world = self._world
        if new.run_id in world.runs:
            return False
        now = self.now()
        run = Run(
            run_id=new.run_id,
            program_name=new.program_name,
            program_hash=new.program_hash,
            parent=new.parent,
            status="ready",
            detail="",
            seq=0,
            epoch=0,
            owner=0,
            wake_at=None,
            created_at=now,
            updated_at=now,
        )
        record = world.runs[new.run_id] = Record(run, new.arguments)
        record.inbox = world.mail.pop(new.run_id, [])
        record.seen = {(m.sender, m.message_id): m.at for m in record.inbox if m.message_id}
        return True

    def get_run(self, run_id: str) -> Run | None:
        record = self._record(run_id)
        return record.run if record else None

    def list_runs(self, wanted: RunFilter = RunFilter()) -> list[Run]:  # noqa: B008 - frozen
        with self._world.lock:
            found = [
                r.run
                for r in reversed(self._world.runs.values())
                if (not wanted.statuses or r.run.status in wanted.statuses)
                and wanted.program_name in ("", r.run.program_name)
                and wanted.parent in ("", r.run.parent)
            ]
            if wanted.older_than:
                order = {run_id: n for n, run_id in enumerate(self._world.runs)}
                last = order.get(wanted.older_than, 0)
                found = [run for run in found if order[run.run_id] < last]
        return found[: wanted.limit]

    def counts(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        with self._world.lock:
            for record in self._world.runs.values():
                counted[record.run.status] = counted.get(record.run.status, 0) + 1
        return counted

    def result(self, run_id: str) -> bytes | None:
        record = self._record(run_id)
        return record.result if record else None

    def load(self, run_ids: Sequence[str]) -> list[Loaded]:
        with self._world.lock:
            records = [self._record(run_id) for run_id in run_ids]
            return [Record.loaded(record) for record in records if record is not None]

    def inbox(
        self, run_ids: Sequence[str], limit: int = limits.INBOX_BATCH
    ) -> dict[str, list[InboxRow]]:
        with self._world.lock:
            records = {run_id: self._record(run_id) for run_id in run_ids}
            return {i: record.inbox[:limit] if record else [] for i, record in records.items()}

    def entries(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Entry]:
        record = self._record(run_id)
        return _after(record.log if record else [], after, limit)

    def outputs(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Output]:
        record = self._record(run_id)
        return _after(record.outputs if record else [], after, limit)

    def log_lines(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[LoggedLine]:
        record = self._record(run_id)
        return _after(record.lines if record else [], after, limit)

    def cursor(self, run_id: str) -> int:
        record = self._record(run_id)
        return record.cursor if record else 0

    def set_cursor(self, run_id: str, seq: int) -> None:
        with self._writing():
            record = self._record(run_id)
            if record:
                record.cursor = seq

    def send(self, message: Send) -> bool:
        with self._writing():
            sent = self._send(message)
        if sent:
            self._tell_others()
        return sent

    def send_many(self, messages: Sequence[Send]) -> list[bool]:
        with self._writing():
            sent = [self._send(message) for message in messages]
        if any(sent):
            self._tell_others()
        return sent

    def _send(self, message: Send) -> bool:
        record = self._record(message.to)
        key = (message.sender, message.message_id)
        if record is None:
            waiting = self._world.mail.setdefault(message.to, [])
            if message.message_id and any((m.sender, m.message_id) == key for m in waiting):
                return False
            waiting.append(self._row(message))
            return True
        if record.run.status in FINAL or (message.message_id and key in record.seen):
            return False
        if message.message_id:
            record.seen[key] = self.now()
        record.inbox.append(self._row(message))
        record.ready = True
        return True

    def _row(self, message: Send) -> InboxRow:
        row = self._world.next_row
        self._world.next_row += 1
        return InboxRow(
            row, message.kind, message.message_id, message.sender, message.payload, self.now()
        )

    # -- ownership -------------------------------------------------------------------------

    def register_owner(self, name: str) -> int:  # noqa: ARG002 - for people, who can't look here
        assert not self._owner, "a handle has one owner"
        with self._writing() as world:
            self._owner = world.next_owner
            world.next_owner += 1
            world.heartbeats[self._owner] = self.now()
        return self._owner

    def heartbeat(self, owner: int) -> bool:
        with self._writing() as world:
            if owner not in world.heartbeats:
                return False
            world.heartbeats[owner] = self.now()
            return True

    def reap_dead_owners(self) -> int:
        world = self._world
        with world.lock:
            expired = self.now() - self.lease_s
            dead = {o for o, at in world.heartbeats.items() if o in world.dead or at < expired}
            for owner in dead:
                del world.heartbeats[owner]
            freed = 0
            for record in world.runs.values():
                if record.run.owner in dead:
                    record.run = replace(record.run, owner=0)
                    record.ready = True
                    record.deaths = max(record.deaths, 1)
                    freed += 1
            if dead:
                self._wrote()
            return freed

    def claim(self, owner: int, limit: int) -> list[Claim]:
        now = self.now()
        world = self._world
        with world.lock:
            due = [
                r
                for r in world.runs.values()
                if (r.ready or (r.run.wake_at is not None and r.run.wake_at <= now))
                and r.run.owner == 0
                and not r.run.quarantined
            ]
            if not due:
                return []
            self._check_owner(owner)
            self._wrote()
            innocent = [record for record in due if not record.deaths][:limit]
            claims = [self._take(record, owner) for record in innocent]
            if len(claims) < limit and not self._on_probation(owner):
                suspects = (record for record in due if record.deaths)
                claim = next(filter(None, (self._try(one, owner) for one in suspects)), None)
                claims += [] if claim is None else [claim]
            return claims

    def _on_probation(self, owner: int) -> bool:
        held = (r for r in self._world.runs.values() if r.run.owner == owner)
        return any(record.deaths >= limits.DEATHS_ALONE for record in held)

    def _try(self, record: Record, owner: int) -> Claim | None:
        """Take a run on probation, or quarantine it if it has cost too many lives."""
        if record.deaths >= limits.DEATHS_MAX:
            self._quarantine(record, deadly(record.deaths))
            return None
        record.deaths += 1
        return self._take(record, owner)

    def claim_one(self, run_id: str, owner: int) -> Claim | None:
        with self._writing():
            self._check_owner(owner)
            record = self._record(run_id)
            if record is None or record.run.status in FINAL or record.run.quarantined:
                return None
            if record.run.owner == owner:
                return Claim(run_id, record.run.epoch, bool(record.deaths))
            if record.run.owner:
                return None
            if not record.deaths:
                return self._take(record, owner)
            return None if self._on_probation(owner) else self._try(record, owner)

    def acquit(self, run_id: str, epoch: int) -> None:
        with self._writing():
            record = self._record(run_id)
            if record is not None and record.run.epoch == epoch and record.run.owner:
                record.deaths = 0

    def _check_owner(self, owner: int) -> None:
        if owner not in self._world.heartbeats:
            raise taken_for_dead(owner)

    def _take(self, record: Record, owner: int) -> Claim:
        run = record.run = replace(record.run, owner=owner, epoch=record.run.epoch + 1)
        record.ready = False
        return Claim(run.run_id, run.epoch, bool(record.deaths))

    def held(self, owner: int) -> list[Claim]:
        with self._world.lock:
            mine = [r for r in self._world.runs.values() if r.run.owner == owner]
            return [Claim(r.run.run_id, r.run.epoch, bool(r.deaths)) for r in mine]

    def stirred(self, owner: int) -> list[str]:
        with self._world.lock:
            return [i for i, r in self._world.runs.items() if r.ready and r.run.owner == owner]

    def next_wake(self) -> float | None:
        with self._world.lock:
            free = [
                r for r in self._world.runs.values() if not r.run.owner and not r.run.quarantined
            ]
            if any(r.ready for r in free):
                return 0.0
            return min((r.run.wake_at for r in free if r.run.wake_at is not None), default=None)

    def release(self, released: Sequence[Release]) -> list[bool]:
        with self._writing():
            return [self._release(one) for one in released]

    def _release(self, one: Release) -> bool:
        record = self._record(one.run_id)
        if record is None or record.run.epoch != one.epoch or not record.run.owner:
            return False
        record.run = replace(record.run, owner=0)
        record.ready = one.ready or record.run.status == "ready" or bool(record.inbox)
        record.deaths -= bool(record.deaths)  # its owner lives
        return True

    def commit(self, commits: Sequence[Commit]) -> list[bool]:
        with self._writing():
            return [self._commit(one) for one in commits]

    def transact(self, run_id: str, epoch: int, seq: int, work: Callable[[Lent], Commit]) -> bool:
        del run_id, epoch, seq
        return refuse(work)

    def _commit(self, turn: Commit) -> bool:
        record = self._record(turn.run_id)
        if record is None:
            return False
        run = record.run
        if run.epoch != turn.epoch or run.seq != turn.seq - 1 or not run.owner:
            return False
        now = self.now()
        record.run = replace(
            run,
            seq=turn.seq,
            status=turn.status,
            detail=turn.detail,
            wake_at=turn.wake_at,
            updated_at=now,
        )
        record.log.append(
            Entry(turn.seq, turn.kind, now, turn.entry_hash, turn.payload, note=turn.note)
        )
        if turn.kind != MARK:
            record.deaths = 0
        consumed = set(turn.consumed)
        record.inbox = [row for row in record.inbox if row.row not in consumed]
        record.ready = turn.status == "ready" or bool(record.inbox)
        record.result = record.result if turn.result is None else turn.result
        if turn.output:
            record.outputs.append(Output(turn.seq, turn.output))
        for line in turn.logged:
            record.lines.append(LoggedLine(turn.seq, now, line.level, line.message, line.fields))
        for new in turn.starts:
            self._start(new)
        for message in turn.sends:
            self._send(message)
        for watched in turn.watches:
            self._watch(turn.run_id, watched)
        if turn.snapshot is not None:
            record.compact(turn.seq, turn.snapshot, turn.snapshot_hash, self.retention)
        if turn.status in FINAL:
            self._finish(record)
        return True

    def _watch(self, watcher: str, watched: str) -> None:
        record = self._record(watched)
        if record is not None and record.run.status in FINAL:
            self._tell(watcher, record)
        elif watcher not in self._world.watchers.setdefault(watched, []):
            self._world.watchers[watched].append(watcher)

    def _tell(self, watcher: str, ended: Record) -> None:
        told = self._world.runs[watcher]
        run = ended.run
        message = Send(watcher, "finished", run.status, run.run_id, ended.result or b"")
        told.inbox.append(self._row(message))
        told.ready = True

    def _finish(self, record: Record) -> None:
        run = record.run = replace(record.run, owner=0, wake_at=None)
        record.ready = False
        record.inbox = []
        for watchers in self._world.watchers.values():
            if run.run_id in watchers:
                watchers.remove(run.run_id)
        for watcher in self._world.watchers.pop(run.run_id, []):
            self._tell(watcher, record)

    def compact(self, run_id: str, seq: int, snapshot: bytes, snapshot_hash: bytes) -> bool:
        with self._writing():
            record = self._record(run_id)
            if record is None or record.run.status in FINAL or not record.replaces(seq):
                return False
            record.compact(seq, snapshot, snapshot_hash, self.retention)
            return True

    def quarantine(self, run_id: str, reason: str) -> None:
        with self._writing():
            record = self._record(run_id)
            if record is not None:
                self._quarantine(record, reason)

    def _quarantine(self, record: Record, reason: str) -> None:
        run = record.run
        park = bool(reason) and run.status not in FINAL
        record.run = replace(
            run,
            quarantined=reason,
            owner=0,
            epoch=run.epoch + 1,
            status="parked" if park else run.status,
            detail=reason or run.detail,
        )
        record.ready = not reason
        record.deaths = 0

    def prune(self, policy: PrunePolicy = PrunePolicy()) -> Pruned:  # noqa: B008 - frozen
        with self._writing() as world:
            now, runs, message_ids = self.now(), 0, 0
            if policy.finished_s is not None:
                for run_id, record in list(world.runs.items()):
                    run = record.run
                    if run.status in FINAL and run.updated_at <= now - policy.finished_s:
                        del world.runs[run_id]
                        runs += 1
            if policy.message_ids_s is not None:
                for record in world.runs.values():
                    waiting = {(row.sender, row.message_id) for row in record.inbox}
                    old = [
                        key
                        for key, at in record.seen.items()
                        if at <= now - policy.message_ids_s and key not in waiting
                    ]
                    for key in old:
                        del record.seen[key]
                    message_ids += len(old)
            return Pruned(runs, message_ids)

    def check(self) -> list[Flaw]:
        with self._world.lock:
            programs = self._world.programs
            return [
                Flaw(run_id, f"its program {record.run.program_hash:.16} is not in the database")
                for run_id, record in self._world.runs.items()
                if record.run.program_hash not in programs
            ] + [
                Flaw(
                    "", f"the name {name} means the program {one:.16}, which is not in the database"
                )
                for name, one in self._world.names.items()
                if one not in programs
            ]


def _after(rows: list[Any], after: int, limit: int) -> list[Any]:
    return [row for row in rows if row.seq > after][:limit]
