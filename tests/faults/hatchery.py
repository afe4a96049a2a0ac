"""Workers as processes that can be killed by the thousand: forked from one that has everything loaded.

Goal: a worker that dies and comes back costs milliseconds of CPU time, so that a machine with two cores can kill a
thousand. What is forked has neither threads nor connections: the worker begins as in a fresh process, but for
imports and the standard library, which say nothing about durability.

As a script this file is the process that is forked; `Hatchery` starts it and asks it for workers.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import logging
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path

from perdure.base.limits import DELTA_CHAIN_MAX, LEASE_S

PR_SET_PDEATHSIG = 1
WAIT_S = 30.0
IN_TRANSACTION = "in-transaction"
"""A point beside those of engine.faults: in the store, between the last statement and COMMIT."""


class Hatched:
    """A worker's process."""

    def __init__(self, pid):
        self.pid = pid
        try:
            self._fd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._fd = None

    def ended(self, within_s=0.0):
        """Return whether the process has ended, after so many seconds at most."""
        if self._fd is None:
            return True
        if not select.select([self._fd], [], [], within_s)[0]:
            return False
        os.close(self._fd)
        self._fd = None
        return True

    def signal(self, number):
        if self._fd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        assert self.ended(WAIT_S), "SIGKILL did not end a worker"

    def stop(self):
        self.signal(signal.SIGSTOP)

    def cont(self):
        self.signal(signal.SIGCONT)


class Hatchery:
    """Makes workers.

    Args:
      directory: where the log of all workers is kept, `workers.log`.
      db: the URL of their database.
      lease_s: how long they live after their last heartbeat.
      chain_max: deltas after which a run gets a new snapshot.
      limits: other bounds that differ, by name.
      clock: a file of `Clock`, for SQLite and PostgreSQL alike.
      environment: what their environment has besides.
      own_process: as the argument of Worker: a process of its own beats for each.
    """

    def __init__(
        self,
        directory,
        db,
        *,
        lease_s=LEASE_S,
        chain_max=DELTA_CHAIN_MAX,
        limits=None,
        clock=None,
        environment=None,
        own_process=False,
    ):
        self.db = db
        self._log = Path(directory) / "workers.log"
        self._order = {
            "lease_s": lease_s,
            "limits": limits or {},
            "clock": str(clock.path) if clock else "",
            "own_process": own_process,
        }
        self._hatched = []
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, db.partition(":")[0], str(chain_max)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=directory,
                env=os.environ | (environment or {}),
                text=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def hatch(self, *, crash_at="", db=None, name="worker", file_max_bytes=None):
        """Start a worker."""
        order = self._order | {
            "db": db or self.db,
            "crash_at": crash_at,
            "name": name,
            "file_max_bytes": file_max_bytes,
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the hatchery has ended:\n{self.log[-2000:]}"
        found = Hatched(int(answer))
        self._hatched.append(found)
        return found

    def await_start(self, *workers):
        """Wait until workers are at work."""
        until = time.monotonic() + WAIT_S
        while not all(f"{one.pid} INFO worker started" in self.log for one in workers):
            assert time.monotonic() < until, self.log[-3000:]
            time.sleep(0.02)

    @property
    def log(self):
        """What the workers said."""
        return self._log.read_text(errors="replace")

    @property
    def complaints(self):
        """The beginning of what was said of the first worker that ended by an error, or the end of the log."""
        log = self.log
        at = log.find("ended with an error")
        return log[at : at + 5000] if at >= 0 else log[-3000:]

    def close(self):
        """Kill all that is left."""
        for one in self._hatched:
            if not one.ended():
                one.kill()
        self._process.stdin.close()
        self._process.wait(WAIT_S)
        self._process.stdout.close()


class Clock:
    """A clock that several processes share: the machine's, and so many seconds ahead."""

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.exists():
            self.path.write_bytes(bytes(8))
        with self.path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 8)

    @property
    def ahead_s(self):
        return struct.unpack("d", self._shared[:])[0]

    def jump(self, seconds):
        """Let the clock be so much later from now on, or earlier."""
        self._shared[:] = struct.pack("d", self.ahead_s + seconds)

    def now(self):
        return time.time() + self.ahead_s


# -- the process that is forked --------------------------------------------------------------------


def serve(scheme, chain_max):
    """Fork a worker for each line of standard input, and answer with its process number."""
    from perdure.engine.loading import Programs

    if scheme.startswith("postgres"):
        import perdure.store.postgres
    else:
        import perdure.store.sqlite  # noqa: F401 - loaded once for all
    # Nobody waits for the children; the kernel forgets them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    programs = Programs(directory=os.getcwd(), chain_max=chain_max)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = work(json.loads(line), programs)
            except BaseException:  # noqa: BLE001 - it is this process's end
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(pid, flush=True)


def work(order, programs):
    """Be a worker until SIGTERM; return the exit code."""
    from perdure.base import limits
    from perdure.engine import faults
    from perdure.engine.scheduler import Options
    from perdure.engine.worker import Worker
    from perdure.store.opening import open_store

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    if order["file_max_bytes"]:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_max_bytes"], hard))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(message)s"
    )
    if order["crash_at"].startswith(IN_TRANSACTION):
        die_in_transaction(int(order["crash_at"].partition(":")[2]))
    else:
        faults.arm(order["crash_at"])
    for name, value in order["limits"].items():
        assert hasattr(limits, name), name
        setattr(limits, name, value)
    clock = Clock(order["clock"]).now if order["clock"] else None
    worker = Worker(
        open_store(order["db"], clock=clock, lease_s=order["lease_s"], monotonic=time.monotonic),
        programs,
        Options(name=order["name"]),
        own_process=order["own_process"],
    )
    signal.signal(signal.SIGTERM, lambda *_: worker.stop(2.0))
    worker.run()
    if worker.error is not None:
        print(f"worker {os.getpid()} ended with an error", file=sys.stderr)
        traceback.print_exception(worker.error)
        return 1
    return 0


def die_in_transaction(times):
    """Kill this process when SQLite is about to commit for the n-th time: all is written, nothing is durable."""
    import apsw

    left = itertools.count(times, -1)

    def commit():
        if next(left) <= 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    apsw.connection_hooks.append(lambda connection: connection.set_commit_hook(commit))


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
