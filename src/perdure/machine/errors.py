"""From Python's exceptions to conditions.

Layer: machine. Imports values.
Invariant: an exception that reaches a program is one of our conditions with a message in the program's terms; Python's words
appear only where a primitive of ours has no better ones.
"""

from __future__ import annotations

import re

from perdure.values.barrier import ConstantMutation
from perdure.values.conditions import SchemeError, condition
from perdure.values.types import Condition, intern

_NUMBERED = re.compile(r"\.\d+$")
_OWN = re.compile(r"t(\.\d+)?|.*\.v(\.\d+)?|lambda(\.\d+)?|.*~.*|[%$].*")


def source_name(variable: str) -> str:
    """Return how the program spells a variable: the compiler numbers those that have the same name."""
    return _NUMBERED.sub("", variable)


def is_own(variable: str) -> bool:
    """Return whether a variable of a frame is the compiler's and not the program's."""
    return _OWN.fullmatch(variable) is not None


def condition_of(error: BaseException) -> Condition:
    """Return the condition that stands for an exception."""
    match error:
        case SchemeError():
            return error.condition
        case NameError():
            shown = (error.name or "?").rpartition(":")[2]
            return condition("unbound-error", f"unbound variable: {shown}", detail=intern(shown))
        case ConstantMutation():
            return condition("constant-error", "a literal constant can't be changed; copy it first")
        case ZeroDivisionError():
            return condition("divide-error", "division by zero")
        case IndexError():
            return condition("range-error", "index out of range")
        case OverflowError():
            return condition("range-error", "number out of range")
        case RecursionError():
            return condition("quota-error", "a primitive nests too deeply")
    return condition("type-error", f"wrong argument: {type(error).__name__}: {error}")
