"""Stacks as restarts see them: the frames of the program, the dynamic states around them, their variables.

Layer: machine. Imports machine.state, errors and values.
Invariant: frames are immutable and shared, so what changes a variable makes new frames from the changed one to the top. A variable
that the program assigns lives in a box, which all frames and closures share: there the box is changed.

Every library procedure that changes the dynamic state and comes back keeps the whole state outside of it, a `Dynamic`, in its
frame; no frame of a program holds one. So the state in which a frame was called is the outermost `Dynamic` that
the frames above it hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine.errors import is_own, source_name
from perdure.machine.state import Continuation, Dynamic, Frame, Parameter, Redo, Signalled
from perdure.values.barrier import touch
from perdure.values.conditions import fail
from perdure.values.types import NIL, Box, Pair

if TYPE_CHECKING:
    from perdure.machine.machine import Machine

_NAMED_MAX = 20
"""How many names an error message lists."""


def bound(dynamic: Dynamic, parameter: Parameter) -> Any:
    """Return what a parameter of the library is bound to in a dynamic state, or what it holds by itself."""
    bindings = dynamic.parameters
    while bindings is not NIL:
        if bindings.car.car is parameter:
            return bindings.car.cdr
        bindings = bindings.cdr
    return parameter.held


def binding(parameter: Parameter, value: Any, parameters: Any) -> Pair:
    """Return the bindings of a dynamic state with one more."""
    return Pair(Pair(parameter, value), parameters)


def holder(stack: Any, dynamic: Dynamic) -> Frame | None:
    """Return the innermost frame that holds a dynamic state, or None."""
    while isinstance(stack, Frame):
        for value in stack.values:
            if value is dynamic:
                return stack
        stack = stack.next
    return None


def is_of_program(machine: Machine, frame: Frame) -> bool:
    """Whether a frame is the program's and not the library's."""
    return machine.provider.span(frame.site.definition, frame.site.number) is not None


class _Choice:
    """Which frame is meant: by the number that `show` gives it, by its procedure's name, or any."""

    def __init__(self, machine: Machine, wanted: str) -> None:
        self._machine = machine
        self._wanted = wanted
        self._number = -1

    def takes(self, frame: Frame) -> bool:
        """Return whether a frame is the one that is meant; to be asked of the frames of a program from the innermost on."""
        self._number += 1
        wanted = self._wanted
        if not wanted:
            return True
        if wanted.isdigit():
            return self._number == int(wanted)
        site = frame.site
        return self._machine.provider.procedure_name(site.definition, site.number) == wanted


def returning(machine: Machine, stack: Any, place: Signalled, wanted: str) -> Continuation:
    """Return what a frame returns to, with the dynamic state in which it was called.

    Args:
      machine: the run.
      stack: the innermost frame.
      place: the error.
      wanted: the number of a frame, the name of its procedure, or "" for the innermost.

    Raises:
      SchemeError: there is no such frame, or it is outside of a compensation that is under way.
    """
    choice = _Choice(machine, wanted)
    compensating = machine.hooks.compensating
    outside = place.dynamic
    inside = bound(outside, compensating)
    while isinstance(stack, Frame):
        for value in stack.values:
            if type(value) is Dynamic:
                outside = value
        if bound(outside, compensating) is not inside:
            raise fail(
                "error",
                "return: the frame is outside of the compensation; skip-compensation leaves it",
            )
        if is_of_program(machine, stack) and choice.takes(stack):
            return Continuation(stack.next, outside, place.task)
        stack = stack.next
    shown = f"no frame {wanted} is" if wanted else "no frame of the program is"
    raise fail("error", f"return: {shown} on the stack; use-value gives the operation a value")


def with_variable(machine: Machine, again: Redo, name: str, value: Any, wanted: str) -> Redo:
    """Return what does an operation again after a variable was changed, that of the innermost frame that has it, or a global.

    Args:
      machine: the run.
      again: what does the operation again.
      name: the variable's.
      value: what it is from now on.
      wanted: the number or the name of the one frame that is looked at; "" for all.

    Raises:
      SchemeError: there is no such variable; nothing was changed.
    """
    choice = _Choice(machine, wanted)
    above: list[Frame] = []
    names: dict[str, None] = {}
    stack = again.stack
    while isinstance(stack, Frame):
        if is_of_program(machine, stack) and choice.takes(stack):
            index = _index(stack, name)
            if index >= 0:
                changed = _changed(stack, index, value)
                for frame in reversed(above):
                    changed = Frame(frame.site, frame.values, changed)
                return Redo(changed, again.dynamic, again.function, again.arguments)
            names.update((source_name(own), None) for own in stack.site.names if not is_own(own))
        above.append(stack)
        stack = stack.next
    if not wanted and _set_global(machine, name, value):
        return again
    there = list(names)[:_NAMED_MAX]
    shown = f"; there are: {', '.join(there)}" if there else ""
    raise fail("error", f"set: no variable {name} is on the stack{shown}")


def _index(frame: Frame, name: str) -> int:
    """Return where a frame has a variable, the innermost one of that name; -1 if it has none."""
    found, best = -1, -1
    for index, own in enumerate(frame.site.names):
        if source_name(own) == name and not is_own(own):
            number = int(own[len(name) + 1 :] or 0)
            if number > best:
                found, best = index, number
    return found


def _changed(frame: Frame, index: int, value: Any) -> Frame:
    """Return a frame whose variable has another value; if it is in a box, the frame itself."""
    held = frame.values[index]
    if type(held) is Box:
        if held.oid:
            touch(held)
        held.contents = value
        return frame
    values = (*frame.values[:index], value, *frame.values[index + 1 :])
    return Frame(frame.site, values, frame.next)


def _set_global(machine: Machine, name: str, value: Any) -> bool:
    """Change a global variable of the program or of one of its libraries; return whether there is one."""
    own = [key for key in machine.namespace if key.partition(":")[2] == name and key[0] != "!"]
    if not own:
        return False
    machine.namespace[min(own, key=len)] = value
    return True
