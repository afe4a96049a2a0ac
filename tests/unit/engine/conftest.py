"""What tests of the engine share: a directory with a module of effects, and programs written into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perdure import Engine

SHOP = """
import asyncio
import threading
from perdure import Retry, builtin, effect

seen = []
release = threading.Event()

def note(x):
    seen.append(x)
    return x

async def later(x):
    await asyncio.sleep(0)
    return x

def fails(text): raise ValueError(text)

def leaves(): raise SystemExit(1)

def with_key(x, idempotency_key): return idempotency_key

@effect(retry=Retry(attempts=3, base_s=0.001), nothing_happened=(ConnectionError,))
def flaky(name):
    seen.append(name)
    if seen.count(name) < 3: raise ConnectionError(name)
    return seen.count(name)

def hangs(): release.wait()

def weird(): return {1, 2}

@builtin
def double(x): return x * 2
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a program into the test's directory and return its path."""
    (tmp_path / "shop.py").write_text(SHOP)

    def writes(body: str, name: str = "program.scm") -> Path:
        path = tmp_path / name
        path.write_text(f"(import (scheme base) (scheme write) (perdure) (python shop))\n{body}")
        return path

    return writes


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(f"sqlite:{tmp_path}/test.db") as made:
        yield made
