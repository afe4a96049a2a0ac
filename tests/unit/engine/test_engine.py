"""The engine with real programs on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure import Engine
from perdure.base.errors import CallError, RunStopped

Write = Callable[..., Path]
WAIT_S = 20.0


def test_a_run_returns_what_main_returns(engine: Engine, write: Write) -> None:
    path = write("(define (main a b) (list a (+ b 1) (later 'x) (double 4)))")
    assert engine.run(path, {"k": [1, None]}, 2, timeout=WAIT_S) == [{"k": [1, None]}, 3, "x", 8]


def test_the_same_id_is_the_same_run(engine: Engine, write: Write) -> None:
    path = write("(define (main x) (note x))")
    assert engine.run(path, 1, id="one", timeout=WAIT_S) == 1
    assert engine.run(path, 1, id="one", timeout=WAIT_S) == 1
    with pytest.raises(CallError, match="one"):
        engine.start(path, 2, id="one")


def test_many_runs_are_started_at_once_each_with_its_arguments(
    engine: Engine, write: Write
) -> None:
    path = write("(define (main x) (note x))")
    ids = engine.start_many(path, [(n,) for n in range(5)])
    assert [engine.result(run_id, timeout=WAIT_S) for run_id in ids] == [0, 1, 2, 3, 4]
    assert engine.start_many(path, [(7,), (8,)], run_ids=["a", "b"]) == ["a", "b"]
    with pytest.raises(CallError, match="run b exists"):
        engine.start_many(path, [(9,), (9,)], run_ids=["c", "b"])
    with pytest.raises(CallError, match="c"):
        engine.find("c")
    with pytest.raises(CallError, match="1 runs to start, but 2 ids"):
        engine.start_many(path, [(1,)], run_ids=["d", "e"])


@pytest.mark.parametrize("bad", ["", " ", "a b", "x" * 201, "a\n"])
def test_a_bad_id_is_refused(engine: Engine, write: Write, bad: str) -> None:
    with pytest.raises(CallError):
        engine.start(write("1"), id=bad)


def test_an_unknown_run_is_named(engine: Engine) -> None:
    with pytest.raises(CallError, match="no run 'nowhere'"):
        engine.result("nowhere")


def test_an_effect_that_raises_is_a_condition(engine: Engine, write: Write) -> None:
    path = write(
        '(define (main) (guard (e ((error-object? e) (error-object-message e))) (fails "no money")))'
    )
    assert "no money" in engine.run(path, timeout=WAIT_S)


def test_an_uncaught_error_parks_the_run_with_its_stack(engine: Engine, write: Write) -> None:
    path = write(
        "(define (settle order)\n  (+ 1 (car order)))\n(define (main) (+ 1 (settle (note 5))))"
    )
    with pytest.raises(RunStopped) as caught:
        engine.run(path, id="p", timeout=WAIT_S)
    assert caught.value.status == "parked"
    assert caught.value.code == "P204"
    assert "program.scm:3:" in caught.value.report
    assert "settle" in caught.value.report
    shown = engine.show("p")
    assert shown.status == "parked"
    assert [frame.procedure for frame in shown.tasks[0].frames][:2] == ["settle", "main"]
    assert ("order", "5") in shown.tasks[0].frames[0].variables


def test_a_parked_run_can_be_retried(engine: Engine, write: Write) -> None:
    path = write(
        "(define (main) (+ 1 (if (= 3 (length-of (note 'x))) 1 (car 5))))\n(define (length-of x) 2)"
    )
    with pytest.raises(RunStopped):
        engine.run(path, id="p", timeout=WAIT_S)
    before = engine.find("p").seq
    assert engine.retry("p")
    with pytest.raises(RunStopped, match="parked"):
        engine.result("p", timeout=WAIT_S)
    assert engine.find("p").seq > before
    assert engine.cancel("p")
    with pytest.raises(RunStopped, match="cancelled"):
        engine.result("p", timeout=WAIT_S)


def test_an_effect_is_retried_with_permission_and_keeps_its_key(
    engine: Engine, write: Write
) -> None:
    path = write('(define (main) (list (flaky "a") (with-key 1)))')
    found = engine.run(path, id="keyed", timeout=WAIT_S)
    assert found[0] == 3
    assert found[1].startswith("keyed/")


def test_system_exit_in_an_effect_is_an_error_like_others(engine: Engine, write: Write) -> None:
    with pytest.raises(RunStopped, match="SystemExit"):
        engine.run(write("(define (main) (leaves))"), timeout=WAIT_S)
    assert engine.run(write("(define (main) 1)", "other.scm"), timeout=WAIT_S) == 1


def test_a_result_that_can_t_cross_is_a_condition_with_its_reason(
    engine: Engine, write: Write
) -> None:
    with pytest.raises(RunStopped, match="set can't cross") as caught:
        engine.run(write("(define (main) (weird))"), timeout=WAIT_S)
    assert caught.value.code == "P222"


def test_an_argument_that_can_t_cross_is_an_error_at_the_call(engine: Engine, write: Write) -> None:
    with pytest.raises(RunStopped, match=r"at argument 1\[1\]: a procedure can't cross"):
        engine.run(write("(define (main) (note (list 1 car)))"), timeout=WAIT_S)


def test_an_effect_that_never_returns_stops_nobody_else(engine: Engine, write: Write) -> None:
    engine.start(write("(define (main) (hangs))", "hang.scm"), id="h")
    assert engine.run(write("(define (main) (note 3))"), timeout=WAIT_S) == 3
    assert engine.show("h").tasks[0].waits[0].what == "hangs"


def test_a_message_reaches_a_waiting_run_once(engine: Engine, write: Write) -> None:
    run_id = engine.start(
        write("(define (main) (let* ((a (receive-message)) (b (receive-message))) (list a b)))")
    )
    assert engine.send(run_id, {"x": 1}, message_id="m")
    assert not engine.send(run_id, {"x": 1}, message_id="m")
    assert engine.send(run_id, "two")
    assert engine.result(run_id, timeout=WAIT_S) == [{"x": 1}, "two"]


def test_a_child_run_is_joined(engine: Engine, write: Write) -> None:
    write("(define (main x) (list x 'child 1/3))", "child.scm")
    path = write('(define (main) (join (start-run "child" 5)))', "parent.scm")
    found = engine.run(path, id="par", timeout=WAIT_S)
    assert found[:2] == [5, "child"]


def test_a_program_that_nobody_knows_can_t_be_started(engine: Engine, write: Write) -> None:
    with pytest.raises(RunStopped, match="no program has the name nobody"):
        engine.run(write('(define (main) (start-run "nobody"))'), timeout=WAIT_S)


def test_two_runs_talk(engine: Engine, write: Write) -> None:
    path = write(
        """(define (main other first)
             (if first (begin (send-message other (list (self) 'ping 1/2)) (receive-message))
                 (let ((got (receive-message))) (send-message (car got) (cdr got)) 'answered)))"""
    )
    answering = engine.start(path, "", False, id="b")
    assert str(engine.run(path, "b", True, id="a", timeout=WAIT_S)[0]) == "ping"
    assert engine.result(answering, timeout=WAIT_S) == "answered"


def test_output_is_recorded_with_its_turn(engine: Engine, write: Write) -> None:
    run_id = engine.start(write('(define (main) (display "a") (note 1) (display "b") 0)'))
    engine.result(run_id, timeout=WAIT_S)
    assert engine.output(run_id) == "ab"


def test_lines_reach_the_console(engine: Engine, write: Write) -> None:
    run_id = engine.start(
        write("(define (main) (let* ((a (read-line)) (b (read-line))) (list a (eof-object? b))))")
    )
    engine.send_line(run_id, "hello")
    engine.send_line(run_id, None)
    assert engine.result(run_id, timeout=WAIT_S) == ["hello", True]


def test_a_cancelled_run_unwinds(engine: Engine, write: Write) -> None:
    body = '(define (main) (dynamic-wind (lambda () 0) (lambda () (receive-message)) (lambda () (display "left"))))'
    run_id = engine.start(write(body))
    while engine.find(run_id).status != "waiting":
        engine.wait(run_id, timeout=0.01)
    assert engine.cancel(run_id)
    with pytest.raises(RunStopped, match="cancelled"):
        engine.result(run_id, timeout=WAIT_S)
    assert engine.output(run_id) == "left"


def test_a_run_survives_its_engine(tmp_path: Path, write: Write) -> None:
    url = f"sqlite:{tmp_path}/test.db"
    path = write("(define (main) (let ((a (receive-message))) (list a (note 2))))")
    with Engine(url) as first:
        first.start(path, id="r")
        while first.find("r").status != "waiting":
            first.wait("r", timeout=0.01)
    path.unlink()
    with Engine(url) as second:
        second.send("r", 1)
        assert second.result("r", timeout=WAIT_S) == [1, 2]


def test_a_damaged_snapshot_quarantines_its_run_alone(tmp_path: Path, write: Write) -> None:
    url = f"sqlite:{tmp_path}/test.db"
    path = write("(define (main) (receive-message))")
    with Engine(url) as first:
        for name in ("good", "bad"):
            first.start(path, id=name)
            while first.find(name).status != "waiting":
                first.wait(name, timeout=0.01)
    import apsw

    raw = apsw.Connection(str(tmp_path / "test.db"))
    raw.execute(
        "UPDATE snapshots SET payload = cast(substr(payload, 1, 9) || 'X' || substr(payload, 11) AS BLOB) "
        "WHERE run = (SELECT num FROM runs WHERE id = 'bad')"
    )
    raw.close()
    with Engine(url) as second:
        second.send("good", 1)
        second.send("bad", 1)
        assert second.result("good", timeout=WAIT_S) == 1
        with pytest.raises(RunStopped, match="hash"):
            second.result("bad", timeout=WAIT_S)


def test_stress_gives_the_same_result(tmp_path: Path, write: Write) -> None:
    path = write(
        """(define (main)
             (let loop ((i 0) (acc '()))
               (if (= i 4) (reverse acc)
                   (loop (+ i 1) (cons (note (* i i)) acc)))))"""
    )
    with Engine(f"sqlite:{tmp_path}/s.db", stress=True) as engine:
        assert engine.run(path, timeout=60) == [0, 1, 4, 9]


def test_the_engine_can_be_awaited(tmp_path: Path, write: Write) -> None:
    path = write("(define (main x) (later x))")

    async def go() -> list[int]:
        with Engine(f"sqlite:{tmp_path}/a.db") as engine:
            return list(
                await asyncio.gather(*(engine.aio.run(path, n, timeout=WAIT_S) for n in range(5)))
            )

    assert asyncio.run(go()) == [0, 1, 2, 3, 4]


def test_a_worker_ends_when_it_is_idle(tmp_path: Path, write: Write) -> None:
    with Engine(f"sqlite:{tmp_path}/w.db", execute="none") as engine:
        done = engine.start(write("(define (main) (later 1))"))
        waits = engine.start(write("(define (main) (receive-message))", "waits.scm"))
        worker = engine.worker(until_idle=True)
        worker.run()
        assert worker.error is None
        assert engine.result(done) == 1
        assert engine.find(waits).status == "waiting"
        assert engine.find(waits).owner == 0


def test_an_engine_that_executes_its_own_runs_leaves_others_alone(
    tmp_path: Path, write: Write
) -> None:
    url = f"sqlite:{tmp_path}/o.db"
    write("(define (main) (note 7))", "child.scm")
    path = write('(define (main) (join (start-run "child")))')
    with Engine(url, execute="none") as other:
        foreign = other.start(path, id="foreign")
    with Engine(url, execute="own") as engine:
        assert engine.run(path, timeout=WAIT_S) == 7
        assert engine.find(foreign).status == "ready"
