"""Restarts: the named ways to go on from an error, for handlers and for operators alike.

Layer: machine. Imports machine.state, registers, stacks, cancelling, escaping, tasks and values.
Invariant: a restart is planned before anything is changed, so one that is refused changes nothing. Taking it is an escape: the
extents that it leaves are left for good, their afters run, and may block.

`raise` costs no capture for the sake of restarts. While handlers run, the library's parameter %signalled holds a `Signalled`
without a stack; the frame of `raise` holds the dynamic state that it was called in, and no other frame above it does: all
states that a handler meets are inside of it. So whoever needs the stack finds it. An object that is raised again inside its own
`Signalled`, as `guard` does that has no clause for it, keeps it: a restart is about the operation that failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from perdure.machine import cancelling, escaping, stacks, tasks
from perdure.machine.registers import REGISTERS, bound, dynamic_of, identity
from perdure.machine.requests import FINISHED
from perdure.machine.state import Continuation, Dynamic, Frame, Redo, Signalled, Task
from perdure.values.barrier import touch
from perdure.values.conditions import condition, fail
from perdure.values.lists import from_items, list_items
from perdure.values.types import NIL, Pair, String, Symbol

if TYPE_CHECKING:
    from perdure.machine.machine import Machine

ABORT = "abort"
STANDARD: dict[str, tuple[str, str]] = {
    "retry": ("", "do the failing operation again"),
    "use-value": ("value", "go on with a value in place of the failing operation's"),
    "return": ("value", "return a value from a procedure on the stack"),
    "set": ("variable value", "change a variable and do the failing operation again"),
    "raise": ("condition", "raise another condition in place of this one"),
    ABORT: ("", "leave everything, with what cleans up; the error is how it ends"),
}
"""The restarts at every error: name, parameters and description."""

NAME, DESCRIPTION, PARAMETERS, PROCEDURE = range(4)
"""What stands where in a clause of `with-restarts` (lib/restart.sld)."""


class Offer(Struct, frozen=True, kw_only=True):
    """A restart that can be taken: its name, what it takes and what it does."""

    name: str
    parameters: str
    description: str


class Plan(Struct, frozen=True):
    """How a restart goes on: leave what is to be left for `target`, and call `function` with `arguments` there.

    Before that, `variable` gets a `value`. `frame` is the one that `return` returns from; `own`: it is a restart of the program.
    """

    target: Continuation
    function: Any
    arguments: tuple[Any, ...]
    variable: stacks.Variable | None = None
    value: Any = None
    frame: Frame | None = None
    own: bool = False


# -- where an error is -----------------------------------------------------------------------


def next_handler(raised: Any, outside: Dynamic, redo: Redo | None) -> Any:
    """Return the innermost handler, in whose dynamic state the task is from now on; None if there is none."""
    now = REGISTERS.dynamic
    handlers = now.handlers
    if handlers is NIL:
        return None
    machine = REGISTERS.machine
    parameter, task = machine.hooks.signalled, machine.task.number
    bindings = parameters = now.parameters
    # As `bound`; every raise comes through here, and each call would cost a third of it.
    while bindings is not NIL and bindings.car.car is not parameter:
        bindings = bindings.cdr
    found = None if bindings is NIL else bindings.car.cdr
    if found is None or found.raised is not raised or found.task != task:
        place = Signalled(raised, None, outside, redo, task)
        parameters = Pair(Pair(parameter, place), parameters)
    REGISTERS.dynamic = Dynamic(now.winders, handlers.cdr, parameters)
    return handlers.car


def current(machine: Machine) -> Signalled | None:
    """Return the error that the running task's handlers look at, with its stack; None outside of handlers."""
    found: Signalled | None = bound(REGISTERS.dynamic, machine.hooks.signalled)
    if found is None or found.task != machine.task.number:
        return None
    if found.stack is not None:
        return found  # what a policy decides about
    holder = stacks.holder(machine.stack, found.dynamic)
    if holder is None:
        return None
    return Signalled(found.raised, holder.next, found.dynamic, found.redo, found.task)


