"""Whatever is wrong with a call is said in one paragraph, with the documented exit code, and no Python traceback."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Perdure = Callable[..., "subprocess.CompletedProcess[str]"]
Write = Callable[[str, str], Path]

CALLS: list[tuple[list[str], int, str]] = [
    (["run"], 2, "P303"),
    (["run", "missing.scm"], 2, "P108"),
    (["run", "."], 2, "P108"),
    (["run", "open.scm"], 2, "P102"),
    (["run", "deep.scm"], 2, "P106"),
    (["run", "bytes.scm"], 2, "P108"),
    (["run", "os.scm"], 2, "P310"),
    (["run", "good.scm", "{bad"], 2, "P303"),
    (["run", "good.scm", "[" * 10_000], 2, "P303"),
    (["run", "good.scm", "--id", ""], 2, "P301"),
    (["run", "good.scm", "--id", "a b"], 2, "P301"),
    (["run", "good.scm", "--id", "x" * 500], 2, "P301"),
    (["run", "--id", "nobody"], 2, "P307"),
    (["run", "good.scm", "--db", "nonsense"], 2, "P303"),
    (["run", "good.scm", "--db", "sqlite:no/such/folder.db"], 3, "P408"),
    (["run", "good.scm", "--db", "sqlite:good.scm"], 3, "P404"),
    (["run", "good.scm", "--db", "sqlite:other.db"], 3, "P404"),
    (["list", "--db", "sqlite:none.db"], 2, "P304"),
    (["list", "--status", "odd", "--db", "sqlite:none.db"], 2, "P303"),
    (["send", "x", "1", "--db", "sqlite:none.db"], 2, "P304"),
    (["result", "x", "--db", "sqlite:none.db"], 2, "P304"),
    (["demo", "--kills", "99"], 2, "P303"),
    (["nonsense"], 2, "No such command"),
    (["run", "good.scm", "--nonsense"], 2, ""),
    (["list", "--limit", "many"], 2, "limit"),
]


@pytest.mark.parametrize(("words", "code", "told"), CALLS, ids=lambda value: str(value)[:30])
def test_a_wrong_call_is_explained(
    perdure: Perdure, write: Write, tmp_path: Path, words: list[str], code: int, told: str
) -> None:
    write("good.scm", "(import (scheme base)) 'fine")
    write("open.scm", "(display (car 5")
    write("deep.scm", "(" * 100_000)
    write("os.scm", "(import (scheme base) (python os)) 1")
    (tmp_path / "bytes.scm").write_bytes(b"\xff\xfe\x00")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE somebody_elses (x)")
    other.commit()
    other.close()
    done = perdure(*words)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr) < 2_000


def test_a_read_only_database_is_explained(perdure: Perdure, write: Write, tmp_path: Path) -> None:
    write("good.scm", "(import (scheme base)) 'fine")
    perdure("run", "good.scm")
    for path in tmp_path.glob("test.db*"):
        if path.is_file():
            path.chmod(0o444)
    done = perdure("run", "good.scm")
    assert done.returncode in (0, 3)  # the superuser may write in any case
    assert "Traceback" not in done.stderr


def test_a_bug_of_ours_is_said_in_one_paragraph(perdure: Perdure, tmp_path: Path) -> None:
    """Method: a module that the command needs can't be imported."""
    (tmp_path / "msgspec.py").write_text("raise RuntimeError('broken')", encoding="utf-8")
    done = perdure("list", PYTHONPATH=str(tmp_path), PERDURE_DEBUG="./details.txt")
    assert done.returncode == 70
    assert "P900" in done.stderr
    assert "Traceback" not in done.stderr
    assert "RuntimeError: broken" in (tmp_path / "details.txt").read_text(encoding="utf-8")


def test_a_flipped_bit_quarantines_the_run_and_says_so(
    perdure: Perdure, write: Write, tmp_path: Path
) -> None:
    write("ask.scm", "(import (scheme base) (perdure)) (define (main) (receive-message))")
    perdure("start", "ask.scm", "--id", "a")
    perdure("worker", "--until-idle")
    with sqlite3.connect(tmp_path / "test.db") as database:
        ((payload,),) = database.execute("SELECT payload FROM snapshots").fetchall()
        damaged = bytearray(payload)
        damaged[len(damaged) // 2] ^= 1
        database.execute("UPDATE snapshots SET payload = ?", (bytes(damaged),))
    database.close()
    assert perdure("show", "a").returncode == 4
    for _ in range(2):
        done = perdure("run", "--id", "a")
        assert done.returncode == 4
        assert "P501" in done.stderr
        assert perdure("retry", "a").returncode == 0
