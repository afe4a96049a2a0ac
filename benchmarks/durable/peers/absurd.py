"""absurd on PostgreSQL: tasks and steps through absurd-sdk, the schema by absurdctl.

Variants: "sync" and "async" workers with so many tasks at a time; of parallel steps, "children" are tasks of a second queue, "gather"
are steps of one async task. A killed worker's tasks come back when its lease is over: W3 waits for that, with a lease of 2 s instead
of the default of 120 s, and is fair to it by starting the clock afterwards.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from absurd_sdk import Absurd, AsyncAbsurd

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
    wait_until,
)

QUEUE, CHILDREN = "main", "children"
HOUR_S = 3600.0
LEASE_S = 2
windows: list[Window] = []
"""The time of each task from its first statement to its last: workers and clients poll, which does not count."""


async def async_add_one(number: int) -> int:
    return number + 1


def prepare(given: Given) -> None:
    """Make absurd's schema and queues."""
    control = str(Path(sys.executable).parent / "absurdctl")
    environment = {**os.environ, "ABSURD_DATABASE_URL": given.url}
    for arguments in (["init"], ["create-queue", QUEUE], ["create-queue", CHILDREN]):
        subprocess.run([control, *arguments], env=environment, check=True, capture_output=True)


def application(given: Given) -> Absurd:
    """Return an application with the plain tasks."""
    app = Absurd(given.url, queue_name=QUEUE)

    @app.register_task("sequence")
    def sequence(params: Any, ctx: Any) -> int:
        windows.append(window := Window())
        number = 0
        for _ in range(params["count"]):
            number = ctx.step("step", lambda value=number: value + 1)
        window.close()
        return number

    @app.register_task("parallel")
    def parallel(params: Any, ctx: Any) -> int:
        windows.append(window := Window())
        children = children_application(given)
        ids = ctx.step(
            "spawn",
            lambda: [
                str(children.spawn("child", {"number": n})["task_id"])
                for n in range(params["count"])
            ],
        )
        total = sum(ctx.await_task_result(one, queue_name=CHILDREN).result for one in ids)
        window.close()
        return total

    @app.register_task("sleeper")
    def sleeper(_params: Any, ctx: Any) -> None:
        ctx.sleep_for("sleep", HOUR_S)
        raise AssertionError("nobody waits so long")

    @app.register_task("gated")
    def gated(params: Any, ctx: Any) -> int:
        number = 0
        for _ in range(params["count"]):
            number = ctx.step("step", lambda value=number: gate.step(value))
        return number

    return app


def children_application(given: Given) -> Absurd:
    """Return an application with the task that `parallel` spawns."""
    app = Absurd(given.url, queue_name=CHILDREN)

    @app.register_task("child")
    def child(params: Any, ctx: Any) -> int:
        return ctx.step("step", lambda: params["number"] + 1)

    return app


def async_application(given: Given) -> AsyncAbsurd:
    """Return an application with the async tasks."""
    app = AsyncAbsurd(given.url, queue_name=QUEUE)

    @app.register_task("sequence")
    async def sequence(params: Any, ctx: Any) -> int:
        windows.append(window := Window())
        number = 0
        for _ in range(params["count"]):
            number = await ctx.step("step", lambda value=number: async_add_one(value))
        window.close()
        return number

    @app.register_task("parallel")
    async def parallel(params: Any, ctx: Any) -> int:
        windows.append(window := Window())
        steps = [
            ctx.step(f"step-{n}", lambda value=n: async_add_one(value))
            for n in range(params["count"])
        ]
        total = sum(await asyncio.gather(*steps))
        window.close()
        return total

    return app


def work(app: Absurd, **options: Any) -> None:
    """Start a worker in a thread."""
    threading.Thread(target=app.start_worker, kwargs=options, daemon=True).start()


def work_async(app: AsyncAbsurd, **options: Any) -> None:
    """Start an async worker on a loop of its own."""
    threading.Thread(target=lambda: asyncio.run(app.start_worker(**options)), daemon=True).start()


def result_of(client: Absurd, spawned: Any) -> Any:
    found = client.await_task_result(spawned["task_id"])
    if found.failure:
        raise SystemExit(f"absurd's task failed: {found.failure}")
    return found.result


def w1(given: Given) -> dict[str, Any]:
    prepare(given)
    client = application(given)
    work(application(given))
    check(result_of(client, client.spawn("sequence", {"count": 10})), 10)
    before = stored_bytes()
    result = result_of(client, client.spawn("sequence", {"count": given.effects}))
    check(result, given.effects)
    return {
        "effects": given.effects,
        **windows[-1].figures,
        "stored_bytes": stored_bytes() - before,
    }


def w2(given: Given) -> dict[str, Any]:
    prepare(given)
    client = application(given)
    kind, concurrency = given.variant.split()
    if kind == "async":
        work_async(async_application(given), concurrency=int(concurrency))
    else:
        work(application(given), concurrency=int(concurrency))
    check(result_of(client, client.spawn("sequence", {"count": given.each})), given.each)
    windows.clear()
    whole = Window()
    spawned = [client.spawn("sequence", {"count": given.each}) for _ in range(given.runs)]
    wait_until(lambda: len(windows) == given.runs and all(one.ended for one in windows), 0.01)
    whole.close(max(one.ended for one in windows))
    check([result_of(client, one) for one in spawned], [given.each] * given.runs)
    return {"effects": given.runs * given.each, **whole.figures}


def w3(given: Given) -> dict[str, Any]:
    if given.life == "first":
        prepare(given)
    client = application(given)
    if given.life == "first":
        task = str(client.spawn("gated", {"count": given.kill_at + 1})["task_id"])
        Path(given.folder, "task").write_text(task, encoding="utf-8")
    task = Path(given.folder, "task").read_text(encoding="utf-8")
    work(application(given), claim_timeout=LEASE_S)
    mark("ready")
    result = result_of(client, {"task_id": task})
    check(result, given.kill_at + 1)
    return {"result": result}


def w4(given: Given) -> dict[str, Any]:
    prepare(given)
    client = application(given)
    if given.variant == "gather":
        work_async(async_application(given))
    else:
        work(application(given))
        work(children_application(given))
    check(result_of(client, client.spawn("parallel", {"count": 5})), 15)
    # From the call to the end of the task: finding it is part of the work here, as it is for others.
    whole = Window()
    spawned = client.spawn("parallel", {"count": given.parallel})
    result = result_of(client, spawned)
    whole.close(windows[-1].ended)
    check(result, sum(range(1, given.parallel + 1)))
    return {"effects": given.parallel, **whole.figures}


def w5(given: Given) -> dict[str, Any]:
    prepare(given)
    client = application(given)
    work(application(given))
    check(result_of(client, client.spawn("sequence", {"count": 2})), 2)
    stored, memory = stored_bytes(), resident_bytes()
    window = Window()
    for _ in range(given.sleepers):
        client.spawn("sleeper", {})
    started_s = window.passed_s
    query = f"SELECT count(*) FROM absurd.t_{QUEUE} WHERE state = 'sleeping'"
    wait_until(lambda: stored_count(query) == given.sleepers, 0.02)
    window.close()
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
