"""Retry policies: as data of a program, checked, and the one answer to "again, and after how long?".

Layer: values. Imports conditions, lists, numbers, types, base.limits.
Invariant: the engine, for one effect, and the machine, for a group of them, ask `again_s`, so a policy means the same for both.
A policy in the heap is an association list that `to_heap` made: whoever holds one need not check it. One with the number of
attempts alone is what an operator changed in a request that has no other policy than its function's.

    key        means
    attempts   how often it is tried, the first time included
    backoff    seconds to wait before the second attempt
    factor     how much longer each further wait is
    cap        seconds that a wait has at most, without its jitter; 60, or backoff if that is longer
    jitter     the random share, 0 to 1, by which a wait is lengthened at most
    deadline   seconds since the first attempt after which none begins
    on         what is tried again: names of Python's exception types (strings; types derived from them match, too) and
               kinds of conditions (symbols; kinds of them match, too); everything if it is left out
"""

from __future__ import annotations

import math
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from perdure.base import limits
from perdure.values.conditions import KINDS, fail, is_kind, python_types, wrong_type
from perdure.values.lists import from_items, split_list
from perdure.values.numbers import check_real, to_float
from perdure.values.types import NIL, Condition, Pair, String, Symbol, intern


class Policy(Struct, frozen=True, kw_only=True):
    """When something that failed is tried again; see the table above.

    `types` and `kinds` are what `on` lists; both are empty if everything is tried again.
    """

    attempts: int = 3
    backoff_s: float = 1.0
    factor: float = 2.0
    cap_s: float = 60.0
    jitter: float = 0.1
    deadline_s: float | None = None
    types: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


DEFAULT: Final = Policy()
_NUMBERS: Final = {
    "backoff": "backoff_s",
    "factor": "factor",
    "cap": "cap_s",
    "jitter": "jitter",
    "deadline": "deadline_s",
}
_KEYS: Final = ("attempts", *_NUMBERS, "on")


def again_s(
    policy: Policy, raised: Any, *, attempt: int, elapsed_s: float, share: float
) -> float | None:
    """Return after how many seconds what failed is to be tried again, or None if it is not.

    Args:
      policy: says so.
      raised: what the attempt raised: a condition, or any object.
      attempt: the number of the attempt that failed, 1 for the first.
      elapsed_s: seconds since the first attempt began.
      share: a random number between 0 and 1, for the jitter.
    """
    if attempt >= min(policy.attempts, limits.EFFECT_ATTEMPTS_MAX) or not takes(policy, raised):
        return None
    wait = backoff_s(policy, attempt, share)
    late = policy.deadline_s is not None and elapsed_s + wait > policy.deadline_s
    return None if late else wait


def takes(policy: Policy, raised: Any) -> bool:
    """Return whether a policy is about what was raised."""
    if not (policy.types or policy.kinds):
        return True
    if type(raised) is not Condition:
        return False
    names = python_types(raised) if policy.types else ()
    return any(name in names for name in policy.types) or any(
        is_kind(raised.kind, kind) for kind in policy.kinds
    )


def backoff_s(policy: Policy, attempt: int, share: float) -> float:
    """Return how long to wait after an attempt, in seconds.

    Args:
      policy: says so.
      attempt: 1 after the first one.
      share: a random number between 0 and 1, for the jitter.
    """
    try:
        wait = min(policy.backoff_s * policy.factor ** (attempt - 1), policy.cap_s)
    except OverflowError:
        wait = policy.cap_s
    return wait * (1 + policy.jitter * share)


