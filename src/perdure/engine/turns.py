"""One turn of one run: from events to a commit, and what follows once it is durable.

Layer: engine. Imports machine, snapshot, store.api, values, base.
Invariant: `take` changes memory only; `settle` is called after the store said that the commit won, and only it starts
effects (rule 2). A live run whose commit lost is thrown away, never repaired.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from perdure.base import limits
from perdure.base.errors import CallError, QuotaError
from perdure.engine import cancelling, faults, hastening, inspection, records
from perdure.engine.adoption import adopt, key_of
from perdure.engine.deadlines import limited, too_late
from perdure.engine.effects import Failed, arguments_out, policy_of, shown_name
from perdure.engine.live import LiveRun
from perdure.engine.loading import Programs
from perdure.engine.python_modules import Function
from perdure.engine.records import PAUSED
from perdure.engine.stress import stressed_turn
from perdure.machine import watchdog
from perdure.machine.memory import give_back
from perdure.machine.registers import EVALUATOR, REGISTERS
from perdure.machine.state import Request
from perdure.machine.turn import (
    Arrived,
    Cancel,
    Event,
    Fired,
    Hasten,
    Outcome,
    Raised,
    Restart,
    Returned,
)
from perdure.snapshot import wire
from perdure.store.api import FINAL, MARK, TURN, Commit, LogLine, NewRun, Send, Store
from perdure.store.lending import UNABLE
from perdure.values import barrier, ports
from perdure.values.conditions import SchemeError, condition
from perdure.values.ports import CONSOLE
from perdure.values.printer import write_string

_NOTE_PARTS = 4
_REFUSAL_CHARS = 200


class Start(Struct, frozen=True):
    """An effect to be started when the commit is durable."""

    number: int
    name: str
    function: Function
    arguments: list[Any]
    key: str
    attempt: int
    deadline: float | None = None


class Taken(Struct, frozen=True, eq=False):
    """A turn that was taken and not yet committed."""

    live: LiveRun
    commit: Commit
    outcome: Outcome | None
    starts: tuple[Start, ...]


class _Apart:
    """Says that an effect is performed apart, within a transaction."""


_APART = _Apart()


class TurnTaker:
    """Takes turns. `room` says whether an effect could start at once; `store` answers names of programs.

    `aside`: whether somebody else compacts the chains of runs that are marked as `long`.

    Attributes:
      shared: whether other runs are in memory, who wait while one has its turn.
    """

    def __init__(
        self,
        store: Store,
        room: Callable[[Function], bool],
        programs: Programs,
        *,
        stress: bool = False,
        aside: bool = False,
    ) -> None:
        self._aside = aside
        self._store = store
        self._room = room
        self._programs = programs
        self._stress = stress
        self._kept: set[str] = set()
        self._state_max_bytes = watchdog.memory_max_bytes() // limits.STATE_SHARE
        self.shared = False

    def take(self, live: LiveRun, now: float, *, within: bool = False) -> Taken | None:
        """Run a live run's next turn and return it as a commit, or None if there was nothing to do.

        `within`: a transaction of the store is open, and may be undone.

        Raises:
          QuotaError: the turn took too much memory to be saved; the live run is to be thrown away.
        """
        with EVALUATOR:
            barrier.use(live.heap.log)
            rung = live.ring(now)
            events = [*live.events, *rung]
            outcome: Outcome | None = None
            was_cancelled = live.root.cancelled
            if events or live.runnable:
                live.events = []
                # The database's clock may be set back; a run's time goes on (rule 7).
                moment = max(now, live.root.time)
                if within:  # others wait for what the transaction has locked
                    live.slice_s = min(live.slice_s, limits.TURN_SLICE_SHARED_S)
                if self._stress:
                    outcome = stressed_turn(self._programs, live, events, moment)
                else:
                    outcome = self._turn(live, events, moment)
                self._absorb(live, outcome)
                if events:
                    hastening.changed(live, events, moment)
            changed = outcome is not None or bool(live.retries or live.unwatched or live.late)
            failed = tuple(live.retries)
            barrier.use(live.heap.log)
            starts = self._mark(live, now)
            if not (changed or starts):
                return None
            began = time.monotonic()
            cancel = _first_cancel(live, events, outcome) if not was_cancelled else None
            commit = self._commit(
                live, events, outcome, starts, failed=failed, cancel=cancel, within=within
            )
            self._set_slice(live, time.monotonic() - began)
            return Taken(live, commit, outcome, starts)

    def _set_slice(self, live: LiveRun, saving_s: float) -> None:
        """Say how long the run's next turn may compute, after saving this one took so long.

        A run that computes for long makes much that has to be saved. Alone, it may compute four times as long as saving takes,
        so that pre-emption costs it no more than a fifth. With neighbours, who wait for both, it is the other way round: one
        that makes much in little time gets the shortest slices, and so the shortest times of saving.
        """
        if saving_s > watchdog.WEIGHED_S:
            watchdog.weigh()  # what saving took is free again, and no growth of the next turn is to hide behind it
        if self.shared:
            least, most = limits.TURN_SLICE_SHARED_S, limits.TURN_SLICE_SHARED_MAX_S
            live.slice_s = min(max(saving_s / 4, least), most)
        else:
            live.slice_s = min(max(4 * saving_s, limits.TURN_SLICE_S), limits.TURN_SLICE_MAX_S)

    def _turn(self, live: LiveRun, events: list[Event], now: float) -> Outcome:
        try:
            outcome: Outcome = live.machine.turn(events, now, slice_s=live.slice_s)
        except MemoryError as error:
            raise QuotaError("P601", str(error) or "there is not enough memory for it") from None
        if watchdog.overdrawn():
            # A handler has let go of what it was, or the task is parked and holds all of it: to save that would hold
            # up everybody, and take as much memory again. Not all that is free is given back, so twice as much is meant.
            give_back()
            kept = watchdog.kept_bytes()
            if kept > 2 * watchdog.memory_max_bytes():
                raise QuotaError(
                    "P601",
                    f"one turn took {kept >> 20} MiB of memory, more than the quota of "
                    f"{watchdog.memory_max_bytes() >> 20} MiB; what it did is thrown away",
                )
        return outcome

    def _absorb(self, live: LiveRun, outcome: Outcome) -> None:
        """Take over what the outcome asks of the engine."""
        live.status = outcome.status
        live.runnable = outcome.status == "ready"
        for request in outcome.requests:
            waited_for = live.request(request.number)
            if waited_for is not None:
                adopt(live, waited_for)
        for number in outcome.withdrawn:
            live.retries.pop(number, None)
            live.blocked.pop(number, None)

    def _mark(self, live: LiveRun, now: float) -> tuple[Start, ...]:
        """Note retries and starts in the heap, and return what is to be started."""
        for number, again in live.retries.items():
            request = live.request(number)
            if request is not None:
                barrier.touch(request)
                request.started = False
                request.due = now + again.after_s
                request.error = again.condition
                live.set_alarm(request.due, number)
        live.retries.clear()
        if live.root.paused:
            live.pending += live.transactional
            live.transactional.clear()
        if not live.pending or live.root.paused:
            return ()
        starts: list[Start] = []
        waiting: list[int] = []
        for number in live.pending:
            request = live.request(number)
            if request is None:
                continue
            start = self._prepared(live, request, now)
            if start is None:
                waiting.append(number)
            elif start is _APART:
                if number not in live.transactional:
                    live.transactional.append(number)
            elif type(start) is Failed:
                live.events.append(Raised(number, start.condition, start.repeatable))
            else:
                assert type(start) is Start
                starts.append(start)
        live.pending = waiting
        return tuple(starts)

    def _prepared(
        self, live: LiveRun, request: Request, now: float
    ) -> Start | Failed | _Apart | None:
        """Return a start, noted in the request, the failure to prepare it, or None if it has to wait.

        A transactional effect is not started here: it waits for a turn of its own.
        """
        number, procedure = request.number, request.arguments[0]
        try:
            function = live.modules.function(procedure)
        except CallError as error:
            live.blocked[number] = error.message
            return None
        if live.blocked:
            live.blocked.pop(number, None)
        if request.deadline:
            if now >= request.deadline + limits.DEADLINE_GRACE_S:
                return too_late(procedure, function, request)
            if now >= request.deadline:  # the task itself is about to be interrupted
                live.set_alarm(request.deadline + limits.DEADLINE_GRACE_S, number)
                return None
            function = limited(function, request.deadline - now)
        if function.mark.transactional:
            if self._store.transacts:
                return _APART
            unable = f"{shown_name(procedure)}: {UNABLE}"
            return Failed(condition("effect-error", unable), repeatable=True)
        return self._begun(live, request, function, now)

    def prepare(self, live: LiveRun, request: Request, now: float) -> Start | Failed | None:
        """Return what is to be performed within a transaction, noted in the request, or why it can't be.

        None: its function is not there any more.
        """
        try:
            function = live.modules.function(request.arguments[0])
        except CallError as error:
            live.blocked[request.number] = error.message
            live.pending.append(request.number)
            return None
        with EVALUATOR:
            barrier.use(live.heap.log)
            return self._begun(live, request, function, now)

    def _begun(
        self, live: LiveRun, request: Request, function: Function, now: float
    ) -> Start | Failed | None:
        """Return a start of the next attempt, noted in the request, why its arguments can't cross, or None: there is no room."""
        procedure = request.arguments[0]
        try:
            arguments = arguments_out(procedure, function, request.arguments[1:])
        except SchemeError as error:
            return Failed(error.condition, repeatable=True)
        if not (function.mark.transactional or self._room(function)):
            return None
        if request.oid:
            barrier.touch(request)
        request.attempt += 1
        request.started = not function.mark.transactional
        request.due = 0.0
        if request.attempt == 1:
            policy = policy_of(function.mark, request.policy)
            if policy is not None and policy.deadline_s is not None:
                request.begun = now
        return Start(
            request.number,
            shown_name(procedure),
            function,
            arguments,
            key_of(live.run_id, request),
            request.attempt,
            request.deadline or None,
        )

    # -- the commit ------------------------------------------------------------------------

    def _commit(
        self,
        live: LiveRun,
        events: list[Event],
        outcome: Outcome | None,
        starts: tuple[Start, ...],
        *,
        failed: tuple[int, ...],
        cancel: Cancel | None,
        within: bool,
    ) -> Commit:
        status, detail, result = self._standing(live, outcome)
        seq = live.seq + 1
        kind = TURN if outcome is not None else MARK
        snapshot: bytes | None = None
        if live.fresh:
            snapshot, payload = live.heap.encode_full(), b""
        else:
            payload = live.heap.encode_delta()
            if status in FINAL or not self._wants_snapshot(live, outcome):
                pass
            elif (
                self._aside
                and not live.inline
                and live.heap.stored_bytes > limits.COMPACT_INLINE_BYTES
            ):
                live.long = not live.compacting
            else:
                faults.reached("compacting")
                snapshot = live.heap.encode_full()
                live.output_chars = 0
                live.weighed = True
        self._weigh(live)
        self._keep_definitions(live, within=within)
        consumed, live.consumed = tuple(live.consumed), []
        wakes = live.next_alarm() if status not in FINAL and not live.root.paused else None
        return Commit(
            run_id=live.run_id,
            epoch=live.epoch,
            seq=seq,
            kind=kind,
            payload=payload,
            entry_hash=wire.entry_hash(live.entry_hash, kind, seq, wire.payload_hash(payload)),
            status=status,
            detail=detail,
            wake_at=wakes,
            result=result,
            output=outcome.output if outcome is not None else "",
            note=_note(live, events, outcome, starts, failed),
            logged=_log_lines(live, events, outcome),
            consumed=consumed,
            sends=self._sends(live, outcome, cancel),
            starts=self._new_runs(live, outcome) if outcome is not None and outcome.started else (),
            watches=tuple(live.unwatched) if status not in FINAL else (),
            snapshot=snapshot,
            snapshot_hash=wire.payload_hash(snapshot) if snapshot is not None else b"",
        )

    def _wants_snapshot(self, live: LiveRun, outcome: Outcome | None) -> bool:
        """Return whether a full snapshot is to replace the chain of deltas."""
        if outcome is not None and outcome.output:
            live.output_chars += len(outcome.output)
            if live.output_chars > limits.OUTPUT_KEPT_CHARS:
                return True
        return bool(live.heap.wants_compaction or (live.complaints and not live.weighed))

    def _weigh(self, live: LiveRun) -> None:
        """Let a run whose state is too large begin its next turn with a quota-error.

        How much of a chain of deltas is garbage nobody knows before the next snapshot, so it may be as long again. And a run
        that was told may have let go of what it was: it is told again when a snapshot says that it has not.
        """
        heap, most = live.heap, self._state_max_bytes
        if heap.full_bytes <= most and heap.stored_bytes <= 2 * most:
            live.complaints = 0
            return
        if live.complaints and not live.weighed and heap.stored_bytes <= 4 * most:
            return
        live.complaints += 1
        live.weighed = False
        size = heap.stored_bytes >> 20
        told = f"the run's state has {size} MiB, more than the quota of {most >> 20} MiB"
        if live.complaints > limits.OVERDRAWN_MAX:
            raise QuotaError("P601", f"{told}, and it goes on after it was told")
        live.machine.complaint = told

    def _keep_definitions(self, live: LiveRun, *, within: bool) -> None:
        """Store the definitions that the run refers to for the first time, the standard library's among them.

        Those that a transaction stores, which may be undone, are stored for the next run again.

        A later release may have another library: a frame of the old one must still find its code.
        """
        used = live.heap.definitions
        if len(used) > live.definitions_kept:
            new = {d for d in used[live.definitions_kept :] if d != CONSOLE} - self._kept
            if new:
                provider = self._programs.toolchain.provider
                self._store.put_definitions({digest: provider.data(digest) for digest in new})
                if not within:
                    self._kept |= new
            live.definitions_kept = len(used)

    def _standing(self, live: LiveRun, outcome: Outcome | None) -> tuple[str, str, bytes | None]:
        """Return status, detail and result document."""
        status = live.status
        if status == "waiting" and live.blocked:
            number, reason = next(iter(live.blocked.items()))
            report = records.ErrorReport(
                kind=records.EFFECT_MISSING,
                code="P313",
                message=reason,
                text=f"[P313] {reason}\n  waiting effect: {number}",
            )
            return "parked", reason[:200], records.dump_error(report)
        if live.root.paused:
            return status, PAUSED, records.dump_error(cancelling.paused_report(live.run_id))
        if outcome is None:
            return status, waits_for(live), None
        if status == "completed":
            return status, "", records.dump_result(outcome.result, outcome.exit_code)
        if status in ("parked", "failed"):
            machine, raised = live.machine, outcome.result
            report = inspection.report_of(
                machine.evaluator.sources(),
                raised,
                self._programs.toolchain.provider,
                inspection.parked_stack(machine.root, raised),
                machine.namespace,
            )
            return status, report.message[:200], records.dump_error(report)
        if status == "cancelled":
            report = cancelling.report(live.root)
            return status, report.message[:200], records.dump_error(report)
        return status, waits_for(live), None

    def _new_runs(self, live: LiveRun, outcome: Outcome) -> tuple[NewRun, ...]:
        made = []
        for started in outcome.started:
            program_hash = self._store.get_name(started.program)
            assert program_hash is not None, f"start-run has checked the name {started.program}"
            made.append(
                NewRun(
                    started.run_id,
                    started.program,
                    program_hash,
                    records.join_arguments(started.arguments),
                    parent="" if started.detached else live.run_id,
                )
            )
        return tuple(made)

    def _sends(
        self, live: LiveRun, outcome: Outcome | None, cancel: Cancel | None
    ) -> tuple[Send, ...]:
        if outcome is None:
            return ()
        sends = [Send(s.to, "message", s.message_id, live.run_id, s.value) for s in outcome.sent]
        if cancel is not None:
            sends += cancelling.sends_to_children(self._store, live, cancel)
        return tuple(sends)


