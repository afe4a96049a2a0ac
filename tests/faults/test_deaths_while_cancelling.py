"""A worker that is killed in the middle of a clean-up that blocks: the clean-up goes on in another one, each step once.

Method: `perdure worker` processes on a SQLite database; the steps write their keys to a file; the killed one is inside a step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from workers import Place

MODULE = """
import asyncio, os, time
from pathlib import Path
from perdure import effect

HERE = Path(__file__).parent

def line(text):
    fd = os.open(HERE / "done.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, (text + "\\n").encode())
    os.close(fd)

@effect(idempotent=True)
async def undo(name, held=False):
    line("begin " + name)
    while held and not (HERE / "release").exists():
        await asyncio.sleep(0.01)
    line("end " + name)
    return name

def forever(cancellation):
    line("begin forever")
    cancellation.wait()
    line("told " + cancellation.reason)
"""

PROGRAM = """
(import (scheme base) (scheme write) (perdure) (python acts))
(define (main)
  (dynamic-wind void
    (lambda ()
      (dynamic-wind void
        (lambda () (dynamic-wind void (lambda () (forever)) (lambda () (undo "third"))))
        (lambda () (undo "second" #t))))
    (lambda () (sleep 0.05) (undo "first") (display (cancellation-reason)))))
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, MODULE, saga=PROGRAM)
    yield made
    made.close()


def done(place: Place) -> Counter[str]:
    path = place.folder / "done.txt"
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


def test_a_clean_up_goes_on_in_another_worker(place: Place) -> None:
    place.start("saga", id="s")
    worker = place.worker("one")
    place.until(lambda: done(place)["begin forever"] == 1)
    place.engine.cancel("s", "sold out")
    place.until(lambda: done(place)["begin second"] == 1)
    assert done(place)["told sold out"] == 1
    worker.kill()
    worker.wait()
    place.worker("two")
    place.until(lambda: done(place)["begin second"] == 2)
    (place.folder / "release").touch()
    answer = place.wait("s")
    assert answer.status == "cancelled"
    assert answer.error is not None
    assert answer.error.reason == "sold out"
    assert place.engine.output("s") == "sold out"
    assert done(place) == {
        "begin forever": 1,
        "told sold out": 1,
        "begin third": 1,
        "end third": 1,
        "begin second": 2,
        "end second": 1,
        "begin first": 1,
        "end first": 1,
    }
    assert "forever was in progress" in place.engine.log_lines("s")[0].message


def test_a_deadline_for_the_clean_up_holds_in_another_worker(place: Place) -> None:
    place.start("saga", id="s")
    worker = place.worker("one")
    place.until(lambda: done(place)["begin forever"] == 1)
    place.engine.cancel("s", deadline_s=1.0)
    place.until(lambda: done(place)["begin second"] == 1)
    worker.kill()
    worker.wait()
    place.worker("two")
    answer = place.wait("s")
    assert answer.error is not None
    assert answer.error.forced
    assert done(place)["end second"] == done(place)["begin first"] == 0


def test_a_paused_run_rests_in_every_worker(place: Place) -> None:
    place.start("saga", id="s")
    worker = place.worker("one")
    place.until(lambda: done(place)["begin forever"] == 1)
    place.engine.pause("s")
    place.until(lambda: place.engine.find("s").detail == "paused")
    worker.kill()
    worker.wait()
    place.worker("two")
    # The effect is in doubt now; the task hears of it when it goes on.
    place.until(lambda: place.engine.find("s").owner == 0 and place.engine.find("s").epoch > 1)
    assert place.engine.find("s").detail == "paused"
    (place.folder / "release").touch()
    place.engine.resume("s")
    answer = place.wait("s")
    assert answer.error is not None
    assert answer.error.kind == "outcome-unknown"
