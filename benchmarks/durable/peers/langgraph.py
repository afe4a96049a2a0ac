"""LangGraph with its checkpointers for SQLite and PostgreSQL: a node that loops, one checkpoint for each super-step.

Variants: "default" durability writes a checkpoint while the next step runs, "sync" before it. LangGraph recovers nothing by
itself: after a kill the program invokes the graph again. It has no durable timer: a sleeping run is one that waits in `interrupt`.
"""

from __future__ import annotations

import asyncio
import gc
import operator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt

from benchmarks.durable.peers.protocol import (
    Given,
    Window,
    check,
    gate,
    main,
    mark,
    resident_bytes,
    stored_bytes,
)

SLACK = 100
"""Super-steps beyond those of the loop; the default limit would end it."""


class Counting(TypedDict):
    number: int
    count: int


class Adding(TypedDict):
    count: int
    total: Annotated[int, operator.add]


def step(state: Counting) -> dict[str, int]:
    return {"number": state["number"] + 1}


async def async_step(state: Counting) -> dict[str, int]:
    return step(state)


def gated(state: Counting) -> dict[str, int]:
    return {"number": gate.step(state["number"])}


def add(state: dict[str, int]) -> dict[str, int]:
    return {"total": state["number"] + 1}


async def wait(_state: Counting) -> dict[str, int]:
    return {"number": interrupt("wait for somebody")}


def loop(node: Any, saver: Any) -> Any:
    """Return a graph that repeats a node until `number` is `count`."""
    graph = StateGraph(Counting)
    graph.add_node("step", node)
    graph.add_edge(START, "step")
    graph.add_conditional_edges(
        "step", lambda state: "step" if state["number"] < state["count"] else END, ["step", END]
    )
    return graph.compile(checkpointer=saver)


def fan(saver: Any) -> Any:
    """Return a graph with `count` parallel steps whose results are added."""
    graph = StateGraph(Adding)
    graph.add_node("add", add)
    graph.add_conditional_edges(
        START, lambda state: [Send("add", {"number": n}) for n in range(state["count"])], ["add"]
    )
    graph.add_edge("add", END)
    return graph.compile(checkpointer=saver)


def waiting(saver: Any) -> Any:
    """Return a graph that waits for a person."""
    graph = StateGraph(Counting)
    graph.add_node("wait", wait)
    graph.add_edge(START, "wait")
    graph.add_edge("wait", END)
    return graph.compile(checkpointer=saver)


def thread(name: str, steps: int = 0) -> dict[str, Any]:
    """Return the configuration of a run."""
    return {"configurable": {"thread_id": name}, "recursion_limit": steps + SLACK}


def from_zero(count: int) -> Counting:
    return {"number": 0, "count": count}


def saver(given: Given) -> AbstractContextManager[Any]:
    if given.url:
        from langgraph.checkpoint.postgres import PostgresSaver

        return PostgresSaver.from_conn_string(given.url)
    from langgraph.checkpoint.sqlite import SqliteSaver

    return SqliteSaver.from_conn_string(given.file)


def async_saver(given: Given) -> AbstractAsyncContextManager[Any]:
    if not given.url:
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        return AsyncSqliteSaver.from_conn_string(given.file)

    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    @asynccontextmanager
    async def pooled() -> Any:
        options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        async with AsyncConnectionPool(
            given.url, min_size=4, max_size=16, timeout=300, kwargs=options
        ) as pool:
            yield AsyncPostgresSaver(pool)

    return pooled()


def w1(given: Given) -> dict[str, Any]:
    options = {"durability": "sync"} if given.variant == "sync" else {}
    with saver(given) as opened:
        opened.setup()
        graph = loop(step, opened)
        graph.invoke(from_zero(10), thread("warm"), **options)
        before = stored_bytes()
        window = Window()
        result = graph.invoke(
            from_zero(given.effects), thread("measured", given.effects), **options
        )
        window.close()
        check(result["number"], given.effects)
        return {
            "effects": given.effects,
            **window.figures,
            "stored_bytes": stored_bytes() - before,
        }


def w2(given: Given) -> dict[str, Any]:
    async def measured() -> dict[str, float]:
        async with async_saver(given) as opened:
            await opened.setup()
            graph = loop(async_step, opened)
            await graph.ainvoke(from_zero(given.each), thread("warm"))
            window = Window()
            results = await asyncio.gather(
                *[
                    graph.ainvoke(from_zero(given.each), thread(f"run-{n}"))
                    for n in range(given.runs)
                ]
            )
            window.close()
            check([result["number"] for result in results], [given.each] * given.runs)
            return window.figures

    return {"effects": given.runs * given.each, **asyncio.run(measured())}


def w3(given: Given) -> dict[str, Any]:
    with saver(given) as opened:
        if given.life == "first":
            opened.setup()
        graph = loop(gated, opened)
        mark("ready")
        state = from_zero(given.kill_at + 1) if given.life == "first" else None
        result = graph.invoke(state, thread("killed", given.kill_at), durability="sync")
        check(result["number"], given.kill_at + 1)
    return {"result": result["number"]}


def w4(given: Given) -> dict[str, Any]:
    with saver(given) as opened:
        opened.setup()
        graph = fan(opened)
        graph.invoke({"count": 5, "total": 0}, thread("warm"))
        window = Window()
        result = graph.invoke({"count": given.parallel, "total": 0}, thread("measured"))
        window.close()
        check(result["total"], sum(range(1, given.parallel + 1)))
    return {"effects": given.parallel, **window.figures}


def w5(given: Given) -> dict[str, Any]:
    async def measured() -> dict[str, Any]:
        async with async_saver(given) as opened:
            await opened.setup()
            graph = waiting(opened)
            await graph.ainvoke(from_zero(1), thread("warm"))
            stored, memory = stored_bytes(), resident_bytes()
            window = Window()
            results = await asyncio.gather(
                *[graph.ainvoke(from_zero(1), thread(f"run-{n}")) for n in range(given.sleepers)]
            )
            window.close()
            check(["__interrupt__" in result for result in results], [True] * given.sleepers)
            del results
            gc.collect()
            return {
                "sleepers": given.sleepers,
                **window.figures,
                "started_s": window.figures["seconds"],
                "memory_bytes": resident_bytes() - memory,
                "resident_bytes": resident_bytes(),
                "stored_bytes": stored_bytes() - stored,
            }

    return asyncio.run(measured())


if __name__ == "__main__":
    main({"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5})
