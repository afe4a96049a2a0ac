"""Sources with a few pages of rows, and a warehouse to load them into."""

from perdure import effect

PAGES, ROWS = 3, 4


@effect(idempotent=True, retry=3)
async def fetch_page(source: str, page: int) -> list:
    """Return one page of rows; an empty one after the last."""
    if page > PAGES:
        return []
    first = (page - 1) * ROWS
    return [{"source": source, "id": n, "amount": n + 1} for n in range(first, first + ROWS)]


@effect(idempotent=True)
async def load_rows(worker: int, rows: list) -> int:
    """Put rows into the warehouse; the same rows again change nothing."""
    return len(rows)
