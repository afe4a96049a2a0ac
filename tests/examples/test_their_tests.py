"""The tests of the examples pass, and each example has some.

Method: those in Scheme as `perdure test` runs them, those in Python with pytest, in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from perdure.testing.virtual.scheme import run_file

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/test_*.scm")), ids=lambda path: path.name)
def test_the_tests_of_an_example_in_scheme_pass(path: Path) -> None:
    found = run_file(path)
    assert found.good, found.report
    assert found.passed


def test_the_tests_of_the_examples_in_python_pass() -> None:
    files = sorted(str(path) for path in EXAMPLES.glob("*/test_*.py"))
    installed = any(found.name == "perdure" for found in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "perdure.testing.plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *files],
        cwd=EXAMPLES, check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_each_example_has_tests() -> None:
    for folder in EXAMPLES.iterdir():
        if folder.is_dir() and any(folder.glob("*.scm")):
            assert any(folder.glob("test_*")), folder.name
