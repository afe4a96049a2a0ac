"""Stacks as restarts see them: the frames of the program, the dynamic states around them, their variables.

Layer: machine. Imports machine.state, registers, errors and values.
Invariant: frames are immutable and shared, so what changes a variable makes new frames from the changed one to the top. A variable
that the program assigns lives in a box, which all frames and closures share: there the box is changed.

Every library procedure that changes the dynamic state and comes back keeps the whole state outside of it, a `Dynamic`, in its
frame; no frame of a program holds one. So the state in which a frame was called is the outermost `Dynamic` that
the frames above it hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from perdure.machine.code import REDO
from perdure.machine.errors import is_own, source_name
from perdure.machine.registers import bound
from perdure.machine.state import Continuation, Dynamic, Frame, Signalled
from perdure.values.barrier import touch, touch_global
from perdure.values.conditions import fail
from perdure.values.types import Box, Condition, intern

if TYPE_CHECKING:
    from perdure.machine.machine import Machine

_NAMED_MAX = 20
"""How many names an error message lists."""


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
        self._names: dict[str, None] = {}

    @property
    def there(self) -> str:
        """The names of the procedures that were looked at."""
        return ", ".join(list(self._names)[:_NAMED_MAX])

    def takes(self, frame: Frame) -> bool:
        """Return whether a frame is the one that is meant; to be asked of the frames of a program from the innermost on."""
        self._number += 1
        wanted = self._wanted
        if not wanted:
            return True
        if wanted.isdigit():
            return self._number == int(wanted)
        site = frame.site
        name = self._machine.provider.procedure_name(site.definition, site.number)
        self._names[name] = None
        return name == wanted


def returning(
    machine: Machine, stack: Any, place: Signalled, wanted: str
) -> tuple[Continuation, Frame]:
    """Return what a frame returns to, with the dynamic state in which it was called, and the frame.

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
            raise fail("error", "return: the frame is outside of the compensation")
        if is_of_program(machine, stack) and choice.takes(stack):
            return Continuation(stack.next, outside, place.task), stack
        stack = stack.next
    if choice.there:
        why = f"there are: {choice.there}; a procedure has none that has made its last call"
    else:
        why = "use-value gives the operation a value"
    shown = f"no frame {wanted} is" if wanted else "no frame of the program is"
    raise fail("error", f"return: {shown} on the stack; {why}")


def receiving(machine: Machine, place: Signalled) -> Continuation:
    """Return what waits for the value of a failing operation.

    Of one inside of a procedure of the library, that procedure's: the program has called it, and knows nothing of what is inside. But a
    procedure that the library was given, as `car` in (map car rows), is the program's own.
    """
    redo = place.redo
    stack = redo.stack if redo is not None else None
    if (
        isinstance(stack, Frame)
        and stack.site.mode == REDO
        and not is_of_program(machine, stack)
        and not machine.provider.calls_variable(
            stack.site.definition, redo.failed or stack.site.number
        )
    ):
        states = [value for value in stack.values if type(value) is Dynamic]
        return Continuation(stack.next, states[-1] if states else place.dynamic, place.task)
    return Continuation(place.stack, place.dynamic, place.task)


class Variable(Struct, frozen=True):
    """A variable that was found: in a frame, of which `above` are on top, or, without one, a global variable under a key.

    `boxed`: the program assigns it, so that all that refer to it share one box.
    """

    name: str
    frame: Frame | None
    above: tuple[Frame, ...] = ()
    index: int = 0
    key: str = ""

    @property
    def boxed(self) -> bool:
        """Whether changing it is seen by every procedure that refers to it."""
        return self.frame is not None and type(self.frame.values[self.index]) is Box


def variable(machine: Machine, stack: Any, name: str, wanted: str, raised: Any) -> Variable:
    """Return the variable of a name, of the innermost frame that has one, or a global one.

    One that the error is about, since it is unbound, is a global variable of the program from now on.

    Args:
      machine: the run.
      stack: the innermost frame.
      name: the variable's.
      wanted: the number or the name of the one frame that is looked at; "" for all.
      raised: the error.

    Raises:
      SchemeError: there is no such variable.
    """
    choice = _Choice(machine, wanted)
    above: list[Frame] = []
    names: dict[str, None] = {}
    while isinstance(stack, Frame):
        if is_of_program(machine, stack) and choice.takes(stack):
            index = _index(stack, name)
            if index >= 0:
                return Variable(name, stack, tuple(above), index)
            names.update((source_name(own), None) for own in stack.site.names if not is_own(own))
        above.append(stack)
        stack = stack.next
    if not wanted:
        keys = [k for k in machine.namespace if k.partition(":")[2] == name and k[0] != "!"]
        if keys:
            return Variable(name, None, key=min(keys, key=len))
        if (
            isinstance(raised, Condition)
            and raised.kind == "unbound-error"
            and raised.detail is intern(name)
        ):
            return Variable(name, None, key=f":{name}")
    there = ", ".join(list(names)[:_NAMED_MAX])
    shown = f"there are: {there}; one that" if there else "one that"
    raise fail(
        "error",
        f"set: no variable {name} is on the stack; {shown} nothing needs any more is not kept",
    )


def assign(machine: Machine, found: Variable, value: Any, stack: Any) -> Any:
    """Give a variable another value and return the stack on which it has that."""
    frame = found.frame
    if frame is None:
        touch_global(found.key)
        machine.namespace[found.key] = value
        return stack
    if found.boxed:
        box = frame.values[found.index]
        if box.oid:
            touch(box)
        box.contents = value
        return stack
    values = (*frame.values[: found.index], value, *frame.values[found.index + 1 :])
    changed = Frame(frame.site, values, frame.next)
    for upper in reversed(found.above):
        changed = Frame(upper.site, upper.values, changed)
    return changed


def _index(frame: Frame, name: str) -> int:
    """Return where a frame has a variable, the innermost one of that name; -1 if it has none."""
    found, best = -1, -1
    for index, own in enumerate(frame.site.names):
        if source_name(own) == name and not is_own(own):
            number = int(own[len(name) + 1 :] or 0)
            if number > best:
                found, best = index, number
    return found
