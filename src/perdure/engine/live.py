"""A run that this process owns: its machine in memory, and what it waits for outside of it.

Layer: engine. Imports machine, snapshot, values, base.
Invariant: everything here but the machine's own graph can be computed again from that graph and the store; so a
process may die at any time and lose nothing but work.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from perdure.base import limits
from perdure.engine.effects import Again
from perdure.engine.executor import Call
from perdure.engine.python_modules import PythonModules
from perdure.machine.requests import TIMED
from perdure.machine.state import Request
from perdure.machine.turn import Cancel, Event, Fired, Pause
from perdure.store.api import LogLine
from perdure.values.numbers import to_float

_NUMERIC = (int, float)
_LOOKED_AT = 8
"""Requests that are looked at to say what a run waits for."""


class LiveRun:
    """One owned run.

    Attributes:
      root: of the run's graph.
      events: what the next turn will be told.
      consumed: the inbox rows behind those events.
      names: refuses names of programs that are not registered.
      runnable: the machine has something to do without any event.
      definitions_kept: how many of the heap's definitions are known to be in the store.
      output_chars: what it displayed since the last snapshot.
      long: its chain of deltas is to be compacted aside; `compacting`: that is under way; `inline`: it failed, so the next
        snapshot is made within a turn.
      complaints: how often in a row it was told that its state is too large.
      weighed: whether a snapshot was made since it was told so last.
      slice_s: how long the next turn may compute before it is cut.
      pending: effects that are requested and not started.
      transactional: effects that are requested and are performed in a transaction with the next turn.
      blocked: effects that can't start in this process, with the reason.
      retries: attempts that failed and are to be repeated, to be noted in the heap by the next turn.
      calls: effects in flight.
      children: requests that wait for the end of another run, by its id.
      late: lines for the run's log about effects that ended when nobody waited for them any more.
      unwatched: runs whose end the next commit must subscribe to.
      committing: a turn was taken and is not durable yet; the next one has to wait.
      gone: forgotten; what still comes for it comes too late.
    """

    def __init__(self, run_id: str, epoch: int, *, program: Any, machine: Any, heap: Any) -> None:
        self.run_id = run_id
        self.epoch = epoch
        self.seq = 0
        self.entry_hash = b""
        self.program = program
        self.machine = machine
        self.root: Any = None if machine is None else machine.root
        self.heap = heap
        self.modules: PythonModules = PythonModules(None)
        self.names: Callable[[str], Any] = str
        self.status = "ready"
        self.fresh = True
        self.runnable = True
        self.slice_s = limits.TURN_SLICE_SHARED_S
        self.definitions_kept = 0
        self.output_chars = 0
        self.complaints = 0
        self.weighed = True
        self.long = False
        self.compacting = False
        self.inline = False
        self.events: list[Event] = []
        self.consumed: list[int] = []
        self.taken: set[int] = set()
        self.pending: list[int] = []
        self.transactional: list[int] = []
        self.blocked: dict[int, str] = {}
        self.retries: dict[int, Again] = {}
        self.calls: dict[int, Call] = {}
        self.children: dict[str, set[int]] = {}
        self.unwatched: list[str] = []
        self.late: list[LogLine] = []
        self.committing = False
        self.gone = False
        self.alarm: float | None = None
        self._due: list[tuple[float, int]] = []

    def request(self, number: int) -> Request | None:
        """Return a request that is still waited for, or None."""
        entry = self.root.requests.entries.get(number)
        return None if entry is None else entry[1]

    def requests(self) -> list[Request]:
        """Return all requests that are waited for, oldest first."""
        return [entry[1] for entry in self.root.requests.entries.values()]

    def first_request(self) -> Request | None:
        """Return the oldest request, if possible one that waits for something outside; in constant time."""
        first: Request | None = None
        for _, entry in zip(range(_LOOKED_AT), self.root.requests.entries.values(), strict=False):
            found: Request = entry[1]
            if found.kind not in ("join", "end", "alarm", "force"):
                return found
            first = first or found
        return first

    def set_alarm(self, when: float, number: int) -> None:
        """Remember when a timer fires or an effect's next attempt is due."""
        heapq.heappush(self._due, (when, number))

    def next_alarm(self) -> float | None:
        """Return when the next alarm rings, or None."""
        due = self._due
        while due:
            request = self.request(due[0][1])
            if request is not None and not request.started and _rings(request, due[0][0]):
                return due[0][0]
            heapq.heappop(due)
        return None

    def ring(self, now: float) -> list[Event]:
        """Return events of the timers that are due, and move effects whose retry is due to `pending`."""
        fired: list[Event] = []
        due = self._due
        while due and due[0][0] <= now:
            _, number = heapq.heappop(due)
            request = self.request(number)
            if request is None:
                continue
            if request.kind in TIMED:
                fired.append(Fired(number))
            elif not request.started and request.due <= now and number not in self.pending:
                self.pending.append(number)
        return fired

    def has_work(self) -> bool:
        """Return whether a turn would do something now, alarms apart."""
        return bool(
            self.events
            or self.runnable
            or self.retries
            or self.unwatched
            or self.late
            or self.transactional
        )

    @property
    def stopping(self) -> bool:
        """Whether the next turn is told to cancel or to pause the run: nothing more is to be begun before that."""
        return any(isinstance(event, Cancel | Pause) for event in self.events)

    @property
    def idle(self) -> bool:
        """Whether nothing is going on in it: it waits for something from outside."""
        return not (self.calls or self.pending or self.committing or self.has_work())


def _rings(request: Request, when: float) -> bool:
    """Return whether an alarm is still meant: that of a retry may have been moved."""
    return request.kind != "effect" or request.due == when


def timer_due(request: Request) -> float:
    """Return when a timer's request is due, in seconds since the epoch."""
    when = request.arguments[0]
    return float(when) if isinstance(when, _NUMERIC) else to_float(when)
