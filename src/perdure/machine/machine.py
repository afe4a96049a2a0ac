"""The machine: runs the tasks of one run until all of them block.

Layer: machine. Imports everything else of this layer, and values.
Invariants: Python's stack holds compiled code only between `callee(*arguments)` and the end of its `try`; when a turn
ends, everything is in the heap. There is one handler for everything that unwinds; it is left before the traceback is read, and
no Scheme runs inside it.

Deep recursion is a capture, too: Python's RecursionError unwinds to the loop, the frames go to the heap, and the statement
that failed is done again on an empty stack. Tail calls leave no frame, so they run in constant space the same way.
"""

from __future__ import annotations

import operator
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from msgspec import Struct

from perdure.base import limits
from perdure.base.errors import PerdureError
from perdure.machine import cancelling, escaping, groups, requests, tasks, undo, waiting, watchdog
from perdure.machine.capture import (
    Captured,
    asked,
    asking_frame,
    capture,
    capture_after,
    failed_frame,
)
from perdure.machine.code import AFTER, CALL, OTHER, REDO, CodeProvider, Site
from perdure.machine.errors import condition_of
from perdure.machine.events import apply
from perdure.machine.registers import EVALUATOR, NO_DYNAMIC, REGISTERS, identity, parameter_value
from perdure.machine.signals import Signal
from perdure.machine.state import (
    Continuation,
    Frame,
    Operation,
    Parameter,
    Redo,
    Request,
    Root,
    Task,
)
from perdure.machine.stepping import Stepper
from perdure.machine.turn import Event, Logged, Outcome, Sent, Started
from perdure.values import barrier, ports
from perdure.values.conditions import SchemeError, condition
from perdure.values.lists import from_items
from perdure.values.printer import report_string
from perdure.values.types import NIL, UNSPECIFIED, Condition, Values

AGAIN = object()
"""What an isolated primitive returns after it set `machine.callee` and `machine.arguments`."""

IDLE_OVERFLOWS_MAX = 3
"""Overflows in a row of the same frame in the same state, on an empty stack: then the error is genuine."""


_NOTHING_LEFT: tuple[Any, Any, Any, Any, tuple[Any, ...]] = (None, None, None, None, ())


def _same_place(before: Captured | None, now: Captured) -> bool:
    """Whether two overflows unwound to the same frame with the same values: nothing was done in between."""
    if before is None or before.entries != now.entries:
        return before is None
    old, new = before.stack, now.stack
    if old is new or not (isinstance(old, Frame) and isinstance(new, Frame)):
        return old is new
    return (
        old.site is new.site
        and old.next is new.next
        and all(map(operator.is_, old.values, new.values))
    )


def _anything(asked: Any) -> None:
    """Accept the name of a program; the engine puts its own check in place of this."""


def _never(_procedure: Any) -> bool:
    """Say that no effect may be performed twice; the engine asks their marks in place of this."""
    return False


def _plain_report(raised: Any, _stack: Any, _base: Any) -> str:
    """Return an error's message; the engine puts the report in place of this, which has the place and the stack."""
    return report_string(raised)


class Hooks(Struct, frozen=True):
    """What the machine needs of the standard library (lib/*.sld): procedures, and parameters that it reads."""

    signal: Any
    raise_error: Any
    rewind: Any
    unwind: Any
    alarm: Any
    output: Parameter
    shield: Parameter
    retry: Parameter
    deadline: Parameter
    transaction: Parameter
    compensating: Parameter
    restart_at: Any
    signalled: Parameter
    restarts: Parameter
    consult: Any
    refused: Any


