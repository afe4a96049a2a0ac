"""dura, on SQLite: handlers that checkpoint their steps, executed by worker threads.

Variants: so many workers. It has no parallel steps inside a task: W4 spawns child tasks that add to a durable counter, the last of
which emits the event that the parent waits for. A killed worker's tasks come back when its lease is over: W3 waits for that, with a
lease of 2 s instead of the default of 120 s.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from dura import DurableEngine
from dura.workers import run_worker

from benchmarks.durable.peers.protocol import (
    Given,
    Window,
    check,
    gate,
    main,
    mark,
    resident_bytes,
    stored_bytes,
    wait_until,
)

HOUR_S = 3600
LEASE_S = 2
windows: list[Window] = []
"""The time of each task from its first statement to its last: idle workers poll once a second, which does not count."""


def sequence(engine: Any, task: Any) -> int:
    windows.append(window := Window())
    number = 0
    for n in range(task.params["count"]):
        number = engine.checkpoint(
            task_id=task.task_id, step_name=f"step-{n}", fn=lambda value=number: value + 1
        )
    window.close()
    return number


def gated(engine: Any, task: Any) -> int:
    number = 0
    for n in range(task.params["count"]):
        number = engine.checkpoint(
            task_id=task.task_id, step_name=f"step-{n}", fn=lambda value=number: gate.step(value)
        )
    return number


def child(engine: Any, task: Any) -> int:
    joined, count = task.params["joined"], task.params["count"]
    result = engine.checkpoint(
        task_id=task.task_id, step_name="step", fn=lambda: task.params["number"] + 1
    )
    state = engine.update_state(
        namespace=joined,
        key="sum",
        fn=lambda sofar: {"done": sofar["done"] + 1, "total": sofar["total"] + result},
        default={"done": 0, "total": 0},
    )
    if state["done"] == count:
        engine.emit_event(event_name=joined, payload=state["total"])
    return result


def parallel(engine: Any, task: Any) -> int:
    joined, count = f"joined-{task.task_id}", task.params["count"]

    def spawn() -> None:
        for n in range(count):
            engine.spawn_task(
                name="child",
                params={"number": n, "count": count, "joined": joined},
                idempotency_key=f"{joined}-{n}",
            )

    engine.checkpoint(task_id=task.task_id, step_name="spawn", fn=spawn)
    total = engine.wait_for_event(
        run_id=task.run_id, task_id=task.task_id, step_name="join", event_name=joined
    )
    windows.append(window := Window())
    window.close()
    return total


def sleeper(engine: Any, task: Any) -> None:
    engine.wait_for_event(
        run_id=task.run_id,
        task_id=task.task_id,
        step_name="sleep",
        event_name=f"wake-{task.task_id}",
        timeout_secs=HOUR_S,
    )


HANDLERS = {
    "sequence": sequence,
    "gated": gated,
    "child": child,
    "parallel": parallel,
    "sleeper": sleeper,
}


def launch(given: Given, workers: int = 1, **options: Any) -> Any:
    """Return an engine with workers in threads."""
    engine = DurableEngine(given.file)
    for n in range(workers):
        arguments = {
            "handlers": HANDLERS,
            "worker_id": f"worker-{n}",
            "stop_event": threading.Event(),
            **options,
        }
        threading.Thread(target=run_worker, args=(engine,), kwargs=arguments, daemon=True).start()
    return engine


def spawn(engine: Any, name: str, **params: Any) -> str:
    return engine.spawn_task(name=name, params=params).task_id


def result_of(engine: Any, task_id: str) -> Any:
    """Wait for a task's end and return its result."""
    wait_until(lambda: engine.get_task(task_id).state in ("completed", "failed", "cancelled"))
    found = engine.get_task(task_id)
    check(found.state, "completed")
    return found.result


def w1(given: Given) -> dict[str, Any]:
    engine = launch(given)
    check(result_of(engine, spawn(engine, "sequence", count=10)), 10)
    before = stored_bytes()
    task = spawn(engine, "sequence", count=given.effects)
    # Nobody asks for the task meanwhile: in this process that would cost time of the interpreter lock.
    wait_until(lambda: len(windows) == 2 and windows[-1].ended > 0, 0.05)
    check(result_of(engine, task), given.effects)
    return {
        "effects": given.effects,
        **windows[-1].figures,
        "stored_bytes": stored_bytes() - before,
    }


def w2(given: Given) -> dict[str, Any]:
    engine = launch(given, workers=int(given.variant.split()[0]))
    check(result_of(engine, spawn(engine, "sequence", count=given.each)), given.each)
    windows.clear()
    whole = Window()
    tasks = [spawn(engine, "sequence", count=given.each) for _ in range(given.runs)]
    wait_until(lambda: len(windows) == given.runs and all(one.ended for one in windows), 0.01)
    whole.close(max(one.ended for one in windows))
    check([result_of(engine, task) for task in tasks], [given.each] * given.runs)
    return {"effects": given.runs * given.each, **whole.figures}


def w3(given: Given) -> dict[str, Any]:
    engine = launch(given, claim_timeout_secs=LEASE_S)
    if given.life == "first":
        task = spawn(engine, "gated", count=given.kill_at + 1)
        Path(given.folder, "task").write_text(task, encoding="utf-8")
    task = Path(given.folder, "task").read_text(encoding="utf-8")
    mark("ready")
    result = result_of(engine, task)
    check(result, given.kill_at + 1)
    return {"result": result}


def w4(given: Given) -> dict[str, Any]:
    engine = launch(given, workers=2)
    check(result_of(engine, spawn(engine, "parallel", count=5)), 15)
    windows.clear()
    whole = Window()
    task = spawn(engine, "parallel", count=given.parallel)
    wait_until(lambda: bool(windows), 0.01)
    whole.close(windows[-1].ended)
    check(result_of(engine, task), sum(range(1, given.parallel + 1)))
    return {"effects": given.parallel, **whole.figures}


def w5(given: Given) -> dict[str, Any]:
    engine = launch(given)
    check(result_of(engine, spawn(engine, "sequence", count=2)), 2)
    stored, memory = stored_bytes(), resident_bytes()
    window = Window()
    for _ in range(given.sleepers):
        spawn(engine, "sleeper")
    started_s = window.passed_s
    wait_until(lambda: engine.task_counts_by_state().get("sleeping", 0) == given.sleepers, 0.02)
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
