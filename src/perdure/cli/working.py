"""The command `worker`: execute ready runs until told to stop.

Layer: cli. Imports app, base.
Invariant: the first SIGTERM or Ctrl-C hands the runs over, a second one does not wait for effects; what is printed meanwhile
goes to standard error.
"""

from __future__ import annotations

import resource
import signal
from pathlib import Path
from types import FrameType
from typing import Any

from perdure.app import Engine
from perdure.base.errors import CallError
from perdure.cli import console, logs
from perdure.cli import stats as numbers
from perdure.engine.worker import Worker
from perdure.machine import watchdog

MIB = 1024 * 1024
_ENDED = ("completed", "failed", "cancelled", "parked")


def worker(
    *,
    until_idle: bool,
    drain_timeout: float,
    name: str | None,
    runs: int,
    threads: int,
    effects: int,
    memory: int,
    address_space: int | None,
    lease: float,
    stats: float | None,
    log_format: str | None,
    log_level: str | None,
    allow_python: tuple[str, ...],
    files: str,
    no_environment: bool,
    db: str | None,
    json: bool,
) -> int:
    """Execute ready runs."""
    del json
    _check(runs=runs, threads=threads, effects=effects, memory=memory)
    if not lease > 0:
        raise CallError("P303", f"--lease: expected a number above 0, got {lease:g}")
    # Without a word about logs, people get a line for each run that ends, and what went badly wrong.
    notes = log_format is None and log_level is None
    logs.install(log_format or "console", log_level or ("error" if notes else "info"))
    watchdog.set_memory_max(memory * MIB)
    if address_space is not None:
        _bound_address_space(address_space)
    url = console.database(db)
    ended: dict[str, str] = {}

    def observe(commit: Any) -> None:
        if commit.status in _ENDED:
            ended[commit.run_id] = commit.status
            if notes:
                detail = f": {commit.detail}" if commit.detail else ""
                console.note(f"{commit.run_id}  {commit.status}{detail}")

    with Engine(
        url,
        execute="none",
        allow_python=allow_python,
        directory=Path.cwd(),
        files=files,
        environment=not no_environment,
        lease_s=lease,
        observer=observe,
    ) as engine:
        found = engine.worker(
            until_idle=until_idle,
            name=name or "",
            runs=runs,
            threads=threads,
            effects=effects,
            own_process=True,
        )
        signalled = _stop_by_signals(found, drain_timeout)
        if not until_idle and notes:
            console.note(f"perdure worker: executes the runs of {url}; Ctrl-C stops it")
        _work(found, stats)
    document: dict[str, Any] = {"runs": ended}
    if stats is not None:
        document["stats"] = found.metrics.snapshot()
    console.answer("", document)
    return 128 + signalled[0] if signalled else console.OK


def _check(**given: int) -> None:
    for name, number in given.items():
        if number < 1:
            raise CallError(
                "P303", f"--{name.replace('_', '-')}: expected a number from 1 on, got {number}"
            )


def _bound_address_space(size_mib: int) -> None:
    _check(address_space=size_mib)
    size = size_mib * MIB
    try:
        resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (OSError, ValueError) as error:
        raise CallError(
            "P303", f"--address-space: the system refuses {size_mib} MiB: {error}"
        ) from None


def _stop_by_signals(found: Worker, drain_s: float) -> list[int]:
    """Have SIGTERM and Ctrl-C end the worker; return the list of signals that came."""
    signalled: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        found.stop(0.0 if signalled else drain_s)
        signalled.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return signalled


def _work(found: Worker, every_s: float | None) -> None:
    """Let a worker work to its end in this thread, and print numbers meanwhile if that is wanted."""
    ticker = numbers.Ticker(found.metrics, every_s, console.note) if every_s else None
    if ticker is not None:
        ticker.start()
    found.run()
    if ticker is not None:
        ticker.stop()
    if every_s is not None:
        console.note(numbers.table(found.metrics))
    if found.error is not None:
        raise found.error
