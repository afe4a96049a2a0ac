"""Continuations, dynamic state, parameters and errors: what lib/control.sld is built on.

Layer: primitives. Imports machine and values.
Invariant: whatever needs the stack raises a signal; the registers are read and written in one step.
"""

from __future__ import annotations

from typing import Any

from perdure.machine import parking
from perdure.machine.machine import AGAIN, Machine
from perdure.machine.registers import REGISTERS, identity, parameter_value
from perdure.machine.signals import Ask, Isolated, Jump, Signal, Throw
from perdure.machine.state import (
    Continuation,
    Dynamic,
    Operation,
    Parameter,
    RunValue,
    on_parameter,
    on_throw,
)
from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.barrier import NativeId, touch, touch_global
from perdure.values.conditions import fail, wrong_type
from perdure.values.lists import list_items
from perdure.values.types import NIL, TRUE, UNSPECIFIED, PythonProcedure, on_python_call

primitive("%identity")(identity)


class CaptureContinuation(Signal):
    """Call a procedure with the current continuation."""

    def __init__(self, receiver: Any) -> None:
        self.receiver = receiver

    def perform(self, machine: Machine) -> None:
        task = machine.task
        reified = Continuation(machine.stack, REGISTERS.dynamic, task.number, task.cancelling)
        machine.callee, machine.arguments = self.receiver, (reified,)


@primitive("call/cc", "%call/cc")
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


@primitive("continuation?")
def is_continuation(obj: Any) -> Any:
    return TRUE if type(obj) is Continuation else None


@primitive("%continuation-winders")
def continuation_winders(continuation: Any) -> Any:
    return continuation.dynamic.winders


@primitive("%jump")
def jump(continuation: Any, *returned: Any) -> Any:
    """Go on in a continuation without entering or leaving any extent."""
    raise Jump(continuation, returned)


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


@primitive("%make-run-parameter")
def make_run_parameter(value: Any, name: Any) -> Any:
    """Return a parameter for a library's global variable that every run may change for itself, by calling it."""
    key = f"value of:{checks.symbol_name('make-parameter', name)}"
    return Parameter(RunValue(value, key), None)


def _change_parameter(machine: Machine, parameter: Parameter, value: Any) -> Any:
    machine.callee = machine.namespace["__builtins__"]["perdure.control:%change-parameter"]
    machine.arguments = (parameter, value)
    return AGAIN


def _call_to_change(parameter: Parameter, value: Any, *more: Any) -> Any:
    if more:
        found = len(more) + 1
        raise fail("arity-error", f"(a parameter [value]): expected 0 to 1 arguments, got {found}")
    raise Isolated(_change_parameter, parameter, value)


on_parameter(parameter_value, _call_to_change)


def _set_value(machine: Machine, parameter: Parameter, value: Any) -> Any:
    bindings = REGISTERS.dynamic.parameters
    while bindings is not NIL and bindings.car.car is not parameter:
        bindings = bindings.cdr
    changed: Any = parameter if bindings is NIL else bindings.car
    if type(parameter.held) is RunValue and changed is parameter:
        machine.namespace.setdefault(parameter.held.name, parameter.held.initial)
        touch_global(parameter.held.name)
        machine.namespace[parameter.held.name] = value
        return UNSPECIFIED
    if type(changed.oid) is NativeId:
        raise fail("constant-error", "a parameter of the library: use parameterize, not", parameter)
    if changed.oid:
        touch(changed)
    if changed is parameter:
        parameter.held = value
    else:
        changed.cdr = value
    return UNSPECIFIED


@primitive("%set-parameter-value!")
def set_parameter_value(parameter: Any, value: Any) -> Any:
    """Change the innermost binding of a parameter."""
    if type(parameter) is not Parameter:
        raise wrong_type("parameterize", "a parameter", parameter)
    raise Isolated(_set_value, parameter, value)


# -- errors ------------------------------------------------------------------------------------


def _park(machine: Machine, raised: Any, outside: Any, redo: Any) -> Any:
    parking.park(machine, raised, outside, redo)
    return AGAIN


@primitive("%park")
def park(raised: Any, outside: Any = None, redo: Any = None) -> Any:
    """Park the task at an error that nobody handles; `outside` is the dynamic state of the failing operation."""
    raise Isolated(_park, raised, outside, redo)


# -- Python procedures ---------------------------------------------------------------------------


def _call_builtin(machine: Machine, procedure: PythonProcedure, arguments: tuple[Any, ...]) -> Any:
    assert machine.call_builtin is not None
    return machine.call_builtin(procedure, arguments)


def _call_python(procedure: PythonProcedure, arguments: tuple[Any, ...]) -> Any:
    if procedure.pure:
        raise Isolated(_call_builtin, procedure, arguments)
    raise Ask((Operation("effect", (procedure, *arguments)),))


on_python_call(_call_python)
