"""A connection to PostgreSQL that says what went wrong in our words and comes back by itself.

Layer: store. Imports base, store.refusals, psycopg.
Invariant: every connection that is handed out is to a database with this release's schema, with bounded
waiting for statements and locks, and with commits that are durable when they return.

One connection for each handle, not a pool: a handle belongs to one thread, its session holds its
owner's lock, and a turn needs the same one again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg
from msgspec import Struct
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from perdure.base import limits
from perdure.base.errors import CallError, PerdureError, StoreError
from perdure.store.postgres.silence import Line
from perdure.store.refusals import taken_for_dead

_PLANS: Final = {
    # The verbs go by keys. A plan made while a table was empty must not read the whole of it later.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
_PATIENCE: Final = {
    "statement_timeout": f"{limits.STATEMENT_TIMEOUT_S * 1000:.0f}",
    "lock_timeout": f"{limits.LOCK_TIMEOUT_S * 1000:.0f}",
    "idle_in_transaction_session_timeout": f"{limits.STATEMENT_TIMEOUT_S * 1000:.0f}",
}
_TRANSPORT: Final = {
    "connect_timeout": f"{limits.CONNECT_TIMEOUT_S:.0f}",
    "application_name": "perdure",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": f"{limits.STATEMENT_TIMEOUT_S * 1000:.0f}",
}


class Target(Struct, frozen=True):
    """What a URL says.

    Args:
      conninfo: what libpq takes, without our own parameters.
      shown: the URL without its password, for messages.
      pooled: a pooler gives every transaction whichever session is free, so that nothing of a session
        lasts: no locks, no LISTEN, no prepared statements.
      read_only: refuse to write.
      lent: what libpq takes for a session that is lent to effects: it plans as the server does by itself.
    """

    conninfo: str
    shown: str
    pooled: bool = False
    read_only: bool = False
    lent: str = ""


def parse_url(url: str, *, read_only: bool = False) -> Target:
    """Return what a URL says.

    Raises:
      CallError: P303, a parameter of ours has an unknown value.
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    pooler = given.pop("pooler", "session")
    if pooler not in ("session", "transaction"):
        raise CallError(
            "P303",
            f"{pooler!r} is not a mode of a pooler",
            hint="give pooler=transaction for a pooler in transaction mode, else leave it out",
        )
    pooled = pooler == "transaction"
    user = parts.username or ""
    port = f":{parts.port}" if parts.port else ""
    shown = f"postgresql://{user}{'@' if user else ''}{parts.hostname or ''}{port}{parts.path}"
    more = given.pop("options", "")

    def conninfo_with(settings: dict[str, str]) -> str:
        own: dict[str, str] = dict(_TRANSPORT)
        # A pooler refuses options of a session: it does not give one.
        if pooled and more:
            own["options"] = more
        elif not pooled:
            options = " ".join(f"-c {key}={value}" for key, value in settings.items())
            own["options"] = f"{options} {more}".strip()
        query = urlencode(own | given, safe="/:")
        # urlsplit drops an empty host, and libpq takes it for its default.
        return f"postgresql://{parts.netloc}{parts.path}?{query.replace('+', '%20')}"

    write = {"default_transaction_read_only": "on"} if read_only else {}
    conninfo = conninfo_with(_PLANS | _PATIENCE | write)
    try:
        conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError as error:
        raise CallError(
            "P303",
            f"{shown}: {' '.join(str(error).split())}",
            hint="its parameters are libpq's, and pooler",
        ) from None
    return Target(conninfo, shown, pooled, read_only, conninfo_with(_PATIENCE | write))


class Verb(Struct, frozen=True):
    """A statement that is prepared once for each session: a call of one of functions.sql."""

    name: bytes
    sql: bytes


def verb(name: str, parameters: int, columns: str = "*") -> Verb:
    """Return the call of a function with so many parameters."""
    marks = ", ".join(f"${n}" for n in range(1, parameters + 1))
    return Verb(name.encode(), f"SELECT {columns} FROM perdure.{name}({marks})".encode())  # noqa: S608 - constants


