"""How events change a run at the start of a turn.

Layer: machine. Imports machine.turn, requests, waiting, mailbox, tasks.
Invariant: an event for a request that is no longer waited for changes nothing: it came too late, and is only logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perdure.machine import mailbox, tasks, turn, waiting
from perdure.machine.requests import complete, fail_request
from perdure.values.tables import table_delete, table_ref
from perdure.values.types import UNSPECIFIED

if TYPE_CHECKING:
    from perdure.machine.machine import Machine


def apply(machine: Machine, event: turn.Event) -> None:
    """Let an event take effect; tasks that can go on become ready."""
    match event:
        case turn.Arrived(message_id, sender, value):
            mailbox.arrived(machine, message_id, sender, value)
        case turn.Typed(line):
            waiting.typed(machine, line)
        case turn.Cancel():
            tasks.cancel_run(machine)
        case turn.Retry():
            tasks.retry(machine)
        case turn.Returned() | turn.Raised() | turn.Fired():
            request = table_ref(machine.root.requests, event.request)
            if request is None:
                return
            if isinstance(event, turn.Returned):
                complete(machine, request, event.value)
            elif isinstance(event, turn.Raised):
                fail_request(machine, request, event.condition)
            elif request.kind == "alarm":
                table_delete(machine.root.requests, request.number)
                tasks.alarm(machine, request)
            else:
                complete(machine, request, UNSPECIFIED)
