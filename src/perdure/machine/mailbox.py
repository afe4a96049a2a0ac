"""The mailbox: who gets which message.

Layer: machine. Imports machine.state and values.
Invariant: messages are numbered in order of arrival; waiting receivers have tickets in order of their first wait. A message
goes to the receiver with the lowest ticket that takes it. A receiver with a predicate looks at one message at a time: it
*holds* that message while its predicate runs, and a refused one is offered to the next ticket.

A predicate runs in the receiving task (library code in lib/control.sld), because only tasks run Scheme: `receive` with
arguments (TRUE, seen, ticket) completes with the pair (number . value) of the first free message after `seen`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine.requests import Now, complete
from perdure.machine.state import Message, Operation, Request
from perdure.values.barrier import touch
from perdure.values.tables import table_delete, table_ref, table_set
from perdure.values.types import Pair

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def arrived(machine: Machine, message_id: str, sender: str, value: Any) -> None:
    """Put a message into the mailbox and give it to the first receiver that may have it."""
    number = machine.new_number()
    message = Message(message_id, sender, value)
    table_set(machine.root.messages, number, message)
    _offer(machine, number, message, after=0)


def _offer(machine: Machine, number: int, message: Message, *, after: int) -> None:
    """Offer a free message to the waiting receivers whose tickets come after `after`."""
    receivers = sorted(machine.waiting_for("receive"), key=lambda r: r.ticket)
    for request in receivers:
        if request.ticket <= after:
            continue
        if len(request.arguments) < 3:  # noqa: PLR2004 - no predicate
            table_delete(machine.root.messages, number)
            complete(machine, request, message.value)
            return
        if request.arguments[1] < number:
            _hold(message, request.task)
            complete(machine, request, Pair(number, message.value))
            return


def _hold(message: Message, task: int) -> None:
    if message.oid:
        touch(message)
    message.holder = task


def take(machine: Machine, operation: Operation) -> Now | None:
    """Return the first free message for an operation, if there is one; earlier receivers were offered it before."""
    seen = operation.arguments[1] if len(operation.arguments) == 3 else 0  # noqa: PLR2004
    for number, (_, message) in machine.root.messages.entries.items():
        if message.holder or number <= seen:
            continue
        if len(operation.arguments) == 3:  # noqa: PLR2004
            _hold(message, machine.task.number)
            return Now(Pair(number, message.value))
        table_delete(machine.root.messages, number)
        return Now(message.value)
    return None


def holds(machine: Machine, task: int) -> bool:
    """Whether a task is looking at a message: then it runs a predicate, and must not wait."""
    messages = machine.root.messages.entries
    return bool(messages) and any(message.holder == task for _, message in messages.values())


def accept(machine: Machine, number: int) -> Any:
    """Take a held message out of the mailbox and return its value."""
    message: Message = table_ref(machine.root.messages, number)
    table_delete(machine.root.messages, number)
    return message.value


def refuse(machine: Machine, number: int, ticket: int) -> None:
    """Let a held message go; it is offered to the receivers after this ticket."""
    message: Message = table_ref(machine.root.messages, number)
    _hold(message, 0)
    _offer(machine, number, message, after=ticket)


def release_all(machine: Machine, task: int) -> None:
    """Let go of what a task holds: it ended or was interrupted while its predicate ran."""
    for number, (_, message) in list(machine.root.messages.entries.items()):
        if message.holder == task:
            refuse(machine, number, 0)

