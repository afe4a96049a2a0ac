"""Transactional effects as the engine performs them: marks, errors, retries, tasks, pauses.

Goal: what follows from each way in which one can end. Method: real engines on SQLite; what is in the database is read when the
run has ended. tests/faults/test_deaths_in_transactions.py kills workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from perdure import Engine
from perdure.base.errors import RunStopped
from perdure.base.marks import Retry, effect
from perdure.engine import records
from perdure.engine.loading import Programs
from perdure.engine.python_modules import describe
from perdure.engine.scheduler import Options
from perdure.engine.worker import Worker
from perdure.machine.turn import Arrived
from perdure.store.api import Commit, NewRun
from perdure.store.sqlite import SqliteStore
from perdure.values.types import String

LEDGER = """
from perdure import Retry, effect

calls = []

@effect(transactional=True)
def prepare(connection):
    connection.execute("CREATE TABLE note (text TEXT)")

@effect(transactional=True)
def note(text, *, connection, idempotency_key):
    connection.execute("INSERT INTO note VALUES (?)", (text,))
    return idempotency_key

@effect(transactional=True)
def note_first(connection, text, times=1):
    for _ in range(times):
        connection.execute("INSERT INTO note VALUES (?)", (text,))
    return times

@effect(transactional=True)
def note_between(text, connection, times=1):
    return note_first(connection, text, times)

@effect(transactional=True)
def note_twice(text, connection):
    with connection:
        connection.execute("INSERT INTO note VALUES (?)", (text,))
    try:
        with connection:
            connection.execute("INSERT INTO note VALUES (?)", (text,))
            raise ValueError
    except ValueError:
        pass

@effect(transactional=True)
def fails(text, connection):
    connection.execute("INSERT INTO note VALUES (?)", (text,))
    raise SystemExit(3)

@effect(transactional=True)
def weird(text, connection):
    connection.execute("INSERT INTO note VALUES (?)", (text,))
    return {1, 2}

@effect(transactional=True, retry=Retry(attempts=5, base_s=0))
def flaky(text, connection):
    connection.execute("INSERT INTO note VALUES (?)", (text,))
    calls.append(text)
    if calls.count(text) < 3:
        raise ConnectionError(text)

@effect(transactional=True, idempotent=True, nothing_happened=(ValueError,))
def keyed(connection, idempotency_key):
    connection.execute(
        "INSERT INTO note SELECT ?1 WHERE ?1 NOT IN (SELECT text FROM note)", (idempotency_key,)
    )
    return idempotency_key

@effect(transactional=True)
def unmarked(text, connection):
    connection.execute("INSERT INTO note VALUES (?)", (text,))
    calls.append(text)
    if calls.count(text) < 3:
        raise ConnectionError(text)
"""
WAIT_S = 20.0


class Ledger:
    """An engine on a database with a table of the program's own."""

    def __init__(self, folder: Path, db: str) -> None:
        self.folder, self.db = folder, db
        (folder / "ledger.py").write_text(LEDGER)
        self.engine = Engine(db)

    def run(self, body: str, run_id: str = "r") -> Any:
        path = self.folder / "program.scm"
        path.write_text(
            f"(import (scheme base) (perdure) (python ledger))\n(define (main) (guard (c (#t #f)) (prepare)) {body})"
        )
        return self.engine.run(path, id=run_id, timeout=WAIT_S)

    def notes(self) -> list[str]:
        connection = apsw.Connection(self.db.removeprefix("sqlite:"))
        found = [text for (text,) in connection.execute("SELECT text FROM note")]
        connection.close()
        return found


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path, f"sqlite:{tmp_path}/l.db")
    with made.engine:
        yield made


def test_a_keyword_only_connection_and_a_key_are_filled_in(ledger: Ledger) -> None:
    assert ledger.run('(note "a")') == "r/3"
    assert ledger.notes() == ["a"]


def test_the_connection_may_stand_anywhere_among_the_parameters(ledger: Ledger) -> None:
    calls = '(note-first "a") (note-first "b" 2) (note-between "c") (note-between "d" 2)'
    assert ledger.run(f"(list {calls})") == [1, 2, 1, 2]
    assert ledger.notes() == ["a", "b", "b", "c", "d", "d"]
    with pytest.raises(RunStopped, match="expected 1 to 2 arguments, got 0"):
        ledger.run("(note-first)", "s")


