"""Workers that compute, hang or are stopped: who keeps their runs, and what becomes of their effects.

Method: `perdure worker` processes on one SQLite database with a lease of a second; what is stored tells who had which
run. Nothing here waits for a fixed time: each step waits until the database says that the step before has happened.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from workers import LEASE_S, TIMEOUT_S, Place

from perdure.base import limits
from perdure.engine import beating
from perdure.engine.heartbeat import Pulse
from perdure.store.memory import MemoryStore

MODULE = """
import os, time
from perdure import builtin

def line(file, text):
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, (text + "\\n").encode())
    os.close(fd)

async def tick(i, idempotency_key):
    line("ticks.txt", idempotency_key)
    return i

@builtin
def hang_once():
    if not os.path.exists("hung.txt"):
        line("hung.txt", str(os.getpid()))
        time.sleep(1000)
    return True
"""

COMPUTES = """
(import (scheme base) (perdure))
(define (main) (sleep 1.5) (odd? (expt 3 10000000)))
"""

TICKS = """
(import (scheme base) (perdure) (python acts))
(define (main n)
  (let loop ((i 0) (doubts 0))
    (if (= i n)
        doubts
        (let ((unknown (guard (e (#t 1)) (tick i) 0)))
          (sleep 0.01)
          (loop (+ i 1) (+ doubts unknown))))))
"""

HANGS = """
(import (scheme base) (perdure) (python acts))
(define (main) (sleep 1.5) (hang-once))
"""

QUICK = "(import (scheme base))\n(define (main) 'done)"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, MODULE, computes=COMPUTES, ticks=TICKS, hangs=HANGS, quick=QUICK)
    yield made
    made.close()


def test_a_worker_inside_one_long_c_call_keeps_its_runs(place: Place) -> None:
    busy = place.worker("busy")
    run_id = place.start("computes", id="r")
    place.until(lambda: place.engine.find(run_id).owner == place.owners()["busy"])
    place.worker("rival")
    answer = place.wait(run_id)
    assert answer.status == "completed"
    run = place.engine.find(run_id)
    assert run.epoch == 1
    first, *_, last = place.engine.log(run_id)
    assert last.at - first.at > 1.5 + 1.5 * LEASE_S, "the call must outlast a lease"
    assert busy.poll() is None
    assert "lease lost" not in place.told("busy")


def test_a_stopped_worker_loses_its_runs_and_commits_nothing_when_it_goes_on(place: Place) -> None:
    first = place.worker("first")
    run_id = place.start("ticks", 150, id="r")
    place.until(lambda: place.engine.find(run_id).seq > 20)
    old = place.owners()["first"]
    place.stop_outside_of_a_commit(first)
    stopped_at = time.monotonic()
    place.worker("second")
    place.until(lambda: place.engine.find(run_id).epoch == 2)
    assert time.monotonic() - stopped_at > LEASE_S / 2
    os.kill(first.pid, signal.SIGCONT)
    place.until(lambda: place.owners().get("first", old) != old)
    answer = place.wait(run_id)
    assert answer.result is not None
    assert answer.result.value in (0, 1)  # at most the one effect that was going on is in doubt
    performed = Counter((place.folder / "ticks.txt").read_text().split())
    assert max(performed.values()) == 1
    entries = place.engine.log(run_id)
    assert [entry.seq for entry in entries] == list(range(entries[0].seq, entries[-1].seq + 1))
    assert "lease lost" in place.told("first")
    # It goes on under its new number: when the other one is gone, it does what there is to do.
    place.workers[1].send_signal(signal.SIGTERM)
    place.workers[1].wait(TIMEOUT_S)
    again = place.start("quick", id="again")
    answer = place.wait(again)
    assert answer.status == "completed"


def test_a_worker_that_hangs_without_computing_loses_its_runs(place: Place) -> None:
    hung = place.worker("hung")
    run_id = place.start("hangs", id="r")
    place.until((place.folder / "hung.txt").exists)
    place.worker("second")
    answer = place.wait(run_id)
    assert answer.status == "completed"
    assert place.engine.find(run_id).epoch == 2
    assert hung.poll() is None


def test_the_process_that_beats_ends_with_its_worker(place: Place) -> None:
    worker = place.worker("w")
    beater: list[int] = []

    def found() -> bool:
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(worker.pid)],
            check=False,
            capture_output=True,
            text=True,
        ).stdout
        beater[:] = [int(row.split()[0]) for row in listed.splitlines() if "beside" in row]
        return bool(beater)

    place.until(found)
    worker.kill()
    worker.wait()
    place.until(lambda: not Path(f"/proc/{beater[0]}").exists())


def test_a_worker_that_computes_for_too_long_without_coming_round_is_killed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(limits, "TURN_STUCK_S", 0.5)
    store = MemoryStore(lease_s=0.3)
    owner = store.register_owner("w")
    pulse = Pulse()
    stuck = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    reading, writing = os.pipe()
    never, kept = os.pipe()  # standard input that does not end
    monkeypatch.setattr(sys, "stdin", os.fdopen(never))
    try:
        beating.beat(store, owner, beating.Progress(pulse.descriptor, stuck.pid), writing)
        assert stuck.wait(TIMEOUT_S) == -signal.SIGKILL
        assert "without coming back" in capfd.readouterr().err
        assert store.reap_dead_owners() == 0  # the lease was renewed meanwhile
    finally:
        stuck.kill()
        for descriptor in (reading, writing, kept):
            os.close(descriptor)
        sys.stdin.close()
        pulse.close()


def test_progress_is_what_the_pulse_or_the_processor_says() -> None:
    pulse = Pulse()
    asleep = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        used = -1.0
        while used != (used := beating.cpu_s(asleep.pid)):  # until it has started up
            time.sleep(0.1)
        progress = beating.Progress(pulse.descriptor, asleep.pid)
        assert not progress.made()
        pulse.advance()
        assert progress.made()
        assert not progress.made()
    finally:
        asleep.kill()
        asleep.communicate()
        pulse.close()
    assert beating.cpu_s(asleep.pid) == 0.0