class Connection:
    """The connection of one handle.

    Args:
      target: where to.
      check: looks at a new connection; raises if it is not to a database of ours.
      revive: gives a new session what the old one had; called after a reconnection.
      lent: its session is lent to effects, so nothing that they may do to it must matter: no statement of ours is
        prepared in it.
    """

    def __init__(
        self,
        target: Target,
        check: Callable[[psycopg.Connection[Any], Target], None],
        revive: Callable[[], None],
        *,
        lent: bool = False,
    ) -> None:
        self.target = target
        self._lent = lent
        self._check = check
        self._revive = revive
        self._prepared: set[bytes] = set()
        self.closed = False
        self._pinned = False
        self.line = Line()
        self.raw = self._connect()

    def close(self) -> None:
        """End the session. Idempotent."""
        self.closed = True
        with contextlib.suppress(psycopg.Error):
            self.raw.close()

    def _connect(self) -> psycopg.Connection[Any]:
        with translated(self.target):
            raw = psycopg.connect(
                self.target.lent if self._lent else self.target.conninfo,
                autocommit=True,
                prepare_threshold=None if self.target.pooled or self._lent else 1,
            )
            self.line.raw = raw
            try:
                with self.line.waiting():
                    self._check(raw, self.target)
            except BaseException:
                raw.close()
                raise
        self._prepared = set()
        return raw

    def ready(self) -> psycopg.Connection[Any]:
        """Return the connection, made anew if it was lost. Raises StoreError: P407 if that fails."""
        assert not self.closed, "the handle was closed"
        if self.raw.closed:
            if self._pinned:
                raise lost(self.target, "in a transaction")
            try:
                self.raw = self._connect()
            except StoreError as error:
                raise gone(error) from None
            with translated(self.target), self.line.waiting():
                self._revive()
        return self.raw

    def call(self, wanted: Verb, values: Sequence[bytes | None]) -> pq.abc.PGresult:
        """Call a verb with binary values, and return its binary result.

        Raises:
          StoreError: P407, the connection was lost: the outcome is unknown, read it back.
        """
        pgconn = self.ready().pgconn
        formats = [1] * len(values)
        line = self.line
        outer, line.since = line.since, line.since or time.monotonic()
        try:
            if self.target.pooled or self._lent:
                result = pgconn.exec_params(wanted.sql, values, None, formats, 1)
            else:
                if wanted.name not in self._prepared:
                    self._accept(pgconn.prepare(wanted.name, wanted.sql))
                    self._prepared.add(wanted.name)
                # psycopg's annotation leaves out that a value may be None, as in exec_params.
                result = pgconn.exec_prepared(wanted.name, values, formats, 1)  # type: ignore[arg-type]
        finally:
            line.since = outer
        return self._accept(result)

    def _accept(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            return result
        if self.raw.pgconn.status != pq.ConnStatus.OK:
            self.raw.close()
            raise lost(self.target, result.get_error_message())
        state = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
        message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
        error = as_store_error(state.decode(), message.decode("utf-8", "replace"), self.target)
        if error.code == "P407":
            self.raw.close()
        raise error

    def rows(self, query: str, *values: Any, repeat: bool = True) -> list[tuple[Any, ...]]:
        """Perform one statement, again on a new connection if it is lost, and return its rows.

        Args:
          query, values: as psycopg takes them.
          repeat: nothing is wrong if it takes place twice.
        """
        # A single mapping is for named placeholders.
        given = values[0] if len(values) == 1 and isinstance(values[0], dict) else values or None
        for last in (not repeat, True):
            try:
                with self.session() as raw:
                    cursor = raw.execute(query.encode(), given, binary=True)
                    return cursor.fetchall() if cursor.description else []
            except StoreError as error:
                if last or error.code != "P407" or not self.raw.closed:
                    raise
        raise AssertionError

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Any]]:
        """Give the connection in a transaction, which is committed at the end, its errors translated.

        Nothing connects again meanwhile: on another connection, what is part of the transaction would be committed alone.
        """
        raw = self.ready()
        self._pinned = True
        try:
            with translated(self.target):
                self._control(raw, b"BEGIN")
                try:
                    yield raw
                except BaseException:
                    if raw.pgconn.status == pq.ConnStatus.OK:
                        self._control(raw, b"ROLLBACK")
                    raise
                self._control(raw, b"COMMIT")
        finally:
            self._pinned = False
            if raw.pgconn.status != pq.ConnStatus.OK:
                raw.close()

    def _control(self, raw: psycopg.Connection[Any], statement: bytes) -> None:
        with self.line.waiting():
            done = raw.execute(statement).statusmessage
        # The server answers the COMMIT of a failed transaction with ROLLBACK, and not with an error.
        assert done == statement.decode(), f"the server answered {statement!r} with {done}"

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection[Any]]:
        """Give the connection for any use, its errors translated."""
        raw = self.ready()
        with translated(self.target), self.line.waiting():
            try:
                yield raw
            except psycopg.OperationalError:
                if raw.pgconn.status != pq.ConnStatus.OK:
                    raw.close()
                raise


