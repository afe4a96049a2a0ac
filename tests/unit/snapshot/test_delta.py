"""A chain of deltas gives what a full snapshot would, and costs what changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import DEFINITION, OTHER, Provider, global_of, main_task, make_adder, new_heap, reload

from perdure.machine.state import Frame, Request
from perdure.snapshot.compact import compact
from perdure.snapshot.heap import Heap
from perdure.snapshot.wire import unpack
from perdure.values import barrier
from perdure.values import types as t
from perdure.values.barrier import touch, touch_slot
from perdure.values.tables import make_table, table_clear, table_delete, table_items, table_set

CHANGES, OBJECTS, DEFINITIONS, GLOBALS = 4, 5, 6, 7
"""Places in a delta."""


class Chain:
    """A heap and its payloads; `save` checks that the chain decodes to the live state."""

    def __init__(self, **bindings: Any) -> None:
        self.heap = new_heap(**bindings)
        self.payloads = [self.heap.encode_full()]
        barrier.use(self.heap.log)

    def save(self) -> list[Any]:
        """Append a delta and return its document."""
        self.payloads.append(self.heap.encode_delta())
        stored = reload(self.payloads)
        live = self.heap
        assert stored.next_oid == live.next_oid
        assert stored.definitions == live.definitions
        assert unchanged_copy(stored) == unchanged_copy(reload(self.payloads))
        document = unpack(self.payloads[-1])
        assert type(document) is list
        return document

    def check(self) -> None:
        """The chain, decoded and encoded in full, is what the live heap encodes to in full. Ends
        the chain."""
        stored = reload(self.payloads).encode_full()
        for end in {1, len(self.payloads) // 2 or 1, len(self.payloads)}:
            shorter = [compact(self.payloads[:end]), *self.payloads[end:]]
            assert reload(shorter).encode_full() == stored
        assert stored == self.heap.encode_full()


def unchanged_copy(heap: Heap) -> bytes:
    return heap.encode_full()


def set_car(pair: t.Pair, value: Any) -> None:
    if pair.oid:
        touch(pair)
    pair.car = value


def test_nothing_changed_is_an_empty_delta() -> None:
    chain = Chain(x=t.Pair(1, 2))
    document = chain.save()
    assert document[4:] == [[], []]
    assert len(chain.payloads[-1]) < 40
    chain.check()


def test_a_changed_object_is_saved_whole_with_the_new_ones_it_refers_to() -> None:
    pair = t.Pair(1, t.String("clean"))
    chain = Chain(x=pair)
    set_car(pair, t.Pair(2, t.String("new")))
    document = chain.save()
    assert len(document[CHANGES]) == 1
    assert len(document[OBJECTS]) == 2, "the clean string is not written again"
    set_car(pair, 5)
    assert chain.save()[CHANGES] == [[pair.oid, "p", 5, [pair.cdr.oid]]]
    chain.check()


def test_one_slot_of_a_long_vector_is_a_few_bytes() -> None:
    vector = t.Vector([0] * 100_000)
    octets = t.Bytevector(bytearray(10_000))
    chain = Chain(x=vector, y=octets)
    touch_slot(vector, 77_777)
    vector.items[77_777] = t.String("x")
    touch_slot(octets, 5)
    octets.octets[5] = 200
    chain.save()
    assert len(chain.payloads[-1]) < 100
    again = reload(chain.payloads)
    assert global_of(again, "x").items[77_777].text == "x"
    assert global_of(again, "y").octets[5] == 200
    chain.check()


def test_slots_then_the_whole_object() -> None:
    vector = t.Vector([0] * 10)
    chain = Chain(x=vector)
    touch_slot(vector, 1)
    vector.items[1] = 1
    touch(vector)
    vector.items[2] = 2
    chain.save()
    touch_slot(vector, 3)
    vector.items[3] = 3
    chain.save()
    assert global_of(reload(chain.payloads)).items[:5] == [0, 1, 2, 3, 0]
    chain.check()


def test_changed_and_new_globals_are_saved_by_name() -> None:
    chain = Chain(x=1, y=t.Vector([1]))
    chain.heap.namespace["user:x"] = t.String("new")
    chain.heap.namespace["user:z"] = 3
    chain.heap.namespace["%helper"] = object()
    assert [name for name, _ in chain.save()[GLOBALS]] == ["user:x", "user:z"]
    assert chain.save()[DEFINITIONS:] == []
    chain.check()


def test_a_global_that_becomes_another_kind_of_one_is_seen() -> None:
    chain = Chain(x=1)
    chain.heap.namespace["user:x"] = 1.0
    chain.save()
    assert type(global_of(reload(chain.payloads))) is float


def test_new_definitions_are_listed_once() -> None:
    chain = Chain(x=0)
    chain.heap.namespace["user:x"] = make_adder(1)
    assert chain.save()[DEFINITIONS] == [DEFINITION]
    chain.heap.namespace["user:x"] = make_adder(2)
    assert chain.save()[DEFINITIONS] == []
    site = Provider().site(OTHER, 0, 0)
    chain.heap.namespace["user:x"] = Frame(site, (), None)
    assert chain.save()[DEFINITIONS] == [OTHER]
    chain.check()


def test_a_changed_task_is_saved_by_the_fields_that_changed() -> None:
    chain = Chain()
    task = main_task(chain.heap.root)
    touch(task)
    task.status = "waiting"
    task.waits = (3,)
    assert chain.save()[CHANGES] == [[task.oid, "~", 4, "waiting", 10, [3]]]
    touch(task)
    assert chain.save()[CHANGES] == [], "touched, but the same"
    chain.check()


def test_a_field_saved_after_decoding_is_compared_with_the_stored_one() -> None:
    chain = Chain()
    task = main_task(chain.heap.root)
    touch(task)
    task.joiners = (9,)
    chain.save()
    again = reload(chain.payloads)
    barrier.use(again.log)
    task = main_task(again.root)
    touch(task)
    task.joiners = ()
    payload = again.encode_delta()
    assert unpack(payload)[CHANGES] == [[task.oid, "~", 11, []]]
    assert main_task(reload([*chain.payloads, payload]).root).joiners == ()


@pytest.mark.parametrize("kind", ["eqv", "equal", "string"])
def test_keys_of_a_table_are_removed_set_and_kept_in_order(kind: str) -> None:
    make = (lambda n: t.String(f"k{n}")) if kind == "string" else (lambda n: n)
    keys = [make(n) for n in range(6)]
    table = make_table(kind)
    for key in keys[:4]:
        table_set(table, key, 0)
    chain = Chain(x=table)
    table_delete(table, keys[1])  # removed
    table_set(table, keys[2], 22)  # set
    table_delete(table, keys[0])  # removed, set again: comes last
    table_set(table, keys[4], 44)  # new
    table_set(table, keys[0], 100)
    table_set(table, keys[5], 55)  # new, removed, new
    table_delete(table, keys[5])
    table_set(table, keys[5], 56)
    chain.save()
    assert [v for _, v in table_items(global_of(reload(chain.payloads)))] == [22, 0, 44, 100, 56]
    chain.check()


def test_an_equal_key_that_replaces_another_is_still_removed_later() -> None:
    """The key object "a" is replaced by an equal one in a delta; removing it in the next one must
    remove it."""
    table = make_table("equal")
    table_set(table, t.String("a"), 1)
    table_set(table, t.String("b"), 2)
    chain = Chain(x=table)
    table_set(table, t.String("a"), 10)
    chain.save()
    chain.check()
    chain.payloads = [chain.heap.encode_full()]
    table_set(table, t.String("a"), 11)
    chain.save()
    table_delete(table, t.String("a"))
    chain.save()
    assert [v for _, v in table_items(global_of(reload(chain.payloads)))] == [2]
    chain.check()


def test_a_table_that_is_cleared_is_saved_whole() -> None:
    table = make_table("eqv")
    table_set(table, 1, 1)
    chain = Chain(x=table)
    table_set(table, 2, 2)
    table_clear(table)
    table_set(table, 3, 3)
    chain.save()
    assert table_items(global_of(reload(chain.payloads))) == [(3, 3)]
    chain.check()


def plain(table: t.HashTable) -> list[tuple[Any, Any]]:
    return [(getattr(key, "text", key), value) for key, value in table_items(table)]


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["set", "delete", "save", "clear"]), st.integers(0, 7)), max_size=40
)


@given(OPERATIONS, st.sampled_from(["eqv", "equal"]))
@settings(max_examples=150, deadline=None)
def test_any_history_of_a_table_is_kept(operations: list[tuple[str, int]], kind: str) -> None:
    keys: Callable[[int], Any] = (lambda n: t.String(str(n))) if kind == "equal" else (lambda n: n)
    table = make_table(kind)
    chain = Chain(x=table)
    for number, (what, key) in enumerate(operations):
        if what == "set":
            table_set(table, keys(key), number)
        elif what == "delete":
            table_delete(table, keys(key))
        elif what == "clear" and key == 0:
            table_clear(table)
        elif what == "save":
            chain.payloads.append(chain.heap.encode_delta())
    chain.payloads.append(chain.heap.encode_delta())
    found = global_of(reload(chain.payloads))
    assert plain(found) == plain(table)
    chain.check()


def test_uninterned_symbols_keep_their_identity_over_deltas() -> None:
    symbol = t.Symbol("u")
    chain = Chain(x=symbol, y=0)
    chain.heap.namespace["user:y"] = t.Vector([symbol])
    chain.save()
    again = reload(chain.payloads)
    assert global_of(again, "y").items[0] is global_of(again, "x")
    chain.check()


def test_a_chain_goes_on_after_decoding() -> None:
    vector = t.Vector([t.Pair(1, 2), make_adder(1)])
    chain = Chain(x=vector)
    for number in range(5):
        heap = reload(chain.payloads)
        barrier.use(heap.log)
        found = global_of(heap)
        touch_slot(found, 0)
        found.items[0] = t.Pair(number, found.items[0])
        chain.payloads.append(heap.encode_delta())
    found = global_of(reload(chain.payloads)).items[0]
    assert [found.car, found.cdr.car, found.cdr.cdr.car] == [4, 3, 2]


def test_the_delta_of_a_usual_turn_is_small() -> None:
    """One task blocks on its next effect: a new frame, the root, the task, a request removed and
    one added."""
    chain = Chain()
    heap, root, task = chain.heap, chain.heap.root, main_task(chain.heap.root)
    site = Provider().site(DEFINITION, 2, 1)
    for number in range(2, 6):
        touch(root)
        touch(task)
        task.stack = Frame(site, (number, "x" and number * 2), None)
        task.status, task.waits = "waiting", (number,)
        table_delete(root.requests, number - 1)
        request = Request(number, 1, number, "timer", (1_700_000_000.25,), None, 1_700_000_000.5)
        table_set(root.requests, number, request)
        root.next_number, root.time = number + 1, 1_700_000_000.5 + number
        chain.save()
    assert len(chain.payloads[-1]) < 180
    assert heap.chain_length == 4
    chain.check()


def test_the_cost_does_not_grow_with_the_heap() -> None:
    """Counted in bytes and in objects that were looked at, not in time."""
    sizes = []
    for count in (10, 10_000):
        vector = t.Vector([t.Pair(n, t.NIL) for n in range(count)])
        chain = Chain(x=vector)
        looked_at: list[Any] = []
        other = chain.heap.encoder.record

        def counted(found: Any, record: Any = other, seen: list[Any] = looked_at) -> Any:
            seen.append(found)
            return record(found)

        chain.heap.encoder.record = counted  # type: ignore[method-assign]
        set_car(vector.items[3], t.Pair(1, 2))
        sizes.append((len(chain.heap.encode_delta()) // 10, len(looked_at)))
    assert sizes[0] == sizes[1]


def test_compaction_is_wanted_when_the_chain_outweighs_the_snapshot() -> None:
    chain = Chain(x=t.Pair(0, 0))
    heap = chain.heap
    assert not heap.wants_compaction
    for number in range(250):
        set_car(heap.namespace["user:x"], t.String("y" * 50 + str(number)))
        heap.encode_delta()
    assert heap.wants_compaction
    heap.encode_full()
    assert not heap.wants_compaction


def test_a_snapshot_is_weighed_uncompressed() -> None:
    """A vector of equal slots compresses to nothing, but costs as much to encode as any other."""
    chain = Chain(x=t.Vector([0] * 1_000_000))
    heap = chain.heap
    for number in range(250):
        vector = heap.namespace["user:x"]
        touch_slot(vector, number)
        vector.items[number] = number
        heap.encode_delta()
    assert not heap.wants_compaction


def test_a_compacted_chain_has_no_garbage_and_takes_deltas_that_were_written_for_its_end() -> None:
    chain = Chain(x=t.Pair(1, t.NIL), y=t.Vector([0] * 3))
    heap = chain.heap
    pair = heap.namespace["user:x"]
    for number in range(300):
        set_car(pair, t.String(f"text {number}" * 10))
        touch_slot(heap.namespace["user:y"], number % 3)
        heap.namespace["user:y"].items[number % 3] = number
        chain.payloads.append(heap.encode_delta())
    whole = compact(chain.payloads)
    assert len(unpack(whole)[6]) == len(unpack(reload(chain.payloads).encode_full())[6])
    shorter = [compact(chain.payloads[:200]), *chain.payloads[200:]]
    assert unpack(compact(shorter)) == unpack(whole)
    assert reload([whole]).encode_full() == reload(chain.payloads).encode_full()
    chain.check()


def test_what_folding_opened_is_closed_again() -> None:
    table, octets = make_table("equal"), t.Bytevector(bytearray(b"abc"))
    chain = Chain(x=table, y=octets)
    before = unpack(chain.payloads[0])
    assert unpack(compact(chain.payloads)) == before
    table_set(table, t.String("k"), 1)
    touch_slot(octets, 1)
    octets.octets[1] = 66
    task = main_task(chain.heap.root)
    touch(task)
    task.status = "waiting"
    chain.save()
    assert compact([compact(chain.payloads)]) == compact(chain.payloads)
    chain.check()
