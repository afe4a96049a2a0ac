"""Equality, hash tables' keys, printing and ports, on trees, shared and circular data, and very deep data."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.base import limits
from perdure.values import ports, tables
from perdure.values.barrier import ConstantMutation, WriteLog, use
from perdure.values.conditions import SchemeError, condition, fail
from perdure.values.equality import equal, eqv
from perdure.values.lists import from_items, list_items
from perdure.values.numbers import ratio
from perdure.values.printer import (
    display_string,
    report_string,
    write_shared_string,
    write_simple_string,
    write_string,
)
from perdure.values.types import (
    EOF,
    NIL,
    TRUE,
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

DEEP = 300_000

atoms = st.one_of(
    st.sampled_from([None, TRUE, NIL, EOF, intern("a"), intern("b"), char("x")]),
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 1.0, 2.0, math.nan, math.inf, ratio(1, 2), ratio(-1, 2)]),
    st.sampled_from(["", "a", "ab"]).map(String),
    st.sampled_from([b"", b"a", b"\0\0\0\0\0\0\0\0"]).map(lambda b: Bytevector(bytearray(b))),
)
data = st.recursive(
    atoms,
    lambda part: st.one_of(
        st.tuples(part, part).map(lambda t: Pair(*t)),
        st.lists(part, max_size=3).map(Vector),
        st.lists(part, max_size=3).map(from_items),
        part.map(Box),
    ),
    max_leaves=6,
)


def deep(direction: str) -> Any:
    made: Any = NIL
    for _ in range(DEEP):
        made = Pair(made, NIL) if direction == "car" else Pair(1, made)
    return made


def ring(length: int) -> Pair:
    first = last = Pair(0, NIL)
    for _ in range(length - 1):
        last.cdr = Pair(0, NIL)
        last = last.cdr
    last.cdr = first
    return first


def test_eqv_tells_exactness_and_zeros_apart() -> None:
    assert eqv(10**30, 10**30)
    assert eqv(ratio(1, 2), ratio(2, 4))
    assert eqv(math.nan, -math.nan)
    assert not eqv(1, 1.0)
    assert not eqv(0.0, -0.0)
    assert not eqv(String("a"), String("a"))
    assert equal(String("a"), String("a"))


@given(data, data)
def test_keys_are_equal_exactly_when_values_are(a: Any, b: Any) -> None:
    assert (tables.key_for("equal", a) == tables.key_for("equal", b)) == equal(a, b)
    assert (tables.key_for("eqv", a) == tables.key_for("eqv", b)) == eqv(a, b)


def test_a_table_keeps_1_and_1_0_and_true_apart() -> None:
    for kind in ("eqv", "equal"):
        table = tables.make_table(kind)
        for value in (1, 1.0, TRUE, None, ratio(1, 2), 0.5):
            tables.table_set(table, value, value)
        assert tables.table_keys(table) == [1, 1.0, TRUE, None, ratio(1, 2), 0.5]
        assert [type(v) for v in tables.table_values(table)][:2] == [int, float]


def test_equal_ends_on_circular_data() -> None:
    assert equal(ring(2), ring(3))
    assert equal(ring(1000), ring(999))
    other = ring(3)
    other.car = 1
    assert not equal(ring(2), other)
    left, right = Vector([1, None]), Vector([1, None])
    left.items[1], right.items[1] = left, right
    assert equal(left, right)


def test_equal_takes_no_exponential_time_on_shared_data() -> None:
    a, b = Pair(1, 1), Pair(1, 1)
    for _ in range(200):
        a, b = Pair(a, a), Pair(b, b)
    assert equal(a, b)


@pytest.mark.parametrize("direction", ["car", "cdr"])
def test_deep_data_is_compared_hashed_and_printed_without_the_stack(direction: str) -> None:
    a, b = deep(direction), deep(direction)
    assert equal(a, b)
    assert tables.key_for("equal", a) == tables.key_for("equal", b)
    assert len(write_string(a)) == 2 * DEEP + (2 if direction == "car" else 1)


def test_a_circular_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEY_PARTS_MAX", 1_000)
    with pytest.raises(SchemeError) as caught:
        tables.key_for("equal", ring(3))
    assert caught.value.condition.kind == "quota-error"


def test_a_saved_table_logs_the_keys_that_change() -> None:
    log = WriteLog()
    use(log)
    table = tables.make_table("equal")
    tables.table_set(table, 1, "unsaved")
    table.oid = 7
    tables.table_set(table, String("k"), 2)
    tables.table_delete(table, 1)
    tables.table_delete(table, 99)
    assert log.keys[7][1] == {"k": False, 1: True}
    tables.table_clear(table)
    assert list(log.whole) == [7]
    assert table.oid == 0


def test_lists_that_are_no_lists_are_refused() -> None:
    assert list_items("length", from_items([1, 2])) == [1, 2]
    for wrong in (ring(1), ring(100), Pair(1, Pair(1, ring(70))), Pair(1, 2), 5):
        with pytest.raises(SchemeError):
            list_items("length", wrong)


# -- printing ------------------------------------------------------------------------------

POINT = RecordType("<point>", ("x", "y"))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (from_items([1, String('a"\\\n\x01'), char("a"), char(" "), char("\n")]),
         '(1 "a\\"\\\\\\n\\x1;" #\\a #\\space #\\newline)'),
        (Pair(1, Pair(2, 3)), "(1 2 . 3)"),
        (Vector([None, TRUE, NIL, Vector([])]), "#(#f #t () #())"),
        (Bytevector(bytearray([1, 255])), "#u8(1 255)"),
        (from_items([intern("quote"), intern("x")]), "(quote x)"),
        (Record(POINT, [1, String("y")]), '#<point x: 1 y: "y">'),
        (POINT, "#<record-type point>"),
        (Box(5), "#<box 5>"),
        (Values(()), "#<values>"),
        (Promise(Box(Pair(TRUE, 1))), "#<promise>"),
        (tables.make_table(), "#<hash-table 0>"),
        (ports.CONSOLE_OUTPUT, "#<console output port>"),
        (condition("error", "no stock", 5), "#<error: no stock 5>"),
    ],
)  # fmt: skip
def test_values_are_written_as_scheme_does(value: Any, written: str) -> None:
    assert write_string(value) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("foo", "foo"), ("->x", "->x"), ("...", "..."), ("+", "+"), ("-", "-"), ("a.b", "a.b"),
        ("set!", "set!"), ("λ", "λ"), ("Hello", "Hello"), ("<=?", "<=?"), ("%x", "%x"),
        ("", "||"), ("a b", "|a b|"), ("1", "|1|"), ("1+", "|1+|"), ("+5", "|+5|"), (".", "|.|"),
        ("+i", "|+i|"), ("-inf.0", "|-inf.0|"), ("a|b", "|a\\|b|"), ("#x", "|#x|"), ("'a", "|'a|"),
        ("a\nb", "|a\\nb|"), ("a(b", "|a(b|"),
    ],
)  # fmt: skip
def test_symbols_get_bars_where_reading_needs_them(name: str, written: str) -> None:
    assert write_string(intern(name)) == written
    assert display_string(Symbol(name)) == name


def test_labels_are_for_cycles_or_for_all_that_is_shared() -> None:
    shared = Pair(1, 2)
    both = Pair(shared, shared)
    assert write_string(both) == "((1 . 2) 1 . 2)"
    assert write_shared_string(both) == "(#0=(1 . 2) . #0#)"
    assert write_simple_string(both) == "((1 . 2) 1 . 2)"
    assert write_string(ring(2)) == "#0=(0 0 . #0#)"
    assert write_string(Pair(5, ring(1))) == "(5 . #0=(0 . #0#))"
    assert display_string(from_items([String("a"), ring(1)])) == "(a #0=(0 . #0#))"
    vector = Vector([1, NIL])
    vector.items[1] = Pair(vector, vector)
    assert write_string(vector) == "#0=#(1 (#0# . #0#))"


def test_printing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert write_string(from_items(range(100)), limit_chars=10) == "(0 1 2 3 4..."
    assert write_string(String("x" * 100), limit_chars=5) == '"xxxx...'
    assert write_string(ring(1), limit_chars=7) == "(0 0 0 ..."
    monkeypatch.setattr(limits, "PRINTED_MAX_CHARS", 1_000)
    with pytest.raises(SchemeError):
        write_simple_string(ring(1))


def test_a_report_is_the_message_and_the_written_irritants() -> None:
    raised = fail("type-error", "car: expected a pair, got", String("5")).condition
    assert report_string(raised) == 'car: expected a pair, got "5"'
    assert report_string(intern("oops")) == "oops"


# -- ports ---------------------------------------------------------------------------------


def test_an_output_port_keeps_all_text_in_chunks_that_never_change() -> None:
    port = ports.open_output("text")
    expected = ""
    for n in range(3_000):
        ports.put_text(port, f"{n},")
        expected += f"{n},"
    first = list_items("test", port.chunks)[-1].text
    assert len(port.tail) <= ports.CHUNK_CHARS
    assert ports.written_text(port) == expected
    assert expected.startswith(first)


def test_a_saved_port_is_marked_when_it_is_read_or_written() -> None:
    log = WriteLog()
    use(log)
    output, source = ports.open_output("text"), ports.open_text_input("ab")
    output.oid, source.oid = 3, 4
    assert ports.peek_char(source) is char("a")
    assert log.whole == {}
    ports.put_text(output, "x")
    assert ports.read_char(source) is char("a")
    assert sorted(log.whole) == [3, 4]


def test_console_output_goes_to_the_turns_buffer_and_reading_it_is_asked_of_the_machine() -> None:
    buffer: list[str] = []
    ports.use_console(buffer)
    ports.put_text(ports.CONSOLE_OUTPUT, "hello")
    ports.emit("!")
    assert buffer == ["hello", "!"]
    with pytest.raises(ports.ConsoleRead) as caught:
        ports.check_input("read-line", ports.CONSOLE_INPUT)
    assert caught.value.operation == "read-line"
    ports.close(ports.CONSOLE_OUTPUT)
    assert ports.CONSOLE_OUTPUT.is_open


def test_lines_are_read_to_their_ends() -> None:
    port = ports.open_text_input("one\n\nthree")
    texts = [ports.read_line(port) for _ in range(4)]
    assert [t.text if t is not EOF else t for t in texts] == ["one", "", "three", EOF]


def test_a_constant_is_never_marked_as_changed() -> None:
    with pytest.raises(ConstantMutation):
        ports.advance(ports.CONSOLE_INPUT, 1)
