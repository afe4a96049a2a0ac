"""What a store is: the narrow interface between the engine and a database.

Layer: store. Imports base only; never a heap, a machine or the snapshot codec.
Invariant: only ids, integers, floats, bytes and strings cross this interface. A store never looks
into a payload.

How it is used, in the order of a run's life:

    put_program, put_definitions, set_name    code, by content hash
    start_runs                                runs exist: ready, at seq 0, nothing loaded yet
    register_owner                            a worker says that it lives
    claim, claim_one                          the worker owns the run under a new epoch
    load                                      what it needs to decode runs and go on
    stirred, inbox                            what was sent to runs that it owns
    commit                                    turns of one or many runs, in one transaction
    release                                   somebody else may have them
    close                                     the owner's lock dies with the handle

Guarantees that every store gives, and tests/store checks:
1. `commit` of a turn is all or nothing, and conditional on (run, epoch, seq - 1): two owners never
   both win.
2. When `commit`, `start_runs`, `send` or `put_*` has returned, no crash or power cut undoes it.
3. A message is delivered once for its (receiver, sender, message id), also after it was consumed.
4. A run has at most one living owner at a time; a dead owner's runs can be claimed at once.
5. Rows of one inbox come in the order in which they were committed.
6. A run whose owners die one after the other, without a commit between, is quarantined after
   limits.DEATHS_MAX of them. Whoever takes over a dead owner's run takes it on probation: one at a
   time, counted before it is handed out, so that a neighbour's crash is never counted against it
   twice.

A handle belongs to one thread; `another()` gives a second thread its own. All methods may raise
StoreError:

    P401 locked · P402 read-only · P403 full · P404 not a Perdure database · P405 corrupt
    P406 written by a newer release · P407 input/output error · P408 can't be opened
    P409 the owner was taken for dead (claim, claim_one) · P412 no transactional effects (transact)

Not an ORM and no query language: every verb is one the engine needs, so that each store can do it
in one round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from perdure.base import limits

Value = TypeVar("Value")

FINAL: Final = frozenset({"completed", "failed", "cancelled"})
"""States that a run never leaves."""

TURN, MARK = "turn", "mark"
"""Kinds of entries. A turn evaluated something. A mark only notes which effects start, or when: after it the run may kill its
worker as it did before, so it does not end a probation."""

UNFINISHED: Final = ("ready", "waiting", "parked")
"""All other states that are stored; a ready run that somebody owns is shown as running."""

STATES: Final = frozenset({*UNFINISHED, "running"}) | FINAL

INBOX_KINDS: Final = frozenset(
    {"message", "console", "cancel", "retry", "restart", "pause", "resume", "finished"}
)
"""What a row of an inbox can be. `finished` is written by the store itself: a watched run came to
its end."""


# -- what goes in --------------------------------------------------------------------------


class NewRun(Struct, frozen=True):
    """A run to be started. `arguments` are opaque bytes; equal input means equal bytes."""

    run_id: str
    program_name: str
    program_hash: str
    arguments: bytes
    parent: str = ""


class Send(Struct, frozen=True):
    """Something for a run's inbox.

    `kind` is one of INBOX_KINDS but `finished`. `sender` is a run id, or "" from outside. An empty
    `message_id` is never a duplicate (console lines, operator actions).
    """

    to: str
    kind: str
    message_id: str
    sender: str
    payload: bytes


class LogLine(Struct, frozen=True):
    """One line of the program's own log; `fields` is JSON text."""

    level: str
    message: str
    fields: str = "{}"


class Commit(Struct, frozen=True, kw_only=True):
    """One turn of one run.

    Args:
      run_id, epoch: which run, under which claim.
      seq: the number of this entry; the run must be at `seq - 1`, the first entry is 1.
      kind: what the entry is: TURN or MARK.
      payload: the delta, or b"" when there is none (a first entry has a `snapshot` instead).
      entry_hash: the hash of the chain up to here; the store keeps it and never computes it.
      status: the run's state from now on, one of STATES but "running" ("running" is an owned ready
        run).
      detail: one short line for `list`: what it waits for, or the error.
      wake_at: when it must be looked at without any message, or None.
      result: the result or the error of a run that is parked or final; None leaves the stored one.
      output: what the program displayed in this turn.
      note: short text about the turn that outlives its payload (`perdure log`).
      logged: the program's own log lines.
      consumed: ids of the inbox rows that this turn took.
      sends: messages to other runs (or to itself).
      starts: runs to start; one that exists already stays what it is.
      watches: run ids whose end this run wants to hear of, as an inbox row of kind `finished`;
        once each.
      snapshot, snapshot_hash: a full snapshot of the state *after* this entry; it replaces the
        chain.
    """

    run_id: str
    epoch: int
    seq: int
    kind: str
    payload: bytes
    entry_hash: bytes
    status: str
    detail: str = ""
    wake_at: float | None = None
    result: bytes | None = None
    output: str = ""
    note: str = ""
    logged: tuple[LogLine, ...] = ()
    consumed: tuple[int, ...] = ()
    sends: tuple[Send, ...] = ()
    starts: tuple[NewRun, ...] = ()
    watches: tuple[str, ...] = ()
    snapshot: bytes | None = None
    snapshot_hash: bytes = b""


