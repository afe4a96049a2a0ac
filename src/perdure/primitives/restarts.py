"""Restarts: what lib/restart.sld, `raise` and handlers ask of the machine.

Layer: primitives. Imports machine and values.
Invariant: whatever looks at the stack is isolated; taking a restart is an escape, and never comes back here.
"""

from __future__ import annotations

from typing import Any

from perdure.machine import parking, restarts
from perdure.machine.machine import AGAIN, Machine
from perdure.machine.registers import REGISTERS
from perdure.machine.signals import GoOn, Isolated
from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.lists import from_items, list_items
from perdure.values.types import UNSPECIFIED, intern

primitive("%next-handler!")(restarts.next_handler)


@primitive("%go-on")
def go_on(continuation: Any, procedure: Any, arguments: Any) -> Any:
    """Call a procedure in a continuation without entering or leaving any extent."""
    raise GoOn(continuation, procedure, tuple(list_items("%go-on", arguments)))


def _invoke(machine: Machine, name: str, arguments: tuple[Any, ...]) -> Any:
    restarts.invoke(machine, name, arguments)
    return AGAIN


@primitive("invoke-restart")
def invoke_restart(name: Any, *arguments: Any) -> Any:
    """Take the innermost restart of a name."""
    raise Isolated(_invoke, checks.symbol_name("invoke-restart", name), arguments)


def _restarts(machine: Machine) -> Any:
    found = restarts.offers(
        machine, restarts.current(machine), REGISTERS.dynamic, machine.task.number
    )
    return from_items([intern(offer.name) for offer in found])


@primitive("restarts")
def names_of_restarts() -> Any:
    """Return the names of the restarts that can be taken here, innermost first."""
    raise Isolated(_restarts)


# -- the error policy ------------------------------------------------------------------------------


def _set_policy(machine: Machine, policy: Any) -> Any:
    machine.root.error_policy = policy
    return UNSPECIFIED


@primitive("set-error-policy!")
def set_error_policy(policy: Any) -> Any:
    """Say what becomes of a task of this run at an error that nobody handles."""
    raise Isolated(_set_policy, parking.check(policy))


def _verdict(machine: Machine, verdict: Any, place: Any) -> Any:
    parking.verdict(machine, verdict, place)
    return AGAIN


@primitive("%policy-verdict")
def policy_verdict(verdict: Any, place: Any) -> Any:
    """Do with the running task what a procedure of the program has decided."""
    raise Isolated(_verdict, verdict, place)


def _failed(machine: Machine, failure: Any, place: Any) -> Any:
    parking.failed(machine, failure, place)
    return AGAIN


@primitive("%policy-failed")
def policy_failed(failure: Any, place: Any) -> Any:
    """Park the running task, since what was to decide about it failed."""
    raise Isolated(_failed, failure, place)
