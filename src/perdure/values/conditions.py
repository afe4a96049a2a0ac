"""Errors in a program as conditions: their kinds, what is a kind of what, and how primitives raise them.

Layer: values. Imports types.
Invariant: a kind that was ever raised stays in the table, with its code: stored conditions have it.

    kind                     code   raised when
    serious                         (abstract: whatever a program can't just go on from)
      error                  P200   the program called `error`; and every kind below
        program-error               (abstract: the program is wrong)
          type-error         P204   an argument has the wrong type
          range-error        P205   an index or a number is out of range
          arity-error        P206   a procedure got the wrong number of arguments
          apply-error        P207   something that is not a procedure was called
          unbound-error      P208   a variable has no value
          divide-error       P209   exact division by zero
          constant-error     P210   a literal constant was about to be changed
          syntax-error       P211   `eval` met bad syntax at run time
        read-error           P212   `read` met bad syntax
        file-error           P213   a file can't be opened
        quota-error          P214   a limit on time, memory or size was met
        boundary-error       P222   a value can't cross to Python, JSON or another run
        timeout-error        P223   a deadline passed and no alternative was given
        child-error          P224   a joined task or run did not complete
        conflict-error       P227   another task's transaction owns what was about to be changed
        retry-refused        P228   a group can't be retried: an effect of it can be neither undone nor repeated
      effect-failure                (abstract: an effect did not return)
        effect-error         P220   it raised (also an error); detail is a hash table (type, message, data)
          effect-timeout     P225   its attempts took too long (also a timeout-error)
        effect-cancelled     P226   it was cancelled (also an error)
        outcome-unknown      P221   nobody knows whether it took place: no error, and no success either
    raised                   P230   a value that is not a condition was raised and nobody took it (for reports only)

A clause for errors must not take a doubt for a failure, so `outcome-unknown` is no kind of error.
"""

from __future__ import annotations

from typing import Any, Final

from perdure.values.types import NIL, Condition, HashTable, Pair, String, intern

PARENTS: Final[dict[str, tuple[str, ...]]] = {
    "serious": (),
    "error": ("serious",),
    "program-error": ("error",),
    "type-error": ("program-error",),
    "range-error": ("program-error",),
    "arity-error": ("program-error",),
    "apply-error": ("program-error",),
    "unbound-error": ("program-error",),
    "divide-error": ("program-error",),
    "constant-error": ("program-error",),
    "syntax-error": ("program-error",),
    "read-error": ("error",),
    "file-error": ("error",),
    "quota-error": ("error",),
    "boundary-error": ("error",),
    "timeout-error": ("error",),
    "child-error": ("error",),
    "conflict-error": ("error",),
    "retry-refused": ("error",),
    "effect-failure": ("serious",),
    "effect-error": ("effect-failure", "error"),
    "effect-timeout": ("effect-error", "timeout-error"),
    "effect-cancelled": ("effect-failure", "error"),
    "outcome-unknown": ("effect-failure",),
    "raised": (),
}
"""What each kind is a kind of, the nearest first."""

CODES: Final = {
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
    "effect-timeout": "P225",
    "effect-cancelled": "P226",
    "conflict-error": "P227",
    "retry-refused": "P228",
    "raised": "P230",
}
"""The codes of the kinds that a condition can have; the others are abstract."""


def _kinds_of(kind: str) -> tuple[str, ...]:
    found: list[str] = [kind]
    for each in found:
        found += [parent for parent in PARENTS[each] if parent not in found]
    return tuple(found)


KINDS: Final = {kind: _kinds_of(kind) for kind in PARENTS}
"""All that a condition of a kind is, the kind itself first and then the nearest."""


def is_kind(kind: str, wanted: str) -> bool:
    """Return whether a kind of condition is another one, or a kind of it; an unknown one is none."""
    return wanted in KINDS.get(kind, ())


def detail_of(condition: Condition, name: str) -> Any:
    """Return what a condition's detail says of an effect: `type`, `message`, `data` and so on; FALSE if nothing."""
    detail = condition.detail
    found = detail.entries.get(intern(name)) if type(detail) is HashTable else None
    return None if found is None else found[1]


def python_types(condition: Condition) -> tuple[str, ...]:
    """Return the names of the type of the exception that an effect raised and of its base classes; () if there is none."""
    found, listed = detail_of(condition, "type"), detail_of(condition, "types")
    names: list[str] = [found.text] if type(found) is String else []
    while type(listed) is Pair:
        if type(listed.car) is String and listed.car.text not in names:
            names.append(listed.car.text)
        listed = listed.cdr
    return tuple(names)


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
