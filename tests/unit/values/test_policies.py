"""Retry policies: what is accepted as one, and when it says "again"."""

from __future__ import annotations

import pytest

from perdure.values.conditions import SchemeError, condition
from perdure.values.lists import from_items
from perdure.values.policies import Policy, again_s, backoff_s, from_heap, takes, to_heap
from perdure.values.tables import make_table, table_set
from perdure.values.types import NIL, Pair, String, intern


def alist(**entries: object) -> object:
    return from_items([Pair(intern(key), value) for key, value in entries.items()])


def raised(*names: str) -> object:
    detail = make_table("equal")
    table_set(detail, intern("type"), String(names[0]))
    table_set(detail, intern("types"), from_items([String(name) for name in names]))
    return condition("effect-error", "no", detail=detail)


def test_a_number_is_the_number_of_attempts() -> None:
    assert from_heap("f", 7) == Policy(attempts=7)


def test_a_first_wait_that_is_longer_than_the_default_cap_is_not_cut() -> None:
    assert backoff_s(from_heap("f", alist(backoff=1000, jitter=0)), 1, 0.0) == 1000
    assert backoff_s(from_heap("f", alist(backoff=1000, cap=5, jitter=0)), 1, 0.0) == 5


def test_what_a_list_leaves_out_has_its_default() -> None:
    assert from_heap("f", alist(backoff=0.5, deadline=60)) == Policy(backoff_s=0.5, deadline_s=60)
    assert from_heap("f", NIL) == Policy()


def test_a_value_may_be_in_a_list_of_its_own() -> None:
    kinds = from_items([String("OSError"), intern("timeout-error")])
    wanted = Policy(attempts=2, types=("OSError",), kinds=("timeout-error",))
    assert from_heap("f", alist(attempts=Pair(2, NIL), on=kinds)) == wanted
    assert from_heap("f", alist(attempts=2, on=Pair(kinds, NIL))) == wanted
    assert from_heap("f", alist(on=String("OSError"))).types == ("OSError",)


def test_a_policy_survives_the_heap() -> None:
    policy = Policy(attempts=5, factor=1.5, deadline_s=9, types=("A",), kinds=("error",))
    assert from_heap("f", to_heap(policy)) == policy
    assert from_heap("f", to_heap(Policy())) == Policy()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0, "attempts: expected an integer from 1 to 1000"),
        (String("5"), "expected a retry policy"),
        (None, "expected a retry policy"),
        (from_items([5]), "expected a pair of a key and a value"),
        (Pair(Pair(intern("attempts"), 5), 5), "expected a retry policy"),
        (alist(atempts=5), "has no such key; it has attempts, backoff"),
        (alist(attempts=2.0), "attempts: expected an integer"),
        (alist(backoff=-1), "backoff: expected a number that is not negative"),
        (alist(cap=float("inf")), "cap: expected a number"),
        (alist(factor=intern("x")), "factor: expected"),
        (alist(factor=1j), "factor: expected a real number"),
        (alist(jitter=2), "jitter: expected a number from 0 to 1"),
        (alist(on=5), "on: expected a kind or a type's name"),
        (alist(on=NIL), "on: expected a kind or a type's name"),
        (alist(on=intern("OSError")), "on: no such kind of condition; a Python type is a string"),
        (Pair(Pair(intern("cap"), 5), alist(cap=6)), "is there twice"),
    ],
)
def test_what_is_no_policy_is_refused_with_a_reason(given: object, said: str) -> None:
    with pytest.raises(SchemeError) as caught:
        from_heap("with-retry", given)
    assert caught.value.condition.message.startswith("with-retry: ")
    assert said in caught.value.condition.message


def test_base_classes_and_kinds_of_kinds_match() -> None:
    reset = raised("ConnectionResetError", "ConnectionError", "OSError")
    assert takes(Policy(types=("ConnectionError",)), reset)
    assert not takes(Policy(types=("ValueError",)), reset)
    assert takes(Policy(kinds=("effect-failure",)), reset)
    assert not takes(Policy(kinds=("timeout-error",)), reset)
    assert takes(Policy(kinds=("timeout-error",)), condition("effect-timeout", "late"))
    assert not takes(Policy(kinds=("error",)), condition("outcome-unknown", "who knows"))


def test_what_is_no_condition_is_taken_only_by_a_policy_for_everything() -> None:
    assert takes(Policy(), intern("oops"))
    assert not takes(Policy(kinds=("error",)), intern("oops"))


def test_the_wait_grows_up_to_its_limit_and_the_jitter_lengthens_it() -> None:
    policy = Policy(attempts=99, backoff_s=1, factor=2, cap_s=10, jitter=0)
    assert [backoff_s(policy, n, 0.5) for n in (1, 2, 3, 4, 5)] == [1, 2, 4, 8, 10]
    assert backoff_s(policy, 5000, 0.5) == 10
    assert backoff_s(Policy(jitter=0.5), 1, 0.5) == 1.25


def test_there_is_an_end_by_attempts_and_by_the_deadline() -> None:
    policy = Policy(attempts=3, backoff_s=10, jitter=0, deadline_s=30)

    def found(attempt: int, elapsed_s: float) -> float | None:
        return again_s(policy, None, attempt=attempt, elapsed_s=elapsed_s, share=0.0)

    assert [found(1, 0), found(2, 10), found(3, 0), found(2, 11)] == [10, 20, None, None]
