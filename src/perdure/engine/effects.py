"""What an effect's end means: a value, another attempt, a condition, or doubt.

Layer: engine. Imports executor, boundary, python_modules, machine.turn, values, base.
Invariant: permission to repeat an attempt is given in `decide` and nowhere else: the function is idempotent, or the error is
one of those that it declared to mean that nothing happened. Whether and when a policy then wants it says values/policies.py.
"""

from __future__ import annotations

import traceback
from asyncio import CancelledError
from typing import Any

from msgspec import Struct

from perdure.base.errors import PerdureError
from perdure.base.marks import Mark, Retry
from perdure.engine.boundary import BoundaryError, described, from_python, to_python
from perdure.engine.executor import Ended
from perdure.engine.python_modules import Function, PythonModules
from perdure.values.conditions import SchemeError, condition
from perdure.values.lists import from_items
from perdure.values.policies import DEFAULT, Policy, again_s, from_heap, only_attempts
from perdure.values.types import Condition, HashTable, PythonProcedure, String, Vector, intern


class Again(Struct, frozen=True):
    """Try again after so many seconds; `condition` is what went wrong."""

    after_s: float
    condition: Any


class Failed(Struct, frozen=True):
    """The condition is raised in the waiting task; `repeatable`: it may be done again, by rule 3."""

    condition: Any
    repeatable: bool = False


class Succeeded(Struct, frozen=True):
    """The value goes to the waiting task; `repeatable`: it may be done again, by rule 3."""

    value: Any
    repeatable: bool = False


def decide(
    mark: Mark,
    ended: Ended,
    *,
    name: str,
    attempt: int,
    key: str,
    given: Any = None,
    elapsed_s: float = 0.0,
    share: float = 0.0,
) -> Succeeded | Again | Failed:
    """Return what follows from the end of an attempt.

    Args:
      mark: the function's.
      ended: how the attempt ended.
      name: the function's, for messages.
      attempt: 1 for the first.
      key: the idempotency key of the request.
      given: the request's policy.
      elapsed_s: seconds since the first attempt began.
      share: a random number between 0 and 1, for the jitter of the wait before the next one.
    """
    if ended.error is None and not ended.timed_out:
        return Succeeded(ended.value, mark.idempotent)
    if isinstance(ended.error, BoundaryError):
        crossed = condition("boundary-error", f"{name}: {ended.error.reason}")
        return Failed(crossed, mark.idempotent or mark.transactional)
    # A function of the host says itself what the program is told.
    if isinstance(ended.error, SchemeError):
        return Failed(ended.error.condition, mark.idempotent)
    if ended.timed_out and not mark.idempotent:
        return Failed(outcome_unknown(name, key, f"it took longer than {mark.timeout_s:g} s"))
    if ended.timed_out:
        error: BaseException = TimeoutError(f"it took longer than {mark.timeout_s:g} s")
        failed = effect_error(name, error, "effect-timeout")
    else:
        assert ended.error is not None
        error = ended.error
        cancelled = isinstance(error, CancelledError)
        failed = effect_error(name, error, "effect-cancelled" if cancelled else "effect-error")
    put_detail(failed, "attempt", attempt)
    permitted = mark.idempotent or mark.transactional or isinstance(error, mark.nothing_happened)
    policy = policy_of(mark, given)
    if policy is None or not _about(mark, given, error):
        return Failed(failed, permitted)
    after_s = again_s(policy, failed, attempt=attempt, elapsed_s=elapsed_s, share=share)
    if after_s is None:
        return Failed(failed, permitted)
    if permitted:
        put_detail(failed, "attempts", policy.attempts)
        return Again(after_s, failed)
    if given is not None:
        failed.message += (
            f"; not tried again: {name} is not declared idempotent, "
            f"nor {type(error).__name__} to mean that nothing has happened"
        )
    return Failed(failed)


def policy_of(mark: Mark, given: Any) -> Policy | None:
    """Return the policy for the attempts of a request: the one that it was given, else its function's, if there is one."""
    by_mark = _marked(mark.retry) if mark.retry is not None else None
    if given is None:
        return by_mark
    return from_heap("with-retry", given, by_mark or DEFAULT)


def _about(mark: Mark, given: Any, error: BaseException) -> bool:
    """Return whether an error is one that the mark's policy is for; what a program's is for, it says itself."""
    if mark.retry is None or not (given is None or only_attempts(given)):
        return True
    return isinstance(error, (mark.retry.on, mark.nothing_happened))


