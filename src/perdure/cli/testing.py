"""`perdure test`: files of tests that are written in Scheme.

Layer: cli. Imports testing, base.
Invariant: exit code 0 means that there were tests, and that all passed. Files run one after the other, each in a world of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from perdure.base.errors import CallError, PerdureError
from perdure.cli import console
from perdure.testing.virtual.scheme import Found, run_file

_PATTERN = "test_*.scm"


def test(*, files: tuple[str, ...], verbose: bool, json: bool) -> int:
    """Run files of tests, or those of folders, and print what came of each."""
    chosen = list(_chosen(files or (".",)))
    if not chosen:
        raise CallError(
            "P303",
            f"there is no file {_PATTERN} in {', '.join(files) or 'this folder'} or below",
            hint="name a file of tests; docs/how-to/test-programs.md shows one",
        )
    document = []
    good = True
    for path in chosen:
        found = _run(path)
        good &= found.good
        if found.report and (verbose or not found.good):
            console.output(f"{found.report}\n")
        if not json:
            console.answer(f"{path}: {found.summary}", None)
        document.append(_document(path, found))
    if json:
        console.answer("", document)
    return console.OK if good else console.STOPPED


def _chosen(given: tuple[str, ...]) -> Iterator[Path]:
    for name in given:
        path = Path(name)
        if not path.exists():
            raise CallError("P303", f"{name} is not there", hint="give files of tests, or folders")
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


def _below(folder: Path) -> Iterator[Path]:
    """Return the files of tests in a folder and below, in order, hidden folders apart."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if path.match(_PATTERN):
                yield path


def _run(path: Path) -> Found:
    try:
        return run_file(path)
    except PerdureError as error:
        return Found(0, 0, 0, str(error), "")


def _document(path: Path, found: Found) -> dict[str, object]:
    return {
        "file": str(path),
        "good": found.good,
        "passed": found.passed,
        "failed": found.failed,
        "skipped": found.skipped,
        "error": found.error,
        "output": found.output,
    }