def from_heap(procedure: str, given: Any, base: Policy = DEFAULT) -> Policy:
    """Return a policy of a program: an association list, dotted or not, or the number of attempts.

    Args:
      procedure: who wants one, for messages.
      given: the value.
      base: has what the list leaves out.

    Raises:
      SchemeError: it is none, with what is wrong about it.
    """
    if type(given) is int:
        return replace(base, attempts=_attempts(procedure, given))
    items, rest = split_list(given)
    if rest is not NIL or not (given is NIL or type(given) is Pair):
        raise wrong_type(procedure, "a retry policy (an association list or a number)", given)
    found: dict[str, Any] = {}
    seen: set[str] = set()
    for item in items:
        if type(item) is not Pair or type(item.car) is not Symbol:
            raise wrong_type(procedure, "a pair of a key and a value", item)
        name = item.car.name
        if name not in _KEYS:
            raise fail(
                "range-error",
                f"{procedure}: a retry policy has no such key; it has {', '.join(_KEYS)}:",
                item.car,
            )
        if name in seen:
            raise fail("range-error", f"{procedure}: a key of the policy is there twice:", item.car)
        seen.add(name)
        found |= _checked(procedure, name, item.cdr)
    if (
        "cap_s" not in found
    ):  # whoever wants to wait long does not mean to be cut short by a default
        found["cap_s"] = max(base.cap_s, found.get("backoff_s", 0.0))
    return replace(base, **found)


def only_attempts(given: Any) -> bool:
    """Return whether a stored policy is what `with_attempts` makes where there was none: the rest is the function's mark's."""
    return type(given) is Pair and given.cdr is NIL


def with_attempts(given: Any, attempts: int) -> Any:
    """Return a stored policy, or FALSE for none, with another number of attempts."""
    if given is None or only_attempts(given):
        return from_items([Pair(intern("attempts"), attempts)])
    return to_heap(replace(from_heap("with-retry", given), attempts=attempts))


def to_heap(policy: Policy) -> Any:
    """Return a policy as an association list."""
    pairs: list[Any] = [Pair(intern("attempts"), policy.attempts)]
    for name, field in _NUMBERS.items():
        value = getattr(policy, field)
        if value is not None:
            shown = int(value) if value == int(value) else value
            pairs.append(Pair(intern(name), shown))
    if policy.types or policy.kinds:
        listed = [*map(String, policy.types), *map(intern, policy.kinds)]
        pairs.append(Pair(intern("on"), from_items(listed)))
    return from_items(pairs)


def _checked(procedure: str, name: str, given: Any) -> dict[str, Any]:
    """Return the fields that a key stands for; its value may be in a list of its own."""
    if name == "on":
        return _names(procedure, given)
    if type(given) is Pair and given.cdr is NIL:
        given = given.car
    if name == "attempts":
        return {"attempts": _attempts(procedure, given)}
    if name == "deadline" and given is None:
        return {"deadline_s": None}
    check_real(f"{procedure}: {name}", given)
    value = to_float(given)
    most = 1.0 if name == "jitter" else math.inf
    if not (0 <= value <= most and math.isfinite(value)):
        wanted = "a number from 0 to 1" if name == "jitter" else "a number that is not negative"
        raise fail("range-error", f"{procedure}: {name}: expected {wanted}, got", given)
    return {_NUMBERS[name]: value}


def _attempts(procedure: str, given: Any) -> int:
    if type(given) is not int or not 1 <= given <= limits.EFFECT_ATTEMPTS_MAX:
        wanted = f"an integer from 1 to {limits.EFFECT_ATTEMPTS_MAX}"
        raise fail("range-error", f"{procedure}: attempts: expected {wanted}, got", given)
    return given


def _names(procedure: str, given: Any) -> dict[str, Any]:
    """Return what `on` lists: one name or several, as the rest of its pair or in a list there."""
    if type(given) is Pair and given.cdr is NIL and type(given.car) is Pair:
        given = given.car
    items, rest = split_list(given) if type(given) is Pair else ([given], NIL)
    types: list[str] = []
    kinds: list[str] = []
    for item in items:
        if type(item) is String and item.text:
            types.append(item.text)
        elif type(item) is Symbol and item.name in KINDS:
            kinds.append(item.name)
        elif type(item) is Symbol:
            raise fail(
                "range-error",
                f"{procedure}: on: no such kind of condition; a Python type is a string:",
                item,
            )
        else:
            raise fail(
                "type-error", f"{procedure}: on: expected a kind or a type's name, got", item
            )
    if rest is not NIL:
        raise fail("type-error", f"{procedure}: on: expected a list, got", given)
    return {"types": tuple(types), "kinds": tuple(kinds)}
