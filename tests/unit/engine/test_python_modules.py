"""Which Python modules a program may import, and what they export."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perdure.base.errors import CallError
from perdure.engine.python_modules import PythonModules
from perdure.values.types import PythonProcedure

SHOP = """
import os
from perdure import builtin, effect
import shop_prices

def charge_card(card, amount, idempotency_key): return amount

async def ship(order): return order

@effect(name="refund!", idempotent=True)
def give_back(order, reason="none"): pass

@builtin
def total(*prices): return sum(prices)

def _secret(): pass

class Order: pass
"""


@pytest.fixture
def modules(tmp_path: Path) -> PythonModules:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "shop_prices.py").write_text("def price(): return 1\n")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "inner.py").write_text("def go(): return 1\n")
    (tmp_path / "broken.py").write_text("x = 1\nraise RuntimeError('no config')\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    return PythonModules(tmp_path)


def test_public_functions_of_the_module_are_exported_with_dashes(modules: PythonModules) -> None:
    found = modules.exports("shop")
    assert sorted(found) == ["charge-card", "refund!", "ship", "total"]
    assert found["total"].pure
    assert not found["ship"].pure


def test_a_function_knows_how_it_is_called(modules: PythonModules) -> None:
    found = modules.exports("shop")
    charge = modules.function(found["charge-card"])
    assert (charge.least, charge.most, charge.wants_key, charge.asynchronous) == (2, 2, True, False)
    refund = modules.function(found["refund!"])
    assert (refund.least, refund.most, refund.mark.idempotent) == (1, 2, True)
    assert modules.function(found["ship"]).asynchronous
    assert modules.function(found["total"]).most is None


def test_submodules_are_found_beside_the_program(modules: PythonModules) -> None:
    assert list(modules.exports("pack.inner")) == ["go"]


def test_a_module_that_is_not_beside_the_program_is_refused(modules: PythonModules) -> None:
    with pytest.raises(CallError, match="refused") as caught:
        modules.exports("os")
    assert caught.value.code == "P310"


def test_an_allowed_module_is_imported(tmp_path: Path) -> None:
    assert "sqrt" in PythonModules(tmp_path, ["math"]).exports("math")


def test_a_missing_module_says_where_it_should_be(modules: PythonModules) -> None:
    with pytest.raises(CallError, match=r"nowhere_at_all\.py is not in"):
        modules.exports("nowhere_at_all")


@pytest.mark.parametrize("name", ["../shop", "shop/../shop", "", "a..b", "shop.py "])
def test_names_that_are_no_module_names_are_refused(modules: PythonModules, name: str) -> None:
    with pytest.raises(CallError):
        modules.exports(name)


@pytest.mark.parametrize(("name", "why"), [("broken", "no config"), ("leaves", "SystemExit: 3")])
def test_a_module_that_raises_is_reported_with_its_place(
    modules: PythonModules, name: str, why: str
) -> None:
    with pytest.raises(CallError, match=why) as caught:
        modules.exports(name)
    assert f"{name}.py" in str(caught.value)


def test_importing_leaves_the_search_path_as_it_was(modules: PythonModules) -> None:
    before = list(sys.path)
    modules.exports("shop")
    assert sys.path == before
    assert "shop" not in sys.modules


def test_a_function_that_is_gone_is_named(modules: PythonModules) -> None:
    with pytest.raises(CallError, match="no public function 'vanished'"):
        modules.function(PythonProcedure("shop", "vanished"))
