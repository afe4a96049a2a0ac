"""Conditions: making them, and what a handler asks of them.

Layer: primitives. Imports values.
Invariant: `error` and `raise` are Scheme and the machine's; a primitive here raises only for its
own arguments.
"""

from __future__ import annotations

from typing import Any

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.conditions import (
    CODES,
    KINDS,
    detail_of,
    fail,
    is_kind,
    python_types,
    wrong_type,
)
from perdure.values.lists import from_items, list_items
from perdure.values.printer import report_string, write_string
from perdure.values.types import NIL, TRUE, Condition, String, Symbol, intern


def _condition(procedure: str, x: Any) -> Condition:
    if type(x) is not Condition:
        raise wrong_type(procedure, "a condition", x)
    return x


@primitive("%make-condition")
def make_condition(kind: Any, message: Any, irritants: Any = NIL, detail: Any = None) -> Any:
    """Return a condition; a message that is no string is written: `(error 'who "what")`."""
    name = checks.symbol_name("%make-condition", kind)
    if name not in CODES:
        raise fail("range-error", "%make-condition: unknown kind of condition:", kind)
    list_items("%make-condition", irritants, "a list of irritants")
    if type(message) is String:
        text = message.text
    else:
        text = message.name if type(message) is Symbol else write_string(message, limit_chars=200)
    return Condition(name, CODES[name], text, irritants, detail)


@primitive("error-object?", "condition?")
def is_error(obj: Any) -> Any:
    return TRUE if type(obj) is Condition else None


@primitive("error-object-message", "condition-message")
def error_message(error_object: Any) -> Any:
    return String(_condition("error-object-message", error_object).message)


@primitive("error-object-irritants", "condition-irritants")
def error_irritants(error_object: Any) -> Any:
    return _condition("error-object-irritants", error_object).irritants


@primitive("condition-kind")
def condition_kind(condition: Any) -> Any:
    return intern(_condition("condition-kind", condition).kind)


@primitive("condition-code")
def condition_code(condition: Any) -> Any:
    return String(_condition("condition-code", condition).code)


@primitive("condition-detail")
def condition_detail(condition: Any) -> Any:
    return _condition("condition-detail", condition).detail


@primitive("condition->string", "condition/report-string")
def condition_text(condition: Any) -> Any:
    """Return the message and the irritants as a report shows them; any raised object will do."""
    return String(report_string(condition))


@primitive("condition-is?")
def condition_is(obj: Any, kind: Any) -> Any:
    """Return whether an object is a condition of a kind, or of a kind of that kind."""
    wanted = checks.symbol_name("condition-is?", kind)
    if wanted not in KINDS:
        raise fail("range-error", "condition-is?: unknown kind of condition:", kind)
    return _is(obj, wanted)


@primitive("%condition-kinds")
def condition_kinds(condition: Any) -> Any:
    """Return the list of all that a condition is, its own kind first."""
    kinds = KINDS.get(_condition("%condition-kinds", condition).kind, ())
    return from_items([intern(kind) for kind in kinds])


def _is(obj: Any, kind: str) -> Any:
    return TRUE if type(obj) is Condition and is_kind(obj.kind, kind) else None


@primitive("program-error?")
def is_program_error(obj: Any) -> Any:
    return _is(obj, "program-error")


@primitive("read-error?")
def is_read_error(obj: Any) -> Any:
    return _is(obj, "read-error")


@primitive("file-error?")
def is_file_error(obj: Any) -> Any:
    return _is(obj, "file-error")


@primitive("quota-error?")
def is_quota_error(obj: Any) -> Any:
    return _is(obj, "quota-error")


@primitive("boundary-error?")
def is_boundary_error(obj: Any) -> Any:
    return _is(obj, "boundary-error")


@primitive("timeout-error?")
def is_timeout(obj: Any) -> Any:
    return _is(obj, "timeout-error")


@primitive("child-error?")
def is_child_error(obj: Any) -> Any:
    return _is(obj, "child-error")


@primitive("conflict-error?")
def is_conflict(obj: Any) -> Any:
    return _is(obj, "conflict-error")


@primitive("retry-refused?")
def is_retry_refused(obj: Any) -> Any:
    return _is(obj, "retry-refused")


@primitive("effect-failure?")
def is_effect_failure(obj: Any) -> Any:
    return _is(obj, "effect-failure")


@primitive("effect-error?")
def is_effect_error(obj: Any) -> Any:
    return _is(obj, "effect-error")


@primitive("effect-timeout?")
def is_effect_timeout(obj: Any) -> Any:
    return _is(obj, "effect-timeout")


@primitive("effect-cancelled?")
def is_effect_cancelled(obj: Any) -> Any:
    return _is(obj, "effect-cancelled")


@primitive("outcome-unknown?")
def is_outcome_unknown(obj: Any) -> Any:
    return _is(obj, "outcome-unknown")


def _effect_detail(procedure: str, condition: Any, key: str) -> Any:
    if not _is(condition, "effect-failure"):
        raise wrong_type(procedure, "an effect-failure condition", condition)
    return detail_of(condition, key)


@primitive("effect-error-type")
def effect_error_type(condition: Any) -> Any:
    """Return the name of the type of the exception that an effect raised; #f if it raised none."""
    return _effect_detail("effect-error-type", condition, "type")


@primitive("effect-error-message")
def effect_error_message(condition: Any) -> Any:
    return _effect_detail("effect-error-message", condition, "message")


@primitive("effect-error-data")
def effect_error_data(condition: Any) -> Any:
    return _effect_detail("effect-error-data", condition, "data")


@primitive("effect-error-is?")
def effect_error_is(obj: Any, python_type: Any) -> Any:
    """Return whether an effect raised an exception of a type, a string or symbol, or of a type derived from it."""
    if type(python_type) is Symbol:
        wanted = python_type.name
    else:
        wanted = checks.text("effect-error-is?", python_type)
    return TRUE if type(obj) is Condition and wanted in python_types(obj) else None
