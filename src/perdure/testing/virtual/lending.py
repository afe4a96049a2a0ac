"""Transactional effects in a test's world: with a connection of the test's own.

Layer: testing. Imports engine, and its neighbours.
Invariant: what an effect writes with the connection is committed with the turn that takes its result, or undone: as with the database
of a run, but that here the two are two, and only the world sees to it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from perdure.testing.virtual.stubs import Target, is_error

Value = TypeVar("Value")

_FILLED_IN = ("connection", "idempotency_key", "cancellation", "deadline")


class WorldLent:
    """An open transaction, as the engine has it (store.api.Lent).

    Args:
      connection: the test's, with `commit` and `rollback`; None for none.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def attempt(self, function: Callable[[Any], Value]) -> Value:
        """Call a function with the connection; if it raises, what it wrote is undone."""
        try:
            return function(self._connection)
        except BaseException:
            self.rollback()
            raise

    def commit(self) -> None:
        """Make durable what was written."""
        if self._connection is not None:
            self._connection.commit()

    def rollback(self) -> None:
        """Undo what was written."""
        if self._connection is not None:
            self._connection.rollback()


def taken(target: Target, named: dict[str, Any]) -> dict[str, Any]:
    """Return those of the things that the engine fills in which a function or stub has parameters for."""
    given = target.given
    if not callable(given) or is_error(given):
        return named
    try:
        parameters = inspect.signature(given).parameters
    except (ValueError, TypeError):
        return named
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return named
    return {
        name: value for name, value in named.items() if name not in _FILLED_IN or name in parameters
    }
