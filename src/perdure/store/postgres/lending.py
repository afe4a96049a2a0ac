"""Transactional effects on PostgreSQL: a function writes in the transaction that commits a turn.

Layer: store. Imports base, store.lending, connection.py, silence.py, psycopg.
Invariant: a function that returns leaves the transaction as it found it, one savepoint deep, with all that was deferred
checked; so what fails afterwards is the store's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg
import psycopg.sql
from psycopg import pq

from perdure.base.errors import CallError
from perdure.store.lending import COMMITS, ENDED, Lending
from perdure.store.postgres.connection import Target, as_store_error, lost
from perdure.store.postgres.silence import Line

Value = TypeVar("Value")

_BEGIN: Final = b"SAVEPOINT perdure_effect"
_KEEP: Final = b"SET CONSTRAINTS ALL IMMEDIATE; RESET ALL; RELEASE SAVEPOINT perdure_effect"
"""What the function has set must not outlive it: the store's own statements, and other effects, come next."""
_UNDO: Final = b"ROLLBACK TO SAVEPOINT perdure_effect; RELEASE SAVEPOINT perdure_effect"
_COLLISIONS: Final = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
_REFUSED: Final = frozenset({
    "close", "commit", "rollback", "autocommit", "set_autocommit", "cancel", "cancel_safe", "notifies",
    "tpc_begin", "tpc_prepare", "tpc_commit", "tpc_rollback", "xid", "pgconn", "add_notice_handler",
    "add_notify_handler", "isolation_level", "set_isolation_level", "read_only", "set_read_only", "deferrable",
    "set_deferrable", "pipeline",
})  # fmt: skip
_ENDING: Final = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    r"(commit|rollback(?!\s+(?:work\s+|transaction\s+)?to\b)|abort|end|begin|start\s+transaction"
    r"|prepare\s+transaction|set\s+transaction|set\s+session\s+characteristics)\b",
    re.IGNORECASE | re.DOTALL,
)


def _check(query: Any) -> None:
    if isinstance(query, psycopg.sql.Composable):
        text = query.as_string(None)
    else:
        text = query.decode("utf-8", "replace") if isinstance(query, bytes) else str(query)
    found = _ENDING.match(text)
    if found is not None:
        raise CallError("P305", COMMITS.format(" ".join(found[1].upper().split())))


class LentCursor(psycopg.Cursor[Any]):
    """A cursor that refuses statements which would end the transaction; a server that falls silent is noticed."""

    line: Line | None = None

    def execute(self, query: Any, *given: Any, **options: Any) -> Any:
        _check(query)
        assert self.line is not None
        with self.line.waiting():
            return super().execute(query, *given, **options)

    def executemany(self, query: Any, *given: Any, **options: Any) -> None:
        _check(query)
        assert self.line is not None
        with self.line.waiting():
            super().executemany(query, *given, **options)


class LentConnection(Lending):
    """A psycopg connection; `connection.transaction()` is a savepoint of the function's own."""

    __slots__ = ("_line",)

    def __init__(self, raw: psycopg.Connection[Any], line: Line) -> None:
        super().__init__(raw, _REFUSED)
        object.__setattr__(self, "_line", line)

    def cursor(self, name: str = "", **options: Any) -> Any:
        """Return a cursor, as psycopg's `cursor` does."""
        raw = self._connection
        if raw is None:
            raise CallError("P305", ENDED)
        if name:
            return raw.cursor(name, **options)
        binary = options.pop("binary", False)
        made = LentCursor(raw, **options)
        made.line = self._line
        if binary:
            made.format = psycopg.pq.Format.BINARY
        return made

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Execute a statement with a new cursor, and return that."""
        binary = options.pop("binary", False)
        return self.cursor(binary=binary).execute(query, params, **options)


class PostgresLent:
    """What lends the connection of an open transaction; see store.api.Lent."""

    def __init__(self, raw: psycopg.Connection[Any], line: Line, target: Target) -> None:
        self._raw = raw
        self._line = line
        self._target = target

    def attempt(self, function: Callable[[Any], Value]) -> Value:
        self._do(_BEGIN)
        lent = LentConnection(self._raw, self._line)
        try:
            value = function(lent)
            self._check()
            self._do(_KEEP)
        except BaseException as error:
            self._check()
            cause = error.__cause__ if error.__cause__ is not None else error
            if isinstance(cause, _COLLISIONS):
                # Nobody's mistake: done again from the beginning, it succeeds.
                raise as_store_error(cause.sqlstate or "", str(cause), self._target) from None
            self._do(_UNDO)
            raise
        finally:
            lent.take_back()
        return value

    def _do(self, statements: bytes) -> None:
        with self._line.waiting():
            self._raw.execute(statements)

    def _check(self) -> None:
        """Raise if there is no transaction any more: the connection was lost, or it was ended behind our back."""
        pgconn = self._raw.pgconn
        if pgconn.status != pq.ConnStatus.OK:
            self._raw.close()
            raise lost(self._target, "while an effect was performed")
        if pgconn.transaction_status not in (
            pq.TransactionStatus.INTRANS,
            pq.TransactionStatus.INERROR,
        ):
            raise CallError("P305", COMMITS.format("end the transaction, but this one did"))
