"""Tests of etl.scm in Python: pages come in any order, and no kill loses or doubles a row."""

from collections.abc import Callable, Collection
from typing import Any

import pytest

from perdure.testing import Later, World

PAGES = {"shop": [3, 2], "web": [1], "app": []}


def warehouse(loaded: set[tuple[str, int]], down: Collection[str] = ()) -> dict[str, Any]:
    def fetch_page(source: str, page: int) -> Later:
        if source in down:
            raise PermissionError(source)
        sizes = PAGES[source]
        rows = range(sizes[page - 1]) if page <= len(sizes) else ()
        found = [{"source": source, "id": 10 * page + row, "amount": 1} for row in rows]
        return Later(len(source) + page, found)

    def load_rows(worker: int, rows: list[list[Any]]) -> int:
        loaded.update((source, number) for source, number, _ in rows)
        return len(rows)

    return {"fetch-page": fetch_page, "load-rows": load_rows}


def test_every_row_is_loaded_once(world: Callable[..., World]) -> None:
    loaded: set[tuple[str, int]] = set()
    here = world("etl.scm", stubs=warehouse(loaded))
    run = here.start(list(PAGES))
    here.run()
    assert run.written == "(loaded 6 cents 600)"
    assert len(loaded) == 6


def test_a_source_that_is_down_for_a_while_is_asked_again(world: Callable[..., World]) -> None:
    here = world("etl.scm", stubs=warehouse(set()))
    here.fail("fetch-page", ConnectionError("down"), times=2)  # warehouse.py allows three attempts
    run = here.start(list(PAGES))
    here.run()
    assert run.written == "(loaded 6 cents 600)"
    assert [one.outcome for one in run.effects].count("raised") == 2


def test_a_source_that_stays_down_is_restarted_when_it_is_back(world: Callable[..., World]) -> None:
    down = {"web"}
    here = world("etl.scm", stubs=warehouse(set(), down))
    run = here.start(list(PAGES))
    here.run()
    assert run.status == "waiting"  # the other sources are loaded; this one's task is parked
    assert "retry" in run.restarts
    down.clear()
    run.restart("retry")
    here.run()
    assert run.written == "(loaded 6 cents 600)"


@pytest.mark.crash_everywhere
def test_no_kill_loses_a_row(world: Callable[..., World]) -> None:
    loaded: set[tuple[str, int]] = set()
    here = world("etl.scm", stubs=warehouse(loaded))
    run = here.start(list(PAGES))
    here.run()
    assert run.written == "(loaded 6 cents 600)"
    assert len(loaded) == 6
