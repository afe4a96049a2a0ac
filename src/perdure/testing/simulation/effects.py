"""The Python functions that simulated programs call.

Layer: testing. Imports base.marks.
Invariant: each is a function of its arguments: what happens besides (errors, delays, timeouts, death in between) is
drawn by the simulated executor, which also keeps the ledger of what was done.
"""

from __future__ import annotations

from perdure.base.marks import Retry, effect


class Refused(Exception):
    """Nothing has happened."""


@effect(idempotent=True)
async def add(a: int, b: int) -> int:
    """Return a sum; may be done again."""
    return a + b


@effect(idempotent=True)
def add_slowly(a: int, b: int) -> int:
    """Return a sum, in a thread."""
    return a + b


@effect(idempotent=True)
async def woke(due: float, value: int) -> int:
    """Return the value. It may not be done before the database's clock has shown `due`."""
    del due
    return value


@effect(idempotent=True)
async def book(run_id: str, step: int) -> int:
    """Return the step, which is done; may be done again."""
    del run_id
    return step


@effect(idempotent=True)
def unbook(run_id: str, step: int) -> int:
    """Return the step, which is undone; may be done again."""
    del run_id
    return step


def pay(run_id: str, amount: int) -> int:
    """Return the amount. Not to be done twice."""
    del run_id
    return amount


@effect(timeout=4.0)
async def pay_soon(run_id: str, amount: int) -> int:
    """Return the amount. Not to be done twice, and not waited for after its time."""
    del run_id
    return amount


@effect(retry=Retry(attempts=3, base_s=0.5, jitter=0.5), nothing_happened=(Refused,))
async def pay_carefully(run_id: str, amount: int) -> int:
    """Return the amount. To be asked for again only when it was refused."""
    del run_id
    return amount


@effect(idempotent=True, retry=Retry(attempts=3, base_s=0.5, jitter=0.5), timeout=5.0)
def fetch(run_id: str, value: int) -> int:
    """Return the value; fails now and then."""
    del run_id
    return value
