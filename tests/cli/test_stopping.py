"""perdure cancel, pause and resume: one run or many, what they say, and what becomes of the runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Perdure = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]

PATIENT = """
(import (scheme base) (scheme write) (perdure))
(define (main)
  (dynamic-wind void
                (lambda () (display "waits") (receive-message))
                (lambda () (display "cleans") (receive-message) (display "cleaned"))))
"""


def worked(perdure: Perdure) -> None:
    done = perdure("worker", "--until-idle")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def runs(perdure: Perdure, write: Write) -> list[str]:
    """Three runs that wait: a and b of one program, c of another."""
    write("patient.scm", PATIENT)
    write("other.scm", PATIENT)
    for run_id, program in (("a", "patient"), ("b", "patient"), ("c", "other")):
        assert perdure("start", f"{program}.scm", "--id", run_id).returncode == 0
    worked(perdure)
    return ["a", "b", "c"]


def states(perdure: Perdure) -> dict[str, tuple[str, str]]:
    listed = json.loads(perdure("list", "--json").stdout)
    return {run["id"]: (run["status"], run["detail"]) for run in listed}


def test_a_run_cleans_up_and_shows_why(perdure: Perdure, runs: list[str]) -> None:
    done = perdure("cancel", "a", "--reason", "sold out")
    assert done.returncode == 0
    assert done.stdout == "run a will be cancelled by whoever executes it\n"
    worked(perdure)
    assert states(perdure)["a"] == ("waiting", "cancelling: a message")
    shown = perdure("show", "a").stdout
    assert "cancelling: sold out\n" in shown
    assert "task 1 main: waiting, cancelling" in shown
    perdure("send", "a", "go")
    worked(perdure)
    result = perdure("result", "a", "--json")
    assert result.returncode == 1
    error = json.loads(result.stdout)["error"]
    assert error["message"] == "the run was cancelled: sold out"
    assert (error["reason"], error["forced"]) == ("sold out", False)
    assert perdure("output", "a").stdout.strip() == "waitscleanscleaned"
    again = perdure("cancel", "a")
    assert (again.returncode, again.stdout) == (0, "run a is cancelled already\n")


def test_a_deadline_and_force_end_it(perdure: Perdure, runs: list[str]) -> None:
    perdure("cancel", "a", "--deadline", "1000")
    perdure("cancel", "b", "--force", "--reason", "now")
    worked(perdure)
    assert "cancelling, by force at 2" in perdure("show", "a").stdout
    assert states(perdure)["b"][0] == "cancelled"
    said = perdure("result", "b").stderr
    assert "cancelled: now (by force: what was left of its clean-up is not done)" in said
    assert "ended by force" in perdure("log", "b").stdout
    perdure("cancel", "a", "--deadline", "0")
    worked(perdure)
    assert states(perdure)["a"][0] == "cancelled"


def test_many_runs_are_cancelled_by_ids_program_or_state(perdure: Perdure, runs: list[str]) -> None:
    dry = perdure("cancel", "--program", "patient", "--force", "--dry-run", "--json")
    documents = json.loads(dry.stdout)
    assert [(one["id"], one["cancelled"]) for one in documents] == [("b", False), ("a", False)]
    worked(perdure)
    assert {state for state, _ in states(perdure).values()} == {"waiting"}
    perdure("cancel", "--program", "patient", "--status", "waiting", "--force")
    worked(perdure)
    assert [states(perdure)[r][0] for r in runs] == ["cancelled", "cancelled", "waiting"]
    said = perdure("cancel", "a", "c", "--force").stdout
    assert (
        said == "run c will be ended by force by whoever executes it\nrun a is cancelled already\n"
    )
    worked(perdure)
    assert states(perdure)["c"][0] == "cancelled"
    none = perdure("cancel", "--status", "waiting")
    assert none.stdout == "no such run has anything to be done\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("cancel",), "say which runs"),
        (("pause",), "say which runs"),
        (("cancel", "a", "nowhere"), "no run 'nowhere'"),
        (("cancel", "--status", "sleeping"), "'sleeping' is not a state of a run"),
        (("cancel", "a", "--force", "--deadline", "5"), "--force leaves no time to clean up"),
        (("cancel", "a", "--deadline", "-1"), "--deadline: expected seconds, got -1"),
    ],
)
def test_a_call_that_makes_no_sense_does_nothing(
    perdure: Perdure, runs: list[str], words: tuple[str, ...], told: str
) -> None:
    done = perdure(*words)
    assert done.returncode == 2
    assert told in done.stderr
    worked(perdure)
    assert {state for state, _ in states(perdure).values()} == {"waiting"}


def test_a_paused_run_rests_until_it_is_resumed(perdure: Perdure, runs: list[str]) -> None:
    assert perdure("pause", "a").stdout == "run a will be paused by whoever executes it\n"
    worked(perdure)
    assert states(perdure)["a"] == ("parked", "paused")
    perdure("send", "a", "hello")
    worked(perdure)
    assert states(perdure)["a"] == ("parked", "paused")
    shown = perdure("show", "a").stdout
    assert "state    parked (paused)" in shown
    assert "perdure resume a" in shown
    result = perdure("result", "a")
    assert result.returncode == 1
    assert "run a is paused: `perdure resume a` lets it go on" in result.stderr
    for words in (("restart", "a"), ("restart", "a", "abort"), ("retry", "a")):
        refused = perdure(*words)
        assert refused.returncode == 2
        assert "run a is paused" in refused.stderr
    assert perdure("resume", "b").stdout == "run b is waiting, not paused\n"
    assert perdure("resume", "a").stdout == "run a will be resumed by whoever executes it\n"
    worked(perdure)
    assert states(perdure)["a"] == ("waiting", "a message")
    assert perdure("output", "a").stdout.strip() == "waitscleans"


def test_many_runs_are_paused_and_resumed(perdure: Perdure, runs: list[str]) -> None:
    perdure("pause", "--status", "waiting")
    worked(perdure)
    assert set(states(perdure).values()) == {("parked", "paused")}
    dry = json.loads(perdure("resume", "--program", "patient", "--dry-run", "--json").stdout)
    assert [one["id"] for one in dry] == ["b", "a"]
    perdure("resume", "--program", "patient")
    worked(perdure)
    assert [states(perdure)[r][0] for r in runs] == ["waiting", "waiting", "parked"]
