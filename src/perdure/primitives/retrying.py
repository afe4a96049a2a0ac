"""Retry policies for programs: what lib/retry.sld is built on.

Layer: primitives. Imports machine, values.
Invariant: whatever a program gives as a policy is checked here, at once; further on it is a list that policies.to_heap made.
"""

from __future__ import annotations

from typing import Any

from perdure.machine.machine import Machine
from perdure.machine.signals import Isolated
from perdure.primitives.randomness import random_real
from perdure.primitives.registry import primitive
from perdure.values import policies
from perdure.values.conditions import fail
from perdure.values.lists import from_items
from perdure.values.numbers import to_float
from perdure.values.types import Pair


@primitive("retry-policy")
def retry_policy(*keys_and_values: Any) -> Any:
    """Return a retry policy, checked, of keys and values: see values/policies.py."""
    if len(keys_and_values) % 2:
        raise fail("arity-error", "retry-policy: keys and values must come in pairs")
    given = zip(keys_and_values[::2], keys_and_values[1::2], strict=True)
    return _checked("retry-policy", from_items([Pair(key, value) for key, value in given]))


@primitive("%checked-policy")
def checked_policy(procedure: Any, policy: Any) -> Any:
    return _checked(procedure.name, policy)


def _checked(procedure: str, policy: Any) -> Any:
    return policies.to_heap(policies.from_heap(procedure, policy))


def _again(machine: Machine, policy: Any, raised: Any, attempt: int, since: Any) -> Any:
    return policies.again_s(
        policies.from_heap("%again", policy),
        raised,
        attempt=attempt,
        elapsed_s=machine.now - to_float(since),
        share=random_real(),
    )


@primitive("%again")
def again(policy: Any, raised: Any, attempt: Any, since: Any) -> Any:
    """Return after how many seconds what failed is to be tried again, or #f.

    The number of the attempt that failed counts from 1; `since` is when the first one began, in seconds since the epoch.
    """
    raise Isolated(_again, policy, raised, attempt, since)