def parked_at(task: Task) -> Signalled:
    """Return what a parked task is parked at."""
    if task.arguments:
        place: Signalled = task.arguments[0]
        return place
    # A release before restarts has parked it: all that it kept is how to do the operation again.
    return Signalled(task.result, task.stack, task.dynamic, task.function, task.number)


def again(machine: Machine, place: Signalled) -> Redo:
    """Return what does a failed operation again: if it is not known, raises its error again."""
    redo: Redo | None = place.redo
    return redo or Redo(place.stack, place.dynamic, machine.hooks.signal, (place.raised,))


# -- what there is -----------------------------------------------------------------------------


def offers(machine: Machine, place: Signalled | None, dynamic: Dynamic, task: int) -> list[Offer]:
    """Return the restarts of a task in a dynamic state, innermost first; the standard ones if it is at an error."""
    found: dict[str, Offer] = {}
    for target, clause in _clauses(machine, dynamic):
        name = clause.items[NAME].name
        if name not in found and _is_reached(machine, task, target):
            found[name] = Offer(
                name=name,
                parameters=clause.items[PARAMETERS].text,
                description=clause.items[DESCRIPTION].text,
            )
    if place is not None:
        for name, (parameters, description) in STANDARD.items():
            if name not in found and is_allowed(machine, place, name):
                found[name] = Offer(name=name, parameters=parameters, description=description)
    return list(found.values())


def is_allowed(machine: Machine, place: Signalled, name: str) -> bool:
    """Whether a standard restart may be taken: a compensation is never given up by the way."""
    return name != ABORT or bound(place.dynamic, machine.hooks.compensating) is None


def _clauses(machine: Machine, dynamic: Dynamic) -> list[tuple[Continuation, Any]]:
    """Return the clauses of all `with-restarts` around, innermost first, each with where its value goes to.

    Those of extents that a cancelled task is leaving are none any more: the clean-up would end there.
    """
    groups = bound(dynamic, machine.hooks.restarts)
    return [
        (group.car, clause)
        for group in list_items("restarts", groups)
        if not _is_left(machine, group.car)
        for clause in list_items("restarts", group.cdr)
    ]


def _is_reached(machine: Machine, task: int, target: Continuation) -> bool:
    """Whether a task may go on there: a child of `all` or `race` has the restarts around that, too."""
    return target.task == task or escaping.is_reached(machine, machine.task_numbered(task), target)


def _is_left(machine: Machine, target: Continuation) -> bool:
    entry = machine.root.tasks.entries.get(target.task)
    return entry is not None and entry[1].cancelling and not target.cancelling


# -- taking one ----------------------------------------------------------------------------------


def plan(
    machine: Machine,
    place: Signalled | None,
    dynamic: Dynamic,
    task: int,
    name: str,
    arguments: tuple[Any, ...],
    frame: str = "",
) -> Plan:
    """Return how a restart goes on; nothing is changed yet.

    Args:
      machine: the run.
      place: the error that the task is at, None if it is at none.
      dynamic: the dynamic state in which restarts of the program are looked for.
      task: the task's number.
      name: the restart's name; not "abort", which is no place to go on at.
      arguments: what it takes.
      frame: for `return` and `set`: the number or the name of a frame; "" for the innermost that will do.

    Raises:
      SchemeError: there is no such restart, or it can't be taken.
    """
    theirs = False
    for target, clause in _clauses(machine, dynamic):
        if clause.items[NAME].name == name:
            if _is_reached(machine, task, target):
                procedure = clause.items[PROCEDURE]
                machine.namespace["__builtins__"]["!applicable"](procedure, *arguments)
                return Plan(target, procedure, arguments, own=True)
            theirs = True
    if place is not None and name in _COUNTS and is_allowed(machine, place, name):
        return _standard(machine, place, dynamic, name, arguments, frame)
    if theirs:
        raise fail(
            "error",
            f"invoke-restart: {name} is a restart of another task, which waits in no `all` or `race` for this one",
        )
    there = [offer.name for offer in offers(machine, place, dynamic, task)]
    shown = f"there are: {', '.join(there)}" if there else "there is none"
    if place is None:
        # A clause of guard is where most of those look for it who don't find it.
        shown += "; a clause of guard has left those of its body: use with-exception-handler"
    raise fail("error", f"invoke-restart: no restart {name} is there; {shown}")


