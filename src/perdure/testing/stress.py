"""A world in one process: runs on a simulated clock, with nothing stored, restored at every site if asked.

Layer: testing. Imports engine, snapshot, machine, values, base.
Invariant: the trace of a world is a function of its programs, arguments and seed; whether runs are encoded, forgotten,
decoded and resumed at every site must not show in it. Promise 4 of the design is tested by comparing two traces.
Not the worker: it has threads, a real clock and a database, and its traces would differ by chance.

    world = World(programs, every_site=True)
    run_id = world.start(programs.compile_file("order.scm"), arguments)
    world.at(1_000_010.0, lambda: world.send(run_id, value))
    world.go()
    world.trace(run_id)
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from perdure.base.cancellation import Cancellation
from perdure.base.errors import CallError
from perdure.engine import effects, inspection, jsonable, records
from perdure.engine.adoption import key_of
from perdure.engine.boundary import BoundaryError, from_python
from perdure.engine.executor import Ended, keywords
from perdure.engine.live import timer_due
from perdure.engine.loading import Programs
from perdure.engine.python_modules import PythonModules
from perdure.machine.registers import EVALUATOR
from perdure.machine.requests import TIMED
from perdure.machine.stepping import Stepper
from perdure.machine.turn import (
    Arrived,
    Cancel,
    Fired,
    Outcome,
    Raised,
    Restart,
    Retry,
    Returned,
    Typed,
)
from perdure.snapshot import exchange
from perdure.store.lending import UNABLE
from perdure.toolchain.toolchain import CompiledProgram
from perdure.values.conditions import SchemeError, condition, fail
from perdure.values.printer import write_string
from perdure.values.types import String

FINAL = frozenset({"completed", "failed", "cancelled"})
START_S = 1_000_000.0
"""When the clock of a world begins."""


class Trace(Struct, frozen=True):
    """What can be seen of a run from outside; two runs of one program with one seed must be equal in it.

    Attributes:
      status: how it ended, or "waiting" if nothing will happen any more.
      result: what `write` shows of its result; the report of the error for a parked or failed run.
      output: all that it displayed.
      effects: each attempt in order: name, arguments and outcome, as text.
      sent: messages to other runs: to, message id, value.
      logged: lines of `log-event`.
      time: when the last turn was taken.
    """

    status: str
    result: str
    output: str
    effects: tuple[tuple[str, str, str], ...]
    sent: tuple[tuple[str, str, str], ...]
    logged: tuple[tuple[str, str, str], ...]
    time: float


class _Run:
    """One run of a world."""

    def __init__(self, run_id: str, program: CompiledProgram) -> None:
        self.run_id = run_id
        self.program = program
        self.machine: Any = None
        self.heap: Any = None
        self.modules = PythonModules(None)
        self.status = "ready"
        self.result = ""
        self.value: Any = None
        self.export = b""
        self.events: deque[Any] = deque()
        self.pending: deque[int] = deque()
        self.alarms: list[tuple[float, int]] = []
        self.attempts: dict[int, int] = {}
        self.output: list[str] = []
        self.effects: list[tuple[str, str, str]] = []
        self.sent: list[tuple[str, str, str]] = []
        self.logged: list[tuple[str, str, str]] = []
        self.message_ids: set[tuple[str, str]] = set()
        self.children: list[tuple[str, int]] = []
        self.time = START_S

    def request(self, number: int) -> Any:
        entry = self.machine.root.requests.entries.get(number)
        return None if entry is None else entry[1]


class World:
    """Runs, a clock, and what happens next.

    Args:
      programs: the toolchain and codec of the process.
      every_site: encode, forget, decode and resume the run before every statement and after every turn.
      seed: of the runs' random numbers.
      on_restore: called with (run id, payload) whenever a run was encoded; the payload is a full snapshot.
      named: programs that `start-run` knows, by name.
      turns_max: how many turns the whole world may take.
    """

    def __init__(
        self,
        programs: Programs,
        *,
        every_site: bool = False,
        seed: int = 42,
        on_restore: Callable[[str, bytes], None] | None = None,
        named: dict[str, CompiledProgram] | None = None,
        turns_max: int = 10_000_000,
    ) -> None:
        self.programs = programs
        self.every_site = every_site
        self._stepper = Stepper() if every_site else None
        self.seed = seed
        self.now = START_S
        self.restores = 0
        self._on_restore = on_restore
        self.named = dict(named or {})
        self._runs: dict[str, _Run] = {}
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._turns_left = turns_max

    # -- what happens from outside -------------------------------------------------------------

    def start(
        self, program: CompiledProgram, arguments: Sequence[Any] = (), run_id: str = "r1"
    ) -> str:
        """Record a run; `arguments` are heap values (`boundary.from_python` makes them)."""
        with EVALUATOR:
            run = _Run(run_id, program)
            run.modules = self.programs.modules.of(program.directory)
            run.machine = self.programs.toolchain.new_run(
                program, run_id, list(arguments), self.now, self.seed
            )
            run.heap = self.programs.codec.create(run.machine.root, run.machine.namespace)
            self._equip(run)
            self._runs[run_id] = run
        return run_id

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do something when the clock says so."""
        self._count += 1
        heapq.heappush(self._later, (when, self._count, action))

    def send(self, run_id: str, value: Any, message_id: str = "") -> None:
        """Put a message with Python data into a run's mailbox."""
        self._count += 1
        named = message_id or f"m{self._count}"
        self._deliver(run_id, "", named, exchange.dump_value(from_python(value, "the message")))

    def type_line(self, run_id: str, line: str | None) -> None:
        """Type a line at a run's console; None is the end of input."""
        self._runs[run_id].events.append(Typed(line))

    def cancel(self, run_id: str) -> None:
        """Cancel a run."""
        self._runs[run_id].events.append(Cancel(""))

    def retry(self, run_id: str) -> None:
        """Let a parked run do the failing operation again."""
        self._runs[run_id].events.append(Retry())

    def restart(self, run_id: str, name: str, *arguments: Any, frame: str = "") -> None:
        """Let a parked run take a restart; the arguments are heap values."""
        self._runs[run_id].events.append(Restart(name, arguments=arguments, frame=frame))

    # -- going on ------------------------------------------------------------------------------

    def go(self, until: float | None = None) -> None:
        """Let everything happen that can happen, until nothing is left or the clock is past `until`."""
        while True:
            if self._turns() or self._perform():
                continue
            when = self._next_time()
            if when is None or (until is not None and when > until):
                return
            self.now = max(self.now, when)
            self._ring()

    def trace(self, run_id: str) -> Trace:
        """Return what was to be seen of a run so far."""
        run = self._runs[run_id]
        return Trace(
            run.status,
            run.result,
            "".join(run.output),
            tuple(run.effects),
            tuple(run.sent),
            tuple(run.logged),
            run.time,
        )

    def traces(self) -> dict[str, Trace]:
        """Return the traces of all runs by id."""
        return {run_id: self.trace(run_id) for run_id in self._runs}

    # -- turns ---------------------------------------------------------------------------------

    def _turns(self) -> bool:
        worked = False
        for run in list(self._runs.values()):
            if run.status in FINAL:
                run.events.clear()
            elif run.events or run.status == "ready":
                self._turn(run)
                worked = True
        return worked

    def _turn(self, run: _Run) -> None:
        events = list(run.events)
        run.events.clear()
        while True:
            if self._turns_left <= 0:
                raise CallError("P304", f"run {run.run_id} took too many turns for one world")
            self._turns_left -= 1
            outcome: Outcome = run.machine.turn(events, self.now, stepper=self._stepper)
            run.time = self.now
            events = []
            self._settle(run, outcome)
            if self.every_site:
                self._restore(run, preempted=outcome.preempted)
            elif outcome.status == "ready" and not outcome.preempted:
                with EVALUATOR:  # the run wants to be saved here: it has entered a transaction
                    run.heap.encode_full()
            if outcome.status != "ready":
                return

    def _restore(self, run: _Run, *, preempted: bool) -> None:
        """Encode a run, forget it, and go on with what the payload says."""
        with EVALUATOR:
            root = run.machine.root
            if preempted and len(root.ready) > 1:
                # Cut by the test alone, a task keeps its turn: otherwise tasks would interleave in another way
                # than in a run that is not cut.
                root.ready = (root.ready[-1], *root.ready[:-1])
            payload = run.heap.encode_full()
            run.machine = run.heap = None
            self.restores += 1
            if self._on_restore is not None:
                self._on_restore(run.run_id, payload)
            run.machine, run.heap = self.programs.restored([payload], run.program)
            self._equip(run)

    def _equip(self, run: _Run) -> None:
        machine, modules = run.machine, run.modules
        machine.log = run.heap.log
        machine.call_builtin = lambda procedure, given: effects.call_builtin(
            modules, procedure, given
        )
        machine.is_idempotent = lambda procedure: effects.is_idempotent(modules, procedure)
        machine.export_value = exchange.dump_value
        machine.check_program = self._check_program

    def _check_program(self, name: str) -> None:
        if name not in self.named:
            raise fail("error", f"start-run: no program has the name {name}")

    def _settle(self, run: _Run, outcome: Outcome) -> None:
        """Take over what a turn asks of the world."""
        run.status = outcome.status
        run.output.append(outcome.output)
        for line in outcome.logged:
            fields = " ".join(f"{name}={write_string(value)}" for name, value in line.fields)
            run.logged.append((line.level, line.message, fields))
        for started in outcome.started:
            arguments = [exchange.load_value(item) for item in started.arguments]
            self.start(self.named[started.program], arguments, started.run_id)
        for sent in outcome.sent:
            run.sent.append((sent.to, sent.message_id, sent.value.decode()))
            self._deliver(sent.to, run.run_id, sent.message_id, sent.value)
        for request in outcome.requests:
            if request.kind == "effect":
                run.pending.append(request.number)
            elif request.kind in TIMED:
                heapq.heappush(run.alarms, (timer_due(request), request.number))
            elif request.kind == "child":
                self._watch(run, request.arguments[0].text, request.number)
        if outcome.status in FINAL or outcome.status == "parked":
            self._ended(run, outcome)

    def _ended(self, run: _Run, outcome: Outcome) -> None:
        if outcome.status == "completed":
            run.result = write_string(outcome.result)
            run.export = records.dump_result(outcome.result)
        elif outcome.status == "cancelled":
            run.result = "cancelled"
        else:
            provider = self.programs.toolchain.provider
            sources = run.machine.evaluator.sources()
            run.result = inspection.report_of(sources, outcome.result, provider).text
        if outcome.status in FINAL:
            for other in self._runs.values():
                for child, number in other.children:
                    if child == run.run_id:
                        self._tell(other, run, number)

    # -- between runs --------------------------------------------------------------------------

    def _deliver(self, to: str, sender: str, message_id: str, payload: bytes) -> None:
        run = self._runs.get(to)
        if run is not None and (sender, message_id) not in run.message_ids:
            run.message_ids.add((sender, message_id))
            run.events.append(Arrived(message_id, sender, exchange.load_value(payload)))

    def _watch(self, run: _Run, child_id: str, number: int) -> None:
        run.children.append((child_id, number))
        child = self._runs.get(child_id)
        if child is None:
            missing = condition(
                "child-error", f"there is no run {child_id}", detail=String(child_id)
            )
            run.events.append(Raised(number, missing))
        elif child.status in FINAL:
            self._tell(run, child, number)

    def _tell(self, run: _Run, child: _Run, number: int) -> None:
        result = records.load_result(child.export) if child.export else records.Result()
        if child.status == "completed" and result.crosses:
            run.events.append(Returned(number, result.value))
            return
        why = f"run {child.run_id} ended as {child.status}"
        run.events.append(
            Raised(number, condition("child-error", why, detail=String(child.run_id)))
        )

    # -- effects and timers --------------------------------------------------------------------

    def _perform(self) -> bool:
        """Perform the oldest effect of the first run that has one; return whether there was one."""
        for run in self._runs.values():
            while run.pending:
                number = run.pending.popleft()
                request = run.request(number)
                if request is not None and run.status not in FINAL:
                    self._effect(run, request)
                    return True
        return False

    def _effect(self, run: _Run, request: Any) -> None:
        number = request.number
        name = effects.shown_name(request.arguments[0])
        try:
            procedure, *given = request.arguments
            function = run.modules.function(procedure)
            arguments = effects.arguments_out(procedure, function, tuple(given))
        except SchemeError as error:
            run.events.append(Raised(number, error.condition, repeatable=True))
            return
        if function.mark.transactional:
            unable = condition("effect-error", f"{name}: {UNABLE}")
            run.events.append(Raised(number, unable, repeatable=True))
            return
        attempt = run.attempts[number] = run.attempts.get(number, 0) + 1
        key = key_of(run.run_id, request)
        shown = jsonable.text_of(arguments)
        ended = _called(function, arguments, key)
        decided = effects.decide(
            function.mark,
            ended,
            name=name,
            attempt=attempt,
            key=key,
            given=request.policy,
            elapsed_s=self.now - request.since,
        )
        if isinstance(decided, effects.Again):
            heapq.heappush(run.alarms, (self.now + decided.after_s, number))
            run.effects.append((name, shown, "again"))
        elif isinstance(decided, effects.Failed):
            run.effects.append((name, shown, write_string(decided.condition)))
            run.events.append(Raised(number, decided.condition, decided.repeatable))
        else:
            run.effects.append((name, shown, write_string(decided.value)))
            run.events.append(Returned(number, decided.value, decided.repeatable))

    def _next_time(self) -> float | None:
        found = [self._later[0][0]] if self._later else []
        for run in self._runs.values():
            while run.alarms and run.request(run.alarms[0][1]) is None:
                heapq.heappop(run.alarms)
            if run.alarms and run.status not in FINAL:
                found.append(run.alarms[0][0])
        return min(found, default=None)

    def _ring(self) -> None:
        while self._later and self._later[0][0] <= self.now:
            heapq.heappop(self._later)[2]()
        for run in self._runs.values():
            while run.alarms and run.alarms[0][0] <= self.now:
                _, number = heapq.heappop(run.alarms)
                request = run.request(number)
                if request is None:
                    continue
                if request.kind == "effect":
                    run.pending.append(number)
                else:
                    run.events.append(Fired(number))


