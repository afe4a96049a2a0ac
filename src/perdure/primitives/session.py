"""What a session at the terminal is built on (lib/perdure/repl.sld): the interrupt, the console's line, reports of errors.

Layer: primitives. Imports machine and values.
Invariant: an interrupt comes between two turns, as what was typed does; so what it gives up is whole.
"""

from __future__ import annotations

from typing import Any

from perdure.machine.machine import Machine
from perdure.machine.registers import REGISTERS
from perdure.machine.signals import Isolated
from perdure.machine.state import Continuation, Frame
from perdure.primitives.registry import primitive
from perdure.values import ports
from perdure.values.conditions import wrong_type
from perdure.values.types import UNSPECIFIED, String


def _on_interrupt(machine: Machine, thunk: Any) -> Any:
    machine.root.interrupt = thunk
    return UNSPECIFIED


@primitive("%on-interrupt")
def on_interrupt(thunk: Any) -> Any:
    """Let the main task call a thunk, in place of all that it has left to do, when Ctrl-C comes to the console."""
    if not callable(thunk):
        raise wrong_type("%on-interrupt", "a procedure", thunk)
    raise Isolated(_on_interrupt, thunk)


@primitive("%fresh-line")
def fresh_line() -> Any:
    """Begin a new line of the console's output, if it is not at the beginning of one."""
    if ports.ends_mid_line(REGISTERS.machine.root.mid_line):
        ports.emit("\n")
    return UNSPECIFIED


def _report(machine: Machine, raised: Any, stack: Any, base: Any) -> Any:
    return String(machine.report(raised, stack, base))


@primitive("%report")
def report(raised: Any, continuation: Any, base: Any) -> Any:
    """Return the report of an error: its place, the line of the source, the stack between two continuations."""
    for each in (continuation, base):
        if type(each) is not Continuation:
            raise wrong_type("%report", "a continuation", each)
    raise Isolated(_report, raised, continuation.stack, below(base))


def below(continuation: Continuation) -> Any:
    """Return the frame below the procedure that made a continuation of itself; FALSE if there is none."""
    innermost = continuation.stack
    return innermost.next if isinstance(innermost, Frame) else None
