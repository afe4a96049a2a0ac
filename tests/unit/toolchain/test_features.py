"""What `features` promises can be imported, under every name that other Schemes use for it.

Goal: no SRFI is announced and missing, and none is there without being announced.
Method: compile an import of each.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest

from perdure.base.features import SRFIS
from perdure.frontends.scheme.bundled import bundled_names
from perdure.frontends.scheme.exports import TABLES
from perdure.toolchain.toolchain import Toolchain


class NoModules:
    def exports(self, module: str, directory: str) -> Any:
        raise AssertionError(module)


@functools.cache
def toolchain() -> Toolchain:
    return Toolchain(NoModules())


def imports(name: str) -> bool:
    return not toolchain().compile_source(f"(import {name})", "features.scm").notices


@pytest.mark.parametrize("number", SRFIS)
def test_a_srfi_can_be_imported(number: int) -> None:
    assert imports(f"(srfi {number})")


def test_every_srfi_is_announced() -> None:
    there = {int(name.split(" ")[1]) for name in [*TABLES, *bundled_names()] if name[:5] == "srfi "}
    assert there == set(SRFIS)


@pytest.mark.parametrize(
    "name", ["(srfi :1)", "(srfi :1 lists)", "(srfi srfi-13)", "(scheme list)", "(scheme sort)"]
)
def test_other_names_of_a_library_are_known(name: str) -> None:
    assert imports(name)


@pytest.mark.parametrize("name", bundled_names())
def test_a_bundled_library_loads(name: str) -> None:
    assert imports(f"({name})")
