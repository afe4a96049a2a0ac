"""encode(decode(encode x)) = encode x, for every kind of value, and what comes back is what went
in."""

from __future__ import annotations

import gc
import inspect
import math
from types import FunctionType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from worlds import (
    CONSTANT,
    DEFINITION,
    LAMBDAS,
    Provider,
    free_procedure,
    global_of,
    main_task,
    make_adder,
    make_knot,
    native_car,
    new_codec,
    new_heap,
    new_root,
    reload,
)

from perdure.base.errors import SnapshotError
from perdure.machine import groups, state, undo
from perdure.snapshot.atoms import decode_atom
from perdure.snapshot.classes import CLASS_SPECS, TAGS
from perdure.snapshot.wire import unpack
from perdure.values import ports
from perdure.values import types as t
from perdure.values.equality import eqv
from perdure.values.numbers import Ratnum, ratio, rectangular
from perdure.values.ports import CONSOLE_OUTPUT, Port
from perdure.values.tables import make_table, table_items, table_ref, table_set


def there_and_back(value: Any) -> Any:
    """Return a value after a round trip, having checked that its second encoding is the same."""
    payload = new_heap(x=value).encode_full()
    heap = reload([payload])
    assert heap.encode_full() == payload
    return global_of(heap)


ATOMS = [
    None, ..., t.NIL, t.UNSPECIFIED, t.EOF, t.DEFAULT, t.UNINITIALISED,
    0, 1, -1, (1 << 53) - 1, 1 << 53, -(1 << 53), 1 << 64, -(10**5000),
    0.5, -0.25, 1e300, 5e-324, 1.0, -1.0, 1e22, float("inf"), float("-inf"),
    t.char("a"), t.char("\0"), t.char("\N{GRINNING FACE}"), t.char('"'),
    t.intern("abc"), t.intern(""), t.intern("with space\n"), t.intern("#t"), t.intern("i12"),
]  # fmt: skip


@pytest.mark.parametrize("atom", ATOMS, ids=range(len(ATOMS)))
def test_an_atom_comes_back_as_itself(atom: Any) -> None:
    found = there_and_back(atom)
    assert type(found) is type(atom)
    assert found is atom or found == atom


def test_zeros_and_nan_keep_their_kind() -> None:
    assert math.copysign(1, there_and_back(-0.0)) == -1
    assert math.copysign(1, there_and_back(0.0)) == 1
    assert type(there_and_back(0)) is int
    assert math.isnan(there_and_back(float("nan")))


@given(st.integers() | st.floats(allow_nan=False))
@settings(max_examples=100, deadline=None)
def test_any_number_comes_back(number: Any) -> None:
    found = there_and_back(number)
    assert type(found) is type(number)
    assert found == number
    assert str(found) == str(number)


def test_rationals_come_back() -> None:
    found = there_and_back(Ratnum(-(10**40), 3))
    assert (type(found), found.numerator, found.denominator) == (Ratnum, -(10**40), 3)


@given(st.complex_numbers(), st.integers(), st.integers().filter(bool))
@settings(max_examples=100, deadline=None)
def test_complex_numbers_come_back(inexact: complex, real: int, imag: int) -> None:
    for z in (inexact, rectangular(real, imag), rectangular(ratio(real, 7), ratio(imag, 2**70))):
        assert eqv(there_and_back(z), z)


@pytest.mark.parametrize(
    "form",
    ["z1,2", "z1.0", "z1.0,x", "Z1,0", "Z1,2/4", "Z1/1,2", "Z 1,2", "Z1,", "Z+i,1", "Z1_0,1"],
)
def test_a_complex_number_has_one_form(form: str) -> None:
    with pytest.raises(SnapshotError):
        decode_atom(form)


