"""A run goes on in its old code although the standard library was changed under it.

Goal: frames of library procedures find their definitions in the database, not in the installed library.
Method: suspend a run inside `map`, then resume it with a library whose `map` compiles to other code.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from perdure import Engine
from perdure.frontends.scheme import standard
from perdure.toolchain import toolchain

PROGRAM = """
(import (scheme base) (perdure))
(define (main) (map (lambda (x) (+ x (receive-message))) '(1 2 3)))
"""


def test_a_frame_of_an_old_library_goes_on_in_its_old_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program.scm"
    program.write_text(PROGRAM)
    database = f"sqlite:{tmp_path}/runs.db"
    waiting = threading.Event()
    with Engine(
        database,
        cache_dir=tmp_path / "old",
        observer=lambda commit: waiting.set() if commit.status == "waiting" else None,
    ) as engine:
        engine.start(program, id="one")
        engine.send("one", 10, message_id="a")
        assert waiting.wait(20)

    sources = standard.standard_sources()
    old, new = "(define (%map-1 proc list1)", "(define (%map-1 proc list1) (void)"
    assert any(old in text for _, text in sources)
    changed = [(path, text.replace(old, new)) for path, text in sources]
    monkeypatch.setattr(standard, "standard_sources", lambda: changed)
    monkeypatch.setattr(toolchain, "default_cache_dir", lambda: tmp_path / "new")
    with Engine(database) as engine:
        engine.send("one", 20, message_id="b")
        engine.send("one", 30, message_id="c")
        assert engine.result("one", timeout=20) == [11, 22, 33]
