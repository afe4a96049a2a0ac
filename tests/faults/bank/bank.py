"""A bank in a SQLite file of its own, `bank.db` beside this module: what the sagas' effects do to the world.

Each movement of money is one transaction, named by the key of the request: a key that the bank has seen before changes
nothing. So the effects are idempotent, and the table `movements` tells what took place.
"""

import os
import sqlite3
import time
from contextlib import closing

from perdure import effect

FILE = os.path.join(os.path.dirname(__file__), "bank.db")
BUSY_S = 30.0


class Declined(Exception):
    """The bank says no, and nothing was moved."""


class Unavailable(Exception):
    """The bank is away for now."""


def open_bank(accounts, each):
    """Make the bank with so many accounts, and so much money in each."""
    with closing(sqlite3.connect(FILE)) as bank, bank:
        bank.execute("CREATE TABLE accounts (number INTEGER PRIMARY KEY, balance INTEGER NOT NULL)")
        bank.execute(
            "CREATE TABLE movements (key TEXT PRIMARY KEY, saga TEXT, step INTEGER, kind TEXT)"
        )
        bank.executemany(
            "INSERT INTO accounts VALUES (?, ?)", [(number, each) for number in range(accounts)]
        )


def _move(key, saga, step, kind, amount, source, target):
    with closing(sqlite3.connect(FILE, timeout=BUSY_S, isolation_level=None)) as bank:
        bank.execute("BEGIN IMMEDIATE")
        seen = bank.execute("SELECT 1 FROM movements WHERE key = ?", (key,)).fetchone()
        if seen is None:
            bank.execute("INSERT INTO movements VALUES (?, ?, ?, ?)", (key, saga, step, kind))
            bank.execute(
                "UPDATE accounts SET balance = balance - ? WHERE number = ?", (amount, source)
            )
            bank.execute(
                "UPDATE accounts SET balance = balance + ? WHERE number = ?", (amount, target)
            )
        bank.execute("COMMIT")


@effect(idempotent=True)
def transfer(saga, step, fail_at, idempotency_key):
    """Move as much money as the step's number from its account to the next one."""
    if step == fail_at:
        raise Declined(f"step {step} of {saga}")
    _move(idempotency_key, saga, step, "do", step, step - 1, step)
    return step


@effect(idempotent=True)
def give_back(saga, step, idempotency_key):
    """Move the money of a step back."""
    _move(idempotency_key, saga, step, "undo", step, step, step - 1)


@effect(idempotent=True)
def withdraw(saga, account, amount, idempotency_key):
    """Take money out of an account; it is nowhere until it is paid in."""
    _move(idempotency_key, saga, account, "out", amount, account, -1)
    return amount


@effect(idempotent=True)
def pay_in(saga, account, amount, idempotency_key):
    """Pay money into an account; the bank is away for the first two attempts of each saga."""
    flag = f"{FILE}.{saga}"
    tries = os.path.getsize(flag) if os.path.exists(flag) else 0
    if tries < 2:
        with open(flag, "a", encoding="ascii") as file:
            file.write("x")
        raise Unavailable("try again")
    _move(idempotency_key, saga, account, "in", amount, -1, account)
    return amount


@effect(idempotent=True)
def slow_transfer(saga, step, fail_at, idempotency_key):
    """Do the same as `transfer`, in its own time."""
    time.sleep(0.01)
    if step == fail_at:
        raise Declined(f"step {step} of {saga}")
    _move(idempotency_key, saga, step, "do", step, step - 1, step)
    return step
