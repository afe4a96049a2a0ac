"""Commands load what they need and no more: what keeps `perdure list` quick on any machine.

Method: the names of the modules that a process has imported, not a clock.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Perdure = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]

MODULES = """
import sys
from perdure.cli.main import perform_line
perform_line(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
"""


def modules_of(folder: Path, *words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", MODULES, *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(done.stderr.splitlines()[-1].split())


def test_list_loads_neither_typer_nor_rich_nor_the_engine(
    perdure: Perdure, write: Write, tmp_path: Path
) -> None:
    write("hello.scm", "(import (scheme base)) 1")
    perdure("run", "hello.scm")
    loaded = modules_of(tmp_path, "list", "--db", "sqlite:test.db")
    assert "perdure.store.sqlite" in loaded
    assert not loaded & {"typer", "rich", "perdure.app", "perdure.compiler.emit"}


def test_run_loads_neither_typer_nor_rich(write: Write, tmp_path: Path) -> None:
    write("hello.scm", "(import (scheme base)) 1")
    loaded = modules_of(tmp_path, "run", "hello.scm", "--db", "sqlite:test.db")
    assert "perdure.compiler.emit" in loaded
    assert not loaded & {"typer", "rich"}


def test_a_worker_that_logs_nothing_does_not_load_structlog(write: Write, tmp_path: Path) -> None:
    write("hello.scm", "(import (scheme base)) 1")
    loaded = modules_of(tmp_path, "worker", "--until-idle", "--db", "sqlite:test.db")
    assert "perdure.engine.journal" in loaded
    assert "structlog" not in loaded
