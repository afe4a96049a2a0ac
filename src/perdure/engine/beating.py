"""Renew a worker's lease from outside of its process, as long as it makes progress.

Layer: engine. Imports store.api, heartbeat, base. Runs in the process that heartbeat.py starts (cli/beside.py).
Invariant: it never outlives its worker: it ends when the pipe to it closes. It renews the lease only if, since the last
time it looked, the worker came round (its pulse advanced) or used the processor.

So a worker that computes for minutes inside one C call keeps its runs; one that is stopped (SIGSTOP), swapped out for good
or dead-locked loses them to others, which its later commits can't touch. A worker that computes for limits.TURN_STUCK_S
without coming round will hardly ever: one operation of a program can't be interrupted. It is killed, so that its
other runs go on elsewhere; the run that did it is known by that, and quarantined when it has done it often enough.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import time

from perdure.base import limits
from perdure.base.errors import PerdureError
from perdure.engine.heartbeat import BEATS_PER_LEASE, LOST, READY
from perdure.store.api import Store


class Progress:
    """Whether a worker gets on, seen from outside.

    Args:
      pulse: a descriptor of the memory that heartbeat.Pulse is in.
      process: the worker's.
    """

    def __init__(self, pulse: int, process: int) -> None:
        self._memory = mmap.mmap(pulse, 8, access=mmap.ACCESS_READ)
        self.process = process
        self._seen = self._look()
        self._looked_at = self._round_at = time.monotonic()

    def _look(self) -> tuple[int, float]:
        return struct.unpack("=Q", self._memory[:])[0], cpu_s(self.process)

    def made(self) -> bool:
        """Return whether there was any since the last question."""
        now = time.monotonic()
        rounds, used_s = self._look()
        came_round = rounds != self._seen[0]
        # A dead-locked process uses a little, too: its watchdog's thread wakes up now and then.
        computed = used_s - self._seen[1] > (now - self._looked_at) * limits.PROGRESS_SHARE
        self._seen, self._looked_at = (rounds, used_s), now
        if came_round:
            self._round_at = now
        return came_round or computed

    @property
    def stuck_s(self) -> float:
        """How long ago the worker was last seen to have come round."""
        return self._looked_at - self._round_at


def cpu_s(process: int) -> float:
    """Return how much processor time a process has used, in seconds, its ended children apart; 0.0 if it is gone."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            # The name, in parentheses, may hold anything; user and system time are the 12th and 13th field behind it.
            fields = file.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except FileNotFoundError:
        if os.path.isdir("/proc/self"):
            return 0.0
    # Not Linux: `ps` says it as [[days-]hours:]minutes:seconds.
    command = ["ps", "-o", "time=", "-p", str(process)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    days, _, clock = shown.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part or 0)
    return total + int(days or 0) * 86_400


def beat(store: Store, owner: int, progress: Progress, out: int) -> None:
    """Renew a lease until standard input ends or the lease is gone, and say so by LOST."""
    interval_s = pause_s = store.lease_s / BEATS_PER_LEASE
    os.write(out, READY)
    made = False
    while not select.select([sys.stdin], [], [], pause_s)[0]:
        made = progress.made() or made
        if not made:
            continue
        if progress.stuck_s > limits.TURN_STUCK_S:
            _end_stuck(progress.process, progress.stuck_s)
            return
        try:
            renewed = store.heartbeat(owner)
        except PerdureError:
            # Again soon: a server that comes and goes may be away whenever a beat is due, for a whole lease.
            pause_s = min(interval_s, limits.OUTAGE_POLL_S)
            continue
        if not renewed:
            os.write(out, LOST)
            return
        made, pause_s = False, interval_s


def _end_stuck(process: int, stuck_s: float) -> None:
    """Kill a worker that computes without end."""
    sys.stderr.write(
        f"perdure worker: process {process} has computed for {stuck_s:.0f} s without coming back from one operation of"
        " a program, which nothing can interrupt; it is ended, and its runs go on in other workers\n"
    )
    sys.stderr.flush()
    os.kill(process, signal.SIGKILL)