def _standard(
    machine: Machine,
    place: Signalled,
    dynamic: Dynamic,
    name: str,
    arguments: tuple[Any, ...],
    frame: str,
) -> Plan:
    value, *more = arguments or (None,)
    if name in ("return", "set") and len(arguments) > (1 if name == "return" else 2) and not frame:
        *arguments_left, last = arguments
        arguments, frame = tuple(arguments_left), _frame_name(last)
    least, most = _COUNTS[name]
    if not least <= len(arguments) <= most:
        wanted = f"({name} {STANDARD[name][0]})".replace(" )", ")")
        counted = f"{'at least ' * (most > least)}{least} argument{'s' * (least != 1)}"
        raise fail("arity-error", f"{wanted}: expected {counted}, got {len(arguments)}")
    redo = again(machine, place)
    here = stacks.receiving(machine, place)
    if name == "use-value":
        return Plan(here, identity, (value,))
    if name == "raise":
        raised = value
        if type(value) is String:
            raised = condition("error", value.text, *more)
        elif more:
            raise fail("arity-error", "invoke-restart: raise takes a message and its irritants")
        # A handler that takes it is not asked again: it would raise for ever.
        inside = Dynamic(here.dynamic.winders, dynamic.handlers, here.dynamic.parameters)
        return Plan(Continuation(here.stack, inside, here.task), machine.hooks.signal, (raised,))
    if name == "return":
        target, left = stacks.returning(machine, shown_stack(place), place, frame)
        return Plan(target, identity, (value,), frame=left)
    target = Continuation(redo.stack, redo.dynamic, place.task)
    if name == "retry":
        return Plan(target, redo.function, redo.arguments)
    found = stacks.variable(machine, redo.stack, _variable(value), frame, place.raised)
    return Plan(target, redo.function, redo.arguments, found, more[0])


_COUNTS = {
    ABORT: (0, 0),
    "retry": (0, 0),
    "use-value": (1, 1),
    "return": (1, 1),
    "set": (2, 2),
    "raise": (1, 99),
}
"""How many arguments a standard restart takes."""


def shown_stack(place: Signalled) -> Any:
    """Return the stack whose frames are numbered: the one that does the operation again has the procedure that failed."""
    redo = place.redo
    return redo.stack if redo is not None and isinstance(redo.stack, Frame) else place.stack


def _variable(value: Any) -> str:
    if type(value) is Symbol:
        return value.name
    if type(value) is String:
        return str(value.text)
    raise fail("type-error", "invoke-restart: set expects the name of a variable, got", value)


def _frame_name(value: Any) -> str:
    if type(value) is int:
        return str(value)
    return _variable(value)


def invoke(machine: Machine, name: str, arguments: tuple[Any, ...]) -> None:
    """Let the running task take a restart.

    Raises:
      SchemeError: there is no such restart, or it can't be taken.
    """
    place, task, now = current(machine), machine.task, REGISTERS.dynamic
    if name == ABORT and place is not None and not arguments:
        own = name in _names_of_program(machine, now, task.number)
        if not own and is_allowed(machine, place, name):
            abort(machine, task, place)
            return
    taken = plan(machine, place, now, task.number, name, arguments)
    function, given = _travelling(machine, taken)
    if taken.target.task != task.number:
        escaping.escape(machine, task, taken.target, function, given)
        return
    machine.stack = None
    machine.callee, machine.arguments = function, given


def _travelling(machine: Machine, taken: Plan) -> tuple[Any, tuple[Any, ...]]:
    """Return the call that carries out a plan, after changing the variable that is to be changed."""
    target = taken.target
    if taken.variable is not None:
        stack = stacks.assign(machine, taken.variable, taken.value, target.stack)
        target = Continuation(stack, target.dynamic, target.task)
    return machine.hooks.restart_at, (target, taken.function, from_items(taken.arguments))


def abort(machine: Machine, task: Task, place: Signalled) -> None:
    """Let a task leave all of its extents and end as failed; one that leaves them already gives up the step it is at."""
    if task.oid:
        touch(task)
    if not task.cancelling:
        task.aborting = place
    cancelling.unwind(machine, task)


