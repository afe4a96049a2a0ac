"""The harness that compares engines gives figures for every workload of Perdure on SQLite, and refuses wrong ones.

Goal: the comparison can be rerun at any time. Method: real child processes at tiny sizes, real kills; no time is judged, and no
other engine is needed.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.durable import command
from benchmarks.durable.cases import CASES, PEERS, SIZES, WORKLOADS, Case, chosen
from benchmarks.durable.environment import OURS, REQUIREMENTS, Environment
from benchmarks.durable.results import Results
from benchmarks.durable.running import CaseFailed, run
from benchmarks.durable.targets import targets

TINY = replace(SIZES["small"], effects=6, runs=3, wakers=10, kills=(2, 4), stored=(3, 8), turns=4)


def own_cases() -> list[Case]:
    """Return Perdure's cases on SQLite but W5b, which waits until all sleeping runs are due."""
    workloads = tuple(one for one in WORKLOADS if one != "W5b")
    return chosen(workloads, ("perdure", "floor"), ("sqlite",), TINY)


def figures_of(case: Case, folder: Path):
    with Environment(folder / "cache") as environment:
        return run(case, TINY, environment, folder, rounds=1)


@pytest.mark.parametrize("case", own_cases(), ids=str)
def test_every_workload_gives_figures(case, tmp_path):
    figures = figures_of(case, tmp_path)
    if case.workload == "W3":
        assert len(figures["ready_to_effect_s"]) == TINY.restarts
        assert figures["performed_again"] == 0
    elif case.workload == "W8":
        assert [size["runs"] for size in figures["sizes"]] == list(TINY.stored)
        assert all(size["turns"] >= TINY.turns for size in figures["sizes"])
    elif case.workload == "W5":
        assert figures["sleepers"] == TINY.sleepers
    else:
        amounts = {"W1": TINY.effects, "W2": TINY.runs * TINY.each, "W4": TINY.parallel}
        assert figures["effects"] == amounts[case.workload]
        assert figures["seconds"] > 0


def test_a_program_that_ends_without_figures_is_a_failure_with_its_last_words(tmp_path):
    with pytest.raises(CaseFailed, match="KeyError: 'W9'"):
        figures_of(Case("W9", "perdure", "sqlite"), tmp_path)


def test_each_peer_is_pinned_and_does_each_workload_that_it_can():
    for peer in set(PEERS) - OURS:
        lines = (REQUIREMENTS / f"{peer}.txt").read_text(encoding="utf-8").split()
        assert lines
        assert all("==" in line for line in lines), peer
        assert {case.workload for case in CASES if case.peer == peer} == {
            "W1", "W2", "W3", "W4", "W5",
        }  # fmt: skip


def test_tables_and_targets_are_made_of_stored_figures(tmp_path, capsys):
    raw = tmp_path / "raw.json"
    results = Results()
    rates = {"perdure": 1.0, "dbos": 4.0, "floor": 0.5}
    for peer, seconds in rates.items():
        variant = "async def" if peer == "perdure" else ""
        figures = {
            "effects": 1_000,
            "seconds": seconds,
            "grouped_seconds": 0.1,
            "bytes": 100,
            "stored_bytes": 200_000,
        }
        results.add(Case("W1", peer, "sqlite", variant), figures)
    command.write(raw, {}, results, [])
    assert json.loads(raw.read_text(encoding="utf-8"))["failures"] == []

    assert command.main(["--show", str(raw)]) == 0
    shown = capsys.readouterr().out
    assert "4.00" in shown, "Perdure is four times as fast as the peer"
    share, size = targets(command.loaded(raw))
    assert (share.found, share.wanted, share.reached) == ("0.50 ×", "≥ 0.70 ×", False)
    assert (size.found, size.reached) == ("200 bytes an effect", True)
