"""The shop's effects: stand-ins for a payment provider, a warehouse and a carrier."""

from perdure import builtin, effect

PRICES = {"book": 30, "lamp": 45, "unicorn": 1_000}


class SoldOutError(Exception):
    """There is none left."""


@builtin
def price(item: str) -> int:
    """Return what an item costs; called in line, never recorded."""
    return PRICES.get(item, 10)


@effect(idempotent=True)
def charge_card(card: str, amount: int, idempotency_key: str) -> dict:
    """Charge a card; the provider knows the key and charges once."""
    return {"payment": idempotency_key, "card": card[-4:], "amount": amount}


@effect(idempotent=True)
def refund(payment: dict) -> str:
    """Give a payment back."""
    return f"refunded {payment['amount']}"


@effect(idempotent=True)
def reserve(order: str, item: str) -> str:
    """Put an item aside."""
    if item == "unicorn":
        raise SoldOutError(item)
    return f"{order}/{item}"


@effect(idempotent=True)
def release(reservation: str) -> str:
    """Put an item back."""
    return f"released {reservation}"


@effect(idempotent=True)
def ship(order: str, reservations: list) -> str:
    """Hand a parcel to the carrier."""
    return f"parcel {order} with {len(reservations)} items"
