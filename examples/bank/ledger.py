"""The bank's effects: they write to the run's own database, through the connection that commits the turn.

The SQL is SQLite's; psycopg, on PostgreSQL, writes %s for ?.
"""

from typing import Any

from perdure import effect


class Refused(Exception):
    """There is not enough money."""


@effect(transactional=True)
def open_account(owner: str, amount: int, *, connection: Any) -> None:
    """Open an account, unless it is there."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS accounts (owner TEXT PRIMARY KEY, balance INTEGER NOT NULL)"
    )
    connection.execute("INSERT INTO accounts VALUES (?, ?) ON CONFLICT DO NOTHING", (owner, amount))


@effect(transactional=True)
def book(source: str, target: str, amount: int, *, connection: Any) -> int:
    """Move money. If the source has too little, what was written is rolled back with the error."""
    left = _change(connection, source, -amount)
    _change(connection, target, amount)
    if left < 0:
        raise Refused(f"{source} lacks {-left}")
    return left


@effect(transactional=True)
def balance(owner: str, *, connection: Any) -> int:
    """Return what is in an account."""
    return _change(connection, owner, 0)


def _change(connection: Any, owner: str, amount: int) -> int:
    sql = "UPDATE accounts SET balance = balance + ? WHERE owner = ? RETURNING balance"
    ((left,),) = connection.execute(sql, (amount, owner)).fetchall()
    return left
