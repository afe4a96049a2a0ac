"""The benchmark of failures measures what it says: every kind of effect is done, every run parks and ends, a year goes by."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import failures


def test_each_kind_of_effect_is_timed(tmp_path: Path) -> None:
    took = failures.effects(str(tmp_path), 1, 1)
    assert all(len(times) == 1 and times[0] > 0 for times in took.values())
    assert list(took) == list(failures.KINDS)


def test_runs_are_restarted_in_bulk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "BULK", 5)
    assert all(len(times) == 2 for times in failures.bulk(str(tmp_path), 2).values())


def test_a_year_goes_by() -> None:
    assert all(len(times) == 1 for times in failures.virtual(1).values())