def _called(function: Any, arguments: list[Any], key: str) -> Ended:
    """Call a Python function to its end, an `async` one too."""
    extra = keywords(function, len(arguments), key, None, Cancellation())
    try:
        value = function.call(*arguments, **extra)
        if inspect.isawaitable(value):
            value = asyncio.run(_awaited(value))
        return Ended(from_python(value, "the result"), None)
    except (BoundaryError, Exception, SystemExit) as error:  # noqa: BLE001 - it may raise anything
        return Ended(None, error)


async def _awaited(value: Any) -> Any:
    return await value


def run_both_ways(
    programs: Programs,
    program: CompiledProgram,
    arguments: Sequence[Any] = (),
    *,
    prepare: Callable[[World, str], None] | None = None,
    named: dict[str, CompiledProgram] | None = None,
) -> tuple[Trace, Trace]:
    """Return the traces of a program that runs straight through, and of one that is restored at every site.

    Args:
      programs: the toolchain and codec of the process.
      program: what to run.
      arguments: Python data.
      prepare: called with the world and the run's id before it goes: the place for messages and lines.
      named: programs for `start-run`.
    """
    traces = []
    for every_site in (False, True):
        world = World(programs, every_site=every_site, named=named)
        with EVALUATOR:
            given = [from_python(item, "argument") for item in arguments]
        run_id = world.start(program, given)
        if prepare is not None:
            prepare(world, run_id)
        world.go()
        traces.append(world.trace(run_id))
    straight, stressed = traces
    return straight, stressed


__all__ = ["START_S", "Trace", "World", "run_both_ways"]
