"""Commands about runs that execute nothing in the foreground: start, result, send, retry.

Layer: cli. Imports app, base.
Invariant: when a command has printed its answer, what it says is durable.
"""

from __future__ import annotations

import contextlib
from typing import Any

from perdure.app import Answer, Engine
from perdure.base.errors import CallError
from perdure.cli import console
from perdure.cli.arguments import value_of, values_of
from perdure.cli.looking import engine_for, next_steps
from perdure.engine import jsonable
from perdure.engine.boundary import BoundaryError, to_python
from perdure.engine.inspection import detail_text
from perdure.engine.records import CANCELLED, PAUSED
from perdure.values.types import UNSPECIFIED


def start(
    *,
    file: str,
    arguments: tuple[str, ...],
    id: str | None,
    allow_python: tuple[str, ...],
    db: str | None,
    json: bool,
) -> int:
    """Record a run and print its id."""
    del json
    given = values_of(arguments)
    with Engine(console.database(db), execute="none", allow_python=allow_python) as engine:
        program = engine.compile(file)
        notices(program)
        run_id = engine.start(program, *given, id=id)
    console.answer(run_id, {"id": run_id})
    return console.OK


def notices(program: Any) -> None:
    """Print the notices and warnings of a compiled program."""
    for text in (*program.notices, *program.warnings):
        console.note(f"notice: {text}")


def result(*, run_id: str, wait: bool, timeout: float | None, db: str | None, json: bool) -> int:
    """Print a run's result."""
    with engine_for(db) as engine:
        if wait or timeout is not None:
            found = engine.wait(run_id, timeout=timeout)
            answer = found if found is not None else engine.answer(run_id)
        else:
            answer = engine.answer(run_id)
        if answer.result is None and answer.error is None:
            run = engine.find(run_id)
            detail = detail_text(run.detail, run.wake_at)
            waits = f": it waits for {detail}" if detail else ""
            document = {"id": run_id, "status": answer.status, "detail": detail}
            if json:
                console.answer("", document)
            else:
                console.note(f"run {run_id} has not ended; it is {answer.status}{waits}")
            return console.NOT_ENDED
    return print_answer(answer, json=json)


def print_answer(answer: Answer, *, json: bool) -> int:
    """Print a run's result, or why it has none, and return the exit code."""
    if answer.error is not None:
        error = answer.error
        code = console.DAMAGED if error.kind == "quarantined" else console.STOPPED
        if json:
            document: dict[str, Any] = {
                "kind": error.kind,
                "code": error.code,
                "message": error.message,
                "text": error.text,
            }
            if error.kind == CANCELLED:
                document |= {"reason": error.reason, "forced": error.forced}
            console.answer("", {"id": answer.run_id, "status": answer.status, "error": document})
            return code
        console.note(error.text)
        console.note(f"run {answer.run_id} is {answer.status}")
        if answer.status == "parked" and error.kind != PAUSED:
            console.note(next_steps(answer.run_id))
        return code
    assert answer.result is not None, "a run that has ended has a result or an error"
    found = answer.result
    code = console.OK if found.exit_code is None else found.exit_code
    if not json:
        shown = not found.crosses or found.value is not UNSPECIFIED
        if shown and found.exit_code is None:
            console.answer(found.written, None)
        return code
    said: Any = {"$written": found.written}
    if found.crosses:
        with contextlib.suppress(BoundaryError):
            said = jsonable.to_jsonable(to_python(found.value))
    console.answer("", said)
    return code


def send(
    *,
    run_id: str,
    value: str | None,
    message_id: str | None,
    console: bool,
    eof: bool,
    db: str | None,
    json: bool,
) -> int:
    """Send a message or a console line."""
    del json
    if (value is None) != eof or (eof and not console):
        raise CallError(
            "P303",
            "say what to send: JSON, or with --console a line or --eof",
            hint="perdure send --help",
        )
    if console and message_id is not None:
        raise CallError("P303", "a console line has no message id", hint="leave out --message-id")
    with engine_for(db) as engine:
        status = engine.find(run_id).status
        if console:
            new = engine.send_line(run_id, value)
        else:
            assert value is not None, "checked above"
            new = engine.send(run_id, value_of(value, "the message"), message_id=message_id)
        ended = status in ("completed", "failed", "cancelled")
    if ended and message_id is None:
        raise CallError("P305", f"run {run_id} is {status}: nothing can be sent to it any more")
    old = (
        f"run {run_id} is {status}: nothing new was sent"
        if ended
        else "this message was sent before: it counts once"
    )
    _say("sent" if new else old, {"id": run_id, "new": new})
    return 0


def retry(
    *,
    run_id: str,
    request: int | None,
    now: bool,
    in_s: float | None,
    attempts: int | None,
    db: str | None,
    json: bool,
) -> int:
    """Let a parked run do the failing operation again, or change a retry that is waiting."""
    del json
    if request is not None:
        return _change_retry(run_id, request, db, now=now, in_s=in_s, attempts=attempts)
    if now or in_s is not None or attempts is not None:
        raise CallError(
            "P303",
            "--now, --in and --attempts are about a request",
            hint=f"`perdure show {run_id}` has its number for --request",
        )
    with engine_for(db) as engine:
        status = engine.find(run_id).status
        done = engine.retry(run_id)
    if not done:
        raise CallError("P305", f"run {run_id} is {status}, not parked: there is nothing to retry")
    _say(
        f"run {run_id} will try again; go on with `perdure run --id {run_id}` or a worker",
        {"id": run_id, "retried": True},
    )
    return 0


def _change_retry(
    run_id: str,
    request: int,
    db: str | None,
    *,
    now: bool,
    in_s: float | None,
    attempts: int | None,
) -> int:
    if now and in_s is not None:
        raise CallError("P303", "it is either --now or --in", hint="perdure retry --help")
    with engine_for(db) as engine:
        status = engine.find(run_id).status
        if not engine.retry(run_id, request=request, in_s=0.0 if now else in_s, attempts=attempts):
            raise CallError("P305", f"run {run_id} is {status}: nothing is tried again any more")
    changes = []
    if now or in_s is not None or attempts is None:
        changes.append(f"is tried again in {in_s:g} s" if in_s else "is tried again now")
    if attempts is not None:
        changes.append(f"has {attempts} attempts in all")
    document = {"id": run_id, "request": request, "in_s": in_s or 0.0, "attempts": attempts}
    _say(f"run {run_id}, request {request}: {' and '.join(changes)}", document)
    return 0


def _say(text: str, document: Any) -> None:
    console.answer(text, document)
