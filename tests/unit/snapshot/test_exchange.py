"""Values between runs: what crosses, what does not, and the path to it."""

from __future__ import annotations

from typing import Any

import pytest
from worlds import CONSTANT, make_adder, native_car

from perdure.base import limits
from perdure.machine.state import Channel, Continuation
from perdure.snapshot.exchange import decode_value, dump_value, encode_value, load_value
from perdure.values import types as t
from perdure.values.conditions import SchemeError
from perdure.values.numbers import Ratnum
from perdure.values.ports import Port
from perdure.values.tables import make_table, table_items, table_ref, table_set


def scheme_list(*items: Any) -> Any:
    made: Any = t.NIL
    for item in reversed(items):
        made = t.Pair(item, made)
    return made


@pytest.mark.parametrize(
    "atom", [None, ..., t.NIL, t.EOF, 5, 1 << 70, 0.5, 2.0, t.intern("a"), t.char("x")]
)
def test_atoms_cross_as_they_are(atom: Any) -> None:
    found = load_value(dump_value(atom))
    assert type(found) is type(atom)
    assert found == atom or found is atom


def test_data_crosses_with_sharing_and_cycles_and_without_object_ids() -> None:
    shared = t.String("s", 17)
    ring = t.Pair(shared, t.Vector([shared, Ratnum(1, 2), t.Bytevector(bytearray(b"\0\xff"))]), 18)
    ring.cdr.items.append(ring)
    found = load_value(dump_value(ring))
    assert found.cdr.items[0] is found.car
    assert found.cdr.items[3] is found
    assert found.cdr.items[2].octets == bytearray(b"\0\xff")
    assert (found.oid, found.car.oid) == (0, 0)
    assert (ring.oid, shared.oid) == (18, 17)
    assert encode_value(found) == encode_value(ring)


def test_constants_cross_as_copies() -> None:
    found = load_value(dump_value(CONSTANT))
    assert found is not CONSTANT
    assert (found.car, found.cdr.text, found.oid) == (1, "quoted", 0)


def test_tables_cross_in_order() -> None:
    table = make_table("equal")
    table_set(table, t.String("b"), 1)
    table_set(table, t.intern("a"), scheme_list(1, 2))
    found = load_value(dump_value(table))
    assert [type(k) for k, _ in table_items(found)] == [t.String, t.Symbol]
    assert table_ref(found, t.String("b")) == 1


def test_a_condition_crosses_without_its_continuation() -> None:
    condition = t.Condition(
        "error", "P200", "no stock:", scheme_list(t.intern("pen")), 5, Continuation(None, None, 1)
    )
    found = load_value(dump_value(condition))
    assert (found.kind, found.message, found.detail, found.frame) == ("error", "no stock:", 5, None)
    assert found.irritants.car is t.intern("pen")
    assert condition.frame is not None


def keyed(value: Any) -> t.HashTable:
    table = make_table("equal")
    table_set(table, t.intern("price"), value)
    return table


POINT = t.RecordType("point", ())


@pytest.mark.parametrize(
    ("value", "what", "path"),
    [
        (native_car, "a procedure", "the top"),
        (scheme_list(1, 2, make_adder(1)), "a procedure", "[2]"),
        (t.Vector([0, keyed(scheme_list(native_car))]), "a procedure", "[1]['price][0]"),
        (t.Pair(1, t.Pair(2, native_car)), "a procedure", ".cdr(x2)"),
        (keyed(Channel(0, [], [], [])), "a channel", "['price]"),
        (t.Vector([t.Record(POINT, [])]), "a record", "[0]"),
        (scheme_list(Port("text", "input")), "a port", "[0]"),
        (t.Symbol("g"), "an uninterned symbol", "the top"),
        (t.Box(1), "a box", "the top"),
        (Continuation(None, None, 1), "a continuation", "the top"),
    ],
)
def test_what_can_not_cross_is_an_error_with_the_path_to_it(
    value: Any, what: str, path: str
) -> None:
    with pytest.raises(SchemeError) as caught:
        dump_value(value)
    condition = caught.value.condition
    assert condition.kind == "boundary-error"
    assert condition.message == f"{what} can't cross to another run; it is at {path} of"


def test_a_value_that_is_too_large_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAYLOAD_MAX_BYTES", 100)
    with pytest.raises(SchemeError) as caught:
        dump_value(t.Vector(list(range(100))))
    assert "100 bytes" in caught.value.condition.message


def test_deep_data_needs_no_stack() -> None:
    deep: Any = t.NIL
    for _ in range(100_000):
        deep = t.Pair(deep, t.NIL)
    found = decode_value(encode_value(deep))
    for _ in range(100_000):
        found = found.car
    assert found is t.NIL
