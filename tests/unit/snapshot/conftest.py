"""Puts the write barrier's log back, so that no test writes to the log of another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perdure.values import barrier


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    barrier.use(barrier.WriteLog())
    yield
    barrier.use(barrier.WriteLog())
