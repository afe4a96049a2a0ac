"""Channels between tasks of one run.

Layer: machine. Imports machine.state and values.
Invariant: values leave in the order in which they were put; waiting getters and putters are served in the order of their
requests; a channel never has both a waiting getter and a buffered value or waiting putter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perdure.machine.requests import Now, complete
from perdure.machine.state import Channel, Operation, Request
from perdure.values.barrier import touch
from perdure.values.types import UNSPECIFIED

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def transfer(machine: Machine, operation: Operation) -> Now | None:
    """Get or put at once, if the other side is there; else return None."""
    channel: Channel = operation.arguments[0]
    if channel.oid:
        touch(channel)
    if operation.kind == "put":
        if channel.getting:
            complete(machine, channel.getting.pop(0), operation.arguments[1])
        elif len(channel.buffered) < channel.capacity:
            channel.buffered.append(operation.arguments[1])
        else:
            return None
        return Now(UNSPECIFIED)
    if channel.buffered:
        value = channel.buffered.pop(0)
        if channel.putting:
            putter = channel.putting.pop(0)
            channel.buffered.append(putter.arguments[1])
            complete(machine, putter, UNSPECIFIED)
        return Now(value)
    if channel.putting:
        putter = channel.putting.pop(0)
        complete(machine, putter, UNSPECIFIED)
        return Now(putter.arguments[1])
    return None


def enqueue(operation: Operation, request: Request) -> None:
    """Let a request wait at its channel."""
    channel: Channel = operation.arguments[0]
    if channel.oid:
        touch(channel)
    (channel.putting if operation.kind == "put" else channel.getting).append(request)
