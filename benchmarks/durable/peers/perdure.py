"""Perdure on SQLite and on PostgreSQL. The store is a URL; everything else is the same."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.durable.peers.perdure_ground import (
    GATED,
    PARALLEL,
    PROGRAMS,
    SEQUENCE,
    SLEEPER,
    Arrivals,
    database,
)
from benchmarks.durable.peers.perdure_scale import w2b, w8
from benchmarks.durable.peers.protocol import (
    Given,
    Window,
    check,
    main,
    mark,
    resident_bytes,
    stored_bytes,
)
from benchmarks.measure import MEDIAN, P99, quantile
from perdure import Engine

HOUR_S = 3600.0
LOOK_S = 1.0
IDLE_S = 5.0
"""How long the CPU time of a worker is watched that has only sleeping runs."""
SLOWER = 2.5
"""How much more slowly than a sample all runs may fall asleep."""
MARGIN_S = 10.0
"""All runs must be asleep so long before the idle time begins and they are due."""


def w1(given: Given) -> dict[str, Any]:
    """One run, one effect after the other."""
    plain = given.variant == "def"
    with Engine(database(given)) as engine:
        check(engine.run(SEQUENCE, 10, plain), 10)
        before = stored_bytes()
        window = Window()
        result = engine.run(SEQUENCE, given.effects, plain)
        window.close()
        check(result, given.effects)
        stored = stored_bytes() - before
    return {"effects": given.effects, **window.figures, "stored_bytes": stored}


def w2(given: Given) -> dict[str, Any]:
    """Many short runs, executed by the process that starts them."""
    done = Arrivals("completed")
    with Engine(database(given), observer=done) as engine:
        program = engine.compile(SEQUENCE)
        check(engine.run(program, given.each, False), given.each)
        done.clear()
        window = Window()
        ids = engine.start_many(program, [(given.each, False)] * given.runs)
        started_s = window.passed_s
        window.close(done.wait(given.runs))
        check([engine.result(run_id) for run_id in ids], [given.each] * given.runs)
    return {"effects": given.runs * given.each, **window.figures, "started_s": started_s}


def w3(given: Given) -> dict[str, Any]:
    """Go on after SIGKILL. Ready means: the engine is made, and its worker works."""
    with Engine(database(given), execute="none", directory=PROGRAMS) as engine:
        if given.life == "first":
            engine.start(GATED, given.kill_at + 1, id="killed")
        worker = engine.worker()
        worker.start()
        mark("ready")
        while engine.wait("killed", timeout=LOOK_S) is None:
            # This engine executes nothing itself, so it does not hear of what ends the worker.
            if worker.error is not None:
                raise worker.error
        result = engine.result("killed")
        check(result, given.kill_at + 1)
        worker.stop()
        worker.join()
    return {"result": result}


def w4(given: Given) -> dict[str, Any]:
    """One run, all effects at the same time, joined."""
    with Engine(database(given)) as engine:
        check(engine.run(PARALLEL, 5), 15)
        window = Window()
        result = engine.run(PARALLEL, given.parallel)
        window.close()
        check(result, sum(range(1, given.parallel + 1)))
    return {"effects": given.parallel, **window.figures}


def w5(given: Given) -> dict[str, Any]:
    """Sleeping runs: what each costs."""
    return _sleep(given, wake=False)


def w5b(given: Given) -> dict[str, Any]:
    """Sleeping runs that are due together: also what all of them cost, and how late they wake."""
    return _sleep(given, wake=True)


def _sleep(given: Given, *, wake: bool) -> dict[str, Any]:
    asleep, awake = Arrivals("waiting"), Arrivals("completed")

    def observe(commit: Any) -> None:
        asleep(commit)
        awake(commit)

    with Engine(database(given), observer=observe) as engine:
        program = engine.compile(SLEEPER)
        engine.run(program, 0)
        due = time.time() + HOUR_S
        if wake:
            due = _due(engine, program, given.sleepers, asleep)
        asleep.clear()
        awake.clear()
        stored, memory = stored_bytes(), resident_bytes()
        window = Window()
        ids = engine.start_many(program, [(due,)] * given.sleepers)
        started_s = window.passed_s
        window.close(asleep.wait(given.sleepers))
        check(len(awake.at), 0, "they fell asleep too slowly; runs that were due before all slept")
        figures = {
            "sleepers": given.sleepers,
            **window.figures,
            "started_s": started_s,
            "memory_bytes": resident_bytes() - memory,
            "resident_bytes": resident_bytes(),
            "stored_bytes": stored_bytes() - stored,
        }
        if wake:
            figures.update(_wake(engine, ids, due, awake))
    return figures


def _due(engine: Engine, program: Any, sleepers: int, asleep: Arrivals) -> float:
    """Return a time at which all runs will be asleep, judging by how fast some fall asleep."""
    # More than a worker keeps in memory, or the sample would fall asleep faster than the rest.
    sample = max(10, sleepers // 20)
    asleep.clear()
    window = Window()
    engine.start_many(program, [(time.time() + 10 * HOUR_S,)] * sample)
    asleep.wait(sample)
    return time.time() + SLOWER * window.passed_s / sample * sleepers + MARGIN_S + IDLE_S


def _wake(engine: Engine, ids: list[str], due: float, awake: Arrivals) -> dict[str, float]:
    """Watch a worker that has only sleeping runs, then all of them waking."""
    left = due - time.time()
    if left < IDLE_S + 1.0:
        raise SystemExit(f"the runs fell asleep too slowly: {left:.1f} s before they are due")
    time.sleep(min(left - IDLE_S - 1.0, 2.0))
    cpu = time.process_time()
    time.sleep(IDLE_S)
    idle_cpu_s = time.process_time() - cpu
    check(len(awake.at), 0, "runs awake before they are due")
    awake.wait(len(ids))
    late = [at - due for at in awake.clock.values()]
    woke = [engine.result(run_id) for run_id in ids]
    check(sum(at < due for at in woke), 0, "runs with a turn that was early")
    check(sum(one < 0 for one in late), 0, "runs that were awake early")
    return {
        "idle_s": IDLE_S,
        "idle_cpu_s": idle_cpu_s,
        "late_first_s": min(late),
        "late_median_s": quantile(late, MEDIAN),
        "late_p99_s": quantile(late, P99),
        "late_last_s": max(late),
        "awake_resident_bytes": resident_bytes(),
    }


if __name__ == "__main__":
    main({"W1": w1, "W2": w2, "W2b": w2b, "W3": w3, "W4": w4, "W5": w5, "W5b": w5b, "W8": w8})
