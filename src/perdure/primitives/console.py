"""What was typed at the run's console, piece by piece.

Layer: primitives. Imports machine and values.
Invariant: a piece is taken once, whole, or not at all: for what is not there yet, there is the operation that waits for more than was
there, and lib/port.sld looks again after it.
"""

from __future__ import annotations

from typing import Any

from perdure.machine.machine import Machine
from perdure.machine.signals import Isolated
from perdure.machine.state import Operation, Root
from perdure.primitives.registry import primitive
from perdure.values import ports
from perdure.values.conditions import fail
from perdure.values.types import EOF, NIL, Pair, String, char


def _more(root: Root) -> Operation:
    """Return the operation that waits until something else was typed than what is there now."""
    return Operation("console", (String(root.typed),))


def _take(machine: Machine, what: str, count: int) -> Any:
    root = machine.root
    if not root.typed:
        return EOF if root.typed_end else _more(root)
    if what == "line":
        end, following = ports.line_end(root.typed, 0)
        line, root.typed = root.typed[:end], root.typed[following:]
        return String(line)
    if what == "peek":
        return char(root.typed[0])
    if len(root.typed) < count and not root.typed_end:
        return _more(root)
    taken, root.typed = root.typed[:count], root.typed[count:]
    return char(taken) if what == "char" else String(taken)


@primitive("%console-take")
def console_take(what: Any, count: Any) -> Any:
    """Take a "line", "char", "peek" or "string" of what was typed; an operation when it is not there yet."""
    raise Isolated(_take, what.name, count)


def _read(machine: Machine) -> Any:
    root = machine.root
    found = ports.read_text_datum(root.typed, 0, fold=False, name="the console")
    nothing = found.datum is EOF and not found.problem
    if (found.cut or nothing) and not root.typed_end:
        return _more(root)
    root.typed = root.typed[found.end :]
    if found.problem:
        raise fail("read-error", f"read: {found.problem}")
    return Pair(found.datum, NIL)


@primitive("%console-read")
def console_read() -> Any:
    """Take a datum of what was typed, in a list, since it may be anything; an operation when it is not there yet."""
    raise Isolated(_read)
