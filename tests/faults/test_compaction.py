"""A chain of deltas is compacted by another process while its run, and all others, go on.

Method: `perdure worker` with a run that holds many objects and changes all of them again and again; neighbours note when they had
their turns. A second test lets the compacting process die, and looks for what is lost.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from workers import TIMEOUT_S, Place

from perdure.store.opening import open_store

MODULE = """
from perdure import effect

@effect(idempotent=True)
async def quick(x):
    return x
"""

# Each turn replaces a hundred of the strings, so that the chain outgrows the snapshot, most of it garbage.
LARGE = """
(import (scheme base) (perdure) (python acts))
(define (main objects turns)
  (let ((kept (make-vector objects #f)))
    (do ((i 0 (+ i 1))) ((= i objects)) (vector-set! kept i (number->string i)))
    (do ((turn 0 (+ turn 1))) ((= turn turns))
      (do ((i 0 (+ i 1))) ((= i 100))
        (let ((at (modulo (+ (* 101 turn) (* 7 i)) objects)))
          (vector-set! kept at (string-append "turn " (number->string turn) " " (number->string at)))))
      (quick turn))
    (let loop ((i 0) (sum 0))
      (if (= i objects) sum (loop (+ i 1) (+ sum (string-length (vector-ref kept i))))))))
"""

OBJECTS, TURNS = 4_000, 900


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, MODULE, large=LARGE)
    yield made
    made.close()


def expected() -> int:
    kept = [str(i) for i in range(OBJECTS)]
    for turn in range(TURNS):
        for i in range(100):
            at = (101 * turn + 7 * i) % OBJECTS
            kept[at] = f"turn {turn} {at}"
    return sum(map(len, kept))


def stats_of(place: Place, worker: subprocess.Popen[bytes]) -> str:
    worker.send_signal(signal.SIGTERM)
    worker.wait(TIMEOUT_S)
    return place.told("w")


def test_a_long_chain_is_compacted_beside_the_worker_and_nothing_is_lost(place: Place) -> None:
    worker = place.worker("w", "--stats", "0")
    place.start("large", OBJECTS, TURNS, id="r")
    assert place.value("r") == expected()
    told = stats_of(place, worker)
    assert "compaction_s" in told  # only what is compacted aside has its time taken
    assert "compaction failed" not in told


def test_a_run_goes_on_from_a_compacted_chain(place: Place) -> None:
    worker = place.worker("w")
    place.start("large", OBJECTS, TURNS, id="r")
    store = open_store(place.url)
    place.until(lambda: store.load(["r"])[0].snapshot_seq > 1)
    worker.kill()
    worker.wait()
    loaded = store.load(["r"])[0]
    store.close()
    assert loaded.run.seq > loaded.snapshot_seq > 1
    place.worker("again")
    assert place.value("r") == expected()


def test_a_compaction_that_dies_has_changed_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashing = place.folder / "sitecustomize.py"
    crashing.write_text(
        "import os, signal, sys\n"
        "if '-m' in sys.orig_argv and 'perdure.cli.beside' in sys.orig_argv:\n"
        "    import perdure.store.sqlite as found\n"
        "    def die(*given): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    found.SqliteStore.compact = die\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place.folder), *_python_path()]))
    worker = place.worker("w", "--stats", "0")
    place.start("large", OBJECTS, TURNS, id="r")
    assert place.value("r") == expected()
    told = stats_of(place, worker)
    failed = [json.loads(row) for row in told.splitlines() if "compaction failed" in row]
    assert failed
    assert failed[0]["run"] == "r"
    assert "-9" in failed[0]["error"]
    assert "compactions" in told  # it was done within a turn then


def _python_path() -> list[str]:
    given = os.environ.get("PYTHONPATH", "")
    return [given] if given else []
