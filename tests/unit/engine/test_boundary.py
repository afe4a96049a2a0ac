"""Values across the boundary: both ways, without loss, or a clear refusal."""

from __future__ import annotations

import datetime as dt
import math
import uuid
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.base import limits
from perdure.base.datum import Datum
from perdure.base.errors import CallError
from perdure.engine.boundary import BoundaryError, from_python, to_python
from perdure.engine.jsonable import from_jsonable, parse, text_of, to_jsonable
from perdure.values.numbers import rectangular
from perdure.values.printer import write_string
from perdure.values.types import (
    FALSE,
    NIL,
    TRUE,
    Box,
    HashTable,
    Pair,
    String,
    Symbol,
    Vector,
    intern,
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)))
    | st.binary(max_size=20)
    | st.fractions()
    | st.complex_numbers(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
    | st.uuids()
)
keys = st.text(st.characters(exclude_categories=("Cs",)), max_size=5) | st.sampled_from(
    ["$bytes", "$$bytes", "$decimal", "$rational", "$$$float", "$set"]
)
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=3)
)


def same(a: object, b: object) -> bool:
    """Whether two data are equal and of equal types all through."""
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, Fraction) and a.denominator == 1:
        return a == b
    if isinstance(a, Decimal):
        return isinstance(b, Decimal) and str(a) == str(b)
    return type(a) is type(b) and a == b


@given(data)
def test_what_goes_in_comes_out_equal(value: object) -> None:
    assert same(value, to_python(from_python(value)))


@given(data)
def test_json_text_says_the_same_as_the_data(value: object) -> None:
    out = to_python(from_python(value))
    assert same(out, parse(text_of(out), "it"))


def test_scheme_values_map_to_json_like_data() -> None:
    table = HashTable("equal", {})
    name = intern("price")
    table.entries[name] = (name, Pair(1, Pair(TRUE, Pair(FALSE, Pair(intern("null"), NIL)))))
    assert to_python(Vector([table, NIL, intern("card")])) == [
        {"price": [1, True, False, None]},
        [],
        "card",
    ]


def test_dataclasses_and_tuples_come_in() -> None:
    @dataclass
    class Item:
        name: str
        sizes: tuple[int, ...]

    assert to_python(from_python(Item("x", (1, 2)))) == {"name": "x", "sizes": [1, 2]}


def test_a_datum_comes_in_as_what_scheme_reads() -> None:
    value = from_python({"rows": [Datum("(a (1 . #t))"), Datum("sym")]})
    ((_, rows),) = value.entries.values()
    assert [write_string(one) for one in rows.items] == ["(a (1 . #t))", "sym"]
    for text in ("", "1 2", "(1", ")", "'"):
        with pytest.raises(BoundaryError, match="the result"):
            from_python(Datum(text), "the result")


def test_a_refused_part_is_named_with_its_path() -> None:
    inner = HashTable("equal", {})
    price = intern("price")
    inner.entries[price] = (price, Box(1))
    outer = HashTable("equal", {})
    items = intern("items")
    outer.entries[items] = (items, Vector([0, 1, 2, inner]))
    with pytest.raises(
        BoundaryError, match=r"^at argument 1.items\[3\].price: a box can't cross to Python$"
    ):
        to_python(outer, "argument 1")


@pytest.mark.parametrize("value", [{1, 2}, {1: 2}, object(), "\ud800", {"a": [print]}])
def test_python_values_without_a_meaning_are_refused(value: object) -> None:
    with pytest.raises(BoundaryError):
        from_python(value, "the result")


def test_circular_and_deep_data_are_refused_in_both_directions() -> None:
    circular = Vector([])
    circular.items.append(circular)
    with pytest.raises(BoundaryError, match="nested deeper"):
        to_python(circular, "argument 1")
    ring = Pair(1, NIL)
    ring.cdr = ring
    with pytest.raises(BoundaryError):
        to_python(Vector([ring]), "argument 1")
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(BoundaryError, match="nested deeper"):
        from_python(endless, "the result")
    deep: object = 1
    for _ in range(limits.BOUNDARY_DEPTH_MAX - 1):
        deep = [deep]
    assert to_python(from_python(deep)) == deep


def test_an_improper_list_and_a_string_key_are_refused() -> None:
    with pytest.raises(BoundaryError, match="improper list"):
        to_python(Pair(1, 2))
    table = HashTable("equal", {})
    table.entries["k"] = (String("k"), 1)
    with pytest.raises(BoundaryError, match="a string as a key"):
        to_python(table)


def test_too_much_data_is_refused_without_being_copied() -> None:
    part: object = "x" * 1000
    for _ in range(30):
        part = [part, part]
    with pytest.raises(BoundaryError, match="larger than"):
        from_python(part)


def test_floats_that_json_lacks_are_tagged() -> None:
    assert to_jsonable([math.inf, -math.inf]) == [{"$float": "inf"}, {"$float": "-inf"}]
    assert math.isnan(from_jsonable({"$float": "nan"}))


def test_large_integers_cross_as_json() -> None:
    assert parse(text_of(10**6000), "it") == 10**6000


@pytest.mark.parametrize("text", ["{", "nope", '{"$bytes": 5}', '{"$decimal": "x"}', "[" * 100_000])
def test_bad_json_is_a_call_error(text: str) -> None:
    with pytest.raises(CallError, match="argument 1"):
        parse(text, "argument 1")


def test_tagged_json_becomes_what_it_says() -> None:
    text = '{"when": {"$datetime": "2024-05-01T10:00:00+00:00"}, "id": {"$uuid": "12345678123456781234567812345678"}}'
    found = parse(text, "it")
    assert found["when"] == dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)
    assert found["id"] == uuid.UUID("12345678123456781234567812345678")
    assert isinstance(intern("x"), Symbol)


def test_an_inexact_complex_number_crosses_and_an_exact_one_does_not():
    assert to_python(1.5 + 2j) == 1.5 + 2j
    assert text_of(to_python(Vector([complex(1, -0.0)]))) == '[{"$complex": "1.0-0.0i"}]'
    with pytest.raises(BoundaryError, match="an exact complex number can't cross"):
        to_python(Vector([rectangular(1, 2)]))
    for wrong in ("1", "1+2i", "x", "", "#e1e999999999+i"):
        with pytest.raises(CallError):
            parse(f'{{"$complex": "{wrong}"}}', "it")
