"""Billing effects: a payment provider that knows idempotency keys."""

from perdure import Retry, effect

PRICES = {"basic": 10, "pro": 25}


@effect(idempotent=True, retry=Retry(attempts=4, base_s=60, max_s=3600), timeout=30)
def bill(customer: str, plan: str, invoice: int, idempotency_key: str) -> int:
    """Charge a customer for one period and return the amount."""
    return PRICES[plan]
