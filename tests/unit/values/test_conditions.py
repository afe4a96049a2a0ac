"""The table of kinds: what is a kind of what."""

from __future__ import annotations

from perdure.values.conditions import CODES, KINDS, PARENTS, is_kind
from perdure.values.types import Condition


def test_every_kind_with_a_code_is_in_the_hierarchy_and_codes_are_unique() -> None:
    assert set(CODES) <= set(PARENTS)
    assert len(set(CODES.values())) == len(CODES)


def test_a_doubt_is_no_error() -> None:
    assert not is_kind("outcome-unknown", "error")
    assert not is_kind("outcome-unknown", "effect-error")
    assert is_kind("outcome-unknown", "effect-failure")


def test_everything_else_that_is_raised_is_an_error() -> None:
    others = set(CODES) - {"outcome-unknown", "raised"}
    assert [kind for kind in others if not is_kind(kind, "error")] == []


def test_a_kind_with_two_parents_is_both() -> None:
    assert KINDS["effect-timeout"][:3] == ("effect-timeout", "effect-error", "timeout-error")
    assert {"effect-failure", "error", "serious"} <= set(KINDS["effect-timeout"])


def test_a_stored_condition_of_an_unknown_kind_is_of_no_kind() -> None:
    stored = Condition("of-a-later-release", "P299", "", None)
    assert not is_kind(stored.kind, "serious")
