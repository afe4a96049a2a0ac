"""What to do about an error that nobody took: the last line of its report.

Layer: engine. Imports frontends, values.
Invariant: a hint says something that the message does not; without such a thing there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perdure.frontends.scheme.suggestions import nearest
from perdure.values.types import Condition, Symbol


def hint_of(raised: Any, namespace: Mapping[str, Any]) -> str:
    """Return what to do about a raised object, or "".

    Args:
      raised: what nobody took.
      namespace: the run's; its keys end in the names that the program might have meant.
    """
    if type(raised) is not Condition:
        return 'take it with guard, or raise a message: (error "what is wrong:" value)'
    match raised.kind:
        case "unbound-error" if type(raised.detail) is Symbol:
            near = nearest(raised.detail.name, _names(namespace))
            return f"did you mean {near}?" if near else ""
        case "apply-error":
            return (
                "the first expression in parentheses is called; is there a pair of them too many?"
            )
        case "constant-error":
            return "string-copy, list-copy and vector-copy make data that can be changed"
        case "range-error" if type(raised.detail) is int:
            most = raised.detail
            return (
                f"an index from 0 to {most} is in range"
                if most >= 0
                else "there is no element at all"
            )
    return ""


def _names(namespace: Mapping[str, Any]) -> set[str]:
    """Return the names of the global variables of a program and of the libraries that it can see."""
    keys = [*namespace, *namespace["__builtins__"]]
    return {key.rpartition(":")[2] for key in keys if ":" in key}
