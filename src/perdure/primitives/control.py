"""Continuations, dynamic state, parameters and errors: what lib/control.sld is built on.

Layer: primitives. Imports machine and values.
Invariant: whatever needs the stack raises a signal; the registers are read and written in one step.
"""

from __future__ import annotations

from typing import Any

from perdure.machine.machine import AGAIN, Machine, identity
from perdure.machine.registers import REGISTERS, parameter_value
from perdure.machine.signals import Isolated, Signal, Suspend, Throw
from perdure.machine.state import (
    Continuation,
    Dynamic,
    Operation,
    Parameter,
    on_parameter,
    on_throw,
)
from perdure.primitives.registry import primitive
from perdure.values.conditions import wrong_type
from perdure.values.lists import list_items
from perdure.values.types import TRUE, UNSPECIFIED, PythonProcedure, on_python_call

primitive("%identity")(identity)


class CaptureContinuation(Signal):
    """Call a procedure with the current continuation."""

    def __init__(self, receiver: Any) -> None:
        super().__init__()
        self.receiver = receiver

    def perform(self, machine: Machine) -> None:
        reified = Continuation(machine.stack, REGISTERS.dynamic, machine.task.number)
        machine.callee, machine.arguments = self.receiver, (reified,)


@primitive("%call/cc")
def call_cc(proc: Any) -> Any:
    if not callable(proc):
        raise wrong_type("call/cc", "a procedure", proc)
    raise CaptureContinuation(proc)


def _apply(machine: Machine, proc: Any, arguments: tuple[Any, ...]) -> Any:
    machine.callee, machine.arguments = proc, arguments
    return AGAIN


@primitive("apply")
def apply(proc: Any, argument: Any, *arguments: Any) -> Any:
    """Call a procedure with arguments, the last of which is a list of more; as a value: calls are open-coded."""
    *first, last = (argument, *arguments)
    raise Isolated(_apply, proc, (*first, *list_items("apply", last)))


def _throw(continuation: Continuation, returned: tuple[Any, ...]) -> Any:
    raise Throw(continuation, returned)


on_throw(_throw)
on_parameter(parameter_value)


@primitive("continuation?")
def is_continuation(obj: Any) -> Any:
    return TRUE if type(obj) is Continuation else None


@primitive("%continuation-winders")
def continuation_winders(continuation: Any) -> Any:
    return continuation.dynamic.winders


def _jump(machine: Machine, continuation: Continuation, returned: tuple[Any, ...]) -> Any:
    machine.jump(continuation, returned)
    return AGAIN


@primitive("%jump")
def jump(continuation: Any, *returned: Any) -> Any:
    """Go on in a continuation without entering or leaving any extent."""
    raise Isolated(_jump, continuation, returned)


# -- dynamic state ---------------------------------------------------------------------------


@primitive("%dynamic")
def dynamic() -> Any:
    return REGISTERS.dynamic


@primitive("%set-dynamic!")
def set_dynamic(state: Any) -> Any:
    REGISTERS.dynamic = state
    return UNSPECIFIED


@primitive("%winders")
def winders() -> Any:
    return REGISTERS.dynamic.winders


@primitive("%set-winders!")
def set_winders(winders: Any) -> Any:
    now = REGISTERS.dynamic
    REGISTERS.dynamic = Dynamic(winders, now.handlers, now.parameters)
    return UNSPECIFIED


@primitive("%handlers")
def handlers() -> Any:
    return REGISTERS.dynamic.handlers


@primitive("%set-handlers!")
def set_handlers(handlers: Any) -> Any:
    now = REGISTERS.dynamic
    REGISTERS.dynamic = Dynamic(now.winders, handlers, now.parameters)
    return UNSPECIFIED


@primitive("%parameters")
def parameters() -> Any:
    return REGISTERS.dynamic.parameters


@primitive("%set-parameters!")
def set_parameters(parameters: Any) -> Any:
    now = REGISTERS.dynamic
    REGISTERS.dynamic = Dynamic(now.winders, now.handlers, parameters)
    return UNSPECIFIED


@primitive("%make-parameter")
def make_parameter(value: Any, converter: Any) -> Any:
    return Parameter(value, converter)


@primitive("%parameter-converter")
def parameter_converter(parameter: Any) -> Any:
    if type(parameter) is not Parameter:
        raise wrong_type("parameterize", "a parameter", parameter)
    return parameter.converter


# -- errors ------------------------------------------------------------------------------------


def _park(machine: Machine, raised: Any) -> Any:
    machine.park(raised)
    return AGAIN


@primitive("%park")
def park(raised: Any) -> Any:
    """Park the task at an error that nobody handles."""
    raise Isolated(_park, raised)


def _exit(machine: Machine, value: Any) -> Any:
    machine.stack = None
    machine.callee, machine.arguments = identity, (value,)
    return AGAIN


@primitive("%exit")
def leave(value: Any) -> Any:
    """End the task with a value, from wherever it is."""
    raise Isolated(_exit, value)


# -- Python procedures ---------------------------------------------------------------------------


def _call_builtin(machine: Machine, procedure: PythonProcedure, arguments: tuple[Any, ...]) -> Any:
    assert machine.call_builtin is not None
    return machine.call_builtin(procedure, arguments)


def _call_python(procedure: PythonProcedure, arguments: tuple[Any, ...]) -> Any:
    if procedure.pure:
        raise Isolated(_call_builtin, procedure, arguments)
    raise Suspend((Operation("effect", (procedure, *arguments)),))


on_python_call(_call_python)
