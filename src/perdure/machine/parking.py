"""Parking: what becomes of a task at an error that nobody handles, by the error policy of its run.

Layer: machine. Imports machine.restarts, cancelling, tasks, state, registers and values.
Invariant: a policy decides once for each error, after the tasks that join had their chance; while a procedure of the program decides, the task
is not parked, and whatever goes wrong in that parks it at the error that it was to decide about.

    park                 it rests until somebody restarts it; what a run has that set no policy
    fail                 the run is aborted: what cleans up does so, then it has failed with the error
    (park SECONDS policy)  it rests for so long at most, then the policy in the list decides
    a procedure          is called with what was raised, may wait, and returns one of these
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine import restarts, tasks, waiting
from perdure.machine.registers import REGISTERS
from perdure.machine.requests import FINISHED, PATIENCE, withdraw
from perdure.machine.state import Dynamic, Operation, Request, Signalled, Task
from perdure.machine.turn import Logged
from perdure.values.barrier import touch
from perdure.values.conditions import SchemeError, fail
from perdure.values.lists import split_list
from perdure.values.numbers import REALS, to_float
from perdure.values.printer import report_string
from perdure.values.types import NIL, Condition, Symbol

if TYPE_CHECKING:
    from perdure.machine.machine import Machine

PARK, FAIL = "park", "fail"


def check(policy: Any) -> Any:
    """Return a policy. Raises SchemeError: it is none."""
    inner = policy
    while not (callable(inner) or (type(inner) is Symbol and inner.name in (PARK, FAIL))):
        items, rest = split_list(inner)
        timed = len(items) == 3 and rest is NIL and _is_park(items[0]) and type(items[1]) in REALS
        if not timed or not to_float(items[1]) >= 0:
            raise fail(
                "type-error",
                "set-error-policy!: expected park, fail, (park SECONDS policy) or a procedure, got",
                policy,
            )
        inner = items[2]
    return policy


def _is_park(word: Any) -> bool:
    return type(word) is Symbol and word.name == PARK


def park(machine: Machine, raised: Any, outside: Any, redo: Any) -> None:
    """Let the running task rest at an error that nobody handles, or do what the run's policy says."""
    task = machine.task
    place = restarts.current(machine)
    if place is None or place.raised is not raised:
        around = outside if isinstance(outside, Dynamic) else REGISTERS.dynamic
        place = Signalled(raised, machine.stack, around, redo, task.number)
    if isinstance(raised, Condition) and raised.frame is None:  # so that a report finds the stack
        if raised.oid:
            touch(raised)
        raised.frame = restarts.again(machine, place)
    if tasks.fails_its_joiner(machine, task, raised):
        task.result = raised
        restarts.fail_for_joiner(machine, task, place)
        return
    by_policy(machine, task, place, machine.root.error_policy)


def by_policy(machine: Machine, task: Task, place: Signalled, policy: Any) -> None:
    """Do what a policy says with a task at an error, the running one or one that is parked already."""
    if callable(policy):
        _call(machine, task, machine.hooks.consult, (policy, place.raised, place))
        return
    if type(policy) is Symbol and policy.name == FAIL:
        if restarts.is_allowed(machine, place, restarts.ABORT):
            _fail(machine, task, place)
            return
        policy = None  # a compensation is never given up by the way
    _rest(machine, task, place)
    if policy is not None and type(policy) is not Symbol:
        (_, seconds, after), _ = split_list(policy)
        _be_patient(machine, task, place, machine.now + to_float(seconds), after)


def verdict(machine: Machine, found: Any, place: Signalled) -> None:
    """Do what a procedure of the program has decided about the running task's error; park if that makes no sense."""
    try:
        policy = check(found)
    except SchemeError as refused:
        _complain(machine, report_string(refused.condition))
        policy = None
    if callable(policy):
        _complain(machine, "an error policy returned a procedure")
        policy = None
    by_policy(machine, machine.task, place, policy)


def failed(machine: Machine, raised: Any, place: Signalled) -> None:
    """Park the running task, since the procedure that was to decide about its error failed itself."""
    _complain(machine, f"the error policy failed: {report_string(raised)}")
    by_policy(machine, machine.task, place, None)


def _complain(machine: Machine, text: str) -> None:
    machine.logged.append(Logged("error", text, ()))


def _call(machine: Machine, task: Task, function: Any, arguments: tuple[Any, ...]) -> None:
    """Let a task call a procedure on top of its stack."""
    if machine.running and task is machine.task:
        machine.callee, machine.arguments = function, arguments
    else:
        machine.make_ready(task, function, arguments)
        task.result = None


def _rest(machine: Machine, task: Task, place: Signalled) -> None:
    if task.oid:
        touch(task)
    if machine.running and task is machine.task:
        task.stack, task.dynamic = machine.stack, REGISTERS.dynamic
        machine.stop()
    task.status, task.result = "parked", place.raised
    task.function, task.arguments = place.redo, (place,)


def _fail(machine: Machine, task: Task, place: Signalled) -> None:
    """Abort the run: its main task leaves everything, and so does the one that has the error."""
    main = machine.task_numbered(machine.root.main_task)
    if task is not main and main.status not in FINISHED:
        restarts.abort(machine, main, place)
    restarts.abort(machine, task, place)


# -- resting for a time ------------------------------------------------------------------------------


def _be_patient(machine: Machine, task: Task, place: Signalled, due: float, after: Any) -> None:
    waiting.register(machine, task, 0, Operation(PATIENCE, (due, after, place)))


def patience_over(machine: Machine, request: Request) -> None:
    """A task has rested for as long as its policy lets it, unless it rests at another error by now."""
    task = machine.task_numbered(request.task)
    _, after, place = request.arguments
    if task.status == "parked" and restarts.parked_at(task) is place:
        by_policy(machine, task, place, after)


def forget_patience(machine: Machine, task: Task) -> None:
    """A task goes on: nothing is to be done about its error any more."""
    for request in machine.waiting_for(PATIENCE):
        if request.task == task.number:
            withdraw(machine, request.number)
