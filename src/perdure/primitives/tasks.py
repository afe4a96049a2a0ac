"""Tasks, operations, messages, runs, time and chance: what programs ask of the machine.

Layer: primitives. Imports machine and values.
Invariant: what allocates a number or changes the run's tables is isolated, so it is never done twice; what only reads the
turn (its time) is not. Chance comes from a generator whose state is part of the run.
"""

from __future__ import annotations

from typing import Any

from perdure.base import limits
from perdure.machine import cancelling, mailbox, shielding, tasks, waiting, watchdog
from perdure.machine.machine import AGAIN, Machine
from perdure.machine.registers import REGISTERS
from perdure.machine.requests import withdraw
from perdure.machine.signals import Isolated, Suspend
from perdure.machine.state import Channel, Operation, Task
from perdure.machine.turn import Logged, Sent, Started
from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.conditions import fail, wrong_type
from perdure.values.lists import list_items
from perdure.values.numbers import check_real, to_float
from perdure.values.types import TRUE, UNSPECIFIED, PythonProcedure, String, Symbol

# -- operations ----------------------------------------------------------------------------------


@primitive("%operation")
def operation(kind: Any, arguments: Any, wrap: Any = None) -> Any:
    return Operation(kind.name, tuple(list_items("%operation", arguments)), wrap)


@primitive("operation?")
def is_operation(obj: Any) -> Any:
    return TRUE if type(obj) is Operation else None


@primitive("%wrap-operation")
def wrap_operation(operation: Any, proc: Any) -> Any:
    if type(operation) is not Operation:
        raise wrong_type("wrap-operation", "an operation", operation)
    return Operation(operation.kind, operation.arguments, proc)


@primitive("%operation-wrap")
def operation_wrap(operation: Any) -> Any:
    return operation.wrap


@primitive("select")
def select(operation: Any, *operations: Any) -> Any:
    """Wait for the first of several operations and return its value."""
    every = (operation, *operations)
    for each in every:
        if type(each) is not Operation:
            raise wrong_type("select", "an operation", each)
    raise Suspend(every)


@primitive("python-procedure?")
def is_python(obj: Any) -> Any:
    return TRUE if type(obj) is PythonProcedure else None


# -- tasks -----------------------------------------------------------------------------------------


def _spawn(machine: Machine, thunk: Any, name: str) -> Any:
    return tasks.spawn(machine, thunk, (), name)


@primitive("%spawn")
def spawn(thunk: Any, name: Any) -> Any:
    if not callable(thunk):
        raise wrong_type("spawn", "a procedure", thunk)
    shown = getattr(name, "text", None) or getattr(name, "name", "")
    raise Isolated(_spawn, thunk, shown)


@primitive("task?")
def is_task(obj: Any) -> Any:
    return TRUE if type(obj) is Task else None


def _task(procedure: str, x: Any) -> Task:
    if type(x) is not Task:
        raise wrong_type(procedure, "a task", x)
    return x


@primitive("%check-task")
def check_task(procedure: Any, task: Any) -> Any:
    return _task(procedure.name, task)


@primitive("%task-status")
def task_status(task: Any) -> Any:
    return String(_task("task-status", task).status)


def _current_task(machine: Machine) -> Any:
    return machine.task


@primitive("current-task")
def current_task() -> Any:
    raise Isolated(_current_task)


def _cancel(machine: Machine, task: Task, due: Any, reason: str) -> Any:
    if due is not None:
        cancelling.force_in(machine, task, due)
    begun = cancelling.cancel(machine, task, reason)
    if begun and task is machine.task:
        return AGAIN
    return TRUE if begun else None


@primitive("%cancel-task")
def cancel_task(task: Any, due: Any = None, reason: Any = None) -> Any:
    """Cancel a task, by force when it is due; return whether it leaves its extents now."""
    why = "" if reason is None else checks.text("cancel", reason)
    raise Isolated(_cancel, _task("cancel", task), due, why)


def _go_on_unwinding(machine: Machine) -> Any:
    cancelling.go_on_unwinding(machine)
    return AGAIN


@primitive("%go-on-unwinding")
def go_on_unwinding() -> Any:
    """Give up the step of the clean-up that the running task, which is being cancelled, is at."""
    raise Isolated(_go_on_unwinding)


@primitive("cancellation-reason")
def cancellation_reason() -> Any:
    """Return why the running task is being cancelled, a string that may be empty; #f if it is not."""
    machine = REGISTERS.machine
    reason = cancelling.reason_of(machine, machine.task)
    return None if reason is None else String(reason)


def _yield(machine: Machine) -> Any:
    machine.go_on(None, UNSPECIFIED)
    machine.pause("ready")
    return AGAIN


@primitive("task-yield")
def task_yield() -> Any:
    """Let the other ready tasks run first."""
    raise Isolated(_yield)


def _alarm(machine: Machine, due: Any, handler: Any) -> Any:
    alarm = Operation("alarm", (due, handler, shielding.depth(machine, machine.task)))
    return waiting.register(machine, machine.task, 0, alarm)


@primitive("%set-alarm")
def set_alarm(due: Any, handler: Any) -> Any:
    raise Isolated(_alarm, due, handler)


