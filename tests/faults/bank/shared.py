"""The same bank in the run's own database: effects whose writes commit with the turn that takes their result."""

from perdure import effect


class Declined(Exception):
    """The bank says no."""


def _execute(connection, sql, given):
    mark = "?" if hasattr(connection, "last_insert_rowid") else "%s"  # apsw's and psycopg's
    return connection.execute(sql.replace("?", mark), given)


@effect(transactional=True)
def move(saga, step, fail_at, connection):
    """Move a step's money; the account is charged before the bank declines, so that something is to be rolled back."""
    _execute(
        connection, "UPDATE accounts SET balance = balance - ? WHERE number = ?", (step, step - 1)
    )
    if step == fail_at:
        raise Declined(f"step {step} of {saga}")
    _execute(connection, "UPDATE accounts SET balance = balance + ? WHERE number = ?", (step, step))
    _execute(connection, "INSERT INTO movements VALUES (?, ?, ?)", (saga, step, "do"))
    return step


@effect(transactional=True)
def move_back(saga, step, connection):
    """Move a step's money back."""
    _execute(
        connection,
        "UPDATE accounts SET balance = balance + ? WHERE number = ?",
        (step, step - 1),
    )
    _execute(connection, "UPDATE accounts SET balance = balance - ? WHERE number = ?", (step, step))
    _execute(connection, "INSERT INTO movements VALUES (?, ?, ?)", (saga, step, "undo"))
