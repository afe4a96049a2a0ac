"""A store's own connection in the hands of a transactional effect.

Layer: store. Imports base, store.api.
Invariant: what the effect does with it stays inside the store's transaction: it can be neither ended nor left by it, and
when the effect has ended, the connection is useless to whoever kept it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perdure.base.errors import CallError, StoreError
from perdure.store.api import Commit, Lent

ENDED = "the effect has ended, and with it the use of its connection"
COMMITS = (
    "a transactional effect's connection can't {0}: what it writes is committed with the turn that takes its "
    "result, or undone if it raises"
)


class Lending:
    """The connection, with everything but what would end the transaction.

    Args:
      connection: the driver's.
      refused: names of attributes that are not for an effect.
    """

    __slots__ = ("_connection", "_refused")

    def __init__(self, connection: Any, refused: frozenset[str]) -> None:
        object.__setattr__(self, "_connection", connection)
        object.__setattr__(self, "_refused", refused)

    def __getattr__(self, name: str) -> Any:
        if self._connection is None:
            raise CallError("P305", ENDED)
        if name in self._refused:
            raise CallError("P305", COMMITS.format(name))
        return getattr(self._connection, name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise CallError("P305", COMMITS.format(f"have its {name} set"))

    def take_back(self) -> None:
        """Make it useless."""
        object.__setattr__(self, "_connection", None)


class Fenced(Exception):
    """Rolls a transaction back whose run is another owner's by now."""


UNABLE = (
    "a database in memory can't perform transactional effects: it has no transactions that a function could take "
    "part in; use SQLite or PostgreSQL"
)


def refuse(work: Callable[[Lent], Commit]) -> bool:
    """Refuse to perform a transactional effect in memory. Raises StoreError: P412."""
    del work
    raise StoreError("P412", UNABLE)