def test_a_savepoint_of_its_own_undoes_a_part(ledger: Ledger) -> None:
    ledger.run('(note-twice "a")')
    assert ledger.notes() == ["a"]


@pytest.mark.parametrize(("name", "kind"), [("fails", "effect-error"), ("weird", "boundary-error")])
def test_whatever_goes_wrong_undoes_it(ledger: Ledger, name: str, kind: str) -> None:
    body = f'(let ((k (guard (c (#t (symbol->string (condition-kind c)))) ({name} "a")))) (note "b") k)'
    assert ledger.run(body) == kind
    assert ledger.notes() == ["b"]


def test_it_is_tried_again_by_its_mark_and_by_the_program_s_policy(ledger: Ledger) -> None:
    ledger.run(
        '(begin (flaky "a") (with-retry \'((attempts . 3) (backoff . 0)) (lambda () (unmarked "b"))))'
    )
    assert ledger.notes() == ["a", "b"]


def test_without_a_policy_it_fails_at_once(ledger: Ledger) -> None:
    with pytest.raises(RunStopped, match="ConnectionError"):
        ledger.run('(unmarked "a")')
    assert ledger.notes() == []
    ledger.engine.retry("r")
    with pytest.raises(RunStopped):
        ledger.engine.result("r", timeout=WAIT_S)
    ledger.engine.retry("r")
    ledger.engine.result("r", timeout=WAIT_S)
    assert ledger.notes() == ["a"]


def test_tasks_take_turns_and_one_that_is_not_waited_for_any_more_does_nothing(
    ledger: Ledger,
) -> None:
    body = (
        '(begin (all (lambda () (note "a")) (lambda () (note "b")) (lambda () (note "c")))'
        ' (race (lambda () (note "d")) (lambda () (note "e"))) (note "f"))'
    )
    ledger.run(body)
    notes = ledger.notes()
    assert sorted(notes[:3]) == ["a", "b", "c"]
    assert notes[3:] == ["d", "f"]


def test_what_comes_at_the_same_time_does_not_take_the_place_of_what_is_committed(
    tmp_path: Path,
) -> None:
    """A message is there when the effect is performed, and either would end the wait: it is the effect that does."""
    (tmp_path / "ledger.py").write_text(LEDGER)
    programs = Programs()
    program = programs.compile_source(
        "(import (scheme base) (perdure) (python ledger))\n"
        '(define (main) (prepare) (select (effect-operation note "a") (receive-operation)))',
        "program.scm",
        str(tmp_path),
    )
    store = SqliteStore(str(tmp_path / "l.db"))
    programs.save(store, program)
    store.start_runs([NewRun("r", program.name, program.hash, records.dump_arguments([]))])

    def arrive(commit: Commit) -> None:
        live = worker._scheduler.owned.live["r"]
        if commit.seq == 2:
            assert live.transactional
            live.events.append(Arrived("m", "", String("message")))

    worker = Worker(store.another(), programs, Options(until_idle=True), observer=arrive)
    worker.run()
    assert worker.error is None
    result = store.result("r")
    assert result is not None
    assert records.load_result(result).written == '"r/3"'
    store.close()


def test_a_run_in_memory_is_refused_with_a_reason(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "memory:")
    with ledger.engine, pytest.raises(RunStopped, match="in memory can't perform transactional"):
        ledger.run('(note "a")')


def test_an_idempotent_one_is_called_again_by_a_group_with_the_key_that_it_had(
    ledger: Ledger,
) -> None:
    key = ledger.run(
        '(retrying \'((attempts . 3) (backoff . 0)) (let ((k (keyed))) (unmarked "b") k))'
    )
    assert ledger.notes() == [key, "b"]


def test_a_time_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="which can't stop it"):
        effect(transactional=True, timeout=5)


def test_functions_that_can_t_take_part_are_refused() -> None:
    async def later(connection: Any) -> None: ...

    def without(text: str) -> None: ...

    mark: Callable[[Any], Any] = effect(transactional=True)
    with pytest.raises(ValueError, match="not an async one"):
        mark(later)
    with pytest.raises(ValueError, match="a parameter named connection"):
        mark(without)


def test_its_connection_is_no_argument_of_the_program_s() -> None:
    @effect(transactional=True, retry=Retry(attempts=2))
    def note(text: str, connection: Any, times: int = 1) -> None: ...

    def plain(text: str, connection: Any) -> None: ...

    found = describe(note)
    assert (found.least, found.most) == (1, 2)
    assert describe(plain).least == 2
