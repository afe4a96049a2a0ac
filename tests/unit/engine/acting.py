"""A module of effects that say through events that they have begun, and wait for events that a test sets."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from perdure import Engine
from perdure.base.errors import RunStopped

WAIT_S = 20.0

ACTS = """
import asyncio
import threading
from perdure import Cancellation, effect

begun = threading.Event()
release = threading.Event()
ended = threading.Event()
seen = []

def note(x):
    seen.append(x)
    return x

async def patient():
    begun.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError as error:
        seen.append(["cancelled", *error.args])
        ended.set()
        raise

def plain(x, cancellation: Cancellation):
    seen.append(cancellation.cancelled)
    begun.set()
    assert cancellation.wait(20)
    seen.append([cancellation.cancelled, cancellation.reason])
    try:
        cancellation.raise_if_cancelled()
    finally:
        ended.set()

def charge(x):
    begun.set()
    release.wait(20)
    return x

@effect(idempotent=True)
def repeatable():
    begun.set()
    release.wait(20)

@effect(timeout=0.01)
def slow(cancellation):
    begun.set()
    cancellation.wait(20)
    seen.append(cancellation.reason)
    ended.set()

@effect(idempotent=True)
def fails():
    seen.append("tried")
    raise OSError("not yet")

def fails_once():
    if "tried" not in seen:
        seen.append("tried")
        raise OSError("not yet")
    return "undone"

def by_when(x, *, deadline): return [x, deadline]
def or_else(x, deadline=None): return [x, deadline]
def business(item, deadline): return [item, deadline]
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    (tmp_path / "acts.py").write_text(ACTS)

    def writes(body: str, name: str = "program.scm") -> Path:
        path = tmp_path / name
        path.write_text(f"(import (scheme base) (perdure) (python acts))\n{body}")
        return path

    return writes


def acts(tmp_path: Path) -> ModuleType:
    """Return the module of a test's folder, which is loaded once a program was compiled."""
    path = str(tmp_path / "acts.py")
    return next(m for m in list(sys.modules.values()) if getattr(m, "__file__", None) == path)


def waits(engine: Engine, run_id: str, wanted: Callable[[], bool]) -> None:
    """Wait until something is so, woken by the commits of a run."""
    tick = threading.Event()
    for _ in range(int(WAIT_S / 0.01)):
        if wanted():
            return
        tick.wait(0.01)
    raise AssertionError(engine.show(run_id))


def begin(engine: Engine, program: Path, run_id: str = "r") -> None:
    """Start a run and wait until it rests."""
    engine.start(program, id=run_id)
    assert engine.wait(run_id, timeout=0.0) is None
    waits(engine, run_id, lambda: engine.find(run_id).status == "waiting")


def ended(engine: Engine, run_id: str = "r") -> RunStopped:
    with pytest.raises(RunStopped) as caught:
        engine.result(run_id, timeout=WAIT_S)
    return caught.value
