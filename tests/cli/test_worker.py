"""The options of `perdure worker`: what it prints, what it counts, and how much it does at once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Perdure = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]

MODULE = """
import asyncio, os, threading, time
from perdure import effect, Retry

lock = threading.Lock()
now = most = 0
tries = []

def enter():
    global now, most
    with lock:
        now += 1
        most = max(most, now)

def leave():
    global now
    with lock:
        now -= 1

@effect(idempotent=True)
def plain(x):
    enter()
    time.sleep(0.02)
    leave()
    return x

@effect(idempotent=True)
async def later(x):
    enter()
    await asyncio.sleep(0.02)
    leave()
    return x

@effect(idempotent=True, retry=Retry(attempts=2, base_s=0.001))
def shaky(idempotency_key):
    with open("tries", "a") as file:
        file.write("x")
    if os.path.getsize("tries") == 1:
        raise ValueError("not yet")

def at_most():
    return most
"""

PROGRAM = """
(import (scheme base) (perdure) (python parts))
(define (main kind)
  (let ((go (if (equal? kind "plain") plain later)))
    (apply all (map (lambda (n) (lambda () (go n))) '(1 2 3 4 5 6 7 8))))
  (at-most))
"""

SHAKY = "(import (scheme base) (python parts))\n(define (main) (shaky))"


@pytest.mark.parametrize(("kind", "option"), [("plain", "--threads"), ("later", "--effects")])
def test_no_more_effects_go_on_at_once_than_the_option_says(
    perdure: Perdure, write: Write, kind: str, option: str
) -> None:
    write("parts.py", MODULE)
    write("program.scm", PROGRAM)
    for run_id in ("a", "b"):
        perdure("start", "program.scm", kind, "--id", run_id)
    done = perdure("worker", "--until-idle", option, "3")
    assert done.returncode == 0, done.stderr
    found = [perdure("result", run_id).stdout.strip() for run_id in ("a", "b")]
    assert max(found) == "3"


def test_events_are_logged_as_json_lines_with_run_and_owner(perdure: Perdure, write: Write) -> None:
    write("parts.py", MODULE)
    write("program.scm", SHAKY)
    perdure("start", "program.scm", "--id", "r")
    logged = ("--log-format", "json", "--log-level", "debug", "--name", "w1")
    text = ""
    for _ in range(2):  # a worker does not wait for the second attempt, until it is idle
        text += perdure("worker", "--until-idle", *logged).stderr
    lines = [json.loads(line) for line in text.splitlines()]
    by_event = {line["event"]: line for line in lines}
    assert {line["worker"] for line in lines} == {"w1"}
    assert {line["owner"] for line in lines} == {1, 2}
    assert lines[0]["event"] == "worker started"
    assert lines[-1]["event"] == "worker ended"
    assert by_event["run claimed"]["run"] == "r"
    assert by_event["run ended"]["status"] == "completed"
    retried = by_event["effect retried"]
    assert (retried["level"], retried["run"], retried["effect"]) == ("warning", "r", "shaky")
    assert "timestamp" in retried


def test_events_are_logged_for_people(perdure: Perdure, write: Write) -> None:
    write("program.scm", "(import (scheme base))\n(car 5)")
    perdure("start", "program.scm", "--id", "r")
    done = perdure("worker", "--until-idle", "--log-level", "warning")
    assert "run parked" in done.stderr
    assert "run=r" in done.stderr
    assert "worker started" not in done.stderr


def test_numbers_are_printed_at_the_end_and_are_part_of_the_json(
    perdure: Perdure, write: Write
) -> None:
    write("parts.py", MODULE)
    write("program.scm", SHAKY)
    perdure("start", "program.scm", "--id", "r")
    done = perdure("worker", "--until-idle", "--stats", "0", "--json")
    found = json.loads(done.stdout)
    assert found["stats"]["effects_started"] == 1
    assert found["stats"]["effects_retried"] == 1
    assert "effects_retried" in done.stderr
    assert "leases_lost" not in done.stderr  # zeros are left out


@pytest.mark.parametrize(
    ("option", "given"), [("--log-format", "xml"), ("--log-level", "loud"), ("--runs", "0")]
)
def test_a_wrong_option_is_refused_with_a_next_step(
    perdure: Perdure, option: str, given: str
) -> None:
    done = perdure("worker", "--until-idle", option, given)
    assert done.returncode == 2
    assert option in done.stderr
    assert "P303" in done.stderr
