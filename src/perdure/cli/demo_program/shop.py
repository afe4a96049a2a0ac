"""The demo's effects. Each writes a line to a ledger when it takes place, so that everybody can count."""

import os
import time

from perdure import effect


def _write(line: str) -> None:
    with open(os.environ["PERDURE_DEMO_LEDGER"], "a", encoding="utf-8") as ledger:
        ledger.write(f"{line}\n")
        ledger.flush()
        os.fsync(ledger.fileno())


def _once(key: str, line: str) -> None:
    """Do what a good provider does: the same idempotency key twice is one charge."""
    with open(os.environ["PERDURE_DEMO_LEDGER"], encoding="utf-8") as ledger:
        known = any(entry.split()[1] == key for entry in ledger)
    if not known:
        _write(line)


@effect(idempotent=True)
def charge_card(card: str, amount: int, idempotency_key: str) -> dict[str, object]:
    """Charge a card."""
    time.sleep(0.5)
    _once(idempotency_key, f"charge {idempotency_key} {amount}")
    time.sleep(0.5)
    return {"amount": amount, "card": card[-4:]}


@effect(idempotent=True)
def reserve(item: str, idempotency_key: str) -> str:
    """Put an item aside."""
    time.sleep(1.0)
    _once(idempotency_key, f"reserve {idempotency_key} {item}")
    return f"shelf-{len(item)}"


@effect(idempotent=True)
def ship(order: str, idempotency_key: str) -> str:
    """Hand over a parcel."""
    time.sleep(0.5)
    _once(idempotency_key, f"ship {idempotency_key} {order}")
    return f"parcel-{order}"
