"""Worlds for tests: stubs, time, messages, faults and results, on the real engine.

Method: small programs whose Python module is beside them, absent, or broken; what a test sees of a run is compared with
what the program must do. No test sleeps: time is the world's.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from perdure import Cancellation, Retry, builtin, effect
from perdure.base.errors import CallError, ProgramError, QuotaError, RunStopped
from perdure.testing import Later, StubError, World

DAY = 86_400.0

MONTHLY = """
(import (scheme base) (perdure) (python payments))
(define month (* 30 24 60 60))
(define (main customer)
  (let loop ((due (+ (now) month)) (paid 0))
    (let ((message (receive-message (- due (now)) #f)))
      (if message
          (list 'ended paid)
          (loop (+ due month) (+ paid (charge customer)))))))
"""

CHARGE = """
(import (scheme base) (perdure) (python payments))
(define (main customer)
  (guard (failure ((effect-error? failure) (list 'failed (effect-error-type failure)))
                  ((outcome-unknown? failure) 'unknown))
    (list 'paid (charge customer))))
"""


def world_of(folder: Path, text: str, **given: object) -> World:
    (folder / "program.scm").write_text(text)
    return World("program.scm", directory=folder, **given)  # type: ignore[arg-type]


# -- stubs -----------------------------------------------------------------------------------------


def test_a_module_that_is_absent_is_replaced_by_stubs(tmp_path: Path) -> None:
    world = world_of(tmp_path, CHARGE, stubs={"charge": lambda customer: f"{customer}: 10"})
    run = world.start("ada")
    assert run.status == "completed"
    assert run.result == ["paid", "ada: 10"]
    assert run.written == '(paid "ada: 10")'
    assert run.calls("charge") == [["ada"]]


def test_a_module_that_must_not_be_touched_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "payments.py").write_text("raise SystemExit('it was imported')")
    world = world_of(tmp_path, CHARGE, stubs={"charge": 10}, without=["payments"])
    assert world.start("ada").result == ["paid", 10]


def test_a_module_that_cannot_be_imported_is_replaced_by_stubs(tmp_path: Path) -> None:
    (tmp_path / "payments.py").write_text("import a_provider_that_is_not_installed")
    assert world_of(tmp_path, CHARGE, stubs={"charge": 10}).start("ada").result == ["paid", 10]


def test_a_module_that_is_absent_and_not_stubbed_is_an_error_that_says_how(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="payments") as found:
        world_of(tmp_path, CHARGE)
    assert 'stubs={"payments.NAME": ...}' in str(found.value)


def test_a_name_of_an_absent_module_that_is_not_stubbed_is_an_error_that_says_so(
    tmp_path: Path,
) -> None:
    text = "(import (scheme base) (python payments))\n(list (charge 1) (give-back 2))"
    with pytest.raises(ProgramError, match="give-back") as found:
        world_of(tmp_path, text, stubs={"charge": 10})
    assert 'stubs={"give-back": ...}' in str(found.value)


def test_a_stub_may_be_a_value_a_plain_or_async_function_or_an_error(tmp_path: Path) -> None:
    async def later(customer: str) -> str:
        return f"{customer}, later"

    for stub, wanted in [
        ({"amount": [1, 2]}, "(paid #<hash-table 1>)"),
        (lambda customer: customer.upper(), '(paid "ADA")'),
        (later, '(paid "ada, later")'),
        (ConnectionError("no route"), '(failed "ConnectionError")'),
        (ConnectionError, '(failed "ConnectionError")'),
    ]:
        world = world_of(tmp_path, CHARGE, stubs={"charge": stub})
        run = world.start("ada")
        if isinstance(stub, dict):
            assert run.result == ["paid", stub]
        else:
            assert run.written == wanted


def test_a_mock_is_a_stub_like_any_other(tmp_path: Path) -> None:
    mock = Mock(side_effect=[ConnectionError("down"), 10])
    world = world_of(tmp_path, CHARGE, stubs={"charge": mock})
    assert world.start("ada").written == '(failed "ConnectionError")'
    assert world.start("bob").result == ["paid", 10]
    assert [call.args for call in mock.call_args_list] == [("ada",), ("bob",)]
    world = world_of(tmp_path, CHARGE, stubs={"charge": AsyncMock(return_value=7)})
    assert world.start("ada").result == ["paid", 7]


def test_a_test_may_be_a_coroutine_itself(tmp_path: Path) -> None:
    async def charge(customer: str) -> str:
        await asyncio.sleep(0)
        return customer

    async def failing(customer: str) -> str:
        await asyncio.sleep(0)
        raise KeyError(customer)

    async def main() -> list[str]:
        return [
            world_of(tmp_path, CHARGE, stubs={"charge": stub}).start("ada").written
            for stub in (charge, failing)
        ]

    assert asyncio.run(main()) == ['(paid "ada")', '(failed "KeyError")']


def test_a_stub_has_the_mark_and_the_arguments_of_its_function(tmp_path: Path) -> None:
    (tmp_path / "payments.py").write_text(
        "from perdure import effect, Retry\n"
        "@effect(idempotent=True, retry=Retry(attempts=3, base_s=60, factor=10, max_s=6000, jitter=0))\n"
        "def charge(customer, idempotency_key): raise AssertionError('the real one')\n"
    )
    seen: list[tuple[float, str]] = []

    def charge(customer: str, idempotency_key: str) -> int:
        seen.append((world.now, idempotency_key))
        if len(seen) < 3:
            raise ConnectionError("down")
        return 10

    world = world_of(tmp_path, CHARGE, stubs={"charge": charge})
    began = world.now
    run = world.start("ada")
    assert run.status == "waiting"
    world.run()
    assert run.result == ["paid", 10]
    assert seen == [(began, "run-1/2"), (began + 60, "run-1/2"), (began + 660, "run-1/2")]
    assert [one.outcome for one in run.effects] == ["raised", "raised", "returned"]
    assert world_of(tmp_path, CHARGE.replace("charge customer", "charge"), stubs={"charge": 1})


def test_a_stub_may_have_a_mark_of_its_own(tmp_path: Path) -> None:
    @effect(idempotent=True, retry=Retry(attempts=2, base_s=5, jitter=0))
    def charge(customer: str) -> int:
        raise ConnectionError("down")

    world = world_of(tmp_path, CHARGE, stubs={"charge": charge})
    run = world.start("ada")
    world.run()
    assert run.written == '(failed "ConnectionError")'
    assert len(run.effects) == 2


def test_a_stub_may_be_a_method(tmp_path: Path) -> None:
    class Provider:
        charged = 0

        @effect(idempotent=True)
        def charge(self, customer: str) -> int:
            self.charged += 10
            return self.charged

        def plain(self, customer: str) -> str:
            return customer

    provider = Provider()
    world = world_of(tmp_path, CHARGE, stubs={"charge": provider.charge})
    world.kill("after-effect")
    assert world.start("ada").result == ["paid", 20]
    assert (
        world_of(tmp_path, CHARGE, stubs={"charge": provider.plain}).start("a").written
        == '(paid "a")'
    )
    with pytest.raises(
        TypeError, match="can't be marked: mark the function itself, a method in its"
    ):
        effect(idempotent=True)(provider.plain)


def test_a_builtin_is_called_in_line_stubbed_or_not(tmp_path: Path) -> None:
    (tmp_path / "payments.py").write_text(
        "from perdure import builtin\n@builtin\ndef charge(customer): return 1\n"
    )
    assert world_of(tmp_path, CHARGE).start("ada").result == ["paid", 1]
    stubbed = world_of(tmp_path, CHARGE, stubs={"charge": lambda customer: 2})
    assert stubbed.start("ada").result == ["paid", 2]
    marked = world_of(
        tmp_path, CHARGE, stubs={"charge": builtin(lambda customer: 3)}, without=["payments"]
    )
    assert marked.start("ada").result == ["paid", 3]
    assert marked.effects == []


def test_a_stub_is_named_with_its_module_where_two_have_one_name(tmp_path: Path) -> None:
    text = """
    (import (scheme base) (prefix (python shop) shop:) (prefix (python bank) bank:))
    (list (shop:charge 1) (bank:charge 2))
    """
    world = world_of(tmp_path, text, stubs={"shop.charge": "shop", "bank.charge": "bank"})
    run = world.start()
    assert run.result == ["shop", "bank"]
    assert world.calls("bank.charge") == [[2]]
    assert world.calls("charge") == [[1], [2]]


def test_a_stub_is_replaced_while_runs_go_on(tmp_path: Path) -> None:
    world = world_of(tmp_path, MONTHLY, stubs={"charge": 10})
    run = world.start("ada")
    world.advance(days=31)
    world.stub("charge", 25)
    world.advance(days=30)
    run.send("end")
    assert run.result == ["ended", 35]
    with pytest.raises(CallError, match="there are: charge"):
        world.stub("chrage", 1)


def test_a_function_that_the_test_does_not_mention_stops_the_test_and_not_the_program(
    tmp_path: Path,
) -> None:
    (tmp_path / "payments.py").write_text(
        "def charge(customer): raise SystemExit('it was called')\n"
    )
    world = world_of(tmp_path, CHARGE.replace("effect-error?", "condition?"))
    with pytest.raises(StubError, match="neither stubs payments.charge nor lets it run") as found:
        world.start("ada")
    assert 'stubs={"charge": ...}' in str(found.value)
    assert 'real={"charge"}' in str(found.value)
    with pytest.raises(StubError):
        world.run()


def test_a_function_that_no_program_has_is_an_error_wherever_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "payments.py").write_text(
        "def charge(customer): pass\ndef give_back(customer): pass\n"
    )
    world = world_of(tmp_path, CHARGE, stubs={"charge": 10})
    run = world.start("ada")
    for ask in (
        lambda: world.calls("chrage"),
        lambda: run.calls("shop.charge"),
        lambda: world.fail("chrage"),
        lambda: world.kill("before-effect", effect="chrage"),
    ):
        with pytest.raises(CallError, match="there are: charge, give-back"):
            ask()
    assert world.calls("give_back") == []
    assert world.calls("payments.charge") == [["ada"]]


@pytest.mark.parametrize("real", [True, {"charge"}, {"payments"}, ["payments.charge"]])
def test_a_function_may_be_allowed_to_run(tmp_path: Path, real: object) -> None:
    (tmp_path / "payments.py").write_text("async def charge(customer): return 7\n")
    assert world_of(tmp_path, CHARGE, real=real).start("ada").result == ["paid", 7]


def test_what_fails_in_a_stub_by_assertion_fails_the_test(tmp_path: Path) -> None:
    def charge(customer: str) -> int:
        assert customer == "bob", "a wrong customer"
        return 10

    with pytest.raises(AssertionError, match="a wrong customer"):
        world_of(tmp_path, CHARGE, stubs={"charge": charge}).start("ada")


def test_a_stub_that_takes_other_arguments_fails_the_test(tmp_path: Path) -> None:
    with pytest.raises(StubError, match="can't take the arguments"):
        world_of(tmp_path, CHARGE, stubs={"charge": lambda: 1}).start("ada")


def test_a_result_that_cannot_cross_is_the_programs_error_as_ever(tmp_path: Path) -> None:
    run = world_of(tmp_path, CHARGE, stubs={"charge": object()}).start("ada")
    assert run.status == "parked"
    assert run.error is not None
    assert run.error.kind == "boundary-error"


# -- time ------------------------------------------------------------------------------------------


def test_a_year_of_months_takes_no_time(tmp_path: Path) -> None:
    world_of(tmp_path, MONTHLY, stubs={"charge": 1}).close()  # the toolchain is loaded
    began = time.perf_counter()
    world = world_of(tmp_path, MONTHLY, stubs={"charge": 10})
    run = world.start("ada")
    world.advance(days=365)
    assert run.status == "waiting"
    assert len(run.calls("charge")) == 12
    run.send("end")
    assert run.result == ["ended", 120]
    assert time.perf_counter() - began < 0.5


def test_time_passes_only_when_it_is_told_to(tmp_path: Path) -> None:
    world = world_of(tmp_path, "(import (scheme base) (perdure))\n(sleep 100)\n(now)")
    began = world.now
    run = world.start()
    assert run.status == "waiting"
    assert run.waits_for == "sleep"
    assert world.next_alarm == began + 100
    world.advance(99.5)
    assert run.status == "waiting"
    world.advance(timedelta(seconds=1))
    assert run.result == began + 100
    assert world.now == began + 100.5
    assert world.next_alarm is None


def test_a_world_begins_when_it_is_told_to(tmp_path: Path) -> None:
    text = "(import (scheme base) (perdure))\n(now)"
    noon = datetime(2031, 5, 1, 12, tzinfo=UTC)
    assert world_of(tmp_path, text, now=noon).start().result == noon.timestamp()
    assert (
        world_of(tmp_path, text, now=noon.replace(tzinfo=None)).start().result == noon.timestamp()
    )
    assert world_of(tmp_path, text, now=5.0).start().result == 5.0
    world = world_of(tmp_path, text, now=noon)
    world.advance_to(datetime(2031, 5, 2, 12, tzinfo=UTC))
    assert world.now == noon.timestamp() + DAY
    with pytest.raises(CallError, match="can't go back"):
        world.advance_to(noon)
    with pytest.raises(CallError, match="can't go back"):
        world.advance(-1)


def test_an_effect_may_take_time(tmp_path: Path) -> None:
    text = """
    (import (scheme base) (perdure) (python payments))
    (list (with-timeout 60 (lambda () (charge 1)) 'late) (with-timeout 60 (lambda () (charge 2)) 'late))
    """
    world = world_of(tmp_path, text, stubs={"charge": lambda n: Later(n * 40, "paid")})
    run = world.start()
    world.run()
    assert run.written == '("paid" late)'
    assert [one.outcome for one in run.effects] == ["returned", "abandoned"]


def test_an_effect_that_takes_longer_than_its_mark_allows_is_timed_out(tmp_path: Path) -> None:
    @effect(idempotent=True, timeout=30)
    def charge(customer: str) -> Later:
        return Later(31, 10)

    world = world_of(tmp_path, CHARGE, stubs={"charge": charge})
    run = world.start("ada")
    began = world.now
    world.run()
    assert world.now == began + 30
    assert run.effects[0].outcome == "timed-out"
    assert run.status != "waiting"


def test_a_stub_is_told_of_the_deadline_and_of_the_end_of_interest(tmp_path: Path) -> None:
    text = """
    (import (scheme base) (perdure) (python payments))
    (with-deadline (+ (now) 60) (lambda () (charge 1)) 'late)
    """
    told: list[float | None] = []
    tokens: list[Cancellation] = []

    def charge(amount: int, cancellation: Cancellation, deadline: float | None = None) -> Later:
        told.append(deadline)
        tokens.append(cancellation)
        return Later(100, amount)

    world = world_of(tmp_path, text, stubs={"charge": charge})
    run = world.start()
    assert told == [world.now + 60]
    assert not tokens[0].cancelled
    world.run()
    assert run.written == "late"
    assert tokens[0].cancelled
    assert [one.outcome for one in run.effects] == ["abandoned"]


def test_a_program_that_never_rests_is_an_error_of_run(tmp_path: Path) -> None:
    world = world_of(tmp_path, MONTHLY, stubs={"charge": 10}, turns_max=100)
    world.start("ada")
    with pytest.raises(QuotaError, match="did not come to rest"):
        world.run()


def test_a_loop_that_never_waits_is_an_error(tmp_path: Path) -> None:
    world = world_of(tmp_path, "(import (scheme base))\n(let loop () (loop))", turns_max=400)
    with pytest.raises(QuotaError, match="did not come to rest"):
        world.start()


# -- runs ------------------------------------------------------------------------------------------


def test_messages_lines_and_logs(tmp_path: Path) -> None:
    text = """
    (import (scheme base) (scheme write) (perdure))
    (display (read-line))
    (log-event 'info "read" 'n 1)
    (receive-message)
    """
    world = world_of(tmp_path, text)
    run = world.start(id="reader")
    assert run.type("hello")
    assert run.output == "hello"
    assert run.logged == [("info", "read")]
    assert run.send({"a": [1, 2]}, message_id="m")
    assert run.result == {"a": [1, 2]}
    assert not run.send(1, message_id="m")
    assert repr(run) == "<run reader: completed>"
    assert repr(world.run_of("reader")) == repr(run)


def test_a_run_that_has_not_ended_has_no_result(tmp_path: Path) -> None:
    run = world_of(tmp_path, "(import (perdure))\n(receive-message)").start()
    with pytest.raises(CallError, match=r"run-1 has not ended: it is waiting \(a message\)"):
        _ = run.result
    with pytest.raises(CallError, match="has not ended"):
        _ = run.written
    assert run.error is None


def test_a_run_that_is_parked_is_retried(tmp_path: Path) -> None:
    text = "(import (scheme base) (python payments))\n(+ 1 (charge 1))"
    world = world_of(tmp_path, text, stubs={"charge": 1})
    world.fail("charge", ConnectionError("down"))
    run = world.start()
    assert run.status == "parked"
    with pytest.raises(RunStopped, match="ConnectionError: down"):
        _ = run.result
    assert run.retry()
    assert run.result == 2


def test_a_run_is_cancelled(tmp_path: Path) -> None:
    text = """
    (import (scheme base) (scheme write) (perdure))
    (dynamic-wind (lambda () #f) receive-message (lambda () (display "cleaned")))
    """
    world = world_of(tmp_path, text)
    run = world.start()
    assert run.cancel("enough")
    assert run.status == "cancelled"
    assert run.output == "cleaned"


def test_a_run_that_is_parked_goes_on_by_a_restart(tmp_path: Path) -> None:
    text = (
        "(import (scheme base) (python payments))\n(define (main rate) (* 2 (+ rate (charge 1))))"
    )
    world = world_of(tmp_path, text, stubs={"charge": ConnectionError("down")})
    run = world.start(1)
    assert {"retry", "use-value", "return", "set", "raise", "abort"} <= set(run.restarts)
    assert "41" in run.restart("use-value", 41)
    assert run.result == 84
    other = world.start(1)
    world.kill()
    other.restart("return", 5, frame="main")
    assert other.result == 5
    assert other.restarts == []
    with pytest.raises(CallError, match="nothing to restart"):
        other.restart()


def test_a_run_is_paused_and_goes_on(tmp_path: Path) -> None:
    world = world_of(tmp_path, MONTHLY, stubs={"charge": 10})
    run = world.start("ada")
    assert run.pause()
    world.advance(days=100)
    assert run.calls("charge") == []
    assert run.resume()
    assert not run.resume()
    assert len(run.calls("charge")) == 3
    assert run.cancel("enough", deadline_s=60)
    assert run.error is not None
    assert "enough" in run.error.text


def test_a_retry_that_waits_is_changed(tmp_path: Path) -> None:
    charge = effect(idempotent=True, retry=Retry(attempts=2, base_s=3600, jitter=0))(lambda c: 10)
    world = world_of(tmp_path, CHARGE, stubs={"charge": charge})
    world.fail("charge", ConnectionError("down"))
    run = world.start("ada")
    assert run.status == "waiting"
    assert run.retry(request=2)
    assert run.result == ["paid", 10]


def test_runs_start_others_and_talk(tmp_path: Path) -> None:
    (tmp_path / "child.scm").write_text(
        "(import (scheme base) (perdure))\n(define (main n) (sleep 60) (* n n))"
    )
    text = """
    (import (scheme base) (perdure))
    (define (main n) (list 'child (join (start-run "child" n))))
    """
    world = world_of(tmp_path, text)
    run = world.start(5)
    assert len(world.runs) == 2
    world.run()
    assert run.written == "(child 25)"
    assert [one.status for one in world.runs] == ["completed", "completed"]


def test_two_worlds_at_once_do_not_see_each_other(tmp_path: Path) -> None:
    one = world_of(tmp_path, MONTHLY, stubs={"charge": 1})
    two = world_of(tmp_path, MONTHLY, stubs={"charge": 2})
    first, second = one.start("a"), two.start("b")
    one.advance(days=31)
    two.advance(days=61)
    first.send("end")
    second.send("end")
    assert (first.result, second.result) == (["ended", 1], ["ended", 4])
    assert one.calls("charge") == [["a"]]


def test_chance_is_the_worlds(tmp_path: Path) -> None:
    text = "(import (scheme base) (perdure))\n(list (random-integer 1000000) (make-uuid))"
    first = world_of(tmp_path, text).start().result
    assert world_of(tmp_path, text).start().result == first
    assert world_of(tmp_path, text, seed=43).start().result != first


def test_files_and_environment_are_granted_as_elsewhere(tmp_path: Path) -> None:
    text = """
    (import (scheme base) (scheme file) (scheme process-context))
    (list (get-environment-variable "WHO") (call-with-input-file "note.txt" read-line))
    """
    (tmp_path / "note.txt").write_text("hello\n")
    granted = world_of(tmp_path, text, files=tmp_path, environment={"WHO": "ada"}).start()
    assert granted.result == ["ada", "hello"]
    assert world_of(tmp_path, text).start().status == "parked"


def test_a_program_may_be_given_as_text(tmp_path: Path) -> None:
    world = World(directory=tmp_path)
    assert world.start(20, program=world.compile_text("(define (main n) (+ n 1))")).result == 21
    with pytest.raises(CallError, match="which program"):
        world.start()


# -- faults ----------------------------------------------------------------------------------------


def test_an_injected_error_strikes_as_often_as_it_is_told_to(tmp_path: Path) -> None:
    world = world_of(tmp_path, CHARGE, stubs={"charge": 10})
    world.fail("charge", TimeoutError("slow"), times=2, after=1)
    results = [world.start("ada").written for _ in range(4)]
    assert results == [
        "(paid 10)",
        '(failed "TimeoutError")',
        '(failed "TimeoutError")',
        "(paid 10)",
    ]
    world.fail("payments.charge", Later(5, KeyError("k")), times=None)
    run = world.start("ada")
    world.advance(5)
    assert run.written == '(failed "KeyError")'


@pytest.mark.parametrize(
    ("when", "calls"),
    [("before-commit", 1), ("after-commit", 1), ("before-effect", 1), ("after-effect", 2)],
)
def test_a_killed_worker_is_replaced_and_nothing_is_lost(
    tmp_path: Path, when: str, calls: int
) -> None:
    done: list[str] = []

    @effect(idempotent=True)
    def charge(customer: str) -> int:
        done.append(customer)
        return 10

    world = world_of(tmp_path, CHARGE, stubs={"charge": charge})
    world.kill(when)
    assert world.start("ada").result == ["paid", 10]
    assert len(done) == calls
    assert world.calls("charge") == [["ada"]]
    assert len(world.attempts("charge")) == (2 if "effect" in when else 1)


@pytest.mark.parametrize("when", ["before-effect", "after-effect"])
def test_an_effect_that_must_not_be_repeated_is_in_doubt_after_a_kill(
    tmp_path: Path, when: str
) -> None:
    world = world_of(tmp_path, CHARGE, stubs={"charge": 10})
    world.kill(when, effect="charge")
    assert world.start("ada").written == "unknown"
    assert [one.outcome for one in world.effects] == ["killed"]


def test_a_worker_is_killed_between_turns_and_while_an_effect_takes_time(tmp_path: Path) -> None:
    world = world_of(
        tmp_path, CHARGE, stubs={"charge": effect(idempotent=True)(lambda c: Later(60, c))}
    )
    run = world.start("ada")
    world.advance(30)
    world.kill()
    world.kill()
    world.advance(59)
    assert run.status == "waiting"
    world.advance(1)
    assert run.result == ["paid", "ada"]
    assert [one.outcome for one in run.effects] == ["killed", "killed", "returned"]


def test_a_kill_is_of_the_effect_and_the_time_that_is_meant(tmp_path: Path) -> None:
    world = world_of(tmp_path, CHARGE, stubs={"charge": 10, "other": 1})
    world.kill("before-effect", effect="other")
    world.kill("before-effect", effect="payments.charge", nth=2)
    assert world.start("ada").result == ["paid", 10]
    assert world.start("ada").written == "unknown"
    assert world.start("ada").result == ["paid", 10]
    with pytest.raises(CallError, match="kill: when is one of"):
        world.kill("sometimes")


def test_a_world_is_closed_by_with(tmp_path: Path) -> None:
    with world_of(tmp_path, CHARGE, stubs={"charge": 10}) as world:
        assert world.start("ada").result == ["paid", 10]
