"""The office's effects: mail, and ordering things."""

from perdure import effect


@effect(idempotent=True, retry=5)
def mail(to: str, text: str) -> None:
    """Send a mail; sending it twice does no harm."""


@effect
def order_desk(title: str) -> str:
    """Order something. Not idempotent: it is never done twice, and in doubt if the process dies in the middle."""
    return f"ordered {title}"
