"""The store on PostgreSQL: any number of processes on any number of machines.

The verbs that change something; reading.py has the others, handle.py what they share.

Layer: store. Imports base, store.api, psycopg through its neighbours.
Invariant: every verb is one transaction and, but for listing and looking after the database, one round
trip. What a verb decides it decides in the server: functions.sql.

A lost connection: the verb that meets it raises P407, or is repeated at once on a new connection where
that changes nothing (reading; what is idempotent). The next call connects again. An owner survives
that: its new session takes its lock again, unless somebody has taken it for dead in between, which is
P409 for its claims, as a lease that ran out is.

Not COPY: it needs a round trip before the rows, and could not be conditional on the fence.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence

from perdure.base import limits
from perdure.base.errors import StoreError
from perdure.store.api import (
    Claim,
    Commit,
    Lent,
    NewRun,
    Pruned,
    PrunePolicy,
    Release,
    Run,
    Send,
)
from perdure.store.leases import JUMP_SHARE
from perdure.store.lending import Fenced
from perdure.store.postgres import binary, loading
from perdure.store.postgres.commit import COMMIT, Batch, batches_of, encode, framed
from perdure.store.postgres.connection import Connection, verb
from perdure.store.postgres.lending import PostgresLent
from perdure.store.postgres.reading import RUN_COLUMNS, Reading, claim_of
from perdure.store.refusals import check_same, taken_for_dead

_STANDS = b"SELECT 1 FROM perdure.runs WHERE id = %s AND epoch = %s AND seq = %s AND owner <> 0"
_RELEASE = verb("release", 3)
_START = verb("start", 6)
_SEND = verb("send", 6)


class PostgresStore(Reading):
    """A handle to a database on a PostgreSQL server, with all verbs; see store.api for what they do, and Handle for
    what it takes.
    """

    # -- code -----------------------------------------------------------------------------

    def put_program(self, program_hash: str, payload: bytes) -> None:
        self._rows(
            "INSERT INTO perdure.programs VALUES (%s, %s) ON CONFLICT DO NOTHING",
            program_hash,
            payload,
        )

    def put_definitions(self, definitions: Mapping[str, bytes]) -> None:
        if definitions:
            # Sorted, so that two processes that store the same ones never wait for each other in turn.
            self._rows(
                "INSERT INTO perdure.definitions SELECT * FROM unnest(%s::text[], %s::bytea[]) "
                "ON CONFLICT DO NOTHING",
                sorted(definitions),
                [definitions[one] for one in sorted(definitions)],
            )

    def set_name(self, name: str, program_hash: str) -> None:
        self._rows(
            "INSERT INTO perdure.names VALUES (%s, %s) "
            "ON CONFLICT (name) DO UPDATE SET program = excluded.program",
            name,
            program_hash,
        )

    # -- runs -----------------------------------------------------------------------------

    def start_runs(self, news: Sequence[NewRun]) -> list[tuple[Run, bool]]:
        distinct: dict[str, NewRun] = {}
        for new in news:
            first = distinct.setdefault(new.run_id, new)
            check_same(new, first.program_name, first.arguments)
        if not distinct:
            return []
        given = list(distinct.values())
        values = [
            self._at(),
            binary.texts([new.run_id for new in given]),
            binary.texts([new.program_name for new in given]),
            binary.texts([new.program_hash for new in given]),
            binary.blobs([new.arguments for new in given]),
            binary.texts([new.parent for new in given]),
        ]
        answer = self._repeatedly(lambda: self._connection.call(_START, values))
        made = {given[n - 1].run_id for n in binary.read_integers(answer.get_value(0, 0))}
        clock = binary.read_number(answer.get_value(0, 1) or b"")
        runs = {new.run_id: _new_run(new, clock) for new in given if new.run_id in made}
        if len(made) < len(given):
            there = [new.run_id for new in given if new.run_id not in made]
            query = f"SELECT {RUN_COLUMNS} FROM perdure.described WHERE id = ANY (%s)"  # noqa: S608
            runs |= {row[0]: Run(*row) for row in self._rows(query, there)}
        if made:
            self._ring((0,))
        started = []
        for new in news:
            started.append((runs[new.run_id], new.run_id in made))
            made.discard(new.run_id)
        return started

    def set_cursor(self, run_id: str, seq: int) -> None:
        self._rows(
            "INSERT INTO perdure.run_data (run, cursor) "
            "SELECT num, %s FROM perdure.runs WHERE id = %s "
            "ON CONFLICT (run) DO UPDATE SET cursor = excluded.cursor",
            seq,
            run_id,
        )

    def send(self, message: Send) -> bool:
        sent, touched = self._send(message)
        self._ring(touched)
        return sent

    def send_many(self, messages: Sequence[Send]) -> list[bool]:
        sent = [False] * len(messages)
        touched: list[int] = []
        # In the order of ids: two that send to the same runs must not wait for each other.
        order = sorted(range(len(messages)), key=lambda index: messages[index].to)
        with self._connection.session() as raw, raw.transaction():
            for index in order:
                sent[index], rung = self._send(messages[index])
                touched += rung
        self._ring(dict.fromkeys(touched))
        return sent

    def _send(self, message: Send) -> tuple[bool, tuple[int, ...]]:
        """Send a message; return whether it was sent, and the owner that is to hear of it, 0 for nobody."""
        answer = self._connection.call(
            _SEND,
            [
                self._at(),
                message.to.encode(),
                message.kind.encode(),
                message.message_id.encode(),
                message.sender.encode(),
                message.payload,
            ],
        )
        touched = answer.get_value(0, 1)
        rung = () if touched is None else (int.from_bytes(touched, "big"),)
        return answer.get_value(0, 0) == b"\x01", rung

    def commit(self, commits: Sequence[Commit]) -> list[bool]:
        won = [False] * len(commits)
        touched: set[int] = set()
        batches = batches_of(commits)
        if len(batches) == 1:
            self._commit(batches[0], won, touched)
        elif batches:
            with self._connection.session() as raw, raw.transaction():
                for batch in batches:
                    self._commit(batch, won, touched)
        self._ring(touched)
        return won

    def _commit(
        self, batch: Batch, won: list[bool], touched: set[int], carrier: Connection | None = None
    ) -> None:
        wanted, values = encode(batch, self._at(), self.retention)
        answer = (carrier or self._connection).call(wanted, values)
        for n in binary.read_integers(answer.get_value(0, 0)):
            won[batch[n - 1][0]] = True
        if wanted is COMMIT:
            touched.update(binary.read_integers(answer.get_value(0, 2)))

    def transact(self, run_id: str, epoch: int, seq: int, work: Callable[[Lent], Commit]) -> bool:
        connection, touched, won = self._lending(), set[int](), [False]
        with contextlib.suppress(Fenced), connection.transaction() as raw:
            with connection.line.waiting():
                here = raw.execute(_STANDS, (run_id, epoch, seq)).fetchone()
            if here is None:
                raise Fenced
            turn = work(PostgresLent(raw, connection.line, connection.target))
            self._commit([(0, turn)], won, touched, connection)
            if not won[0]:
                raise Fenced
        if won[0]:
            self._ring(touched)
        return won[0]

    def compact(self, run_id: str, seq: int, snapshot: bytes, snapshot_hash: bytes) -> bool:
        kept = self.retention
        with self._connection.session() as raw, raw.transaction():
            row = raw.execute(
                b"SELECT num FROM perdure.runs r WHERE id = %s AND seq >= %s "
                b"AND status NOT IN ('completed', 'failed', 'cancelled') FOR NO KEY UPDATE",
                (run_id, seq),
            ).fetchone()
            if row is None:
                return False
            found = raw.execute(
                b"UPDATE perdure.log l SET snapshot = %s WHERE run = %s AND seq = %s AND NOT EXISTS ("
                b"SELECT FROM perdure.log n WHERE n.run = l.run AND n.seq >= l.seq "
                b"AND n.snapshot IS NOT NULL)",
                (framed(snapshot, snapshot_hash), row[0], seq),
            )
            if not found.rowcount:
                return False
            raw.execute(
                b"SELECT perdure.compact(%s::bigint, %s::bigint, %s::bigint, %s::bigint, %s::bigint, %s::bigint)",
                (row[0], seq, kept.headers, kept.output_bytes, kept.log_lines, kept.small_bytes),
            )
        return True

    def quarantine(self, run_id: str, reason: str) -> None:
        self._rows(
            "UPDATE perdure.runs SET quarantined = %(why)s, owner = 0, ready = %(why)s = '', "
            "epoch = epoch + 1, deaths = 0, "
            "detail = CASE WHEN %(why)s = '' THEN detail ELSE %(why)s END, "
            "status = CASE WHEN %(why)s = '' OR status IN ('completed', 'failed', 'cancelled') "
            "THEN status ELSE 'parked' END WHERE id = %(run)s",
            {"why": reason, "run": run_id},
        )
        if not reason:
            self._ring((0,))

    # -- ownership ------------------------------------------------------------------------

    def register_owner(self, name: str) -> int:
        assert not self._owner, "a handle has one owner"
        (row,) = self._rows(
            "SELECT perdure.register(%s::float8, %s::text, %s::boolean)",
            self._given_clock(),
            name,
            not self._connection.target.pooled,
        )
        self._owner = int(row[0])
        self._family.owners.add(self._owner)
        return self._owner

    def heartbeat(self, owner: int) -> bool:
        if owner not in (self._owner, self._beats_for) and not self._connection.target.pooled:
            # This session says too that the owner lives, should the other be cut.
            if not self._one("SELECT perdure.relock(%s::integer)", owner):
                return False
            self._beats_for = owner
        rows = self._rows(
            "UPDATE perdure.owners SET heartbeat = perdure.clock(%s::float8) WHERE num = %s "
            "RETURNING num",
            self._given_clock(),
            owner,
        )
        return bool(rows)

    def reap_dead_owners(self) -> int:
        trust = self._trust
        (row,) = self._rows(
            "SELECT freed, clock FROM perdure.reap(%s::float8, %s::integer, %s::float8, %s::float8, %s::float8)",
            self._given_clock(),
            self._owner,
            self.lease_s if trust.given else math.inf,
            trust.expected(),
            self.lease_s * JUMP_SHARE,
        )
        freed, clock = row
        trust.look(clock)
        return int(freed)

    def claim(self, owner: int, limit: int) -> list[Claim]:
        # Not repeated: what a lost answer gave shows in `held`.
        try:
            rows = self._rows(
                "SELECT * FROM perdure.claim(%s::float8, %s::integer, %s::bigint, %s::integer, %s::integer)",
                self._given_clock(),
                owner,
                limit,
                limits.DEATHS_MAX,
                limits.DEATHS_ALONE,
                repeat=False,
            )
        except StoreError as error:
            raise self._named(error, owner) from None
        return [claim_of(row) for row in rows]

    def claim_one(self, run_id: str, owner: int) -> Claim | None:
        # Repeated after a lost connection: an own claim is given back as it is.
        try:
            rows = self._rows(
                "SELECT * FROM perdure.claim_one(%s::text, %s::integer, %s::integer, %s::integer)",
                run_id,
                owner,
                limits.DEATHS_MAX,
                limits.DEATHS_ALONE,
            )
        except StoreError as error:
            raise self._named(error, owner) from None
        return claim_of(rows[0]) if rows else None

    def _named(self, error: StoreError, owner: int) -> StoreError:
        return taken_for_dead(owner) if error.code == "P409" else error

    def acquit(self, run_id: str, epoch: int) -> None:
        self._rows(
            "UPDATE perdure.runs SET deaths = 0 WHERE id = %s AND epoch = %s AND owner <> 0",
            run_id,
            epoch,
        )

    def release(self, released: Sequence[Release]) -> list[bool]:
        if not released:
            return []
        ordered = sorted(enumerate(released), key=lambda one: one[1].run_id)
        values = [
            binary.texts([one.run_id for _, one in ordered]),
            binary.integers([one.epoch for _, one in ordered]),
            binary.booleans([one.ready for _, one in ordered]),
        ]
        answer = self._repeatedly(lambda: self._connection.call(_RELEASE, values))
        given = [False] * len(released)
        for n in binary.read_integers(answer.get_value(0, 0)):
            given[ordered[n - 1][0]] = True
        if any(one.ready for one in released):
            self._ring((0,))
        return given

    # -- upkeep ---------------------------------------------------------------------------

    def prune(self, policy: PrunePolicy = PrunePolicy()) -> Pruned:  # noqa: B008 - frozen
        with self._connection.session() as raw:
            pruned = loading.prune(raw, policy, self.now())
            if policy.vacuum:
                self._connection.line.since = 0.0  # it takes as long as it takes
                raw.execute(b"SET statement_timeout = 0")
                try:
                    for table in loading.OF_A_RUN:
                        raw.execute(f"VACUUM FULL perdure.{table}".encode())
                    raw.execute(b"VACUUM FULL perdure.runs")
                finally:
                    raw.execute(b"RESET statement_timeout")
        return pruned


def _new_run(new: NewRun, clock: float) -> Run:
    return Run(
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
        created_at=clock,
        updated_at=clock,
    )
