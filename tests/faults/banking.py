"""Sagas over a bank, under faults, and the audit of the bank.

Goal: whatever is done to workers meanwhile, no money is made or lost, no movement takes place twice, what one saga did
is either whole or undone, and the heap of a saga that was undone is as it was at its beginning.
Method: `bank/` is copied into a world of its own. The bank is a SQLite file beside the programs, moved by idempotent
effects, or tables in the runs' own database, moved by transactional ones.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, contextmanager
from importlib import util
from pathlib import Path

import apsw
import psycopg

from perdure import Engine
from perdure.base.errors import CallError
from perdure.store.api import FINAL

BANK = Path(__file__).parent / "bank"
ACCOUNTS = 11
EACH = 1_000
STEPS = range(1, 11)
WITHIN_S = 120.0
TABLES = (
    "CREATE TABLE accounts (number INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
    "CREATE TABLE movements (saga TEXT, step INTEGER, kind TEXT)",
)


class Banking:
    """A bank, and the sagas that move its money.

    Args:
      directory: a new one.
      db: the URL of the runs' database.
    """

    def __init__(self, directory, db):
        self.directory = Path(directory)
        shutil.copytree(BANK, self.directory, dirs_exist_ok=True)
        self.db = db
        self.engine = Engine(db, execute="none")
        self._programs = {}
        self.started = {}
        self._open_banks()

    def close(self):
        self.engine.close()

    def _open_banks(self):
        file = self.directory / "bank.py"
        spec = util.spec_from_file_location(f"bank_{time.monotonic_ns()}", file)
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.open_bank(ACCOUNTS, EACH)
        sys.modules.pop(spec.name, None)
        with self._own() as connection:
            for sql in TABLES:
                connection.execute(sql)
            for number in range(ACCOUNTS):
                connection.execute(f"INSERT INTO accounts VALUES ({number}, {EACH})")

    @contextmanager
    def _own(self):
        """Give a connection to the runs' database."""
        if self.db.startswith("sqlite:"):
            # Not sqlite3: two SQLite libraries in one process take each other's locks off a file.
            with closing(apsw.Connection(self.db.removeprefix("sqlite:"))) as connection:
                connection.set_busy_timeout(30_000)
                with connection:
                    yield connection
        else:
            with psycopg.connect(self.db) as connection:
                yield connection

    # -- runs --------------------------------------------------------------------------------

    def start(self, kind, *given):
        """Start a saga of a kind and return its id; it is told its id, and what is given besides."""
        program = self._programs.get(kind)
        if program is None:
            program = self._programs[kind] = self.engine.compile(self.directory / f"{kind}.scm")
        run_id = f"{kind}-{len(self.started)}"
        self.engine.start(program, run_id, *given, id=run_id)
        self.started[run_id] = (kind, *given)
        return run_id

    def unfinished(self):
        """Return the sagas that have not come to their end; those whose workers died too often go on."""
        left = []
        for run_id in self.started:
            run = self.engine.find(run_id)
            if run.quarantined:
                assert "its worker died" in run.quarantined, run.quarantined
                self.engine.store.quarantine(run_id, "")
            if run.status not in FINAL:
                left.append(run_id)
        return left

    def finish(self):
        """Wait until all have come to their end; return those that have not."""
        until = time.monotonic() + WITHIN_S
        while (left := self.unfinished()) and time.monotonic() < until:
            time.sleep(0.05)
        return left

    def ends(self):
        """Return how many sagas ended in each state."""
        return Counter(self.engine.find(run_id).status for run_id in self.started)

    # -- the audit ---------------------------------------------------------------------------

    def audit(self):
        """Return in words what is wrong; an empty list if nothing is."""
        wrong = []
        with closing(sqlite3.connect(self.directory / "bank.db", timeout=30)) as bank:
            wrong += self._balance(bank, "bank")
            own = bank.execute("SELECT saga, step, kind FROM movements").fetchall()
        with self._own() as connection:
            wrong += self._balance(connection, "shared")
            shared = connection.execute("SELECT saga, step, kind FROM movements").fetchall()
        moved = Counter(map(tuple, own)) + Counter(map(tuple, shared))
        wrong += [f"{one} took place {times} times" for one, times in moved.items() if times > 1]
        for run_id, (kind, *given) in self.started.items():
            mine = {(step, what) for (saga, step, what) in moved if saga == run_id}
            wrong += [f"{run_id}: {text}" for text in _CHECKS[kind](self, run_id, mine, *given)]
        return wrong

    def movements(self):
        """Return how many movements both banks have seen."""
        sql = "SELECT count(*) FROM movements"
        with closing(sqlite3.connect(self.directory / "bank.db", timeout=30)) as bank:
            own = bank.execute(sql).fetchone()[0]
        with self._own() as connection:
            return own + connection.execute(sql).fetchone()[0]

    @staticmethod
    def _balance(connection, name):
        balances = connection.execute("SELECT balance FROM accounts").fetchall()
        total = sum(balance for (balance,) in balances)
        return [] if total == ACCOUNTS * EACH else [f"{name}: there are {total} in all"]

    def _result(self, run_id):
        try:
            return self.engine.result(run_id, timeout=0)
        except (CallError, TimeoutError) as error:
            return error

    def _check_saga(self, run_id, moved, fail_at):
        done, undone = _steps(moved)
        heap = [10, 11, 11] if fail_at == 0 else [0, 1, 1]
        wanted = ["done" if fail_at == 0 else "undone: Declined", *heap]
        if (result := self._result(run_id)) != wanted:
            yield f"its result is {result!r}, not {wanted}"
        if done != set(STEPS if fail_at == 0 else range(1, fail_at)):
            yield f"it did {sorted(done)}"
        if undone != (set() if fail_at == 0 else done):
            yield f"it did {sorted(done)} and undid {sorted(undone)}"

    def _check_stopped(self, run_id, moved):
        done, undone = _steps(moved)
        status = self.engine.find(run_id).status
        if status == "completed" and (done, undone) != (set(STEPS), set()):
            yield f"it is done, did {sorted(done)} and undid {sorted(undone)}"
        if status == "cancelled" and done != undone:
            yield f"it was cancelled, did {sorted(done)} and undid {sorted(undone)}"
        if status not in ("completed", "cancelled"):
            yield f"it is {status}: {self._result(run_id)!r}"

    def _check_group(self, run_id, moved):
        if (result := self._result(run_id)) != [7, [7, "out"]]:
            yield f"its result is {result!r}"
        if moved != {(3, "out"), (4, "in")}:
            yield f"it moved {sorted(moved)}"


_CHECKS = {
    "saga": Banking._check_saga,
    "shared": Banking._check_saga,
    "stopped": Banking._check_stopped,
    "group": Banking._check_group,
}


def _steps(moved):
    """Return which steps were done, and which were undone."""
    return ({s for s, what in moved if what == "do"}, {s for s, what in moved if what == "undo"})


@contextmanager
def banking(db=None):
    """Give a bank in a directory of its own."""
    with tempfile.TemporaryDirectory(
        prefix="perdure-bank-", ignore_cleanup_errors=True
    ) as directory:
        found = Banking(directory, db or f"sqlite:{directory}/runs.db")
        try:
            yield found
        finally:
            found.close()
