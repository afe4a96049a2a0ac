"""What goes into a turn and what comes out of it: the events, and the turn's outcome.

Layer: machine. Imports values and machine.state.
Invariant: a turn is a function of (state, events, turn time); events carry heap values that were decoded into this run's heap.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from perdure.machine.state import Request


class Returned(Struct, frozen=True):
    """A request completed with a value: an effect's result, a child's result.

    `repeatable`: an effect that may be performed again although it was done: it is idempotent.
    """

    request: int
    value: Any
    repeatable: bool = False


class Raised(Struct, frozen=True):
    """A request failed: `condition` is raised in the waiting task (effect-error, outcome-unknown, child-error).

    `repeatable`: an effect that may be performed again: it is idempotent, or nothing has happened.
    """

    request: int
    condition: Any
    repeatable: bool = False


class Fired(Struct, frozen=True):
    """A timer is due."""

    request: int


class Arrived(Struct, frozen=True):
    """A message came for the run's mailbox; `sender` is a run id, or "" from outside."""

    message_id: str
    sender: str
    value: Any


class Typed(Struct, frozen=True):
    """A line came for the run's console, without its newline; None is the end of input."""

    line: str | None


class Cancel(Struct, frozen=True):
    """The run is to be cancelled: every task unwinds.

    What is not over after `deadline_s` seconds is ended where it is, and all of it at once by `force`.
    """

    reason: str
    deadline_s: float | None = None
    force: bool = False


class Pause(Struct, frozen=True):
    """The run is to take events and to run no task until it is resumed."""


class Resume(Struct, frozen=True):
    """The run's tasks go on after a pause."""


class Retry(Struct, frozen=True):
    """Do the failing operation of every parked task again."""


class Hasten(Struct, frozen=True):
    """A failed effect is tried again at another time, or another number of times.

    `due` is in seconds since the epoch, 0 for at once; None leaves it as it is, as for `attempts`. `refused` says why nothing
    can be changed.
    """

    request: int
    due: float | None
    attempts: int | None
    refused: str = ""


class Restart(Struct, frozen=True):
    """Let a parked task go on by a restart.

    `task` is its number, 0 for whichever is parked; `arguments` are heap values; `frame` is the number or the name of a
    frame, "" for none.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    task: int = 0
    frame: str = ""


Event = (
    Returned | Raised | Fired | Arrived | Typed | Cancel | Pause | Resume | Retry | Hasten | Restart
)


class Sent(Struct, frozen=True):
    """A message for another run; `message_id` is unique for this sender, derived from the sending run's counters.

    `value` is what `machine.export_value` made of the value at that moment: later changes do not reach it.
    """

    to: str
    message_id: str
    value: Any


class Started(Struct, frozen=True):
    """A run to be started with this commit: its derived id, the program's name and its arguments, as in `Sent`.

    A `detached` one has no parent, whose cancellation would be its own.
    """

    run_id: str
    program: str
    arguments: tuple[Any, ...]
    detached: bool = False


class Logged(Struct, frozen=True):
    """A line of the program's own log (`log-event`)."""

    level: str
    message: str
    fields: tuple[tuple[str, Any], ...]


class Outcome(Struct, frozen=True):
    """What one turn did.

    `status` is a state of the run: "ready" (pre-empted, there is more to do), "waiting", "parked", "completed",
    "failed" or "cancelled". `result` is the value of a completed run, or the raised object of a parked or failed one.
    `requests` are new, in order of their numbers; `withdrawn` are numbers of requests that nobody waits for any more.
    `output` is what the program displayed. `preempted`: the watchdog cut the turn. `exit_code` is what a run that is over
    gave to `exit`, None if it did not, or gave no exit code. `refused` says why restarts could not be taken.
    """

    status: str
    result: Any
    requests: tuple[Request, ...]
    withdrawn: tuple[int, ...]
    sent: tuple[Sent, ...]
    started: tuple[Started, ...]
    logged: tuple[Logged, ...]
    output: str
    preempted: bool
    exit_code: int | None = None
    refused: tuple[str, ...] = ()
