"""`perdure test`: which files are run, what is printed, and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

GOOD = """
(import (scheme base) (scheme write) (srfi 64))
(test-begin "sums")
(display "hello") (newline)
(test-equal 2 (+ 1 1))
(test-end)
"""
BAD = GOOD.replace("test-equal 2", "test-equal 3")


def perdure_test(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perdure", "test", *arguments],
        cwd=folder, check=False, capture_output=True, text=True, timeout=120,
        env=os.environ | {"PERDURE_DB": "sqlite:/nowhere/at/all.db"},
    )  # fmt: skip


def test_all_files_of_a_folder_are_run_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "b" / "test_one.scm").write_text(GOOD)
    (tmp_path / "test_two.scm").write_text(GOOD)
    (tmp_path / ".hidden" / "test_no.scm").write_text("(")
    (tmp_path / "other.scm").write_text("(")
    done = perdure_test(tmp_path)
    assert done.stdout == "test_two.scm: 1 passed\nb/test_one.scm: 1 passed\n"
    assert done.returncode == 0
    assert perdure_test(tmp_path, "b").stdout == "b/test_one.scm: 1 passed\n"
    verbose = perdure_test(tmp_path, "b/test_one.scm", "--verbose").stdout
    assert verbose == "hello\nsums: 1 passed\nb/test_one.scm: 1 passed\n"


def test_what_fails_is_shown(tmp_path: Path) -> None:
    (tmp_path / "test_bad.scm").write_text(BAD)
    (tmp_path / "test_wrong.scm").write_text("(car")
    done = perdure_test(tmp_path)
    assert done.returncode == 1
    assert "expected: 3" in done.stdout
    assert "test_bad.scm: 0 passed, 1 failed" in done.stdout
    assert "test_wrong.scm: 0 passed, and did not come to its end" in done.stdout


def test_json_has_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "test_bad.scm").write_text(BAD)
    done = perdure_test(tmp_path, "--json")
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)
    assert found["file"] == "test_bad.scm"
    assert (found["good"], found["passed"], found["failed"]) == (False, 0, 1)


def test_a_call_without_tests_is_a_wrong_call(tmp_path: Path) -> None:
    done = perdure_test(tmp_path)
    assert done.returncode == 2
    assert "there is no file test_*.scm in this folder or below" in done.stderr
    missing = perdure_test(tmp_path, "nothing.scm")
    assert missing.returncode == 2
    assert "nothing.scm is not there" in missing.stderr
