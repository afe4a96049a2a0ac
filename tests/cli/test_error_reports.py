"""Every error that a program makes is reported in words that help: where, what was expected, what was found, what to do.

Goal: the exact report of each kind of error, as `perdure run` shows it. Method: reports.txt holds programs, each with its report
below it; what a run adds to every report (its id, how to go on with it) is left out there and tested once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.cli.main import perform_line

CASES = Path(__file__).with_name("reports.txt").read_text(encoding="utf-8")
RULE = "=" * 40 + "\n"
LINE = "-" * 40 + "\n"


def cases() -> list[tuple[str, str]]:
    """Return (program, report) pairs; what stands above the first rule says what the file is."""
    pairs = [case.split(LINE) for case in CASES.split(RULE)[1:]]
    return [(program, report) for program, report in pairs]


def said(program: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run a program in the present folder and return the lines of standard error."""
    Path("p.scm").write_text(program, encoding="utf-8")
    perform_line(["run", "p.scm", "--db", "memory:", "--id", "r"])
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("case", cases(), ids=lambda case: case[0].splitlines()[0].strip("; "))
def test_a_report_says_what_is_wrong_and_where(
    case: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    program, report = case
    lines = said(program, capsys)
    start = lines.index("run r") + 1
    end = lines.index("run r is parked")
    assert lines[start:end] == report.splitlines()


def test_a_report_ends_with_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = said("(import (scheme base))\n(car 5)\n", capsys)
    assert lines[-2:] == [
        "run r is parked",
        (
            "next: `perdure restart r` lists the ways to go on, "
            "`perdure retry r` does the failing operation again, `perdure cancel r` ends the run"
        ),
    ]
