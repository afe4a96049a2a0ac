"""An effect that kills its process with SIGKILL, or says when it begins, as the environment tells it."""

import os
import signal
import time

from perdure import effect

KILL_AT = int(os.environ.get("PERDURE_BENCH_KILL_AT", "-1"))
TELL = "PERDURE_BENCH_TELL" in os.environ


@effect(idempotent=True)
async def advance(number: int) -> int:
    """Return the next number."""
    if number == KILL_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    if TELL:
        os.write(1, b"%d %d\n" % (number, time.perf_counter_ns()))
        os._exit(0)
    return number + 1