@contextmanager
def translated(target: Target) -> Iterator[None]:
    """Turn PostgreSQL's errors into StoreError with a code, the database and what to do."""
    try:
        yield
    except PerdureError:
        raise
    except psycopg.OperationalError as error:
        if error.sqlstate:
            raise as_store_error(error.sqlstate, _primary(error), target) from None
        if error.pgconn is not None and error.pgconn.status == pq.ConnStatus.OK:
            raise as_store_error("", _primary(error), target) from None
        if "connection failed" in str(error) or "connection timeout" in str(error):
            raise StoreError(
                "P408",
                f"{target.shown} can't be reached ({_primary(error)})",
                hint="check that the server runs, and the host, port, user and database of the URL",
            ) from None
        raise lost(target, _primary(error)) from None
    except psycopg.Error as error:
        raise as_store_error(error.sqlstate or "", _primary(error), target) from None


def _primary(error: psycopg.Error) -> str:
    found = error.diag.message_primary or str(error)
    return " ".join(found.split())


def lost(target: Target, detail: str) -> StoreError:
    """Return the error of a connection that was lost."""
    return StoreError(
        "P407",
        f"the connection to {target.shown} was lost ({' '.join(detail.split())})",
        hint="whether the last transaction took place is unknown; the next call connects again",
    )


def as_store_error(state: str, detail: str, target: Target) -> PerdureError:
    """Return what an error of PostgreSQL, by its SQLSTATE, means to a user."""
    if state == "PD302":
        return CallError(
            "P302", detail, hint="give another --id, or the same program and arguments"
        )
    if state == "PD409":
        return taken_for_dead(0)
    for states, code, says, hint in _MEANINGS:
        if state.startswith(states):
            return StoreError(code, f"{target.shown} {says} ({detail})", hint=hint)
    return StoreError("P411", f"{target.shown}: {detail} [{state}]", hint="see the server's log")


_MEANINGS: Final = (
    (
        ("40P01", "40001", "55P03", "57014"),
        "P401",
        "is locked by another session",
        "try again; a session that holds locks for long shows in pg_stat_activity",
    ),
    (("25006", "42501"), "P402", "can't be written", "check the rights of the user of the URL"),
    (("53100",), "P403", "can't grow: the disk is full", "free some space; nothing was lost"),
    (
        ("54000", "22001", "22026"),
        "P403",
        "can't hold so large a value",
        "keep large data elsewhere and their address in the run",
    ),
    (
        ("3F000", "42P01", "42883", "42703"),
        "P404",
        "does not have Perdure's tables",
        "run `perdure db migrate`",
    ),
    (("XX001", "XX002"), "P405", "is damaged", "restore it from a backup; nothing was changed"),
    (
        ("57P", "08", "53300"),
        "P407",
        "is away",
        "wait until the server accepts connections again",
    ),
    (
        ("28", "3D000"),
        "P408",
        "can't be opened",
        "check the user, password and database of the URL; `createdb` makes a database",
    ),
)


def gone(error: StoreError) -> StoreError:
    """Return what an error of connecting means where a connection has been before.

    What was there and is away may come back: not the same as an address that is wrong.
    """
    return StoreError("P407", error.message, hint=error.hint) if error.code == "P408" else error


def wait_s(attempt: int) -> float:
    """Return how long to wait before an attempt (from 1) to connect again, in seconds."""
    return float(min(0.05 * 2 ** min(attempt, 10), limits.RECONNECT_MAX_S))
