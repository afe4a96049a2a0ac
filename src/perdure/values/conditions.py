"""Errors in a program as conditions: their kinds, and how primitives raise them.

Layer: values. Imports types.

    kind                code   raised when
    error               P200   the program called `error`
    type-error          P204   an argument has the wrong type
    range-error         P205   an index or a number is out of range
    arity-error         P206   a procedure got the wrong number of arguments
    apply-error         P207   something that is not a procedure was called
    unbound-error       P208   a variable has no value
    divide-error        P209   exact division by zero
    constant-error      P210   a literal constant was about to be changed
    syntax-error        P211   `eval` met bad syntax at run time
    read-error          P212   `read` met bad syntax
    file-error          P213   a file can't be opened
    quota-error         P214   a limit on time, memory or size was met
    effect-error        P220   an effect raised; detail is a hash table (type, message, data)
    outcome-unknown     P221   a worker died while a non-idempotent effect ran
    boundary-error      P222   a value can't cross to Python, JSON or another run
    timeout-error       P223   a deadline passed and no alternative was given
    child-error         P224   a joined task or run did not complete
    raised              P230   a value that is not a condition was raised and nobody took it (for reports only)
"""

from __future__ import annotations

from typing import Any

from perdure.values.types import NIL, Condition, Pair

CODES = {
    "error": "P200",
    "type-error": "P204",
    "range-error": "P205",
    "arity-error": "P206",
    "apply-error": "P207",
    "unbound-error": "P208",
    "divide-error": "P209",
    "constant-error": "P210",
    "syntax-error": "P211",
    "read-error": "P212",
    "file-error": "P213",
    "quota-error": "P214",
    "effect-error": "P220",
    "outcome-unknown": "P221",
    "boundary-error": "P222",
    "timeout-error": "P223",
    "child-error": "P224",
    "raised": "P230",
}


class SchemeError(Exception):
    """Carries a condition out of a primitive to the machine, which raises it in the program."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition)
        self.condition = condition


def condition(kind: str, message: str, *irritants: Any, detail: Any = None) -> Condition:
    """Return a condition of a kind of the table above, with its code."""
    rest: Any = NIL
    for irritant in reversed(irritants):
        rest = Pair(irritant, rest)
    return Condition(kind, CODES[kind], message, rest, detail)


def fail(kind: str, message: str, *irritants: Any) -> SchemeError:
    """Return the exception that a primitive raises, to be raised where it was found.

    The irritants are printed after the message, as `error` prints its own.
    """
    return SchemeError(condition(kind, message, *irritants))


def wrong_type(procedure: str, expected: str, found: Any) -> SchemeError:
    """Return the error `procedure: expected <expected>, got <found>`; the value is its irritant."""
    return SchemeError(condition("type-error", f"{procedure}: expected {expected}, got", found))
