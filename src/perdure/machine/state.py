"""The state of one run as a graph of heap objects: tasks, requests, messages, and the root that holds them.

Layer: machine. Imports values.
Invariant: everything a run is lies under `Root`; nothing of it lies in Python variables while no turn is in
progress. So a snapshot is the graph under the root and the run's global variables, and nothing else.

Every class is a heap struct like those of values/types.py: fields annotated `Any` hold heap values; tuples and
lists of Any hold heap values; str, int, float and bool fields are plain data. Changing a field of a saved one takes
`if x.oid: touch(x)` first, as everywhere.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from perdure.machine.code import Site
from perdure.values.types import NIL, HashTable


class Frame(Struct, eq=False):
    """A suspended procedure activation: immutable, shared between continuations. `next` is FALSE at the bottom."""

    site: Site
    values: tuple[Any, ...]
    next: Any
    oid: Any = 0


class Dynamic(Struct, eq=False):
    """The dynamic state of a task or continuation; immutable.

    `winders`: Scheme list of entered extents, innermost first; `handlers`: Scheme list of exception handlers;
    `parameters`: Scheme association list from Parameter to value.
    """

    winders: Any
    handlers: Any
    parameters: Any
    oid: Any = 0


class Continuation(Struct, eq=False):
    """What `call/cc` gives: a stack and a dynamic state; calling it is `control.throw`.

    `cancelling`: it was made while its task was being cancelled, so going on in it does not end the clean-up.
    """

    stack: Any
    dynamic: Any
    task: int
    cancelling: bool = False
    oid: Any = 0

    def __call__(self, *returned: Any) -> Any:
        return _throw(self, returned)


def _throw(continuation: Continuation, returned: tuple[Any, ...]) -> Any:
    raise AssertionError(f"control is not loaded: {continuation}{returned}")


def on_throw(throw: Any) -> None:
    """Say what calling a continuation does; machine.control does, once, when it is imported."""
    global _throw
    _throw = throw


class Parameter(Struct, eq=False):
    """A parameter object (R7RS 4.2.6); calling it reads the dynamic state, with an argument changes it (machine.control)."""

    held: Any
    converter: Any
    oid: Any = 0

    def __call__(self, *value: Any) -> Any:
        return _set_parameter(self, *value) if value else _read_parameter(self)


class RunValue(Struct, frozen=True):
    """The value of a parameter of the library that each run may change for itself: what it is at first, and its name."""

    initial: Any
    name: str


def _read_parameter(parameter: Parameter) -> Any:
    raise AssertionError(f"control is not loaded: {parameter}")


def _set_parameter(parameter: Parameter, *value: Any) -> Any:
    raise AssertionError(f"control is not loaded: {parameter}{value}")


def on_parameter(read: Any, change: Any) -> None:
    """Say how a parameter is read and changed; machine.control does, once, when it is imported."""
    global _read_parameter, _set_parameter
    _read_parameter, _set_parameter = read, change


class Redo(Struct, eq=False):
    """How to do a failed operation again: call `function` with `arguments` on a stack, in a dynamic state.

    `failed` is the site of the very statement that failed, 0 if the innermost frame is at it.
    """

    stack: Any
    dynamic: Any
    function: Any
    arguments: tuple[Any, ...]
    failed: int = 0
    oid: Any = 0


class Signalled(Struct, eq=False):
    """An error and where it arose: what a handler looks at, or what a task is parked at.

    `raised` was raised in the dynamic state `dynamic` while `stack` waited for the failing operation's value; `redo` does that operation
    again, FALSE if all that can be done again is to raise. While handlers look at it, nobody has captured a stack: `stack` is
    FALSE then, and found again by `dynamic`, which the frame of `raise` holds (machine/restarts.py).
    """

    raised: Any
    stack: Any
    dynamic: Any
    redo: Any
    task: int
    oid: Any = 0


class Operation(Struct, eq=False):
    """Something a task can wait for, as a value: `select` takes several.

    | kind    | arguments                          | completes with                     |
    |---------|------------------------------------|------------------------------------|
    | effect  | PythonProcedure, its arguments …   | the function's result              |
    | timer   | time it is due (seconds, a number) | unspecified                        |
    | receive | predicate or FALSE                 | the message's value                |
    | get     | channel                            | the value                          |
    | put     | channel, value                     | unspecified                        |
    | join    | task …                             | the task's result; of several, a list |
    | end     | task                               | unspecified, when the task is over, however it ended |
    | child   | run id (String)                    | the run's result                   |
    | console | text that was not enough, or none  | unspecified: there is text to read |
    | alarm   | time it is due, handler, depth     | never: it interrupts its task      |
    | force   | time it is due                     | never: it ends its task, or the run |
    | patience | time it is due, policy, Signalled | never: the policy decides about its parked task |

    A `receive` with arguments (TRUE, seen, ticket) is woken for the next message after number `seen`, with that number
    and the value; it keeps its place in the queue by its ticket (machine/mailbox.py).

    `wrap` is FALSE or a procedure applied to the result in the waiting task.
    """

    kind: str
    arguments: tuple[Any, ...]
    wrap: Any = None
    oid: Any = 0


class Request(Struct, eq=False):
    """An operation that a task is waiting for. Requests of one wait share its `task` and `wait`: the first one's number.

    `kind` and `arguments` are the operation's. For effects the engine keeps the progress here: `attempt` counts from 1
    once it was started, `begun` when the first one was (0: its policy has no deadline), `started` says that the attempt in
    progress has begun, `due` when a retry runs next (0: at once),
    `error` the last attempt's condition or FALSE. `ticket` is a receiver's place in the queue,
    `remaining` how many tasks a join still waits for. `policy` is how an effect's attempts are repeated, or FALSE: as its
    mark says; `deadline` when the effect is to be over, in seconds since the epoch (0: never); `key` the idempotency key
    that it is performed with, "" for one of its own. `asked` are the values that it takes to do the statement again which called
    an effect's function (capture.asked); None if there are none, () if nobody knows how.
    """

    number: int
    task: int
    wait: int
    kind: str
    arguments: tuple[Any, ...]
    wrap: Any
    since: float
    attempt: int = 0
    started: bool = False
    due: float = 0.0
    error: Any = None
    ticket: int = 0
    remaining: int = 0
    asked: tuple[Any, ...] | None = None
    policy: Any = None
    deadline: float = 0.0
    key: str = ""
    begun: float = 0.0
    oid: Any = 0


class Task(Struct, eq=False):
    """A green thread.

    `status` is ready, running, waiting, parked, completed, failed or cancelled. A ready task goes on by calling
    `function` with `arguments` on `stack`. `result` is the value or, for a failed task, the raised object.
    `interrupts` are alarms that were due (requests) when the task did not wait or was shielded; `cancelling`: it leaves its
    extents; `cancel_asked`: it does so when it has left its shields. `reason` is why it is cancelled, `forcing` the request that
    ends it by force, or 0. `aborting` is what it ends as failed with when it has left its extents (a Signalled), or FALSE.
    `cleans_up`: it was spawned by the clean-up of another one. A parked task has its Signalled as the only argument.
    """

    number: int
    name: str
    parent: int
    status: str
    stack: Any
    dynamic: Any
    function: Any
    arguments: tuple[Any, ...]
    result: Any = None
    waits: tuple[int, ...] = ()
    joiners: tuple[int, ...] = ()
    interrupts: tuple[Any, ...] = ()
    cancelling: bool = False
    cancel_asked: bool = False
    reason: str = ""
    forcing: int = 0
    aborting: Any = None
    cleans_up: bool = False
    oid: Any = 0


class Channel(Struct, eq=False):
    """A channel: a bounded buffer (capacity 0: a rendezvous) and the requests waiting at it, in order."""

    capacity: int
    buffered: list[Any]
    getting: list[Any]
    putting: list[Any]
    oid: Any = 0


class Message(Struct, eq=False):
    """A message in the mailbox; `holder` is the task whose predicate looks at it now, or 0, and `ticket` that receiver's."""

    message_id: str
    sender: str
    value: Any
    holder: int = 0
    ticket: int = 0
    oid: Any = 0