def forget_turn() -> None:
    """Let go of what the evaluator still holds of a run that is thrown away, and free its memory."""
    REGISTERS.machine = None
    barrier.use(barrier.WriteLog())
    ports.use_console([])
    ports.use_current_output(None)
    give_back()
    watchdog.weigh()


def waits_for(live: LiveRun) -> str:
    """Return in a few words what a run waits for, in constant time."""
    first = live.first_request()
    if first is None:
        return ""
    count = len(live.root.requests.entries)
    shown = inspection.short_text(first.kind, first.arguments)
    again = inspection.retry_text(first)
    if again:
        shown = f"{shown}, {again}"
    if live.root.cancelled:
        shown = f"cancelling: {shown}"
    return f"{shown} and {count - 1} more" if count > 1 else shown


def _first_cancel(live: LiveRun, events: list[Event], outcome: Outcome | None) -> Cancel | None:
    """Return the order by which a run was cancelled in this turn, if it was; the program itself may have done so."""
    if live.root.cancelled:
        orders = [event for event in events if isinstance(event, Cancel)]
        return orders[0] if orders else Cancel(live.root.reason)
    if outcome is not None and outcome.status == "cancelled":
        return Cancel("")
    return None


def _log_lines(live: LiveRun, events: list[Event], outcome: Outcome | None) -> tuple[LogLine, ...]:
    lines, live.late = live.late, []
    if outcome is None:
        return tuple(lines)
    if live.root.cancelled:
        lines += cancelling.lines_of_doubts(events)
    if outcome.withdrawn and live.calls:
        lines += cancelling.lines_of_withdrawn(live, outcome)
    for logged in outcome.logged:
        fields = {name: write_string(value, limit_chars=10_000) for name, value in logged.fields}
        lines.append(LogLine(logged.level, logged.message, json.dumps(fields, ensure_ascii=False)))
    return tuple(lines)


