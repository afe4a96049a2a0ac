"""DBOS on SQLite and on PostgreSQL: decorated workflows and steps.

Variants: "sync" and "async" functions; of many workflows, "queue" enqueues them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from typing import Any

if sqlite3.sqlite_version_info < (3, 42):
    # DBOS needs unixepoch('subsec'), which the SQLite of Debian 12 does not have.
    import pysqlite3
    import pysqlite3.dbapi2

    sys.modules["sqlite3"], sys.modules["sqlite3.dbapi2"] = pysqlite3, pysqlite3.dbapi2

from dbos import DBOS, DBOSConfig, SetWorkflowID

from benchmarks.durable.peers.protocol import (
    Given,
    Window,
    check,
    gate,
    main,
    mark,
    resident_bytes,
    stored_bytes,
    stored_count,
)

QUEUE = "many"
HOUR_S = 3600.0
LOOK_S = 0.02
RUN_ID = "killed"
asleep: list[int] = []


@DBOS.step()
def step(number: int) -> int:
    return number + 1


@DBOS.step()
async def async_step(number: int) -> int:
    return number + 1


@DBOS.workflow()
def sequence(count: int) -> int:
    number = 0
    for _ in range(count):
        number = step(number)
    return number


@DBOS.workflow()
async def async_sequence(count: int) -> int:
    number = 0
    for _ in range(count):
        number = await async_step(number)
    return number


@DBOS.workflow()
async def parallel(count: int) -> int:
    outcomes = await asyncio.gather(*[async_step(n) for n in range(count)], return_exceptions=True)
    return sum(outcomes)  # type: ignore[arg-type] - an exception is a failure of the benchmark


@DBOS.workflow()
def child(number: int) -> int:
    return step(number)


@DBOS.workflow()
def queued_parallel(count: int) -> int:
    handles = [DBOS.enqueue_workflow(QUEUE, child, n) for n in range(count)]
    return sum(handle.get_result() for handle in handles)


@DBOS.workflow()
async def sleeper() -> None:
    asleep.append(1)
    await DBOS.sleep_async(HOUR_S)


@DBOS.step()
def gated(number: int) -> int:
    return gate.step(number)


@DBOS.workflow()
def gated_sequence(count: int) -> int:
    number = 0
    for _ in range(count):
        number = gated(number)
    return number


def launch(given: Given) -> None:
    """Start DBOS in this process."""
    url = given.url or f"sqlite:///{given.file}"
    config = DBOSConfig(
        name="bench",
        system_database_url=url,
        log_level="WARNING",
        console_log_level="WARNING",
    )
    DBOS(config=config)
    DBOS.launch()
    if given.variant == "queue":
        DBOS.register_queue(QUEUE)


def w1(given: Given) -> dict[str, Any]:
    launch(given)

    def run(count: int) -> int:
        return asyncio.run(async_sequence(count)) if given.variant == "async" else sequence(count)

    run(10)
    before = stored_bytes()
    window = Window()
    result = run(given.effects)
    window.close()
    check(result, given.effects)
    return {
        "effects": given.effects,
        **window.figures,
        "stored_bytes": stored_bytes() - before,
    }


def w2(given: Given) -> dict[str, Any]:
    launch(given)
    sequence(given.each)

    async def all_async() -> list[int]:
        handles = [
            await DBOS.start_workflow_async(async_sequence, given.each) for _ in range(given.runs)
        ]
        return [await handle.get_result() for handle in handles]

    window = Window()
    if given.variant == "async":
        results = asyncio.run(all_async())
    elif given.variant == "queue":
        queued = [DBOS.enqueue_workflow(QUEUE, sequence, given.each) for _ in range(given.runs)]
        results = [handle.get_result() for handle in queued]
    else:
        started = [DBOS.start_workflow(sequence, given.each) for _ in range(given.runs)]
        results = [handle.get_result() for handle in started]
    window.close()
    check(results, [given.each] * given.runs)
    return {"effects": given.runs * given.each, **window.figures}


def w3(given: Given) -> dict[str, Any]:
    launch(given)
    mark("ready")
    if given.life == "first":
        with SetWorkflowID(RUN_ID):
            DBOS.start_workflow(gated_sequence, given.kill_at + 1)
    result = DBOS.retrieve_workflow(RUN_ID).get_result()
    check(result, given.kill_at + 1)
    return {"result": result}


def w4(given: Given) -> dict[str, Any]:
    launch(given)
    sequence(5)
    window = Window()
    if given.variant == "queue":
        result = queued_parallel(given.parallel)
    else:
        result = asyncio.run(parallel(given.parallel))
    window.close()
    check(result, sum(range(1, given.parallel + 1)))
    return {"effects": given.parallel, **window.figures}


def w5(given: Given) -> dict[str, Any]:
    launch(given)
    return asyncio.run(_sleep(given))


async def _sleep(given: Given) -> dict[str, Any]:
    await async_sequence(2)
    stored, memory = stored_bytes(), resident_bytes()
    window = Window()
    for _ in range(given.sleepers):
        await DBOS.start_workflow_async(sleeper)
    started_s = window.passed_s
    # A sleep begins with a durable record of when it ends.
    table = "operation_outputs" if given.store == "sqlite" else "dbos.operation_outputs"
    query = f"SELECT count(*) FROM {table} WHERE function_name LIKE '%sleep%'"
    while await asyncio.to_thread(stored_count, query) < given.sleepers:  # noqa: ASYNC110 - it gives no signal
        await asyncio.sleep(LOOK_S)
    window.close()
    check(len(asleep), given.sleepers)
    return {
        "sleepers": given.sleepers,
        **window.figures,
        "started_s": started_s,
        "memory_bytes": resident_bytes() - memory,
        "resident_bytes": resident_bytes(),
        "stored_bytes": stored_bytes() - stored,
    }


if __name__ == "__main__":
    main({"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5})
