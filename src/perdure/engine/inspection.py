"""What a run is doing, for people: tasks, stacks with places and variables, what each waits for; error reports.

Layer: engine. Imports machine.state, values, base.
Invariant: looks and changes nothing; every text is bounded, however large the run's data are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from perdure.base import limits
from perdure.base.spans import Span, excerpt
from perdure.engine import records
from perdure.engine.hints import hint_of
from perdure.machine.errors import is_own, source_name
from perdure.machine.requests import FINISHED, JOINS, PATIENCE, TIMED
from perdure.machine.restarts import parked_at, shown_stack
from perdure.machine.state import Frame, Redo, Request, Root, Task
from perdure.machine.undo import OPEN, Transaction
from perdure.values.conditions import detail_of, python_types
from perdure.values.lists import list_items
from perdure.values.numbers import to_float
from perdure.values.printer import write_string
from perdure.values.types import Box, Condition, Pair, PythonProcedure, String, intern

_VARIABLES_MAX = 20
_ATTEMPTS = intern("attempts")


class RestartView(Struct, frozen=True, kw_only=True):
    """A way to go on from an error: of which task, its name, what it takes (as words) and what it does."""

    task: int
    name: str
    parameters: str
    description: str


class FrameView(Struct, frozen=True, kw_only=True):
    """One activation: the procedure's name, where it stands, and its live variables as written text.

    `number` counts the frames of the program from the innermost one, which is 0.
    """

    procedure: str
    file: str
    line: int
    column: int
    variables: tuple[tuple[str, str], ...]
    number: int = 0


class WaitView(Struct, frozen=True, kw_only=True):
    """Something that a task waits for. `since` is in seconds since the epoch; `due` too, or None.

    Of an effect that failed, `attempt` says how many attempts there were, the one in progress included, `attempts` how many
    there are to be at most, and `error` what the last one raised.
    """

    what: str
    kind: str
    since: float
    due: float | None = None
    attempt: int = 0
    started: bool = False
    error: str = ""
    request: int = 0
    attempts: int | None = None


class TaskView(Struct, frozen=True, kw_only=True):
    """One task; the innermost frame comes first. `omitted` frames in the middle are left out.

    `transactions` says of each that the task has entered, outermost first, what it would undo or is undoing.
    `restarts` are the ways to go on of a parked one.
    """

    number: int
    name: str
    status: str
    frames: tuple[FrameView, ...]
    omitted: int
    waits: tuple[WaitView, ...]
    error: str = ""
    cancelling: bool = False
    restarts: tuple[RestartView, ...] = ()
    transactions: tuple[str, ...] = ()


class RunView(Struct, frozen=True, kw_only=True):
    """All that `show` says about a run.

    `cancelling`: it was cancelled and cleans up, for `reason`; what is left of that at `forced_at` is not done.
    """

    run_id: str
    program: str
    status: str
    detail: str
    seq: int
    created_at: float
    updated_at: float
    wake_at: float | None
    parent: str = ""
    quarantined: str = ""
    tasks: tuple[TaskView, ...] = ()
    error: str = ""
    mailbox: int = 0
    paused: bool = False
    cancelling: bool = False
    reason: str = ""
    forced_at: float | None = None


def forced_at(root: Root) -> float | None:
    """Return when a run that is cancelled ends by force, or None."""
    entry = root.requests.entries.get(root.forcing)
    return None if entry is None else to_float(entry[1].arguments[0])


def tasks_of(
    root: Root, provider: Any, restarts: Sequence[RestartView] = ()
) -> tuple[TaskView, ...]:
    """Return a view of every task that has not ended, with those of the restarts that are its own."""
    requests = [entry[1] for entry in root.requests.entries.values()]
    by_task: dict[int, list[Request]] = {}
    for request in requests:
        by_task.setdefault(request.task, []).append(request)
    views = []
    for _, task in root.tasks.entries.values():
        if task.status in ("completed", "failed", "cancelled") and task.number != root.main_task:
            continue
        own = tuple(restart for restart in restarts if restart.task == task.number)
        within = tuple(_transaction_text(t) for t in root.transactions if t.task == task.number)
        views.append(_task_view(task, by_task.get(task.number, []), provider, own, within))
    return tuple(views)


def _transaction_text(transaction: Transaction) -> str:
    """Return what a task has entered and not left, in a few words."""
    count = len(list_items("show", transaction.compensations))
    if transaction.status == OPEN:
        return f"in a transaction; compensations so far: {count}"
    return f"undoes a transaction; compensations to come: {count}"


def _task_view(
    task: Task,
    requests: list[Request],
    provider: Any,
    restarts: tuple[RestartView, ...],
    transactions: tuple[str, ...],
) -> TaskView:
    error = ""
    stack = task.stack
    if task.status in ("parked", "failed"):
        _, _, error = records.kind_and_message(task.result)
        stack = stack_of_error(task.result) or stack
    if task.status == "parked":
        stack = shown_stack(parked_at(task)) or stack
    frames, omitted = frames_of(stack, provider, at=failed_site(task.result, stack))
    return TaskView(
        number=task.number,
        name=task.name,
        status=task.status,
        frames=frames,
        omitted=omitted,
        waits=tuple(wait_view(request) for request in requests),
        error=error,
        cancelling=(task.cancelling or task.cancel_asked) and task.status not in FINISHED,
        restarts=restarts,
        transactions=transactions,
    )


def wait_view(request: Request) -> WaitView:
    """Return a view of a request."""
    due: float | None = request.due or None
    if request.kind in TIMED:
        due = to_float(request.arguments[0])
    error = "" if request.error is None else records.kind_and_message(request.error)[2]
    return WaitView(
        what=operation_text(request.kind, request.arguments),
        kind=request.kind,
        since=request.since,
        due=due,
        attempt=request.attempt,
        started=request.started,
        error=error,
        request=request.number,
        attempts=_attempts(request),
    )


def _attempts(request: Request) -> int | None:
    """Return how many attempts an effect has at most, or None: nothing is repeated, or nothing has failed yet."""
    policy = request.policy
    while type(policy) is Pair:
        if policy.car.car is _ATTEMPTS:
            found: int = policy.car.cdr
            return found
        policy = policy.cdr
    if type(request.error) is not Condition:
        return None
    noted: int | None = detail_of(request.error, _ATTEMPTS.name)
    return noted


def retry_text(request: Request) -> str:
    """Return when and why an effect that failed is tried again, in few words, or "" if it does not wait for that."""
    if not request.due or request.started or request.error is None:
        return ""
    error = records.kind_and_message(request.error)[2]
    most = _attempts(request)
    counted = f"{request.attempt + 1} of {most}" if most else f"{request.attempt + 1}"
    return f"attempt {counted} at {time_text(request.due)}, after {error[:100]}"


def operation_text(kind: str, arguments: tuple[Any, ...]) -> str:
    """Return what an operation waits for, in a few words."""
    first = arguments[0] if arguments else None
    if kind == "effect" and isinstance(first, PythonProcedure):
        return first.function.replace("_", "-")
    if kind == "timer":
        return f"sleep until {time_text(to_float(first))}"
    if kind == "alarm":
        return f"deadline at {time_text(to_float(first))}"
    if kind == "force":
        return f"the end by force at {time_text(to_float(first))}"
    if kind == PATIENCE:
        then = write_string(arguments[1], limit_chars=60)
        return f"the end of its rest at {time_text(to_float(first))}, then {then}"
    if kind == "receive":
        return "a message"
    if kind == "console":
        return "a console line"
    if kind == "child" and type(first) is String:
        return f"run {first.text}"
    if kind in JOINS and isinstance(first, Task):
        return f"task {first.number}"
    return {"get": "a channel to have a value", "put": "a channel to have room"}.get(kind, kind)


SLEEP = "sleep"


def short_text(kind: str, arguments: tuple[Any, ...]) -> str:
    """Return the same in fewer words, for what is stored with every turn: a run's row has the time anyway."""
    if kind == "timer":
        return SLEEP
    short = {"alarm": "deadline", "force": "the end by force", PATIENCE: "the end of its rest"}
    return short.get(kind) or operation_text(kind, arguments)


