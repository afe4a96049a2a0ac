"""Control signals: how a primitive reaches the machine.

Layer: machine. Imports values only.
Invariant: a signal unwinds to the machine's loop without meeting a handler; its traceback is the continuation. It is a
BaseException, so no primitive swallows it by catching Exception.

`perform(machine)` is called by the loop once the stack is captured in `machine.stack`; it says how to go on by setting
`machine.callee` and `machine.arguments`, or ends the task's turn by `machine.pause()`. A signal that `abandons` the stack is
performed without a capture: escapes cost half as much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from perdure.machine.code import AFTER, REDO

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


class Signal(BaseException):
    """What all signals derive from; `mode` says whether the statement in progress is done or to be redone."""

    mode = AFTER
    redoes = False
    """Whether the statement is kept as it can be done again, beside the frame behind it."""

    def abandons(self, machine: Machine) -> bool:
        """Whether the program goes on elsewhere, so that nothing needs to be captured."""
        del machine
        return False

    def perform(self, machine: Machine) -> None:
        """Go on after the capture."""
        raise NotImplementedError


class Preempt(Signal):
    """The watchdog's flag is set: save the task where it is and let others run."""

    mode = REDO

    def perform(self, machine: Machine) -> None:
        machine.requeue()


class Exceeded(Signal):
    """The run has met a quota: raise a condition where it is, which it may handle like any other."""

    mode = REDO

    def __init__(self, complaint: str) -> None:
        super().__init__(complaint)
        self.complaint = complaint

    def perform(self, machine: Machine) -> None:
        machine.exceed(self.complaint)


class Isolated(Signal):
    """Run a Python function with the machine as its first argument, on the empty stack.

    For primitives that need the stack or the machine, allocate ids, swallow exceptions or must not be redone. The
    function returns the value of the call, or `machine.CALL` after it set `machine.callee` and `machine.arguments`.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        super().__init__()
        self.function = function
        self.arguments = arguments

    def perform(self, machine: Machine) -> None:
        machine.callee = self.function
        machine.arguments = (machine, *self.arguments)


class Suspend(Signal):
    """Wait for one of several operations."""

    def __init__(self, operations: tuple[Any, ...]) -> None:
        super().__init__()
        self.operations = operations

    def perform(self, machine: Machine) -> None:
        machine.wait(self.operations)


class Ask(Suspend):
    """Wait for an effect, as the statement that calls its function does."""

    redoes = True


class Throw(Signal):
    """Go on in another continuation, with values."""

    def __init__(self, continuation: Any, returned: tuple[Any, ...]) -> None:
        self.continuation = continuation
        self.returned = returned

    def abandons(self, machine: Machine) -> bool:
        return machine.reaches(self.continuation)

    def perform(self, machine: Machine) -> None:
        machine.throw(self.continuation, self.returned)


class GoOn(Signal):
    """Call a procedure in a continuation whose extents have been entered."""

    def __init__(self, continuation: Any, procedure: Any, arguments: tuple[Any, ...]) -> None:
        self.continuation = continuation
        self.procedure = procedure
        self.arguments = arguments

    def abandons(self, machine: Machine) -> bool:
        return bool(self.continuation.task == machine.task.number)

    def perform(self, machine: Machine) -> None:
        machine.jump(self.continuation, (None,))
        machine.callee, machine.arguments = self.procedure, self.arguments


class Jump(Throw):
    """Go on in another continuation whose extents have been entered."""

    def abandons(self, machine: Machine) -> bool:
        return bool(self.continuation.task == machine.task.number)

    def perform(self, machine: Machine) -> None:
        machine.jump(self.continuation, self.returned)
