"""Every primitive, called with every combination of kinds of values, keeps its promises.

Method: exhaustive over a pool of values at each argument position, up to three arguments.
"""

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from perdure.base import limits
from perdure.frontends.scheme.reader import read_from_port
from perdure.machine.signals import Isolated
from perdure.primitives import (
    TABLE,
    arithmetic,
    basics,
    bits,
    chars,
    charsets,
    conditions,
    elementary,
    hash_tables,
    hashing,
    number_tests,
    pairs,
    parallel,
    reading,
    records,
    reflection,
    sorting,
    strings,
    texts,
    vectors,
    writing,
)
from perdure.values import ports
from perdure.values.barrier import ConstantId, ConstantMutation, WriteLog, use
from perdure.values.conditions import SchemeError, condition
from perdure.values.numbers import ratio, rectangular
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
    UserTable,
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


def user_table() -> UserTable:
    buckets = make_table("eqv")
    table_set(buckets, 7, Pair(Pair(intern("a"), 1), NIL))
    return UserTable(TABLE["car"].function, TABLE["cdr"].function, FALSE, buckets, 1)


PLAIN_RTD = RecordType("point", ("x", "y"))


MAKERS: list[Callable[[], Any]] = [
    lambda: 0,
    lambda: 2,
    lambda: -1,
    lambda: 10**30,
    lambda: 1.5,
    lambda: 3.0,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: ratio(1, 3),
    lambda: FALSE,
    lambda: TRUE,
    lambda: NIL,
    lambda: EOF,
    lambda: UNSPECIFIED,
    lambda: intern("a"),
    lambda: Symbol("u"),
    lambda: char("c"),
    lambda: String("text"),
    lambda: Pair(1, Pair(Pair(2, 3), NIL)),
    lambda: Pair(1, 2),
    circular,
    lambda: Vector([1, 2, char("v")]),
    lambda: Bytevector(bytearray(b"abc")),
    lambda: Box(1),
    lambda: table("equal"),
    lambda: table("string"),
    lambda: PLAIN_RTD,
    lambda: Record(PLAIN_RTD, [1, 2]),
    lambda: Values((1, 2)),
    lambda: Promise(Box(Pair(TRUE, 1))),
    lambda: condition("error", "message", 1),
    lambda: ports.open_text_input("some\ntext"),
    lambda: ports.open_bytes_input(b"bytes"),
    text_output,
    lambda: ports.open_output("bytes"),
    closed_port,
    lambda: ports.CONSOLE_INPUT,
    lambda: ports.CONSOLE_OUTPUT,
    lambda: TABLE["car"].function,
    lambda: rectangular(1, ratio(-1, 2)),
    lambda: complex(-0.0, 1.5),
    lambda: complex(float("nan"), float("-inf")),
    lambda: -0.0,
    lambda: 1e-320,
    lambda: -(10**400),
    lambda: ratio(1, 10**400),
    lambda: rectangular(10**400, 1),
    lambda: user_table(),
]
"""Each makes a new value of one kind; numbers with their edge cases."""


def make(row: tuple[int, ...]) -> tuple[Any, ...]:
    """Return new values for positions; one position gives one object."""
    made = {i: MAKERS[i]() for i in row}
    return tuple(made[i] for i in row)


FAMILIES = (
    arithmetic,
    basics,
    bits,
    chars,
    charsets,
    conditions,
    elementary,
    hash_tables,
    hashing,
    number_tests,
    pairs,
    parallel,
    reading,
    records,
    reflection,
    sorting,
    strings,
    texts,
    vectors,
    writing,
)
NAMES = sorted(
    name
    for name, found in TABLE.items()
    if found.function.__module__ in {family.__name__ for family in FAMILIES}
)
"""The primitives that depend on their arguments alone; what asks the machine is tested with it."""
HEAP = {type(maker()) for maker in MAKERS}
SIZE = len(MAKERS)
SHORT = [0, 1, 2, 4, 11, 14, 16, 17, 18, 21, 22, 24, 32, SIZE - 1]
"""The positions that are tried when there are three arguments."""


def state(values: tuple[Any, ...]) -> list[str]:
    """Return all that can be seen of values that a primitive may have changed."""
    seen = []
    for value in values:
        if type(value) is ports.Port:
            row = (value.position, value.is_open, value.tail, id(value.chunks))
            seen.append(repr(row))
        elif type(value).__name__ == "HashTable":
            seen.append(write_string(Vector([x for e in value.entries.values() for x in e])))
        elif type(value) is UserTable:
            seen.append(f"{value.size} {state((value.buckets,))}")
        elif type(value) is Promise:
            seen.append(write_string(value.state))
        else:
            seen.append(write_string(value))
    return seen


def freeze(value: Any) -> None:
    """Make a value, and the pairs and boxes right under it, parts of a constant."""
    for part in (value, getattr(value, "cdr", None), getattr(value, "state", None)):
        if hasattr(part, "oid"):
            part.oid = ConstantId("constant", 0)


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


MUTATES = [name for name in NAMES if name.endswith("!") or name.startswith(("%read", "write"))]


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let circular data meet the limits of size early."""
    monkeypatch.setattr(limits, "PRINTED_MAX_CHARS", 2_000)
    monkeypatch.setattr(limits, "KEY_PARTS_MAX", 1_000)
    monkeypatch.setattr(limits, "OBJECT_MAX_SLOTS", 100_000)
    use(WriteLog())
    ports.use_console([])
    ports.use_reader(read_from_port)


@pytest.mark.parametrize("name", NAMES)
def test_a_primitive_returns_a_heap_value_or_raises_a_condition(name: str) -> None:
    """No call lets a Python exception or a Python value out; one that fails has changed nothing."""
    function = TABLE[name].function
    mutates = name in MUTATES
    fixed = make(tuple(range(SIZE)))
    for row in calls(name):
        arguments = make(row) if mutates else tuple(fixed[i] for i in row)
        before = state(arguments) if mutates else []
        try:
            result = function(*arguments)
        except (SchemeError, ports.ConsoleRead, Isolated):
            assert not mutates or state(arguments) == before, (name, row)
            continue
        except Exception as error:  # noqa: BLE001 - the very thing that is tested
            pytest.fail(f"{name}{row}: {type(error).__name__}: {error}")
        assert type(result) in HEAP or callable(result), (name, row, result)


@pytest.mark.parametrize("name", MUTATES)
def test_a_primitive_never_changes_a_constant(name: str) -> None:
    """Arguments that are parts of literal constants are as they were after any call."""
    function = TABLE[name].function
    for row in calls(name):
        arguments = make(row)
        # A port is never a constant.
        constants = tuple(v for v in arguments if type(v) is not ports.Port)
        for constant in constants:
            freeze(constant)
        before = state(constants)
        with contextlib.suppress(SchemeError, ports.ConsoleRead, ConstantMutation, Isolated):
            function(*arguments)
        assert state(constants) == before, (name, row)
    PLAIN_RTD.oid = 0