class Release(Struct, frozen=True):
    """A claim that is given back.

    The run can be claimed again at once if `ready` says so, if its status is "ready", or if its
    inbox has rows; else when something is sent to it or its `wake_at` comes.
    """

    run_id: str
    epoch: int
    ready: bool = False


class RunFilter(Struct, frozen=True):
    """Which runs `list_runs` gives; newest first. `older_than` is the id of a run, for the next page."""

    statuses: tuple[str, ...] = ()
    program_name: str = ""
    parent: str = ""
    limit: int = 1_000
    older_than: str = ""


class PrunePolicy(Struct, frozen=True):
    """What `prune` removes. None keeps for good. The defaults are the documented default retention.

    Args:
      finished_s: finished runs, and all that belongs to them, so long after their end.
      message_ids_s: memory of consumed message ids of living runs: a duplicate that comes later is
        a new message.
      vacuum: give freed pages back to the file system.
    """

    finished_s: float | None = 30 * 86_400.0
    message_ids_s: float | None = 30 * 86_400.0
    vacuum: bool = False


class Retention(Struct, frozen=True):
    """What a store keeps of a run that goes on, applied whenever a snapshot replaces its chain.

    The newest two snapshots and the payloads of all entries since the older of them are always
    kept.

    Args:
      headers: entries whose header (kind, time, hash, note) outlives their payload.
      output_bytes: the newest output, in bytes, rounded up to whole turns.
      log_lines: the newest lines of the program's own log.
      small_bytes: payloads up to this size may stay as long as their headers, where removing them
        would free nothing.
    """

    headers: int = 1_000
    output_bytes: int = 1024 * 1024
    log_lines: int = 10_000
    small_bytes: int = 400


# -- what comes out ------------------------------------------------------------------------


class Claim(Struct, frozen=True):
    """A run that the caller owns now; `epoch` goes into every commit and into `release`.

    On probation, its last owner died: load it and take its first turn before those of any other
    run, and `acquit` it if no commit comes of that.
    """

    run_id: str
    epoch: int
    probation: bool = False


class Run(Struct, frozen=True):
    """A run as `list` and `show` see it. `owner` is 0 when nobody has it; `quarantined` is the
    reason or "".
    """

    run_id: str
    program_name: str
    program_hash: str
    parent: str
    status: str
    detail: str
    seq: int
    epoch: int
    owner: int
    wake_at: float | None
    created_at: float
    updated_at: float
    quarantined: str = ""


class Entry(Struct, frozen=True):
    """An entry of a run's log. A dropped payload is None, and `payload_hash` stands for it in the
    chain of hashes.
    """

    seq: int
    kind: str
    at: float
    entry_hash: bytes
    payload: bytes | None
    payload_hash: bytes = b""
    note: str = ""


class InboxRow(Struct, frozen=True):
    """A row that waits for its run's next turn. For kind `finished`, `sender` is the run that
    ended, `message_id` its final status and `payload` its result (b"" if there is none).
    """

    row: int
    kind: str
    message_id: str
    sender: str
    payload: bytes
    at: float


class Loaded(Struct, frozen=True):
    """All that is needed to decode a run.

    Args:
      run: its row.
      arguments: what it was started with.
      result: its result or error, or None.
      snapshot, snapshot_hash, snapshot_seq: the newest snapshot; None, b"" and 0 before the first
        commit.
      chain_hash: the entry hash at `snapshot_seq`, b"" at 0: the previous hash of the first entry
        below.
      entries: the entries after the snapshot, in order, all with their payloads.
      inbox: the rows that wait for its next turn, oldest first, limits.INBOX_BATCH at most.
    """

    run: Run
    arguments: bytes
    result: bytes | None
    snapshot: bytes | None
    snapshot_hash: bytes
    snapshot_seq: int
    chain_hash: bytes
    entries: tuple[Entry, ...]
    inbox: tuple[InboxRow, ...]


