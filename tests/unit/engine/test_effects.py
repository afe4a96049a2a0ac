"""Performing effects, and what their ends mean."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from perdure.base.marks import Mark, Retry, effect
from perdure.engine.effects import Again, Failed, decide
from perdure.engine.executor import Call, Ended, LocalExecutor
from perdure.engine.python_modules import describe
from perdure.values.conditions import python_types
from perdure.values.policies import Policy, to_heap, with_attempts


def perform(function: Callable[..., Any], *arguments: Any, key: str = "r/1") -> Ended:
    """Perform one call to its end on a loop of its own."""

    async def go() -> Ended:
        loop = asyncio.get_running_loop()
        executor = LocalExecutor(loop)
        ended: asyncio.Future[Ended] = loop.create_future()
        executor.start(Call(describe(function), list(arguments), key, ended.set_result))
        try:
            return await ended
        finally:
            executor.close()

    return asyncio.run(go())


def plain(x: int) -> int:
    return x + 1


async def later(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1


@pytest.mark.parametrize("function", [plain, later])
def test_plain_and_async_functions_return_their_value(function: Callable[..., Any]) -> None:
    assert perform(function, 4).value == 5


def test_plain_functions_run_outside_the_loop_s_thread() -> None:
    def where() -> str:
        return threading.current_thread().name

    assert perform(where).value.text == "perdure-effect"


def test_the_key_is_given_to_who_asks_for_it() -> None:
    def charge(amount: int, idempotency_key: str) -> str:
        return f"{amount} {idempotency_key}"

    assert perform(charge, 3, key="run/7").value.text == "3 run/7"


@pytest.mark.parametrize(
    "error", [ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit]
)
def test_whatever_a_function_raises_is_its_end(error: type[BaseException]) -> None:
    def plain_one() -> None:
        raise error("x")

    async def async_one() -> None:
        raise error("x")

    assert isinstance(perform(plain_one).error, error)
    if error is not GeneratorExit:
        assert isinstance(perform(async_one).error, error)


def test_a_result_that_can_t_cross_is_an_error() -> None:
    assert "set can't cross" in str(perform(lambda: {1}).error)


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_timeout_ends_async_and_plain_functions(idempotent: bool) -> None:
    release = threading.Event()

    @effect(timeout=0.01, idempotent=idempotent)
    def hangs() -> None:
        release.wait()

    @effect(timeout=0.01, idempotent=idempotent)
    async def sleeps() -> None:
        await asyncio.Event().wait()

    try:
        for function in (hangs, sleeps):
            ended = perform(function)
            assert ended.timed_out
            found = decide(describe(function).mark, ended, name="f", attempt=1, key="r/1")
            assert isinstance(found, Failed)
            assert found.condition.kind == ("effect-timeout" if idempotent else "outcome-unknown")
    finally:
        release.set()


def outcome(mark: Mark, error: BaseException, attempt: int = 1) -> object:
    return decide(mark, Ended(None, error), name="f", attempt=attempt, key="r/1")


def test_a_retry_needs_permission() -> None:
    policy = Retry(attempts=3)
    assert isinstance(outcome(Mark(retry=policy), ValueError()), Failed)
    assert isinstance(outcome(Mark(retry=policy, idempotent=True), ValueError()), Again)
    declared = Mark(retry=policy, nothing_happened=(ConnectionRefusedError,))
    assert isinstance(outcome(declared, ConnectionRefusedError()), Again)
    assert isinstance(outcome(declared, ConnectionResetError()), Failed)


def test_a_retry_without_permission_is_refused_at_the_mark() -> None:
    with pytest.raises(ValueError, match="permission"):
        effect(retry=3)


def test_attempts_are_counted_and_other_errors_are_final() -> None:
    mark = Mark(idempotent=True, retry=Retry(attempts=2, on=(OSError,)))
    assert isinstance(outcome(mark, OSError(), attempt=1), Again)
    assert isinstance(outcome(mark, OSError(), attempt=2), Failed)
    assert isinstance(outcome(mark, ValueError(), attempt=1), Failed)


def test_the_condition_tells_type_message_and_data() -> None:
    found = outcome(Mark(), ValueError("bad card", 7))
    assert isinstance(found, Failed)
    detail = {key.name: value for key, value in found.condition.detail.entries.values()}
    assert found.condition.kind == "effect-error"
    assert detail["type"].text == "ValueError"
    assert [getattr(x, "text", x) for x in detail["data"].items] == ["bad card", 7]


def test_the_condition_tells_all_types_that_the_exception_is_of() -> None:
    found = outcome(Mark(), ConnectionResetError("gone"))
    assert isinstance(found, Failed)
    assert python_types(found.condition) == (
        "ConnectionResetError", "ConnectionError", "OSError", "Exception", "BaseException",
    )  # fmt: skip


def test_a_cancelled_function_is_no_plain_error() -> None:
    found = outcome(Mark(), asyncio.CancelledError())
    assert isinstance(found, Failed)
    assert found.condition.kind == "effect-cancelled"


def test_an_end_says_whether_the_effect_may_be_performed_again() -> None:
    declared = Mark(retry=Retry(attempts=1), nothing_happened=(ConnectionRefusedError,))
    ends = [
        outcome(Mark(idempotent=True), ValueError()),
        outcome(declared, ConnectionRefusedError()),
        decide(Mark(idempotent=True), Ended(5, None), name="f", attempt=1, key="r/1"),
        outcome(Mark(), ValueError()),
        outcome(declared, ConnectionResetError()),
        decide(Mark(), Ended(5, None), name="f", attempt=1, key="r/1"),
    ]
    assert [end.repeatable for end in ends] == [True] * 3 + [False] * 3  # type: ignore[attr-defined]


def again(mark: Mark, given: Any, error: BaseException, attempt: int = 1) -> object:
    ended = Ended(None, error)
    return decide(mark, ended, name="f", attempt=attempt, key="k", given=given, elapsed_s=0.0)


def test_the_policy_of_a_program_takes_the_place_of_the_mark_s() -> None:
    mark = Mark(idempotent=True, retry=Retry(attempts=2, on=(OSError,)))
    policy = to_heap(Policy(attempts=4, backoff_s=5))
    assert isinstance(again(mark, None, OSError(), attempt=2), Failed)
    found = again(mark, policy, ValueError(), attempt=3)
    assert isinstance(found, Again)
    assert found.after_s == 20
    assert isinstance(again(mark, policy, ValueError(), attempt=4), Failed)


def test_an_operator_s_number_of_attempts_leaves_the_rest_to_the_mark() -> None:
    mark = Mark(idempotent=True, retry=Retry(attempts=2, base_s=7, jitter=0, on=(OSError,)))
    more = with_attempts(None, 9)
    found = again(mark, more, OSError(), attempt=1)
    assert isinstance(found, Again)
    assert found.after_s == 7
    assert isinstance(again(mark, more, OSError(), attempt=8), Again)
    assert isinstance(again(mark, more, ValueError(), attempt=1), Failed)


def test_a_policy_is_no_permission_and_the_condition_says_so() -> None:
    policy = to_heap(Policy(attempts=4))
    found = again(Mark(), policy, ValueError("no"))
    assert isinstance(found, Failed)
    assert found.condition.message.startswith(
        "f: ValueError: no; not tried again: f is not declared"
    )
    used_up = again(Mark(idempotent=True), policy, ValueError("no"), attempt=4)
    assert isinstance(used_up, Failed)
    assert used_up.condition.message == "f: ValueError: no"


def test_no_attempt_begins_after_the_deadline_of_a_policy() -> None:
    mark = Mark(idempotent=True, retry=Retry(attempts=9, base_s=10, jitter=0, deadline_s=30))
    for elapsed, kind in ((5.0, Again), (20.0, Again), (21.0, Failed)):
        ended = Ended(None, ValueError())
        found = decide(mark, ended, name="f", attempt=1, key="k", elapsed_s=elapsed)
        assert isinstance(found, kind)