def detail_text(detail: str, wake_at: float | None) -> str:
    """Return the stored detail of a run as people read it."""
    if wake_at is not None and detail.startswith(SLEEP):
        return f"{SLEEP} until {time_text(wake_at)}{detail[len(SLEEP) :]}"
    return detail


def time_text(when: float) -> str:
    """Return a time as people read it, in UTC."""
    try:
        return dt.datetime.fromtimestamp(when, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "the end of time"


def frames_of(
    stack: Any,
    provider: Any,
    *,
    base: Any = None,
    value_chars: int = limits.SHOWN_VALUE_CHARS,
    at: int = 0,
) -> tuple[tuple[FrameView, ...], int]:
    """Return the frames of a stack that belong to a program, innermost first, and how many were left out.

    Args:
      stack: the innermost frame.
      provider: gives places in the source.
      base: the frame at which to end; None for the whole stack.
      value_chars: how much of a variable's value is shown.
      at: the site at which the innermost frame stands, if it is another than the frame's own.
    """
    found: list[Any] = []
    while isinstance(stack, Frame) and stack is not base:
        found.append(stack)
        stack = stack.next
    keep = limits.TRACE_FRAMES_MAX
    omitted = max(0, len(found) - keep)
    shown = found if not omitted else found[: keep - 10] + found[-10:]
    views = []
    number = 0
    for place, frame in enumerate(shown):
        if omitted and place == keep - 10:
            number += sum(_has_place(each, provider) for each in found[keep - 10 : -10])
        view = _frame_view(frame, provider, value_chars, number, at if place == 0 else 0)
        if view is not None:
            views.append(view)
            number += 1
    return tuple(views), omitted


def _has_place(frame: Frame, provider: Any) -> bool:
    return _span_of(frame, provider) is not None


def _span_of(frame: Frame, provider: Any, at: int = 0) -> Span | None:
    try:
        span: Span | None = provider.span(frame.site.definition, at or frame.site.number)
    except Exception:  # noqa: BLE001 - code that is not known any more must not hide the rest
        span = None
    return span


def _frame_view(
    frame: Frame, provider: Any, value_chars: int, number: int, at: int
) -> FrameView | None:
    span: Span | None
    try:
        span = provider.span(frame.site.definition, at or frame.site.number)
        name = provider.procedure_name(frame.site.definition, frame.site.number)
    except Exception:  # noqa: BLE001 - code that is not known any more must not hide the rest
        span, name = None, "?"
    if span is None:
        return None
    variables: list[tuple[str, str]] = []
    for given, value in zip(frame.site.names, frame.values, strict=False):
        if is_own(given) or len(variables) >= _VARIABLES_MAX:
            continue
        held = value.contents if type(value) is Box else value
        variables.append((source_name(given), write_string(held, limit_chars=value_chars)))
    return FrameView(
        procedure=name,
        file=span.file,
        line=span.line,
        column=span.column,
        variables=tuple(variables),
        number=number,
    )


def report_of(
    sources: Mapping[str, str],
    raised: Any,
    provider: Any,
    stack: Any = None,
    namespace: Mapping[str, Any] | None = None,
    base: Any = None,
) -> records.ErrorReport:
    """Return the report of an error that nobody took: its place, the source line, the Scheme stack, what to do.

    Args:
      sources: texts by file name.
      raised: what was raised; a condition has the frame of the failing operation.
      provider: gives places in the source.
      stack: where it was raised, if it is nothing that has a frame.
      namespace: the run's, for what an unknown name may have been meant to be.
      base: the frame at which the stack that is shown ends; None for the whole of it.
    """
    kind, code, message = records.kind_and_message(raised)
    text = f"[{code}] {message}"
    lines: list[str] = []
    frame = stack_of_error(raised) or stack
    if frame is not None:
        at = failed_site(raised, frame)
        frames, omitted = frames_of(frame, provider, base=base, at=at)
        span = innermost_span(frame, provider, at)
        if span is not None:
            text = f"{span}: {text}"
            shown = excerpt(span, sources.get(span.file, ""))
            if shown:
                lines.append(shown)
        lines += stack_lines(frames, omitted)
    hint = hint_of(raised, namespace) if namespace is not None else ""
    if hint:
        lines.append(f"  next: {hint}")
    return records.ErrorReport(
        kind=kind,
        code=code,
        message=message,
        text="\n".join([text, *lines]),
        types=python_types(raised) if type(raised) is Condition else (),
    )


def parked_stack(root: Root, raised: Any) -> Any:
    """Return the stack of the task that is parked at a raised object, or None."""
    for _, task in root.tasks.entries.values():
        if task.status == "parked" and task.result is raised:
            return task.stack
    return None


def stack_of_error(raised: Any) -> Frame | None:
    """Return the stack at which a condition arose, or None."""
    found = raised.frame if type(raised) is Condition else None
    if isinstance(found, Redo):
        found = found.stack
    return found if isinstance(found, Frame) else None


def failed_site(raised: Any, frame: Any) -> int:
    """Return the site of the statement that failed, if that is another than where the frame does it again; else 0."""
    found = raised.frame if type(raised) is Condition else None
    return found.failed if isinstance(found, Redo) and found.stack is frame else 0


def innermost_span(frame: Any, provider: Any, at: int = 0) -> Span | None:
    """Return the place of the innermost frame that has one; `at` is the site at which the first one stands, or 0."""
    while isinstance(frame, Frame):
        span = _span_of(frame, provider, at)
        if span is not None:
            return span
        frame, at = frame.next, 0
    return None


def stack_lines(frames: tuple[FrameView, ...], omitted: int) -> list[str]:
    """Return a stack as STYLE has it: one line for each frame, with its variables; equal lines in a row are counted."""
    lines: list[str] = []
    last, times = "", 0
    for place, view in enumerate(frames):
        if omitted and place == limits.TRACE_FRAMES_MAX - 10:
            lines.append(f"  ... {omitted} more ...")
            last = ""
        shown = "   ".join(f"{name} = {value}" for name, value in view.variables)
        line = f"  in {view.procedure:<16} {view.file}:{view.line}    {shown}".rstrip()
        if line != last:
            lines.append(line)
            last, times = line, 1
            continue
        times += 1
        counted = f"  ... the same {times} times"
        if times == 2:
            lines.append(counted)
        else:
            lines[-1] = counted
    return lines