class Environment(Struct, eq=False):
    """What `eval` evaluates in (R7RS 6.12), as data: whoever has no names in memory makes them again from this.

    `library` names its globals in the run's namespace, "" for the program's own; `imports` is a list of import sets; `history` a list of what
    bound names here, the newest first: a datum that was evaluated, or a vector (file, text, places) of text.
    """

    library: str
    imports: Any
    history: Any
    oid: Any = 0


class Evaluation(Struct, eq=False):
    """What `eval` has brought into a run.

    `environments` counts those that were made; `program` is the program's own, or FALSE; `libraries` is a list of (path . text) of the user libraries that
    were loaded by it, the newest first; `bundled` a list of the names of bundled libraries.
    """

    environments: int
    program: Any
    libraries: Any
    bundled: Any
    oid: Any = 0


class Root(Struct, eq=False):
    """The root of a run's graph. Tables are heap hash tables ("eqv") with integer keys, so that deltas are by key.

    Its fields change in every turn, so they are compared with what is saved each time: it needs no `touch`.

    `held` counts the messages that have a holder; `typed` is what came to the console and was not read yet; `typed_end` says that no more will come.
    `command_line` is a list of strings: the program's file and the arguments. `unwritten` are the ports that hold text for files.
    `exit_code` is what the program gave to `exit` as a process would: 0 to 255, or FALSE. `interrupt` is what the main task does when
    Ctrl-C comes to the console, or FALSE; `mid_line` says that the console's output does not end with a newline.
    `reason`, `forced` and `forcing` are about the cancellation of the run as in a task; `paused`: its tasks do not run.
    `children` counts the runs that it has started and that are cancelled with it; None in what earlier releases have stored.
    `transactions` are those that are not over (machine/undo.py), in the order of their entry. `error_policy` says what becomes of
    a task at an error that nobody handles (machine/parking.py), FALSE: it parks.
    """

    run_id: str
    program: str
    tasks: HashTable
    requests: HashTable
    messages: HashTable
    ready: tuple[int, ...]
    main_task: int
    next_number: int
    random: int
    time: float
    typed: str = ""
    typed_end: bool = False
    cancelled: bool = False
    held: int = 0
    evaluation: Any = None
    command_line: Any = NIL
    unwritten: tuple[Any, ...] = ()
    exit_code: int | None = None
    interrupt: Any = None
    mid_line: bool = False
    reason: str = ""
    forced: bool = False
    forcing: int = 0
    paused: bool = False
    children: int | None = None
    transactions: tuple[Any, ...] = ()
    error_policy: Any = None
    oid: Any = 0
