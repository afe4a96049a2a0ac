"""Texts chosen by coverage: atheris tries again, changed, what reached new code.

The front end is instrumented while it is imported, so nothing may import it before this module.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["perdure.frontends", "perdure.values.numerals"]):
    import choices
    from attempts import attempt, texts


def by_coverage(executions: int) -> int:
    """Let atheris choose the texts; it ends the process itself."""
    pieces = choices.corpus()

    def one(octets: bytes) -> None:
        provider = atheris.FuzzedDataProvider(octets)
        choose: Callable[[int], int] = lambda below: provider.ConsumeIntInRange(0, below - 1)  # noqa: E731
        attempt(texts(choose, pieces))

    atheris.Setup([sys.argv[0], f"-runs={executions}", "-max_len=4096", "-len_control=0"], one)
    atheris.Fuzz()
    return 0
