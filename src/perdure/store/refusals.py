"""What every store refuses, in the same words.

Layer: store. Imports base, store.api.
Invariant: nothing here looks into a database: a store finds out, this module says it.
"""

from __future__ import annotations

from perdure.base.errors import CallError, StoreError
from perdure.store.api import NewRun


def check_same(new: NewRun, name: str, arguments: bytes) -> None:
    """Compare a run that is to be started with the one of its id.

    Raises:
      CallError: P302, they differ.
    """
    if name == new.program_name and arguments == new.arguments:
        return
    differs = "program" if name != new.program_name else "arguments"
    raise CallError(
        "P302",
        f"run {new.run_id} exists already with another {differs} ({name})",
        hint="give another --id, or the same program and arguments",
    )


def taken_for_dead(owner: int) -> StoreError:
    """Return the error that tells an owner that others may have its runs."""
    return StoreError(
        "P409",
        f"worker {owner} was taken for dead: its lease ran out",
        hint="register again",
    )


def deadly(deaths: int) -> str:
    """Return why a run that has cost so many workers their lives is quarantined."""
    return f"its worker died {deaths} times while executing it"
