"""What the programs do to the world outside: each call appends one line to `ledger.txt` beside this file.

A line: the time, the effect, the key of the request, what was given. Appended by one `write` each, so that lines of several processes never
mix; a process that is killed loses none, since the kernel has it. Not synced: no machine loses its power here.
"""

import asyncio
import os
import time

from perdure import effect

LEDGER = os.path.join(os.path.dirname(__file__), "ledger.txt")


def note(kind, key, *given):
    line = " ".join(map(str, (f"{time.time():.6f}", kind, key, *given))) + "\n"
    descriptor = os.open(LEDGER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


@effect(idempotent=True)
async def good(i, idempotency_key):
    note("good", idempotency_key, i)
    await asyncio.sleep(0.002)
    return i


@effect(idempotent=True)
def slow(i, idempotency_key):
    note("slow", idempotency_key, i)
    time.sleep(0.004)
    return i


def once(i, idempotency_key):
    note("once", idempotency_key, i)
    time.sleep(0.003)
    return i


@effect(idempotent=True)
async def tick(i, due, idempotency_key):
    note("tick", idempotency_key, i, due)
    return i
