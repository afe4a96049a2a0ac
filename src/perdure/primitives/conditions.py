"""Conditions: making them, and what a handler asks of them.

Layer: primitives. Imports values.
Invariant: `error` and `raise` are Scheme and the machine's; a primitive here raises only for its
own arguments.
"""

from __future__ import annotations

from typing import Any

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.conditions import CODES, fail, wrong_type
from perdure.values.lists import list_items
from perdure.values.printer import report_string, write_string
from perdure.values.tables import table_ref
from perdure.values.types import NIL, TRUE, Condition, HashTable, String, Symbol, intern


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


def _is_kind(obj: Any, kind: str) -> Any:
    return TRUE if type(obj) is Condition and obj.kind == kind else None


@primitive("read-error?")
def is_read_error(obj: Any) -> Any:
    return _is_kind(obj, "read-error")


@primitive("file-error?")
def is_file_error(obj: Any) -> Any:
    return _is_kind(obj, "file-error")


@primitive("effect-error?")
def is_effect_error(obj: Any) -> Any:
    return _is_kind(obj, "effect-error")


@primitive("outcome-unknown?")
def is_outcome_unknown(obj: Any) -> Any:
    return _is_kind(obj, "outcome-unknown")


@primitive("timeout-error?")
def is_timeout(obj: Any) -> Any:
    return _is_kind(obj, "timeout-error")


def _effect_detail(procedure: str, condition: Any, key: str) -> Any:
    if type(condition) is not Condition or condition.kind != "effect-error":
        raise wrong_type(procedure, "an effect-error condition", condition)
    detail = condition.detail
    return table_ref(detail, intern(key)) if type(detail) is HashTable else None


@primitive("effect-error-type")
def effect_error_type(condition: Any) -> Any:
    return _effect_detail("effect-error-type", condition, "type")


@primitive("effect-error-message")
def effect_error_message(condition: Any) -> Any:
    return _effect_detail("effect-error-message", condition, "message")


@primitive("effect-error-data")
def effect_error_data(condition: Any) -> Any:
    return _effect_detail("effect-error-data", condition, "data")