class Machine:
    """One live run. `turn` is all that the engine calls; the rest is for signals and primitives.

    The engine sets `complaint` if the run has met a quota: the next turn begins with a quota-error.
    """

    def __init__(
        self, root: Root, namespace: dict[str, Any], provider: CodeProvider, hooks: Hooks
    ) -> None:
        self.root = root
        self.namespace = namespace
        self.provider = provider
        self.hooks = hooks
        self.log = barrier.WriteLog()
        self.call_builtin: Callable[..., Any] | None = None
        self.is_idempotent: Callable[[Any], bool] = _never
        self.export_value: Callable[[Any], Any] = identity
        self.evaluator: Any = None
        self.report: Callable[[Any, Any, Any], str] = _plain_report
        self.check_program: Callable[[str], None] = _anything
        self._residuals: dict[Site, Any] = {}
        self._careful: dict[Site, Any] = {}
        self.ready: deque[int] = deque()
        self.running = False
        self.complaint = ""
        self.now = root.time
        # -- the task in progress
        self.task: Task
        self.callee: Any = identity
        self.arguments: tuple[Any, ...] = ()
        self.stack: Any = None
        self._paused = False
        self._stepper: Stepper | None = None
        self.asked: tuple[Any, ...] | None = ()
        self._overflowed: Captured | None = None
        self._left = _NOTHING_LEFT
        self._reset()

    def _reset(self) -> None:
        self.new_requests: list[Request] = []
        self._withdrawn: list[int] = []
        self.sent: list[Sent] = []
        self.started: list[Started] = []
        self.logged: list[Logged] = []
        self.refused: list[str] = []
        self._preempted = self._over = False

    # -- turns ------------------------------------------------------------------------------------

    def turn(
        self,
        events: Sequence[Event],
        now: float,
        *,
        slice_s: float = limits.TURN_SLICE_S,
        stepper: Stepper | None = None,
    ) -> Outcome:
        """Apply events and run every task that can run until all block.

        Args:
          events: in the order in which they are to take effect.
          now: the turn's time, seconds since the epoch; the caller makes sure that it never goes back.
          slice_s: when a turn has run for so long, the task in progress is pre-empted and the turn ends.
          stepper: end the turn before every statement, for tests of the machine itself.
        """
        with EVALUATOR:
            self._reset()
            self._stepper = stepper
            self.now = now
            barrier.use(self.log)
            undo.arm(self)
            # Events belong to no task; what the last one of another run was in must not be seen.
            REGISTERS.machine, REGISTERS.dynamic = self, NO_DYNAMIC
            output: list[str] = []
            ports.use_console(output, watchdog.cut)
            ports.use_current_output(self._current_output)
            self.root.time = now
            self.ready = deque(self.root.ready)
            for event in events:
                apply(self, event)
            self._run_ready(slice_s)
            if self.ready or self.root.ready:
                self.root.ready = tuple(self.ready)
            written = "".join(output)
            if written:
                self.root.mid_line = not written.endswith("\n")
            return self._outcome(written)

    def _run_ready(self, slice_s: float) -> None:
        complaint, self.complaint = self.complaint, ""
        began = time.monotonic()
        watchdog.watch(began + slice_s, self.namespace["__builtins__"], complaint)
        try:
            while self.ready and not (self._preempted or self._over or self.root.paused):
                self._run(self.task_numbered(self.ready.popleft()))
        finally:
            watchdog.unwatch(began)

    def _current_output(self) -> Any:
        return parameter_value(self.hooks.output)

    def _outcome(self, output: str) -> Outcome:
        status, result = self.standing()
        return Outcome(
            status,
            result,
            tuple([r for r in self.new_requests if r.number in self.root.requests.entries]),
            tuple(self._withdrawn),
            tuple(self.sent),
            tuple(self.started),
            tuple(self.logged),
            output,
            self._preempted,
            self.root.exit_code,
            tuple(self.refused),
        )

    def standing(self) -> tuple[str, Any]:
        """Return the state of the run between two turns, and its result or what it is parked at."""
        if self.root.paused:
            return "parked", None
        if self.ready:
            return "ready", None
        main = self.task_numbered(self.root.main_task)
        everyone = self.root.tasks.entries.values()
        if main.status in requests.FINISHED and all(
            t.status in requests.FINISHED for _, t in everyone
        ):
            return main.status, main.result
        # Nearly always the first request or two say that the run waits for something outside; only
        # else the tasks are looked through, of which there may be thousands.
        if all(self._keeps_nothing(r) for _, r in self.root.requests.entries.values()):
            parked = [t for _, t in everyone if t.status == "parked"]
            if parked:
                first = main if main.status == "parked" else parked[0]
                return "parked", first.result
        return "waiting", None

    def _keeps_nothing(self, request: Request) -> bool:
        """Whether a request does not keep the run going; an alarm interrupts no task that is parked."""
        if request.kind == "alarm":
            return self.task_numbered(request.task).status == "parked"
        return request.kind in requests.IDLE

    # -- running one task -----------------------------------------------------------------------------

    def _run(self, task: Task) -> None:
        """Run a task until it waits, ends or is pre-empted."""
        guard = self.log.guard
        if guard is not None:
            guard.settle()
        if task.oid:
            barrier.touch(task)
        task.status = "running"
        self.task, self.running, self._paused = task, True, False
        REGISTERS.dynamic = task.dynamic
        self.callee, self.arguments, self.stack = task.function, task.arguments, task.stack
        task.function, task.arguments, task.stack = None, (), None
        idle = 0
        try:
            while not self._paused:
                error = self._go() if self._stepper is None else self._stepper.run(self._go)
                if error is None:
                    continue
                if type(error) is RecursionError:
                    idle = self._overflow(error, idle)
                elif isinstance(error, Signal):
                    idle = 0
                    self._signal(error)
                else:
                    idle = 0
                    self._error(error)
                error.__traceback__ = error.__context__ = None
        finally:
            self.running = False
            self._left = _NOTHING_LEFT

    def _go(self) -> BaseException | None:
        """Call, return into frame after frame, and return what unwound; None when the task ended."""
        callee, arguments, stack = self.callee, self.arguments, self.stack
        residuals = self._residuals
        self.arguments = ()
        try:
            while True:
                value = callee(*arguments)
                if value is AGAIN:
                    callee, arguments, stack = self.callee, self.arguments, self.stack
                    if self._paused:
                        return None
                    continue
                if stack is None:
                    break
                frame = stack
                site = frame.site
                callee = residuals.get(site) or self._residual(site)
                arguments = (value, *frame.values) if site.mode else frame.values
                stack = self.stack = frame.next
        except PerdureError:
            raise
        except (Signal, Exception) as caught:  # noqa: BLE001 - all errors become conditions
            error: BaseException = caught
        else:
            self._finished(value)
            return None
        self.callee, self.arguments, self.stack = callee, arguments, stack
        return error

    def _residual(self, site: Site) -> Any:
        code = self.provider.residual(site, self.namespace, careful=False)
        made = self._residuals[site] = FunctionType(code, self.namespace)
        return made

    def _careful_residual(self, site: Site) -> Any:
        made = self._careful.get(site)
        if made is None:
            code = self.provider.residual(site, self.namespace, careful=True)
            made = self._careful[site] = FunctionType(code, self.namespace)
        return made

    def _capture(self, error: BaseException, mode: int) -> Captured:
        return capture(error, self.stack, mode, self.provider)

    def _overflow(self, error: BaseException, idle: int) -> int:
        """Go on after Python's stack was full, on an empty one; return how often in a row that gained nothing."""
        found = self._capture(error, REDO)
        before, self._overflowed = self._overflowed, found
        idle = idle + 1 if found.entries <= 1 and _same_place(before, found) else 0
        if idle > IDLE_OVERFLOWS_MAX:
            failed = condition("quota-error", "a primitive nests too deeply")
            self._raise(failed, self._capture(error, AFTER).stack, found.stack)
            return 0
        if found.entries:
            self._resume(found.stack)
        return idle  # with no frame unwound, the same call is made again

    def _resume(self, stack: Any) -> None:
        """Go on with the frames of a stack; the innermost one is to be redone."""
        self.callee, self.arguments, self.stack = identity, (UNSPECIFIED,), stack

    def _signal(self, signal: Signal) -> None:
        if signal.abandons(self):
            signal.perform(self)
            return
        if signal.mode == REDO:
            found = self._capture(signal, REDO)
            if not found.entries:
                signal.perform(self)  # the callee itself is to be called again
                return
            stack = found.stack
        else:
            self._left = signal, signal.__traceback__, self.stack, self.callee, self.arguments
            stack = capture_after(signal, self.stack, self.provider)
            self.asked = asked(signal, stack, self.provider) if signal.redoes else ()
        self.stack = stack
        self.callee, self.arguments = identity, (UNSPECIFIED,)
        try:
            signal.perform(self)
        except SchemeError as refused:
            self.stack = stack
            self._raise_left(refused.condition)

    def _raise_left(self, raised: Any) -> None:
        """Raise a condition of the operation that the last signal asked for, at the statement that it left.

        The operation has changed nothing, so the statement can be done again: from its traceback, which is kept as long as the
        operation is under way.
        """
        signal, trace, stack, callee, arguments = self._left
        self._left = _NOTHING_LEFT
        signal.__traceback__ = trace
        found = capture(signal, stack, REDO, self.provider)
        signal.__traceback__ = None
        behind = self.stack
        if found.entries:
            self._raise(raised, behind, found.stack, behind)
        elif arguments and arguments[0] is self:
            # An operation that asked for another one: all that can be done again is to raise.
            again = Redo(behind, REGISTERS.dynamic, self.hooks.signal, (raised,))
            self.callee, self.arguments = self.hooks.signal, (raised, again)
        else:
            self.callee, self.arguments, self.stack = callee, arguments, stack
            self._raise(raised, behind, None)

    def _error(self, error: BaseException) -> None:
        """Raise an error of Python or of a primitive as a condition of the program."""
        if isinstance(error, MemoryError):
            raise error
        found = self._capture(error, AFTER)
        if not found.entries and isinstance(error, TypeError):
            error = self._refusal() or error
        precise = found.careful or (found.kind != OTHER and (found.behind or not found.entries))
        if (
            found.entries
            and not precise
            and not (found.kind == CALL and isinstance(error, SchemeError))
        ):
            redo = self._capture(error, REDO).stack
            if redo is not None and isinstance(redo, Frame):
                self.callee = self._careful_residual(redo.site)
                self.arguments, self.stack = redo.values, redo.next
                return
        if not found.entries:
            if self.arguments and self.arguments[0] is self:
                self._raise_left(condition_of(error))
            else:
                self._raise(condition_of(error), found.stack, None)
            return
        redo = self._capture(error, REDO).stack
        shown = failed_frame(error, redo.next, self.provider) if found.careful else None
        self._raise(condition_of(error), found.stack, redo, shown, found.line)

    def _refusal(self) -> SchemeError | None:
        """Return why the machine's own call is refused, if what it calls is no procedure or takes other arguments."""
        try:
            self.namespace["__builtins__"]["!applicable"](self.callee, *self.arguments)
        except SchemeError as refused:
            return refused
        return None

    def _raise(
        self, raised: Any, stack: Any, redo: Any, shown: Any = None, failed: int = 0
    ) -> None:
        """Go on by signalling a condition on a stack.

        `redo` is the stack that does the operation again, and `shown` says where the error is, if that is another; `failed` is the
        site of the operation.
        """
        if redo is not None:
            again = Redo(redo, REGISTERS.dynamic, identity, (UNSPECIFIED,), failed)
        else:
            again = Redo(self.stack, REGISTERS.dynamic, self.callee, self.arguments)
        if isinstance(raised, Condition) and raised.frame is None:
            if raised.oid:
                barrier.touch(raised)
            raised.frame = again
            if shown is not None:
                raised.frame = Redo(shown, REGISTERS.dynamic, identity, (UNSPECIFIED,))
        self.callee, self.arguments, self.stack = self.hooks.signal, (raised, again), stack

    def _finished(self, value: Any) -> None:
        """End the running task with the value that its last frame returned."""
        task = self.task
        self._paused = True
        if task.cancel_asked:
            cancelling.shields_left(self, task)
        if task.aborting is not None:
            tasks.end(self, task, "failed", task.aborting.raised)
        elif task.cancelling:
            tasks.end(self, task, "cancelled", UNSPECIFIED)
        else:
            tasks.end(self, task, "completed", value)
        if task.number == self.root.main_task:
            for _, other in list(self.root.tasks.entries.values()):
                cancelling.cancel_unheld(self, other, "the main task has ended")

    # -- for signals and primitives ------------------------------------------------------------------

    def pause(self, status: str) -> None:
        """Save the running task: it waits (for its requests) or is ready to go on."""
        task = self.task
        task.status = status
        task.stack = self.stack
        task.dynamic = REGISTERS.dynamic
        if status == "ready":
            task.function, task.arguments = self.callee, self.arguments
            self.ready.append(task.number)
        self._paused = True

    def requeue(self) -> None:
        """Save the running task at a poll; the turn ends if its slice is over."""
        self._preempted = True
        self.pause("ready")

    def end_turn(self) -> None:
        """End the turn here, so that the run is saved; the running task is ready to go on, behind the others."""
        self._over = True
        self.pause("ready")

    def exceed(self, complaint: str) -> None:
        """Raise a quota-error where the running task is."""
        self._raise(condition("quota-error", complaint), self.stack, None)

    def wait(self, operations: tuple[Any, ...]) -> None:
        """Let the running task wait for the first of several operations."""
        task = self.task
        if (task.interrupts or task.cancel_asked) and cancelling.deliver(self):
            return
        refused = groups.other_arguments(self, operations) if self.root.transactions else None
        if refused is not None:
            self.callee, self.arguments = self.hooks.refused, (*refused, from_items([*operations]))
            return
        waiting.begin(self, operations)

    def go_on(self, wrap: Any, value: Any) -> None:
        """Let the running task go on with a value, or with what `wrap` makes of it."""
        self.callee, self.arguments = (identity if wrap is None else wrap), (value,)

    def make_ready(self, task: Task, wrap: Any, arguments: tuple[Any, ...]) -> None:
        """Let a task that is not running go on with a value, or by calling `wrap`."""
        if task.oid:
            barrier.touch(task)
        task.status = "ready"
        task.function = identity if wrap is None else wrap
        task.arguments = arguments or (UNSPECIFIED,)
        self.ready.append(task.number)

    def throw(self, continuation: Continuation, returned: tuple[Any, ...]) -> None:
        """Go on in a continuation; entering and leaving dynamic extents is the library's part."""
        if self.task.cancelling and not continuation.cancelling:
            control = self.namespace["__builtins__"]
            self.callee, self.arguments = control["perdure.control:%escape-from-clean-up"], ()
            return
        if continuation.task != self.task.number:
            given = (continuation, *returned)
            escaping.escape(self, self.task, continuation, self.hooks.rewind, given)
            return
        if continuation.dynamic.winders is not REGISTERS.dynamic.winders:
            self.callee = self.hooks.rewind
            self.arguments = (continuation, *returned)
            return
        self.jump(continuation, returned)

    def reaches(self, continuation: Continuation) -> bool:
        """Whether the running task may go on in a continuation without entering or leaving any extent."""
        return (
            continuation.dynamic.winders is REGISTERS.dynamic.winders
            and continuation.task == self.task.number
        )

    def jump(self, continuation: Continuation, returned: tuple[Any, ...]) -> None:
        """Go on in a continuation at once."""
        if continuation.task != self.task.number:
            raise SchemeError(
                condition("error", "a continuation of another task can't be entered from this one")
            )
        REGISTERS.dynamic = continuation.dynamic
        self.stack = continuation.stack
        value = returned[0] if len(returned) == 1 else Values(returned)
        self.callee, self.arguments = identity, (value,)

    def unhandled(self) -> bool:
        """Whether no handler is installed in the running task."""
        return REGISTERS.dynamic.handlers is NIL

    def stop(self) -> None:
        """End the running task's turn where it is: what it goes on with is in the task."""
        self._paused = True

    def redo_of(self, request: Request) -> Redo:
        """Return what waits again for all that a task waits for, one request of which has failed."""
        task = self.task_numbered(request.task)
        entries = self.root.requests.entries
        every = [entries[number][1] for number in task.waits if number in entries]
        if len(every) == 1 and request.kind == "effect" and request.wrap is None:
            if request.asked != ():
                again = asking_frame(task.stack, request.asked, self.provider)
                if again is not None:
                    return Redo(again, task.dynamic, identity, (UNSPECIFIED,))
            procedure, *arguments = request.arguments
            return Redo(task.stack, task.dynamic, procedure, tuple(arguments))
        operations = [Operation(r.kind, r.arguments, r.wrap) for r in every]
        return Redo(task.stack, task.dynamic, self.select, tuple(operations))

    @property
    def select(self) -> Any:
        """The primitive that waits for one of several operations."""
        return self.namespace["__builtins__"]["%:select"]

    def new_number(self) -> int:
        """Return a number that this run never used before: for tasks, requests and messages."""
        number = self.root.next_number = self.root.next_number + 1
        return number

    def task_numbered(self, number: int) -> Task:
        """Return a task of the table."""
        task: Task = self.root.tasks.entries[number][1]
        return task

    def waiting_for(self, kind: str) -> list[Request]:
        """Return the requests of a kind, oldest first."""
        return [r for _, r in self.root.requests.entries.values() if r.kind == kind]

    def withdraw_outside(self, request: Request) -> None:
        """Note that nobody waits any more for a request that the engine acts upon."""
        self._withdrawn.append(request.number)
