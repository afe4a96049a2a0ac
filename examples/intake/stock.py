"""The stock's effects: stand-ins for a warehouse's books and for the person on duty."""

from perdure import effect


@effect(idempotent=True)
def enter(item: str, count: int, idempotency_key: str) -> str:
    """Enter so many of an item into the books."""
    return idempotency_key


@effect(idempotent=True)
def take_back(item: str, count: int, idempotency_key: str) -> str:
    """Take an entry back."""
    return idempotency_key


@effect(idempotent=True)
def notify(run: str, problem: str) -> None:
    """Tell whoever is on duty."""
