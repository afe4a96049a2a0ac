"""Effects for the benchmarks: the least that an effect can do, as `async def` and as `def`."""

from perdure import effect


@effect(idempotent=True)
async def step(number: int) -> int:
    """Return the next number."""
    return number + 1


@effect(idempotent=True)
def plain_step(number: int) -> int:
    """Return the next number, from a thread."""
    return number + 1
