"""Every example does what it says, straight through and when it is saved and restored at every site.

Method: a world with a simulated clock; the effects of the examples are really called.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perdure.engine.loading import Programs
from perdure.testing.stress import START_S, Trace, World, run_both_ways

EXAMPLES = Path(__file__).parents[2] / "examples"
DAY = 86_400.0


@pytest.fixture(scope="module")
def programs() -> Programs:
    return Programs()


def _nothing(world: World, run_id: str) -> None:
    del world, run_id


def trace_of(
    programs: Programs,
    name: str,
    *arguments: Any,
    prepare: Callable[[World, str], None] = _nothing,
    named: tuple[str, ...] = (),
) -> Trace:
    """Return the trace of an example, after checking that it is the same both ways."""
    folder, _, file = name.partition("/")
    program = programs.compile_file(EXAMPLES / folder / f"{file}.scm")
    others = {each: programs.compile_file(EXAMPLES / folder / f"{each}.scm") for each in named}
    straight, stressed = run_both_ways(programs, program, arguments, prepare=prepare, named=others)
    assert stressed == straight
    return straight


def effect_names(trace: Trace) -> list[str]:
    return [name for name, _, _ in trace.effects]


def test_an_order_is_paid_reserved_and_shipped(programs: Programs) -> None:
    order = {"id": "A1", "card": "4111", "items": ["book", "lamp"]}
    trace = trace_of(programs, "order/order", order)
    assert trace.status == "completed"
    assert trace.result == '(shipped "parcel A1 with 2 items")'
    assert effect_names(trace) == ["charge-card", "reserve", "reserve", "ship"]


def test_an_order_that_fails_is_undone_in_reverse_order(programs: Programs) -> None:
    order = {"id": "A2", "card": "4111", "items": ["book", "unicorn"]}
    trace = trace_of(programs, "order/order", order)
    assert trace.result == '(failed "A2")'
    assert effect_names(trace)[-2:] == ["release", "refund"]


def test_an_approval_that_comes_late_was_reminded(programs: Programs) -> None:
    def prepare(world: World, run_id: str) -> None:
        world.at(START_S + 3 * DAY, lambda: world.send(run_id, {"verdict": "approve"}))

    request = {"title": "a new desk", "approver": "kim"}
    trace = trace_of(programs, "approval/approval", request, prepare=prepare)
    assert trace.result == '(approved "ordered a new desk")'
    assert effect_names(trace) == ["mail", "mail", "order-desk"]


def test_an_approval_without_an_answer_is_refused_within_a_week(programs: Programs) -> None:
    trace = trace_of(programs, "approval/approval", {"title": "a boat", "approver": "kim"})
    assert trace.result == "(refused)"
    assert trace.time == START_S + 7 * DAY


def test_a_subscription_is_billed_until_it_is_ended(programs: Programs) -> None:
    def prepare(world: World, run_id: str) -> None:
        world.at(START_S + 45 * DAY, lambda: world.send(run_id, {"plan": "pro"}))
        world.at(START_S + 100 * DAY, lambda: world.send(run_id, {"end": True}))

    account = {"customer": "ada", "plan": "basic"}
    trace = trace_of(programs, "billing/billing", account, prepare=prepare)
    assert trace.result == "(ended 4 70)"
    assert effect_names(trace) == ["bill"] * 4


def test_an_etl_loads_every_row_once(programs: Programs) -> None:
    trace = trace_of(programs, "etl/etl", ["shop", "web", "app"])
    assert trace.result == "(loaded 36 cents 23400)"
    assert trace.output == "rows: 36\n"


def test_an_agent_uses_its_tools_and_answers(programs: Programs) -> None:
    trace = trace_of(programs, "agent/agent", "how warm is it in Bern and in Oslo?")
    assert trace.status == "completed"
    assert "Oslo: 14 degrees" in trace.result
    assert effect_names(trace) == ["complete", "weather", "weather", "complete"]


def test_two_runs_chat(programs: Programs) -> None:
    trace = trace_of(programs, "chat/chat", ["hello", "how are you?"], named=("partner",))
    assert trace.result == "(partner-heard 2)"
    assert trace.output.count("< you said") == 2
