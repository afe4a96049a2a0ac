"""Every program of the benchmarks gives the same answer in Scheme and in Python, saved and restored or not.

Goal: what is measured is right in both languages. Method: small arguments, no clock; then the Scheme side once more, cut and
restored from a snapshot before every so-many-th statement.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests" / "language"))
sys.path.insert(0, str(ROOT / "tests" / "roundtrip"))

from benchmarks.cases import CASES, compiled, plain, run_scheme
from runs import Variation, run, world
from variations import OnceSaved

CUTS = (3, 40, 500)
IDS = [f"{case.program}-{case.call(small=True)}" for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_both_languages_give_the_same_answer(case):
    program = compiled(world().toolchain, case, small=True)
    assert plain(run_scheme(world().toolchain, program)) == case.python(small=True)()


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_answer_survives_a_save_at_any_statement(case):
    program = compiled(world().toolchain, case, small=True)
    straight = run(program, Variation())
    assert straight.status == "completed"
    for nth in CUTS:
        assert run(program, OnceSaved(nth)) == straight, f"statement {nth}"
