"""The mailbox: who gets which message.

Layer: machine. Imports machine.state and values.
Invariant: messages are numbered in order of arrival; receivers have tickets in order of their first wait. A message goes to
the receiver with the lowest ticket that takes it, and a receiver gets the first message that it takes.

A predicate runs in the receiving task (library code in lib/control.sld), because only tasks run Scheme. Its receiver
*holds* one message at a time: `receive` with arguments (TRUE, seen, ticket) completes with the pair (number . value) of
the first free message after `seen`. While it looks at one, later messages wait for its verdict before they are offered to
higher tickets. It keeps its place: waiting again with the refused message as `seen` lets go of that and looks on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.machine.requests import Now, complete
from perdure.machine.state import Message, Operation, Request
from perdure.values.barrier import touch
from perdure.values.conditions import fail
from perdure.values.tables import table_delete, table_ref, table_set
from perdure.values.types import Pair

if TYPE_CHECKING:
    from perdure.machine.machine import Machine

SELECTIVE = 3
"""How many arguments a `receive` with a predicate has."""


def arrived(machine: Machine, message_id: str, sender: str, value: Any) -> None:
    """Put a message into the mailbox and give it to the first receiver that may have it."""
    table_set(machine.root.messages, machine.new_number(), Message(message_id, sender, value))
    match(machine)


def match(machine: Machine) -> None:
    """Give every free message to the receiver whose turn it is, where there is one."""
    messages = machine.root.messages.entries
    if not messages:
        return
    receivers = sorted(machine.waiting_for("receive"), key=lambda r: r.ticket)
    if not receivers:
        return  # before the mailbox is walked: it may be long, and this is done for every message
    for number, (_, message) in list(messages.items()):
        if not receivers:
            return
        if message.holder:
            continue
        taker = _taker(machine, number, receivers)
        if taker is None:
            continue
        receivers.remove(taker)
        if len(taker.arguments) == SELECTIVE:
            _hold(machine, message, taker.task, taker.ticket)
            complete(machine, taker, Pair(number, message.value))
        else:
            table_delete(machine.root.messages, number)
            complete(machine, taker, message.value)


def _taker(machine: Machine, number: int, receivers: list[Request]) -> Request | None:
    """Return the waiting receiver that a free message is offered to, or None."""
    for request in receivers:
        if _undecided(machine, number, request.ticket):
            return None
        if len(request.arguments) != SELECTIVE or request.arguments[1] < number:
            return request
    return None


def _undecided(machine: Machine, number: int, ticket: int) -> bool:
    """Whether a receiver with a lower ticket still looks at an earlier message, and may want this one."""
    return machine.root.held > 0 and any(
        message.holder and message.ticket < ticket and held < number
        for held, (_, message) in machine.root.messages.entries.items()
    )


def _hold(machine: Machine, message: Message, task: int, ticket: int) -> None:
    """Let a task hold a message, or nobody (0)."""
    if message.oid:
        touch(message)
    machine.root.held += bool(task) - bool(message.holder)
    message.holder, message.ticket = task, ticket


def take(machine: Machine, operation: Operation) -> Now | None:
    """Return the first message that the running task may have at once, if there is one."""
    selective = len(operation.arguments) == SELECTIVE
    seen = operation.arguments[1] if selective else 0
    ticket = operation.arguments[2] if selective else machine.root.next_number + 1
    refused: Message | None = table_ref(machine.root.messages, seen) if seen else None
    if refused is not None and refused.holder == machine.task.number:
        _hold(machine, refused, 0, 0)
    found: Now | None = None
    for number, (_, message) in machine.root.messages.entries.items():
        if message.holder or number <= seen:
            continue
        if _undecided(machine, number, ticket):
            break
        if selective:
            _hold(machine, message, machine.task.number, ticket)
            found = Now(Pair(number, message.value))
        else:
            table_delete(machine.root.messages, number)
            found = Now(message.value)
        break
    if refused is not None and found is not None:
        match(machine)  # without one, the request is entered first: it may not be passed over
    return found


def looks_on(machine: Machine, operations: tuple[Any, ...]) -> bool:
    """Whether the running task may wait: it holds no message, or refuses the one it holds by looking for the next."""
    if not machine.root.held:
        return True
    messages = machine.root.messages.entries
    held = [n for n, (_, m) in messages.items() if m.holder == machine.task.number]
    if not held:
        return True
    first = operations[0]
    return (
        first.kind == "receive"
        and len(first.arguments) == SELECTIVE
        and first.arguments[1] == held[0]
    )


def accept(machine: Machine, number: int) -> Any:
    """Take a held message out of the mailbox and return its value."""
    message: Message | None = table_ref(machine.root.messages, number)
    if message is None:
        raise fail(
            "error", "receive-message: its predicate was entered again for a message that is gone"
        )
    _hold(machine, message, 0, 0)
    table_delete(machine.root.messages, number)
    match(machine)
    return message.value


def release_all(machine: Machine, task: int) -> None:
    """Let go of what a task holds: its predicate was left, or it ended or was interrupted."""
    if not machine.root.held:
        return
    held = [m for _, m in machine.root.messages.entries.values() if m.holder == task]
    for message in held:
        _hold(machine, message, 0, 0)
    if held:
        match(machine)
