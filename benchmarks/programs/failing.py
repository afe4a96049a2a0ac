"""The effects of failing.scm."""

from typing import Any

from perdure import effect


@effect(idempotent=True)
async def step() -> int:
    """Do nothing."""
    return 1


@effect(idempotent=True)
async def undo() -> int:
    """Do nothing."""
    return 1


@effect(transactional=True)
def write(connection: Any) -> int:
    """Change a row of the run's own database."""
    connection.execute("UPDATE counted SET n = n + 1")
    return 1
