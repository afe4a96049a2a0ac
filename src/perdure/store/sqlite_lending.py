"""Transactional effects on SQLite: a function writes in the transaction that commits a turn.

Layer: store. Imports base, store.api, store.lending, store.database, apsw.
Invariant: SQLite itself refuses, by an authorizer, every statement that would end the transaction, change what the store
relies upon, or touch its tables; however a function comes to make it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Self, TypeVar

import apsw

from perdure.base.errors import StoreError
from perdure.store.database import as_store_error
from perdure.store.lending import COMMITS, Lending

Value = TypeVar("Value")

_POINT: Final = "perdure_effect"
_OWN: Final = frozenset({
    "runs", "run_data", "log", "history", "snapshots", "inbox", "seen", "mail", "watchers", "outputs",
    "log_lines", "programs", "definitions", "names", "owners",
})  # fmt: skip
_CHANGES: Final = frozenset({
    apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE, apsw.SQLITE_DROP_TABLE,
})  # fmt: skip
_OF_A_TABLE: Final = frozenset({
    apsw.SQLITE_ALTER_TABLE, apsw.SQLITE_CREATE_TRIGGER, apsw.SQLITE_CREATE_INDEX, apsw.SQLITE_DROP_INDEX,
    apsw.SQLITE_DROP_TRIGGER,
})  # fmt: skip
_LOOKS: Final = frozenset({
    "table_info", "table_xinfo", "table_list", "index_info", "index_xinfo", "index_list",
    "foreign_key_list", "foreign_key_check", "defer_foreign_keys",
})  # fmt: skip
"""Pragmas that may have an argument: they set nothing that outlives the transaction."""
_REFUSED: Final = frozenset({
    "close", "authorizer", "set_authorizer", "setauthorizer", "set_busy_timeout", "setbusytimeout",
    "set_busy_handler", "setbusyhandler", "set_commit_hook", "setcommithook", "set_rollback_hook",
    "setrollbackhook", "set_exec_trace", "setexectrace", "exec_trace", "set_row_trace", "setrowtrace",
    "row_trace", "deserialize", "backup", "load_extension", "loadextension", "pragma",
})  # fmt: skip


class LentConnection(Lending):
    """An apsw connection; `with connection:` is a savepoint of the function's own."""

    __slots__ = ()

    def __enter__(self) -> Self:
        self.__getattr__("__enter__")()
        return self

    def __exit__(self, *raised: object) -> Any:
        return self.__getattr__("__exit__")(*raised)


class SqliteLent:
    """What lends the connection of an open transaction; see store.api.Lent."""

    def __init__(self, connection: apsw.Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    def attempt(self, function: Callable[[Any], Value]) -> Value:
        connection, guard = self._connection, _Guard()
        connection.execute(f"SAVEPOINT {_POINT}")
        lent = LentConnection(connection, _REFUSED)
        connection.authorizer = guard
        try:
            value = function(lent)
        except BaseException as error:
            lent.take_back()
            connection.authorizer = None
            self._check(error)
            connection.execute(f"ROLLBACK TO {_POINT}; RELEASE {_POINT}")
            cause = error.__cause__ if error.__cause__ is not None else error
            if isinstance(cause, apsw.AuthError) and guard.reason:
                cause.args = (guard.reason,)
            raise
        lent.take_back()
        connection.authorizer = None
        self._check(None)
        connection.execute(f"RELEASE {_POINT}")
        return value

    def _check(self, error: BaseException | None) -> None:
        """Raise if SQLite has rolled back the whole transaction, as it does when the disk is full."""
        if not self._connection.get_autocommit():
            return
        cause = error.__cause__ if error is not None and error.__cause__ is not None else error
        if isinstance(cause, apsw.Error):
            raise as_store_error(cause, self._path) from None
        raise StoreError("P407", f"{self._path}: the transaction was rolled back by SQLite")


class _Guard:
    """An authorizer; `reason` is why it has refused something last."""

    def __init__(self) -> None:
        self.reason = ""

    def __call__(
        self,
        operation: int,
        one: str | None,
        two: str | None,
        _database: str | None,
        _by: str | None,
    ) -> int:
        self.reason = _refusal(operation, one or "", two or "") or self.reason
        return apsw.SQLITE_DENY if _refusal(operation, one or "", two or "") else apsw.SQLITE_OK


def _refusal(operation: int, one: str, two: str) -> str:
    if operation == apsw.SQLITE_TRANSACTION:
        return COMMITS.format(one)
    if operation == apsw.SQLITE_SAVEPOINT and two.lower() == _POINT:
        return COMMITS.format(f"use the savepoint {_POINT}")
    if operation in (apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH):
        return COMMITS.format("attach or detach a database")
    if operation == apsw.SQLITE_PRAGMA and two and one.lower() not in _LOOKS:
        return COMMITS.format(f"set the pragma {one}")
    table = one if operation in _CHANGES else two if operation in _OF_A_TABLE else ""
    if table.lower() in _OWN:
        return f"the table {table} is Perdure's own; give yours another name"
    return ""
