"""The effect of gated.scm: the harness of benchmarks/durable decides what becomes of it."""

from benchmarks.durable.peers.protocol import gate
from perdure import effect


@effect(idempotent=True)
async def gated(number: int) -> int:
    """Return the next number, if the process is left alive."""
    return gate.step(number)
