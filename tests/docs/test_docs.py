"""Every code block of the documentation works.

Method: a document is one session in one empty folder. A block whose first line is a comment with a file name is written to
that file. `scheme` blocks without a name are run in a simulated world; `;=> value` says what they give. `python` blocks
without a name are executed. In `console` blocks each line `$ perdure ...` is executed, and what follows must be what it
prints; `…` stands for anything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure.engine.loading import Programs
from perdure.testing.stress import World

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:;;|#) ([\w-]+\.(?:scm|py))\n")
TIMEOUT_S = 60
ON_POSTGRES = ("use-postgresql.md",)
"""Documents whose database is a PostgreSQL one, made for the test."""


def blocks_of(path: Path) -> Iterator[tuple[str, str]]:
    for found in BLOCK.finditer(path.read_text(encoding="utf-8")):
        yield found.group(1), found.group(2)


def with_code() -> list[Path]:
    kinds = {"scheme", "python", "console"}
    return [path for path in DOCUMENTS if any(kind in kinds for kind, _ in blocks_of(path))]


@pytest.fixture(scope="module")
def programs() -> Programs:
    return Programs()


@pytest.mark.parametrize("path", with_code(), ids=lambda path: path.name)
def test_the_code_of_a_document_works(
    path: Path,
    tmp_path: Path,
    programs: Programs,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    if path.name in ON_POSTGRES:
        monkeypatch.setenv("PERDURE_DB", request.getfixturevalue("empty_postgres_url"))
    for kind, text in blocks_of(path):
        named = NAMED.match(text)
        if named is not None:
            (tmp_path / named.group(1)).write_text(text, encoding="utf-8")
        elif kind == "scheme":
            _scheme(programs, text, tmp_path)
        elif kind == "python":
            _python(path, text)
        elif kind == "console":
            _console(text, tmp_path)


def _scheme(programs: Programs, text: str, folder: Path) -> None:
    world = World(programs)
    run_id = world.start(programs.compile_source(text, "block.scm", str(folder)))
    world.go()
    trace = world.trace(run_id)
    assert trace.status == "completed", trace.result
    wanted = re.search(r"^;=> (.*)$", text, re.MULTILINE)
    if wanted is not None:
        assert trace.result == wanted.group(1)


def _python(path: Path, text: str) -> None:
    if "await " in text or path.name == "python-api.md":
        # Written for somebody's own service: it must at least be Python.
        compile(text, str(path), "exec", flags=0x2000)  # top-level await
        return
    exec(compile(text, str(path), "exec"), {"__name__": "document"})


def _console(text: str, folder: Path) -> None:
    command: str | None = None
    wanted: list[str] = []
    for line in [*text.splitlines(), "$ "]:
        if not line.startswith("$ "):
            wanted.append(line)
            continue
        if command is not None:
            _expect(command, wanted, folder)
        command, wanted = line[2:], []


def _expect(command: str, wanted: list[str], folder: Path) -> None:
    """Perform a command and compare what it prints, notices and ids of runs apart."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, check=False, timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    lines = [
        line
        for line in done.stdout.splitlines()
        if line.strip()
        and not re.match(r"run \S+( goes on.*)?$|notice: |\S+  (completed|parked)", line)
    ]
    text = "\n".join(lines)
    pattern = "\n".join(_line_pattern(line) for line in wanted if line.strip())
    assert re.fullmatch(pattern, text, re.DOTALL), f"$ {command}\n{done.stdout}"


def _line_pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("…"))