class Output(Struct, frozen=True):
    """What the program displayed in the turn `seq`."""

    seq: int
    text: str


class LoggedLine(Struct, frozen=True):
    """A stored line of the program's own log."""

    seq: int
    at: float
    level: str
    message: str
    fields: str


class Flaw(Struct, frozen=True):
    """Something in a database that can't be right. `run_id` is the run that it is about, or ""."""

    run_id: str
    what: str


class Pruned(Struct, frozen=True):
    """What `prune` removed."""

    runs: int
    message_ids: int


class Lent(Protocol):
    """An open transaction of a store, as far as a transactional effect takes part in it."""

    def attempt(self, function: Callable[[Any], Value]) -> Value:
        """Call a function with the database's own connection, and return its value.

        If it raises, all that it wrote is undone, and the error goes on; the transaction stays open.

        Raises:
          StoreError: the transaction is gone: the connection was lost, the disk is full, or others got in its way.
        """


# -- the interface -------------------------------------------------------------------------


@runtime_checkable
class Store(Protocol):
    """A handle to a database of runs; use it from one thread.

    Attributes:
      url: how another process opens the same database (store.opening); "" if none can.
      lease_s: how long an owner lives after its last heartbeat, in seconds; the same for all
        handles to a database.
      poll_s: how often a worker should ask `data_version`, in seconds.
      overlaps: whether a commit is mostly waiting, for a server or a network, so that it is worth a
        thread of its own.
      transacts: whether `transact` can be used.
    """

    url: str
    lease_s: float
    poll_s: float
    overlaps: bool
    transacts: bool

    def another(self) -> Store:
        """Return an independent handle to the same database, for another thread. It has no
        owner.
        """

    def close(self) -> None:
        """Give the handle back. Its owner counts as dead from now on. Idempotent."""

    def now(self) -> float:
        """Return the database's clock in seconds since the epoch."""

    def data_version(self) -> int:
        """Return a number that changes when *another* handle has committed something. Costs
        microseconds.
        """

    def watch(self, hint: Callable[[], None]) -> None:
        """Call `hint`, from any thread, when another process may have given this one work.

        It may be called for nothing, and it may never be called: polling is the truth.
        """

    # code

    def put_program(self, program_hash: str, payload: bytes) -> None:
        """Store a program by its hash; idempotent."""

    def get_program(self, program_hash: str) -> bytes | None:
        """Return a program, or None."""

    def put_definitions(self, definitions: Mapping[str, bytes]) -> None:
        """Store definitions by their hashes; idempotent."""

    def get_definitions(self, hashes: Iterable[str]) -> dict[str, bytes]:
        """Return those of the definitions that the store has."""

    def set_name(self, name: str, program_hash: str) -> None:
        """Say which program a name means from now on."""

    def get_name(self, name: str) -> str | None:
        """Return the hash of the program of that name, or None."""

    # runs

    def start_runs(self, news: Sequence[NewRun]) -> list[tuple[Run, bool]]:
        """Make runs, ready to be claimed, in one transaction; return each with True, or the one
        that is there already with False.

        Raises:
          CallError: P302, a run of such an id exists with another program name or other arguments;
            none of the runs was started.
        """

    def get_run(self, run_id: str) -> Run | None:
        """Return a run, or None."""

    def list_runs(self, wanted: RunFilter = RunFilter()) -> list[Run]:  # noqa: B008 - frozen
        """Return runs, newest first."""

    def counts(self) -> dict[str, int]:
        """Return how many runs there are in each state; states without runs are left out."""

    def result(self, run_id: str) -> bytes | None:
        """Return the stored result or error of a run, or None."""

    def load(self, run_ids: Sequence[str]) -> list[Loaded]:
        """Return all that is needed to decode runs, as one consistent state, in the order of their
        ids; those that do not exist are left out.
        """

    def inbox(
        self, run_ids: Sequence[str], limit: int = limits.INBOX_BATCH
    ) -> dict[str, list[InboxRow]]:
        """Return for each of the runs the rows that wait for its next turn, oldest first, `limit`
        of each at most.
        """

    def entries(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Entry]:
        """Return log entries with a seq above `after`, oldest first, payloads included where they
        are kept.
        """

    def outputs(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Output]:
        """Return output of turns with a seq above `after`, oldest first."""

    def log_lines(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[LoggedLine]:
        """Return lines of the program's own log from turns with a seq above `after`, oldest
        first.
        """

    def cursor(self, run_id: str) -> int:
        """Return the seq up to which the run's output was printed; 0 at first."""

    def set_cursor(self, run_id: str, seq: int) -> None:
        """Remember the seq up to which the run's output was printed."""

    def send(self, message: Send) -> bool:
        """Put something into a run's inbox and make the run ready.

        To a run that does not exist yet, it waits for the run; to a finished one, it is dropped.

        Returns:
          False if it was dropped or is a duplicate, else True.
        """

    def send_many(self, messages: Sequence[Send]) -> list[bool]:
        """Do what `send` does with each, all in one transaction; messages to one run keep their order."""

    # ownership

    def register_owner(self, name: str) -> int:
        """Return a new owner id that lives until this handle is closed or the process dies. One
        for each handle.
        """

    def heartbeat(self, owner: int) -> bool:
        """Renew an owner's lease. False: it was taken for dead, its runs belong
        to others.
        """

    def reap_dead_owners(self) -> int:
        """Free the runs of owners whose lock or lease is gone, and make them ready, on probation;
        return how many runs.
        """

    def claim(self, owner: int, limit: int) -> list[Claim]:
        """Take over runs that nobody owns and that are ready, were sent something, or whose time
        has come.

        At most one of them is on probation, and none if the owner has such a run already. One that
        has cost limits.DEATHS_MAX owners their lives is quarantined instead. After a
        lost connection (P407) it may have taken place: `held` tells.
        """

    def claim_one(self, run_id: str, owner: int) -> Claim | None:
        """Take over a certain run, ready or not; None if it does not exist, is final, quarantined,
        owned by another, or on probation while the owner has another such run.

        The caller's own claim is given back as it is.
        """

    def acquit(self, run_id: str, epoch: int) -> None:
        """End the probation of a run that had nothing to commit; a commit does so by itself."""

    def held(self, owner: int) -> list[Claim]:
        """Return all claims of an owner: what it was given, also if the answer never reached it."""

    def stirred(self, owner: int) -> list[str]:
        """Return the ids of the owner's runs that were sent something since their claim or last
        commit.
        """

    def next_wake(self) -> float | None:
        """Return when the next run that nobody owns is due, or None; 0.0 when one is ready now."""

    def release(self, released: Sequence[Release]) -> list[bool]:
        """Give runs back, in one transaction. False: it belongs to another already."""

    def commit(self, commits: Sequence[Commit]) -> list[bool]:
        """Commit turns, all in one transaction, and say of each whether it won.

        A fenced one (another owner has the run, or its seq is taken) changes nothing and leaves
        the others alone.
        After an error nothing of the batch is committed, or its outcome is unknown: read (epoch,
          seq) back.
        """

    def transact(self, run_id: str, epoch: int, seq: int, work: Callable[[Lent], Commit]) -> bool:
        """Open a transaction, let `work` take part in it, and commit the turn that it returns with all that it wrote.

        Args:
          run_id, epoch, seq: where the run stands; if it is elsewhere, `work` is not called.
          work: is given the transaction. It may use the other verbs that a turn needs, and no others.

        Returns:
          False: the run is another owner's by now. Nothing was written.

        Raises:
          StoreError: nothing was written, or the outcome is unknown: read (epoch, seq) back. P412: this store
            can't do it.
          whatever `work` raises: nothing was written.
        """

    def compact(self, run_id: str, seq: int, snapshot: bytes, snapshot_hash: bytes) -> bool:
        """Let a snapshot of the state after the entry `seq` replace the chain up to there, as one that comes
        with a commit does; whoever owns the run may go on meanwhile.

        Returns:
          False, and nothing was changed: the run has ended or has no such entry, or a snapshot that is as new.
        """

    def quarantine(self, run_id: str, reason: str) -> None:
        """Park a run whose stored state can't be trusted, so that nobody claims it; "" lifts
        it and forgets the deaths of its owners.
        """

    def prune(self, policy: PrunePolicy = PrunePolicy()) -> Pruned:  # noqa: B008 - frozen
        """Remove what a policy no longer keeps."""

    def check(self) -> list[Flaw]:
        """Return references between the tables that lead nowhere. Nothing is decoded or hashed."""