def _note(
    live: LiveRun,
    events: list[Event],
    outcome: Outcome | None,
    starts: tuple[Start, ...],
    failed: tuple[int, ...],
) -> str:
    """Return a short text of what came in and what is asked for now: "#60 -> step #61".

    A number alone is a request that completed; `failed` are requests whose attempts are to be repeated. The text outlives the
    payload, so each letter counts.
    """
    came = [_event_text(event) for event in events[:_NOTE_PARTS]]
    if len(events) > _NOTE_PARTS:
        came.append(f"{len(events) - _NOTE_PARTS} more")
    asked = [f"{start.name} #{start.number}" for start in starts[:_NOTE_PARTS]]
    if len(starts) > _NOTE_PARTS:
        asked.append(f"{len(starts) - _NOTE_PARTS} more")
    for number in failed[:_NOTE_PARTS]:
        request = live.request(number)
        if request is not None:
            asked.append(f"#{number} {inspection.retry_text(request)}")
    if outcome is not None:
        others = [r for r in outcome.requests[:_NOTE_PARTS] if r.kind != "effect"]
        if others:
            asked += [inspection.short_text(r.kind, r.arguments) for r in others]
        if outcome.preempted:
            asked.append("pre-empted")
        elif outcome.status == "ready":
            asked.append("transaction")  # its entry ends the turn
        asked += [f"restart refused: {why[:_REFUSAL_CHARS]}" for why in outcome.refused]
        if outcome.status in FINAL or outcome.status == "parked":
            asked.append(outcome.status)
    if not asked:
        asked.append(waits_for(live))
    if live.fresh:
        came.insert(0, "begin")
    return f"{', '.join(came)} -> {', '.join(asked)}" if came else ", ".join(asked)


def _event_text(event: Event) -> str:
    if isinstance(event, Returned):
        return f"#{event.request}"
    kind = type(event).__name__.lower()
    if type(event) is Hasten:
        return f"#{event.request} retry" + (f" refused: {event.refused}" if event.refused else "")
    if isinstance(event, Restart):
        return f"restart {event.name}"
    if isinstance(event, Raised | Fired):
        return f"#{event.request} {kind}"
    return f"message {event.message_id}" if isinstance(event, Arrived) else kind
