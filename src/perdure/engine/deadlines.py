"""Time limits of effects: what a deadline of the program means for an attempt.

Layer: engine. Imports effects, python_modules, machine.state, base.
Invariant: the task that has set a deadline is interrupted before the engine acts upon it, so that the program sees its own deadline
and not an effect's error; the engine's part is for tasks that no alarm reaches.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from perdure.base import limits
from perdure.engine.effects import Failed, effect_error, shown_name
from perdure.engine.python_modules import Function
from perdure.machine.state import Request


def limited(function: Function, left_s: float) -> Function:
    """Return a function whose attempts may take no longer than is left until a deadline, in seconds."""
    most = left_s + limits.DEADLINE_GRACE_S
    own = function.mark.timeout_s
    if own is not None and own <= most:
        return function
    return replace(function, mark=replace(function.mark, timeout_s=most))


def too_late(procedure: Any, function: Function, request: Request) -> Failed:
    """Return the failure of an effect whose deadline is over before an attempt began."""
    name = shown_name(procedure)
    error = TimeoutError("its deadline was over before it was started")
    repeatable = function.mark.idempotent or request.attempt == 0
    return Failed(effect_error(name, error, "effect-timeout"), repeatable)
