"""Every primitive, called with every combination of kinds of values, keeps its promises.

Method: exhaustive over a pool of values at each argument position, up to three arguments.
"""

import itertools
from typing import Any

import pytest

from perdure.primitives import TABLE
from perdure.values import ports
from perdure.values.barrier import ConstantId, ConstantMutation, WriteLog, use
from perdure.values.conditions import SchemeError, condition
from perdure.values.numbers import ratio
from perdure.values.printer import write_string
from perdure.values.tables import make_table, table_set
from perdure.values.types import (
    EOF,
    FALSE,
    NIL,
    TRUE,
    UNSPECIFIED,
    Box,
    Bytevector,
    Pair,
    Promise,
    Record,
    RecordType,
    String,
    Symbol,
    Values,
    Vector,
    char,
    intern,
)


def text_output() -> ports.Port:
    port = ports.open_output("text")
    ports.put_text(port, "seen")
    return port


def closed_port() -> ports.Port:
    port = ports.open_text_input("closed")
    ports.close(port)
    return port


def circular() -> Pair:
    pair = Pair(1, NIL)
    pair.cdr = Pair(2, pair)
    return pair


def table(kind: str) -> Any:
    made = make_table(kind)
    table_set(made, String("k"), 1)
    return made


PLAIN_RTD = RecordType("point", ("x", "y"))


def pool() -> list[Any]:
    """Return a new value of every kind, and the edge cases of numbers."""
    return [
        0,
        2,
        -1,
        10**30,
        1.5,
        3.0,
        float("nan"),
        float("inf"),
        ratio(1, 3),
        FALSE,
        TRUE,
        NIL,
        EOF,
        UNSPECIFIED,
        intern("a"),
        Symbol("u"),
        char("c"),
        String("text"),
        Pair(1, Pair(Pair(2, 3), NIL)),
        Pair(1, 2),
        circular(),
        Vector([1, 2, char("v")]),
        Bytevector(bytearray(b"abc")),
        Box(1),
        table("equal"),
        table("string"),
        PLAIN_RTD,
        Record(PLAIN_RTD, [1, 2]),
        Values((1, 2)),
        Promise(Box(Pair(TRUE, 1))),
        condition("error", "message", 1),
        ports.open_text_input("some\ntext"),
        ports.open_bytes_input(b"bytes"),
        text_output(),
        ports.open_output("bytes"),
        closed_port(),
        ports.CONSOLE_INPUT,
        ports.CONSOLE_OUTPUT,
        TABLE["car"].function,
    ]


HEAP = {type(value) for value in pool()}
SIZE = len(pool())
SHORT = [0, 1, 2, 4, 9, 11, 14, 16, 17, 18, 20, 21, 22, 24, 27, 31, 33]


def state(values: tuple[Any, ...]) -> list[str]:
    """Return all that can be seen of values that a primitive may have changed."""
    seen = []
    for value in values:
        if type(value) is ports.Port:
            row = (value.position, value.is_open, value.tail, id(value.chunks))
            seen.append(repr(row))
        elif type(value).__name__ == "HashTable":
            seen.append(write_string(Vector([x for e in value.entries.values() for x in e])))
        elif type(value) is Promise:
            seen.append(write_string(value.state))
        else:
            seen.append(write_string(value))
    return seen


def calls(name: str) -> list[tuple[int, ...]]:
    """Return the argument lists to try, as positions in the pool."""
    found = TABLE[name]
    most = min(3, found.most if found.most is not None else max(2, found.least))
    rows: list[tuple[int, ...]] = []
    for count in range(min(found.least, 3), most + 1):
        positions = range(SIZE) if count < 3 else SHORT
        rows += itertools.product(positions, repeat=count)
    extra = max(0, found.least - 3)
    return [row + (0,) * extra for row in rows]


MUTATES = [name for name in TABLE if name.endswith("!") or name.startswith(("%read", "write"))]


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_primitive_returns_a_heap_value_or_raises_a_condition(name: str) -> None:
    """No call with arguments of whatever kinds lets a Python exception or a Python value out."""
    function = TABLE[name].function
    use(WriteLog())
    ports.use_console([])
    values = pool()
    mutates = name in MUTATES or name == "display"
    for row in calls(name):
        if mutates:
            values = pool()
        arguments = tuple(values[i] for i in row)
        before = state(arguments) if mutates else []
        try:
            result = function(*arguments)
        except (SchemeError, ports.ConsoleRead):
            if mutates:
                assert state(arguments) == before, (name, row)
            continue
        except Exception as error:  # noqa: BLE001 - the very thing that is tested
            pytest.fail(f"{name}{row}: {type(error).__name__}: {error}")
        assert type(result) in HEAP or callable(result), (name, row, result)


@pytest.mark.parametrize("name", sorted(MUTATES))
def test_a_primitive_never_changes_a_constant(name: str) -> None:
    """Arguments that are parts of literal constants are as they were after any call."""
    function = TABLE[name].function
    for row in calls(name):
        values = pool()
        for value in values:
            if hasattr(value, "oid"):
                value.oid = value.oid or ConstantId("constant", 0)
        # A port is never a constant, and writing to it is allowed.
        arguments = tuple(values[i] for i in row)
        constants = tuple(v for v in arguments if type(v) is not ports.Port)
        before = state(constants)
        try:
            function(*arguments)
        except (SchemeError, ports.ConsoleRead, ConstantMutation):
            pass
        assert state(constants) == before, (name, row)
        PLAIN_RTD.oid = 0
