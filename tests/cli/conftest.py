"""A folder, and the command line as a process of its own in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TIMEOUT_S = 60

Perdure = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def perdure(tmp_path: Path) -> Perdure:
    """Return a procedure that performs a command line and returns exit code, stdout and stderr."""

    def perform(
        *words: str, given: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "perdure", *words],
            cwd=tmp_path,
            env=os.environ
            | {"PERDURE_DB": "sqlite:test.db", "XDG_STATE_HOME": str(tmp_path)}
            | environment,
            check=False,
            timeout=TIMEOUT_S,
            input=given,
            capture_output=True,
            text=True,
        )

    return perform


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a procedure that writes a file into the folder."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file