def _marked(retry: Retry) -> Policy:
    return Policy(
        attempts=retry.attempts,
        backoff_s=retry.base_s,
        factor=retry.factor,
        cap_s=retry.max_s,
        jitter=retry.jitter,
        deadline_s=retry.deadline_s,
    )


def arguments_out(
    procedure: PythonProcedure, function: Function, arguments: tuple[Any, ...]
) -> list[Any]:
    """Return heap arguments as Python data.

    Raises:
      SchemeError: the number of arguments is wrong, or one of them can't cross.
    """
    count = len(arguments)
    if count < function.least or (function.most is not None and count > function.most):
        if function.most is None:
            expected = f"at least {function.least}"
        elif function.least == function.most:
            expected = str(function.least)
        else:
            expected = f"{function.least} to {function.most}"
        plural = "" if expected == "1" else "s"
        raise SchemeError(
            condition(
                "arity-error",
                f"{shown_name(procedure)}: expected {expected} argument{plural}, got {count}",
            )
        )
    try:
        return [to_python(item, f"argument {place}") for place, item in enumerate(arguments, 1)]
    except BoundaryError as error:
        raise SchemeError(
            condition("boundary-error", f"{shown_name(procedure)}: {error.reason}")
        ) from None


def is_idempotent(modules: PythonModules, procedure: PythonProcedure) -> bool:
    """Return whether a function may be performed again with the same key; one that is not there may not."""
    try:
        return modules.function(procedure).mark.idempotent
    except PerdureError:
        return False


def call_builtin(
    modules: PythonModules, procedure: PythonProcedure, arguments: tuple[Any, ...]
) -> Any:
    """Return the value of a pure built-in, called in line.

    Raises:
      SchemeError: it raised, or something can't cross.
    """
    name = shown_name(procedure)
    try:
        function = modules.function(procedure)
    except PerdureError as error:
        raise SchemeError(condition("effect-error", f"{name}: {error.message}")) from None
    given = arguments_out(procedure, function, arguments)
    try:
        value = function.call(*given)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the author's code raises
        raise SchemeError(effect_error(name, error)) from None
    try:
        return from_python(value, "the result")
    except BoundaryError as error:
        raise SchemeError(condition("boundary-error", f"{name}: {error.reason}")) from None


def effect_error(name: str, error: BaseException, kind: str = "effect-error") -> Any:
    """Return the condition for an exception of a Python function.

    Its detail has function, type, the names of all types that it is of, message, data, traceback.
    """
    raised = type(error).__name__
    text = _message_of(error)
    detail = HashTable("equal", {})
    try:
        data = from_python(list(error.args), "data")
    except BoundaryError:
        data = from_python([str(argument)[:1_000] for argument in error.args])
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__, limit=-30))
    types = [each.__name__ for each in type(error).__mro__ if each is not object]
    _put(detail, "function", String(name))
    _put(detail, "type", String(raised))
    _put(detail, "types", from_items([String(each) for each in types]))
    _put(detail, "message", String(text))
    _put(detail, "data", data)
    _put(detail, "traceback", String(_storable(shown[-20_000:])))
    return condition(
        kind, f"{name}: {raised}: {text}" if text else f"{name}: {raised}", detail=detail
    )


def outcome_unknown(name: str, key: str, why: str) -> Any:
    """Return the condition for a non-idempotent effect of which nobody knows whether it took place."""
    detail = HashTable("equal", {})
    _put(detail, "function", String(name))
    _put(detail, "message", String(why))
    _put(detail, "data", Vector([]))
    _put(detail, "idempotency-key", String(key))
    return condition(
        "outcome-unknown",
        f"{name}: {why} and the function is not declared idempotent, so nobody knows whether it took place",
        detail=detail,
    )


def shown_name(procedure: Any) -> str:
    """Return a Python procedure's name as programs write it."""
    if isinstance(procedure, PythonProcedure):
        return procedure.function.replace("_", "-")
    return described(procedure)


def _message_of(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - somebody's broken __str__
        text = "(its message can't be shown)"
    return _storable(text[:10_000])


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def put_detail(failed: Condition, name: str, value: Any) -> None:
    """Add something to the detail of a condition that was just made."""
    _put(failed.detail, name, value)


def _put(table: HashTable, name: str, value: Any) -> None:
    key = intern(name)
    table.entries[key] = (key, value)