def sample(kind: type) -> Any:
    """Return an object of a heap class with something in every field."""
    pair = t.Pair(1, t.Pair(t.String("zwei"), t.NIL))
    site = Provider().site(DEFINITION, 2, 1)
    samples: dict[type, Any] = {
        t.Pair: pair,
        t.Box: t.Box(pair),
        t.String: t.String("line\n\N{SNOWMAN}"),
        t.Vector: t.Vector([1, pair, pair, None]),
        t.Bytevector: t.Bytevector(bytearray(range(256))),
        t.HashTable: make_table("equal"),
        t.UserTable: t.UserTable(pair, pair, None, make_table("eqv"), 3),
        t.RecordType: t.RecordType("point", ("x", "y")),
        t.Record: t.Record(t.RecordType("point", ("x", "y")), [1, pair]),
        t.Values: t.Values((1, pair)),
        t.Promise: t.Promise(t.Box(t.Pair(None, 5))),
        t.Condition: t.Condition("error", "P200", "bad", pair, 5, state.Frame(site, (1, 2), None)),
        Port: Port("text", "output", tail="abc"),
        state.Frame: state.Frame(site, (1, pair), state.Frame(site, (None, ...), None)),
        state.Dynamic: state.Dynamic(t.NIL, t.NIL, pair),
        state.Continuation: state.Continuation(None, state.Dynamic(t.NIL, t.NIL, t.NIL), 3),
        state.Parameter: state.Parameter(pair, None),
        state.Redo: state.Redo(None, None, None, (1, pair), 7),
        state.Signalled: state.Signalled(pair, None, pair, None, 3),
        state.Operation: state.Operation("put", (state.Channel(1, [2], [], []), 5)),
        state.Request: state.Request(
            1,
            2,
            3,
            "timer",
            (5.0,),
            None,
            1.5,
            2,
            True,
            3.0,
            pair,
            1,
            2,
            (pair,),
            pair,
            4.5,
            "run/1",
            1.5,
        ),
        state.Task: state.Task(
            7, "t", 1, "waiting", None, None, None, (1, 2), 3, (4,), (5,), (6,), True
        ),
        state.Channel: state.Channel(3, [1, pair], [4], [5]),
        state.Message: state.Message("m", "", pair),
        state.Environment: state.Environment("(1)", pair, pair),
        state.Evaluation: state.Evaluation(1, state.Environment("", t.NIL, t.NIL), pair, pair),
        state.Root: new_heap().root,
        undo.Undo: undo.Undo(pair, False, 1, 2, None, None),
        groups.Group: groups.Group(pair, t.NIL, True),
        groups.Done: groups.Done(pair, "abc", "run/1", 4, 1, True, True),
        undo.Transaction: undo.Transaction(3, 1, None, None, 7, "left", None, pair, pair, pair),
    }
    return samples[kind]


def plain_fields(found: Any) -> list[Any]:
    record = CLASS_SPECS[type(found)].encode(found, lambda _: 0)
    return [form for form in record if type(form) in (str, bool, float)]


@pytest.mark.parametrize("kind", TAGS.values(), ids=lambda kind: kind.__name__)
def test_every_heap_class_comes_back_with_all_its_fields(kind: type) -> None:
    original = sample(kind)
    found = there_and_back(original)
    assert type(found) is kind
    spec = CLASS_SPECS.get(kind)
    if spec is not None:
        assert plain_fields(original) == plain_fields(found)


def test_every_class_that_has_an_object_id_is_in_the_register() -> None:
    modules = (t, ports, state, undo, groups)
    found = {
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Struct) and "oid" in kind.__struct_fields__
    }
    assert found == set(TAGS.values())


def test_sharing_and_cycles_are_kept() -> None:
    shared = t.String("s")
    ring = t.Pair(shared, t.NIL)
    ring.cdr = t.Vector([ring, shared])
    found = there_and_back(ring)
    assert found.cdr.items[0] is found
    assert found.cdr.items[1] is found.car


def test_a_million_deep_list_needs_no_stack() -> None:
    deep: Any = t.NIL
    for number in range(100_000):
        deep = t.Pair(deep, number) if number % 2 else t.Pair(number, deep)
    found = there_and_back(deep)
    for number in range(99_999, -1, -1):
        found = found.car if number % 2 else found.cdr
    assert found is t.NIL


def test_closures_keep_their_variables_and_cycles() -> None:
    box = t.Box(5)
    adder = make_adder(10)
    found = there_and_back(t.Vector([adder, adder, box]))
    assert found.items[0] is found.items[1]
    assert found.items[0](1) == 11
    even, _ = make_knot()
    again = there_and_back(even)
    assert again(10) is True
    cells = dict(zip(again.__code__.co_freevars, again.__closure__, strict=True))
    odd = cells["odd"].cell_contents
    assert odd.__closure__[0].cell_contents is again


def test_a_procedure_without_variables_is_one_object_in_a_run() -> None:
    heap = new_heap()
    procedure = free_procedure(heap.namespace)
    heap.namespace["user:f"] = procedure
    heap.namespace["user:g"] = t.Vector([procedure])
    again = reload([heap.encode_full()])
    found = global_of(again, "f")
    assert global_of(again, "g").items[0] is found
    assert again.namespace[f"{DEFINITION}!0"] is found
    assert found.__globals__ is again.namespace
    assert "oid" not in found.__dict__


def test_two_copies_of_one_procedure_stay_two() -> None:
    one = FunctionType(LAMBDAS[0], {}, "free")
    two = FunctionType(LAMBDAS[0], {}, "free")
    found = there_and_back(t.Vector([one, two, two]))
    assert found.items[0] is not found.items[1]
    assert found.items[1] is found.items[2]


