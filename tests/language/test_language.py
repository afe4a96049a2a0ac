"""Every feature of the language, as programs: each .scm file of this folder displays one line for each check.

Goal: R7RS and `(perdure)` as a program sees them. Method: run each file straight on the machine; no line may say FAIL, and
the run must complete. tests/roundtrip runs the same files in harder ways.
"""

from __future__ import annotations

import pytest
from runs import names, program, run


@pytest.mark.parametrize("name", names())
def test_every_check_of_a_program_holds(name):
    ended = run(program(name))
    failed = [line for line in ended.output.splitlines() if line != "ok"]
    assert not failed, "\n".join(failed)
    assert ended.status == "completed", f"{ended.status}: {ended.result}"


@pytest.mark.parametrize("name", names(large=True))
def test_a_native_stack_bounds_neither_recursion_nor_tail_calls(name):
    ended = run(program(name))
    failed = [line for line in ended.output.splitlines() if line != "ok"]
    assert not failed, "\n".join(failed)
    assert ended.status == "completed", f"{ended.status}: {ended.result}"