def fail_for_joiner(machine: Machine, task: Task, place: Signalled) -> None:
    """End a task as failed: its error is raised in the tasks that join it, which have handlers.

    It leaves its extents before that: afters run, tasks that it has started end, time limits are taken back, what transactions
    did is undone.
    """
    if dynamic_of(machine, task).winders is not NIL:
        abort(machine, task, place)
        return
    tasks.fail_parked(machine, task)
    if machine.running and task is machine.task:
        machine.stop()


# -- for operators -------------------------------------------------------------------------------


def parked(machine: Machine) -> list[Task]:
    """Return the parked tasks of a run, the main one first."""
    main = machine.root.main_task
    found = [t for _, t in machine.root.tasks.entries.values() if t.status == "parked"]
    return sorted(found, key=lambda task: (task.number != main, task.number))


def offers_of(machine: Machine, task: Task) -> list[Offer]:
    """Return the restarts of a parked task."""
    place = parked_at(task)
    return offers(machine, place, place.dynamic, task.number)


class Aborted(Struct, frozen=True):
    """What `abort` is for an operator: the task that ends as failed, and the error that it ends with."""

    task: Task
    place: Signalled


def plans(
    machine: Machine, number: int, name: str, arguments: tuple[Any, ...], frame: str
) -> list[tuple[Task, Plan | Aborted]]:
    """Return what an operator's restart does, for each task that takes it; nothing is changed yet.

    Args:
      machine: the run, between two turns.
      number: the task's; 0 for the one that is parked; `retry` takes all then, and `abort` ends the run.
      name, arguments, frame: see `plan`.

    Raises:
      SchemeError: it can't be taken.
    """
    found: list[tuple[Task, Plan | Aborted]] = []
    for task in _chosen(machine, number, name):
        place = parked_at(task)
        own = _names_of_program(machine, place.dynamic, task.number)
        if (
            name == ABORT
            and ABORT not in own
            and is_allowed(machine, place, ABORT)
            and not arguments
        ):
            main = machine.task_numbered(machine.root.main_task)
            whole = not number and main.status not in FINISHED
            found.append((task, Aborted(main if whole else task, place)))
        else:
            found.append(
                (task, plan(machine, place, place.dynamic, task.number, name, arguments, frame))
            )
    return found


def restart(
    machine: Machine, number: int, name: str, arguments: tuple[Any, ...], frame: str
) -> list[Task]:
    """Let parked tasks take a restart, as an operator wishes, and return those that go on; see `plans`.

    Raises:
      SchemeError: it can't be taken; nothing has changed.
    """
    found = plans(machine, number, name, arguments, frame)
    for task, taken in found:
        if isinstance(taken, Aborted):
            abort(machine, taken.task, taken.place)
            continue
        # What `set` changes counts as the task's own write: a transaction that it is in undoes it.
        machine.task, REGISTERS.dynamic = task, parked_at(task).dynamic
        function, given = _travelling(machine, taken)
        if taken.target.task != task.number:
            escaping.escape(machine, task, taken.target, function, given)
            continue
        machine.make_ready(task, function, given)
        task.stack, task.result = None, None
    return [task for task, _ in found]


def _names_of_program(machine: Machine, dynamic: Dynamic, task: int) -> set[str]:
    return {
        clause.items[NAME].name
        for target, clause in _clauses(machine, dynamic)
        if _is_reached(machine, task, target)
    }


def _chosen(machine: Machine, number: int, name: str) -> list[Task]:
    there = parked(machine)
    if not there:
        raise fail("error", "nothing is parked")
    if number:
        chosen = [task for task in there if task.number == number]
        if not chosen:
            shown = ", ".join(str(task.number) for task in there)
            raise fail("error", f"task {number} is not parked; parked: {shown}")
        return chosen
    if len(there) > 1 and name not in ("retry", ABORT):
        shown = ", ".join(str(task.number) for task in there)
        raise fail("error", f"several tasks are parked, say which: {shown}")
    return there if name != ABORT else there[:1]