def _withdraw(machine: Machine, number: int) -> Any:
    withdraw(machine, number)
    shielding.forget(machine.task, number)
    return UNSPECIFIED


@primitive("%withdraw-alarm")
def withdraw_alarm(number: Any) -> Any:
    raise Isolated(_withdraw, number)


# -- messages and channels -----------------------------------------------------------------------


@primitive("%accept-message")
def accept_message(number: Any) -> Any:
    raise Isolated(mailbox.accept, number)


def _release(machine: Machine) -> Any:
    mailbox.release_all(machine, machine.task.number)
    return UNSPECIFIED


@primitive("%release-message")
def release_message() -> Any:
    """Let go of the message that the task's predicate looked at."""
    raise Isolated(_release)


def _ticket(machine: Machine) -> Any:
    return machine.new_number()


@primitive("%new-ticket")
def new_ticket() -> Any:
    raise Isolated(_ticket)


def _send(machine: Machine, to: str, value: Any) -> Any:
    exported = machine.export_value(value)
    number = machine.new_number()
    if len(machine.sent) >= limits.TURN_SENDS:
        watchdog.cut()
    machine.sent.append(Sent(to, f"{machine.root.run_id}:{number}", exported))
    return UNSPECIFIED


@primitive("send-message")
def send_message(run_id: Any, value: Any) -> Any:
    """Send a value to the mailbox of a run; it leaves with the turn."""
    raise Isolated(_send, _run_id("send-message", run_id), value)


def _run_id(procedure: str, x: Any) -> str:
    text = x.name if type(x) is Symbol else checks.text(procedure, x)
    if not text or len(text) > limits.RUN_ID_MAX_CHARS:
        raise fail("range-error", f"{procedure}: not a run id:", x)
    return text


@primitive("make-channel")
def make_channel(capacity: Any = 0) -> Any:
    return Channel(checks.count("make-channel", capacity), [], [], [])


@primitive("channel?")
def is_channel(obj: Any) -> Any:
    return TRUE if type(obj) is Channel else None


@primitive("%check-channel")
def check_channel(procedure: Any, channel: Any) -> Any:
    if type(channel) is not Channel:
        raise wrong_type(procedure.name, "a channel", channel)
    return channel


# -- runs --------------------------------------------------------------------------------------------


@primitive("self")
def self_id() -> Any:
    """Return this run's id."""
    return String(REGISTERS.machine.root.run_id)


def _start(machine: Machine, program: str, arguments: tuple[Any, ...], detached: bool) -> Any:
    machine.check_program(program)
    exported = tuple(machine.export_value(argument) for argument in arguments)
    run_id = f"{machine.root.run_id}.{machine.new_number()}"
    machine.started.append(Started(run_id, program, exported, detached))
    if not detached and machine.root.children is not None:
        machine.root.children += 1
    return String(run_id)


@primitive("start-run")
def start_run(program: Any, *arguments: Any) -> Any:
    """Start a run of a program by name, with this turn, and return its id; it is cancelled with this one."""
    name = program.name if type(program) is Symbol else checks.text("start-run", program)
    raise Isolated(_start, name, arguments, False)


@primitive("start-run-detached")
def start_run_detached(program: Any, *arguments: Any) -> Any:
    """Start a run that goes on when this one is cancelled."""
    name = program.name if type(program) is Symbol else checks.text("start-run-detached", program)
    raise Isolated(_start, name, arguments, True)


def _log(machine: Machine, entry: Logged) -> Any:
    machine.logged.append(entry)
    return UNSPECIFIED


@primitive("log-event")
def log_event(level: Any, message: Any, *fields: Any) -> Any:
    """Write a line to the run's log: a level (a symbol), a message, and keys with values."""
    if len(fields) % 2:
        raise fail("arity-error", "log-event: keys and values must come in pairs")
    keys = [checks.symbol_name("log-event", key) for key in fields[::2]]
    pairs = tuple(zip(keys, fields[1::2], strict=True))
    entry = Logged(checks.symbol_name("log-event", level), checks.text("log-event", message), pairs)
    raise Isolated(_log, entry)


# -- time and chance -----------------------------------------------------------------------------


@primitive("now", "current-second")
def now() -> Any:
    """Return the time of this turn, in seconds since the epoch."""
    return REGISTERS.machine.now


@primitive("current-jiffy")
def current_jiffy() -> Any:
    return int(REGISTERS.machine.now * 1_000_000)


@primitive("jiffies-per-second")
def jiffies_per_second() -> Any:
    return 1_000_000


def _seconds(procedure: str, x: Any) -> float:
    check_real(procedure, x)
    seconds = to_float(x)
    if seconds != seconds:  # noqa: PLR0124 - not a number
        raise fail("range-error", f"{procedure}: not a time:", x)
    return seconds


@primitive("%due-in")
def due_in(procedure: Any, seconds: Any) -> Any:
    """Return the time in so many seconds from now; never before now."""
    return REGISTERS.machine.now + max(0.0, _seconds(procedure.name, seconds))


@primitive("%due-at")
def due_at(procedure: Any, time: Any) -> Any:
    return _seconds(procedure.name, time)
