"""Every SRFI, as programs: each .scm file of this folder displays one line for each check.

Goal: what a program sees of a SRFI's library. Method: as tests/language; a file is named srfi-N or srfi-N-part, and includes
check.scm. tests/roundtrip runs the same files saved and restored at every site.
"""

from __future__ import annotations

import pytest
from runs import SRFIS, names, program, run


@pytest.mark.parametrize("name", names(SRFIS))
def test_every_check_of_a_srfi_holds(name):
    ended = run(program(name))
    failed = [line for line in ended.output.splitlines() if line != "ok"]
    assert not failed, "\n".join(failed)
    assert ended.status == "completed", f"{ended.status}: {ended.result}"
