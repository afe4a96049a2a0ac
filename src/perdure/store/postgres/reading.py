"""The verbs of a store on PostgreSQL that only read.

Layer: store. Imports base, store.api, store.integrity, loading.py, handle.py.
Invariant: each may take place twice, so a lost connection is made anew and nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from perdure.base import limits
from perdure.store.api import (
    Claim,
    Entry,
    Flaw,
    InboxRow,
    Loaded,
    LoggedLine,
    Output,
    Run,
    RunFilter,
)
from perdure.store.integrity import flaws
from perdure.store.postgres import loading
from perdure.store.postgres.handle import Handle

RUN_COLUMNS: Final = (
    "id, name, program, parent, status, detail, seq, epoch, owner, wake_at, "
    "created_at, updated_at, quarantined"
)


class Reading(Handle):
    """A handle with the verbs that read; see store.api for what they do."""

    def get_program(self, program_hash: str) -> bytes | None:
        payload: bytes | None = self._one(
            "SELECT payload FROM perdure.programs WHERE hash = %s", program_hash
        )
        return payload

    def get_definitions(self, hashes: Iterable[str]) -> dict[str, bytes]:
        return dict(
            self._rows(
                "SELECT hash, payload FROM perdure.definitions WHERE hash = ANY (%s)", list(hashes)
            )
        )

    def get_name(self, name: str) -> str | None:
        program: str | None = self._one("SELECT program FROM perdure.names WHERE name = %s", name)
        return program

    def get_run(self, run_id: str) -> Run | None:
        query = f"SELECT {RUN_COLUMNS} FROM perdure.described WHERE id = %s"  # noqa: S608 - constants
        rows = self._rows(query, run_id)
        return Run(*rows[0]) if rows else None

    def list_runs(self, wanted: RunFilter = RunFilter()) -> list[Run]:  # noqa: B008 - frozen
        rows = self._rows(
            f"SELECT {RUN_COLUMNS} FROM perdure.described "  # noqa: S608 - constants
            "WHERE (%s::text[] = '{}' OR status = ANY (%s)) AND %s IN ('', name) "
            "AND (%s = '' OR parent = %s) "
            "AND (%s = '' OR num < (SELECT num FROM perdure.runs WHERE id = %s)) "
            "ORDER BY num DESC LIMIT %s",
            list(wanted.statuses),
            list(wanted.statuses),
            wanted.program_name,
            wanted.parent,
            wanted.parent,
            wanted.older_than,
            wanted.older_than,
            wanted.limit,
        )
        return [Run(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        return dict(self._rows("SELECT status::text, count(*) FROM perdure.runs GROUP BY status"))

    def result(self, run_id: str) -> bytes | None:
        payload: bytes | None = self._one(
            "SELECT d.result FROM perdure.run_data d JOIN perdure.runs r ON r.num = d.run "
            "WHERE r.id = %s",
            run_id,
        )
        return payload

    def load(self, run_ids: Sequence[str]) -> list[Loaded]:
        return self._repeatedly(lambda: loading.load(self._connection, run_ids)) if run_ids else []

    def inbox(
        self, run_ids: Sequence[str], limit: int = limits.INBOX_BATCH
    ) -> dict[str, list[InboxRow]]:
        found: dict[str, list[InboxRow]] = {run_id: [] for run_id in run_ids}
        if found:
            for run_id, *row in self._rows(loading.INBOX, limit, list(run_ids)):
                found[run_id].append(InboxRow(*row))
        return found

    def entries(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Entry]:
        rows = self._rows(loading.ENTRIES, {"run": run_id, "after": after, "limit": limit})
        return [Entry(*row) for row in rows]

    def outputs(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[Output]:
        rows = self._of_run("seq, text", "outputs", run_id, after, limit, order="seq")
        return [Output(*row) for row in rows]

    def log_lines(self, run_id: str, *, after: int = 0, limit: int = 10_000) -> list[LoggedLine]:
        columns = "seq, at, level, message, fields"
        rows = self._of_run(columns, "log_lines", run_id, after, limit, order="num")
        return [LoggedLine(*row) for row in rows]

    def _of_run(
        self, columns: str, table: str, run_id: str, after: int, limit: int, *, order: str
    ) -> list[tuple[Any, ...]]:
        query = (
            f"SELECT {columns} FROM perdure.{table} "  # noqa: S608 - constants
            "WHERE run = (SELECT num FROM perdure.runs WHERE id = %s) AND seq > %s "
            f"ORDER BY {order} LIMIT %s"
        )
        return self._rows(query, run_id, after, limit)

    def cursor(self, run_id: str) -> int:
        found = self._one(
            "SELECT d.cursor FROM perdure.run_data d JOIN perdure.runs r ON r.num = d.run "
            "WHERE r.id = %s",
            run_id,
        )
        return found or 0

    def held(self, owner: int) -> list[Claim]:
        rows = self._rows(
            "SELECT id, epoch, deaths FROM perdure.runs WHERE owner = %s AND owner <> 0", owner
        )
        return [claim_of(row) for row in rows]

    def stirred(self, owner: int) -> list[str]:
        rows = self._rows(
            "SELECT id FROM perdure.runs WHERE ready AND owner = %s AND owner <> 0", owner
        )
        return [run_id for (run_id,) in rows]

    def next_wake(self) -> float | None:
        due: float | None = self._one(
            "SELECT CASE WHEN EXISTS (SELECT FROM perdure.runs "
            "WHERE ready AND owner = 0 AND quarantined = '' AND deaths = 0) "
            "OR EXISTS (SELECT FROM perdure.runs "
            "WHERE deaths > 0 AND ready AND owner = 0 AND quarantined = '') "
            "THEN 0 ELSE (SELECT wake_at FROM perdure.runs "
            "WHERE wake_at IS NOT NULL AND owner = 0 AND quarantined = '' "
            "ORDER BY wake_at LIMIT 1) END"
        )
        return due

    def check(self) -> list[Flaw]:
        there = flaws(
            self._rows, prefix="perdure.", runs="perdure.described", elsewhere="r.arguments = ''"
        )
        return there + [
            Flaw(run_id, f"it counts {counted} rows in its inbox, and there are {found}")
            for run_id, counted, found in self._rows(
                "SELECT id, waiting, found FROM (SELECT r.id, r.waiting, (SELECT count(*) "
                "FROM perdure.inbox i WHERE i.run = r.num) AS found FROM perdure.runs r) counts "
                "WHERE waiting <> found"
            )
        ]


def claim_of(row: tuple[Any, ...]) -> Claim:
    """Return the claim that a row of id, epoch and deaths is."""
    run_id, epoch, deaths = row
    return Claim(run_id, epoch, deaths > 0)
