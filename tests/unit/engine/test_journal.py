"""What a worker tells its operator: through the standard logging tree, with fields, and silent unless asked."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from perdure import Engine
from perdure.base.errors import RunStopped
from perdure.engine.journal import LOGGER, Journal, Message

MODULE = """
from perdure import effect, Retry

@effect(idempotent=True, retry=Retry(attempts=2, base_s=0.001))
def shaky():
    raise ValueError("no luck")
"""

PROGRAM = """
(import (scheme base) (perdure) (python parts))
(define (main) (shaky))
"""


def test_an_embedded_engine_tells_the_host_s_logging_what_happens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "parts.py").write_text(MODULE)
    (tmp_path / "program.scm").write_text(PROGRAM)
    caplog.set_level(logging.DEBUG, "perdure")
    with (
        Engine(f"sqlite:{tmp_path}/j.db") as engine,
        pytest.raises(RunStopped, match="no luck"),
    ):
        engine.run(tmp_path / "program.scm", id="r")
    told = {
        record.msg.event: (record.levelname, record.msg.fields)
        for record in caplog.records
        if isinstance(record.msg, Message)
    }
    owner = told["worker started"][1]["owner"]
    assert told["run claimed"][1]["run"] == "r"
    level, retried = told["effect retried"]
    assert level == "WARNING"
    assert (retried["run"], retried["effect"], retried["attempt"]) == ("r", "shaky", 1)
    assert retried["owner"] == owner
    assert told["effect failed"][1]["attempt"] == 2
    level, parked = told["run parked"]
    assert level == "WARNING"
    assert "no luck" in parked["reason"]
    assert told["worker ended"][1]["effects"] == 2


def test_nothing_is_printed_unless_the_host_asks(capfd: pytest.CaptureFixture[str]) -> None:
    Journal(worker="w").error("lease lost")
    assert capfd.readouterr() == ("", "")
    assert any(isinstance(handler, logging.NullHandler) for handler in LOGGER.handlers)


def test_a_message_reads_as_one_line() -> None:
    assert str(Message("run parked", {"run": "r", "reason": "x"})) == "run parked run=r reason=x"
