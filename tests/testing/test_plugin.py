"""The plugin for pytest, in a process of its own: fixtures, the mark, files in Scheme; and nothing where it is not used.

Method: a folder with tests is made, and pytest is run in it as somebody who has installed Perdure would run it.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

PROGRAM = """
(import (scheme base) (perdure) (python shop))
(define (main customer) (sleep 3600) (list 'paid (charge customer)))
"""

TESTS = """
import pytest
from perdure import effect

def test_an_hour_passes(world):
    here = world("order.scm", stubs={"charge": 10})
    run = here.start("ada")
    here.advance(hours=1)
    assert run.result == ["paid", 10]

def test_the_long_name(perdure_world, tmp_path):
    (tmp_path / "one.scm").write_text("1")
    assert perdure_world("one.scm", directory=tmp_path).start().result == 1

@pytest.mark.crash_everywhere
def test_it_survives(world):
    here = world("order.scm", stubs={"charge": effect(idempotent=True)(lambda customer: 10)})
    run = here.start("ada")
    here.run()
    assert run.result == ["paid", 10]

charged = []

@pytest.mark.crash_everywhere(points_max=100)
def test_it_does_not_survive(world):
    def charge(customer):
        charged.append(customer)
        return len(charged)
    here = world("order.scm", stubs={"charge": effect(idempotent=True)(charge)})
    here.start("ada")
    here.run()

@pytest.mark.crash_everywhere
def test_without_the_fixture():
    pass
"""

SCHEME = """
(import (scheme base) (srfi 64) (perdure world))
(test-begin "order")
(define world (make-world "order.scm" (stub 'charge 10)))
(define run (world-start world "ada"))
(world-run world)
(test-equal '(paid WANTED) (run-result run))
(test-end)
"""


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    installed = any(found.name == "perdure" for found in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "perdure.testing.plugin"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--strict-markers",
         *plugin, *arguments],
        cwd=folder, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_fixtures_and_the_mark(tmp_path: Path) -> None:
    (tmp_path / "order.scm").write_text(PROGRAM)
    (tmp_path / "test_order.py").write_text(TESTS)
    done = pytest_in(tmp_path)
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert "2 failed" in done.stdout
    assert "with the worker killed before the commit of turn 1 of run-1" in done.stdout
    assert "crash_everywhere needs a plain test with the fixture `world`" in done.stdout


def test_files_in_scheme_are_collected(tmp_path: Path) -> None:
    (tmp_path / "order.scm").write_text(PROGRAM)
    (tmp_path / "test_good.scm").write_text(SCHEME.replace("WANTED", "10"))
    (tmp_path / "test_bad.scm").write_text(SCHEME.replace("WANTED", "11"))
    (tmp_path / "test_wrong.scm").write_text("(")
    done = pytest_in(tmp_path, "-vv")
    assert "test_good.scm::test_good PASSED" in done.stdout, done.stdout + done.stderr
    assert "test_bad.scm: 0 passed, 1 failed" in done.stdout
    assert "expected: (paid 11)" in done.stdout
    assert "test_wrong.scm:1:1: [P102]" in done.stdout
    assert "1 passed" in done.stdout
    assert "2 failed" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_project_that_does_not_use_it_loads_none_of_the_engine(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        "import sys\n"
        "def test_nothing_is_loaded():\n"
        "    assert 'perdure.testing.plugin' in sys.modules\n"
        "    assert 'perdure.engine' not in sys.modules\n"
    )
    done = pytest_in(tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