def test_procedures_of_the_library_keep_their_namespace() -> None:
    """One is known by name; another one of the same definition is found by it, and lives in the
    library's namespace."""
    library: dict[str, Any] = {}
    named = Provider().static(DEFINITION, 0, library)
    closure = FunctionType(LAMBDAS[1], library, "adder", None, make_adder(7).__closure__)
    payload = b""
    for _ in range(2):
        codec = new_codec()
        codec.add_natives({"perdure.list:free": named})
        heap = codec.create(new_root(), {"user:x": t.Vector([named, closure])})
        payload = heap.encode_full()
        found = codec.decode([payload], {}).namespace["user:x"].items
        assert found[0] is named
        assert found[1].__globals__ is library
        assert found[1](1) == 8


def test_primitives_constants_and_the_console_are_named_not_copied() -> None:
    found = there_and_back(t.Vector([native_car, CONSTANT, CONSTANT.cdr, CONSOLE_OUTPUT]))
    assert found.items == [native_car, CONSTANT, CONSTANT.cdr, CONSOLE_OUTPUT]


def test_heap_objects_of_the_library_are_named_not_copied() -> None:
    shared = state.Parameter(10, None)
    payload = None
    for _ in range(2):
        codec = new_codec()
        codec.add_natives({"perdure.base:radix": shared})
        heap = codec.create(new_heap().root, {"user:x": shared})
        payload = heap.encode_full()
        assert codec.decode([payload], {}).namespace["user:x"] is shared


def test_uninterned_symbols_keep_their_identity() -> None:
    lonely = t.Symbol("g1")
    found = there_and_back(t.Vector([lonely, lonely, t.Symbol("g1"), t.intern("g1")]))
    assert found.items[0] is found.items[1]
    assert found.items[2] is not found.items[0]
    assert found.items[3] is t.intern("g1")
    assert found.items[0] is not t.intern("g1")


def test_hash_tables_keep_their_order_and_find_their_keys() -> None:
    for kind in ("eqv", "equal", "string"):
        table = make_table(kind)
        keys = [t.String("b"), t.String("a")]
        keys += [1, 1.0, Ratnum(1, 2), None, t.intern("k"), 10**30] if kind != "string" else []
        for number, key in enumerate(keys):
            table_set(table, key, number)
        found = there_and_back(table)
        assert [value for _, value in table_items(found)] == list(range(len(keys)))
        for number, (key, _) in enumerate(table_items(found)):
            assert table_ref(found, key) == number


def test_the_root_and_its_task_come_back() -> None:
    heap = new_heap()
    again = reload([heap.encode_full()])
    assert again.root.run_id == "run-1"
    assert again.root.random == 1 << 80
    assert main_task(again.root).name == "main"
    assert main_task(again.root).oid == main_task(heap.root).oid


def test_a_python_value_in_the_heap_is_refused_by_name() -> None:
    for wrong in ("text", b"bytes", True, {}, [], object(), len, lambda: 0):
        with pytest.raises(SnapshotError) as caught:
            new_heap(x=wrong).encode_full()
        assert caught.value.code == "P504"


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(SnapshotError) as caught:
        new_heap(x=t.String("\ud800")).encode_full()
    assert caught.value.code == "P505"


def test_equal_heaps_encode_to_equal_bytes() -> None:
    def build() -> Any:
        return t.Vector([t.Pair(1, 2), make_adder(3), t.String("x"), t.Symbol("u")])

    assert new_heap(x=build(), y=1).encode_full() == new_heap(y=1, x=build()).encode_full()


def test_garbage_and_unused_definitions_are_left_out_of_a_full_snapshot() -> None:
    heap = new_heap(x=t.Vector([make_adder(1), t.String("x" * 50)]))
    before = unpack(heap.encode_full())
    heap.namespace["user:x"] = 0
    after = unpack(heap.encode_full())
    assert before[4] == [DEFINITION]
    assert after[4] == []
    assert len(after[6]) < len(before[6])
    assert after[2] == before[2], "ids are never given twice"


def test_decoding_leaves_the_collector_as_it_was() -> None:
    payload = new_heap().encode_full()
    reload([payload])
    assert gc.isenabled()
    gc.disable()
    try:
        reload([payload])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_helper_of_the_compiler_is_no_global() -> None:
    heap = new_heap(x=make_adder(1))
    heap.namespace["%helper"] = object()
    again = reload([heap.encode_full()])
    assert "%helper" in again.namespace, "made by link"
    assert set(again.namespace) == {"user:x", "%helper"}


def test_large_payloads_are_compressed_on_their_own_and_small_ones_with_the_dictionary() -> None:
    assert new_heap().encode_full()[:1] == b"["
    assert new_heap(x=t.String("a" * 1_000)).encode_full()[:1] == b"\x01"
    payload = new_heap(x=t.String("a" * 100_000)).encode_full()
    assert payload[:4] == b"\x28\xb5\x2f\xfd"
    assert len(payload) < 1000
