"""Whatever the bytes are, decoding gives a whole heap or a SnapshotError: fuzzed, cut, flipped,
re-wired."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import DEFINITION, Provider, main_task, make_adder, make_knot, new_codec, new_heap

from perdure.base.errors import SnapshotError
from perdure.machine.state import Continuation, Frame
from perdure.snapshot import wire
from perdure.snapshot.exchange import decode_value, encode_value
from perdure.values import barrier
from perdure.values import types as t
from perdure.values.barrier import touch, touch_slot
from perdure.values.numbers import Ratnum
from perdure.values.tables import make_table, table_delete, table_set


def rich_chain() -> list[bytes]:
    """Return a snapshot and two deltas that have something of everything."""
    table = make_table("equal")
    table_set(table, t.String("k"), t.Vector([1, Ratnum(1, 3), 0.5, 1e400]))
    table_set(table, t.intern("s"), make_adder(t.Pair(1, t.NIL)))
    site = Provider().site(DEFINITION, 2, 1)
    point = t.RecordType("point", ("x", "y"))
    octets, vector = t.Bytevector(bytearray(b"abc")), t.Vector([1, 2, 3])
    things = [table, t.Record(point, [1, 2]), make_knot()[0], t.Symbol("u"), octets, vector]
    heap = new_heap(x=t.Vector(things), y=t.char("c"), z=t.Pair(..., t.EOF))
    task = main_task(heap.root)
    payloads = [heap.encode_full()]
    barrier.use(heap.log)
    for number in range(2):
        touch(task)
        task.stack = Frame(site, (number, t.Pair(1, 2)), task.stack)
        task.function = Continuation(task.stack, None, 1)
        touch_slot(vector, number)
        vector.items[number] = t.String("slot")
        touch_slot(octets, number)
        octets.octets[number] = 7
        table_set(table, number, number)
        table_set(table, t.String("k"), number)
        if number:
            table_delete(table, t.intern("s"))
        payloads.append(heap.encode_delta())
    return payloads


CHAIN = rich_chain()
DOCUMENTS = [wire.unpack(payload) for payload in CHAIN]


def attempt(payloads: list[bytes]) -> bool:
    """Decode; return whether it was accepted. Any exception but SnapshotError is the test's
    failure."""
    namespace: dict[str, Any] = {}
    try:
        heap = new_codec().decode(payloads, namespace)
    except SnapshotError as error:
        assert error.code.startswith("P5")
        assert ":" in error.message
        assert not [name for name in namespace if name.startswith("user:")]
        return False
    heap.encode_full()
    return True


def test_the_chain_itself_is_fine() -> None:
    assert attempt(CHAIN)
    assert attempt(CHAIN[:2])


def test_a_chain_with_a_hole_is_refused() -> None:
    assert not attempt([])
    assert not attempt([CHAIN[0], CHAIN[2]])
    assert not attempt(CHAIN[1:])
    assert not attempt([CHAIN[0], CHAIN[1], CHAIN[1]])


@pytest.mark.parametrize("number", range(3))
def test_every_cut_is_refused(number: int) -> None:
    for length in range(len(CHAIN[number])):
        payloads = list(CHAIN)
        payloads[number] = CHAIN[number][:length]
        assert not attempt(payloads)


@pytest.mark.parametrize("number", range(3))
def test_flipped_bits_never_escape(number: int) -> None:
    """Without the hash, which would find them all: the decoder alone must hold."""
    for position in range(len(CHAIN[number])):
        flipped = bytearray(CHAIN[number])
        flipped[position] ^= 1 << (position * 5 % 7)
        payloads = list(CHAIN)
        payloads[number] = bytes(flipped)
        attempt(payloads)


def places(node: Any, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """Return the paths of all parts of a document."""
    found = [path]
    if type(node) is list:
        for index, part in enumerate(node):
            found += places(part, (*path, index))
    return found


STRANGE = [
    None,
    True,
    False,
    -1,
    0,
    1,
    2,
    7,
    1 << 60,
    0.5,
    "",
    "p",
    "f",
    "v",
    "h",
    "u",
    "R",
    "#-",
    "#x",
    "'a",
    "ca",
    "cab",
    "i0",
    "i",
    "izz",
    "q1/2",
    "q2/4",
    "q1/0",
    "q1",
    "fx",
    "z1.0,-0.0",
    "z1,2",
    "znan",
    "Z1,-1/2",
    "Z1,0",
    "Z1/1,2",
    "Z1,,2",
    "Z+i,1",
    "%:car",
    "p%:car",
    "pnope",
    "eqv",
    "~",
    "=",
    [],
    [1],
    [999],
    [0],
    [-1],
    [True],
    ["1"],
    [[1]],
    [1, 2],
    [1, 2, 3],
    ["s", 0, 0],
    ["s", 0, 99],
    ["s", 9, 0],
    ["k", 0, 0],
    ["k", -1, 0],
    {},
    {"a": 1},
]


@pytest.mark.parametrize("seed", range(20))
def test_a_document_with_a_strange_part_never_escapes(seed: int) -> None:
    """Each example replaces, drops or doubles a random part of a random document."""
    chance = random.Random(seed)
    everywhere = [places(document) for document in DOCUMENTS]
    for _ in range(100):
        documents = copy.deepcopy(DOCUMENTS)
        number = chance.randrange(3)
        path = chance.choice(everywhere[number][1:])
        parent = documents[number]
        for step in path[:-1]:
            parent = parent[step]
        what = chance.randrange(4)
        if what == 0:
            del parent[path[-1]]
        elif what == 1:
            parent.insert(path[-1], copy.deepcopy(parent[path[-1]]))
        else:
            parent[path[-1]] = copy.deepcopy(chance.choice(STRANGE))
        attempt([wire.pack(document) for document in documents])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_is_refused_as_a_snapshot_and_a_value(document: Any) -> None:
    assert not attempt([wire.pack(document)])
    try:
        decode_value(document)
    except SnapshotError as error:
        assert error.code.startswith("P5")


@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=4), JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_in_the_places_of_a_snapshot_never_escapes(
    records: list[Any], bindings: list[Any], definitions: Any
) -> None:
    attempt([wire.pack([1, "full", 50, 1, definitions, bindings, records])])
    base = DOCUMENTS[0]
    attempt([CHAIN[0], wire.pack([1, "delta", base[2], [], bindings, records, []])])
    attempt([CHAIN[0], wire.pack([1, "delta", base[2], [], [], [], records])])
    attempt([CHAIN[0], wire.pack([2, base[2], 9, 1.5, records, [], definitions, bindings])])
    attempt([CHAIN[0], wire.pack([2, base[2], definitions, bindings, [], records])])


def test_a_later_format_version_is_refused_by_name() -> None:
    document = [3, *DOCUMENTS[0][1:]]
    with pytest.raises(SnapshotError, match="version 3") as caught:
        new_codec().decode([wire.pack(document)], {})
    assert caught.value.code == "P506"


def test_a_snapshot_can_not_overwrite_what_is_no_global() -> None:
    document = copy.deepcopy(DOCUMENTS[0])
    document[5].append(["__builtins__", None])
    assert not attempt([wire.pack(document)])


@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_value_between_runs_never_escapes(seed: int) -> None:
    table = make_table("equal")
    table_set(table, t.String("k"), t.Vector([1, Ratnum(1, 3), t.Bytevector(bytearray(b"x"))]))
    document = encode_value(t.Pair(table, t.Condition("error", "P200", "bad", t.NIL, t.char("x"))))
    everywhere = places(document)
    chance = random.Random(seed)
    for _ in range(250):
        damaged = copy.deepcopy(document)
        path = chance.choice(everywhere[1:])
        parent = damaged
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = copy.deepcopy(chance.choice(STRANGE))
        try:
            decode_value(damaged)
        except SnapshotError as error:
            assert error.code.startswith("P5")
