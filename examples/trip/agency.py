"""The agency's effects: stand-ins for an airline, a hotel and a payment provider."""

from perdure import effect


class OfferGone(Exception):
    """Somebody else was faster."""


@effect(idempotent=True)
def offer_seat(to: str, idempotency_key: str) -> dict:
    """Ask for the cheapest seat."""
    return {"to": to, "offer": idempotency_key}


@effect(idempotent=True)
def hold_seat(offer: dict) -> dict:
    """Hold a seat by its offer."""
    return {"seat": offer["offer"], "night": "2027-03-01"}


@effect(idempotent=True)
def drop_seat(seat: dict) -> None:
    """Give a seat back."""


@effect(idempotent=True)
def hold_room(to: str, night: str) -> dict:
    """Hold a room for a night."""
    return {"room": f"{to} {night}"}


@effect(idempotent=True)
def drop_room(room: dict) -> None:
    """Give a room back."""


@effect(idempotent=True)
def confirm_offer(offer: dict) -> bool:
    """Say that the seat is wanted; raises OfferGone when it took too long."""
    return bool(offer)


@effect(idempotent=True)
def pay(traveller: str, held: list, idempotency_key: str) -> str:
    """Pay for what is held."""
    return f"{traveller} has paid for {len(held)}"
