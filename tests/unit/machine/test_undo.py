"""What a transaction undoes is what it changed, and exactly that.

Goal: after a roll-back the heap is as it was at entry, the order of keys in hash tables included, whatever was done between,
saved and restored in between or not.
Method: random heaps of all mutable classes that refer to each other; random writes, by the primitives that programs call;
nested transactions that are committed or rolled back. A picture of the heap, with the identities in it, is taken at each
entry and compared after each roll-back.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.base import limits
from perdure.machine import transactions, undo
from perdure.machine.registers import EVALUATOR, NO_DYNAMIC, REGISTERS
from perdure.machine.state import Dynamic, Parameter
from perdure.machine.undo import Transaction, entries_of
from perdure.primitives import TABLE
from perdure.snapshot.heap import Codec
from perdure.toolchain.toolchain import Toolchain
from perdure.values import barrier
from perdure.values import types as t
from perdure.values.conditions import SchemeError
from perdure.values.ports import Port, open_output, put_text
from perdure.values.tables import make_table


class NoModules:
    """No Python module can be imported."""

    def exports(self, module: str, directory: str) -> Any:
        raise AssertionError(module)


TOOLS = Toolchain(NoModules())  # type: ignore[arg-type]
CODEC = Codec(TOOLS.provider, TOOLS.natives, TOOLS.is_global)
PROGRAM = TOOLS.compile_source("(define all 1)", "undo.scm")
HEAP = ":all"


class Run:
    """A run whose main task is in as many transactions as `enter` says; the test is its program."""

    def __init__(self, objects: list[Any]) -> None:
        self.machine = TOOLS.new_run(PROGRAM, "run", [], 0.0, 1)
        self.machine.namespace[HEAP] = t.Vector(objects)
        self.heap = CODEC.create(self.machine.root, self.machine.namespace)
        self.payloads = [self.heap.encode_full()]
        self.pictures: list[Any] = []
        self.begin()

    def begin(self) -> None:
        """Begin a turn."""
        machine = self.machine
        machine.log = self.heap.log
        barrier.use(machine.log)
        machine.task = machine.task_numbered(1)
        machine.running = True
        undo.arm(machine)
        REGISTERS.machine = machine
        self.be_in(machine.root.transactions[-1] if machine.root.transactions else None)

    def be_in(self, transaction: Transaction | None) -> None:
        parameter = self.machine.hooks.transaction
        REGISTERS.dynamic = (
            NO_DYNAMIC
            if transaction is None
            else Dynamic(t.NIL, t.NIL, t.Pair(t.Pair(parameter, transaction), t.NIL))
        )

    def save(self) -> None:
        self.payloads.append(self.heap.encode_delta())
        self.begin()

    def restore(self) -> None:
        self.payloads.append(self.heap.encode_delta())
        self.heap = CODEC.decode(self.payloads, TOOLS.fresh_namespace(None))  # type: ignore[arg-type]
        self.machine = TOOLS.attach(self.heap.root, self.heap.namespace)
        self.begin()

    def enter(self) -> Transaction:
        self.pictures.append(picture(self.machine.namespace))
        made = transactions.make(self.machine, None)
        self.machine.root.transactions = (*self.machine.root.transactions, made)
        self.save()
        return made

    def innermost(self) -> Transaction | None:
        found = self.machine.root.transactions
        return found[-1] if found else None

    def leave(self, *, commits: bool) -> None:
        transaction = self.innermost()
        if transaction is None:
            return
        before = self.pictures.pop()
        if commits:
            transactions.commit(self.machine, transaction)
        else:
            transactions.roll_back(self.machine, transaction)
            transactions.close(self.machine, transaction)
            assert picture(self.machine.namespace) == before
        self.be_in(self.innermost())

    @property
    def objects(self) -> list[Any]:
        return self.machine.namespace[HEAP].items  # type: ignore[no-any-return]


def picture(namespace: dict[str, Any]) -> list[Any]:
    """Return all that can be seen through the variables that existed at first: objects are numbered as they are met."""
    numbers: dict[int, int] = {}
    queue: list[Any] = []
    keep: list[Any] = []

    def seen(found: Any) -> Any:
        if not hasattr(found, "oid"):
            return repr(found)
        if id(found) not in numbers:
            numbers[id(found)] = len(numbers)
            queue.append(found)
            keep.append(found)
        return (numbers[id(found)],)

    shown: list[Any] = []
    for name in (HEAP, ":zero"):
        shown.append((name, seen(namespace.get(name))))
    while queue:
        found = queue.pop(0)
        row: list[Any] = [type(found).__name__]
        for name in undo._FIELDS.get(type(found), ()):
            held = getattr(found, name)
            if type(held) is dict:
                row.append([(key_shown(k), seen(a), seen(b)) for k, (a, b) in held.items()])
            elif type(held) is list:
                row.append([seen(each) for each in held])
            else:
                row.append(seen(held))
        shown.append(row)
    return shown


def key_shown(key: Any) -> str:
    return repr(key) if type(key) in (int, str, tuple, bytes) else type(key).__name__


# -- random heaps and random writes ---------------------------------------------------------------

MAKERS: list[Any] = [
    lambda: t.Pair(1, t.NIL),
    lambda: t.Box(0),
    lambda: t.String("abc"),
    lambda: t.Vector([1, 2, 3, 4]),
    lambda: t.Bytevector(bytearray(b"abcd")),
    lambda: make_table("equal"),
    lambda: make_table("eqv"),
    lambda: t.Record(t.RecordType("point", ("x", "y")), [1, 2]),
    lambda: Parameter(1, None),
    lambda: open_output("text"),
    lambda: t.Promise(t.Box(t.Pair(None, 1))),
]


def call(name: str, *arguments: Any) -> None:
    TABLE[name].function(*arguments)


def write(run: Run, target: Any, k: int, value: Any) -> None:
    """Do one of the writes that an object knows, chosen by a number."""
    kind = type(target)
    if kind is t.Pair:
        call("set-car!" if k % 2 else "set-cdr!", target, value)
    elif kind is t.Box:
        call("set-box!", target, value)
    elif kind is t.String:
        call("string-set!", target, k % 3, t.char("xyz"[k % 3]))
    elif kind is t.Vector:
        if k % 7 == 0:
            call("vector-fill!", target, value)
        elif k % 7 == 1:
            call("vector-swap!", target, 0, 3)
        else:
            call("vector-set!", target, k % 4, value)
    elif kind is t.Bytevector:
        call("bytevector-u8-set!", target, k % 4, k % 256)
    elif kind is t.HashTable:
        key = k % 5 if k % 3 else t.String(f"key {k % 5}")
        if k % 11 == 0:
            call("hash-table-clear!", target)
        elif k % 4 == 0:
            call("hash-table-delete!", target, key)
        else:
            call("hash-table-set!", target, key, value)
    elif kind is t.Record:
        call("%record-set!", target, target.rtd, k % 2, value, t.intern("set"))
    elif kind is Parameter:
        barrier_touch(target)
        target.held = value
    elif kind is Port:
        put_text(target, f"text {k} ")
    elif kind is t.Promise:
        call("%promise-update!", t.Promise(t.Box(t.Pair(..., k))), target)


def barrier_touch(target: Any) -> None:
    if target.oid:
        barrier.touch(target)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 11), st.integers(0, 60), st.integers(0, 20)),
        st.tuples(st.just("write"), st.integers(0, 11), st.integers(0, 60), st.integers(0, 20)),
        st.tuples(st.just("global"), st.integers(0, 3), st.integers(0, 20)),
        st.tuples(st.just("enter")),
        st.tuples(st.just("commit")),
        st.tuples(st.just("roll back")),
        st.tuples(st.just("save")),
        st.tuples(st.just("restore")),
    ),
    max_size=60,
)


@given(st.lists(st.integers(0, len(MAKERS) - 1), min_size=1, max_size=12), STEPS)
@settings(max_examples=300, deadline=None)
def test_what_is_rolled_back_is_as_it_was_at_entry(kinds: list[int], steps: list[Any]) -> None:
    with EVALUATOR:
        run = Run([MAKERS[kind]() for kind in kinds])
        run.machine.namespace[":zero"] = 0
        for step in steps:
            objects = run.objects
            if step[0] == "write":
                _, which, k, other = step
                value = objects[other % len(objects)] if other % 2 else other
                write(run, objects[which % len(objects)], k, value)
            elif step[0] == "global":
                name = (":zero", HEAP, ":made", ":zero")[step[1]]
                barrier.touch_global(name)
                run.machine.namespace[name] = (
                    t.Vector([*objects, step[2]]) if name == HEAP else step[2]
                )
            elif step[0] == "enter" and len(run.pictures) < 4:
                run.enter()
            elif step[0] == "save":
                run.save()
            elif step[0] == "restore":
                run.restore()
            elif step[0] in ("commit", "roll back"):
                run.leave(commits=step[0] == "commit")
        while run.pictures:
            run.leave(commits=False)
        assert not run.machine.root.transactions
        run.save()
        assert run.machine.log.guard is None


# -- chosen cases --------------------------------------------------------------------------------


@pytest.fixture
def evaluator():
    with EVALUATOR:
        yield


def owners(run: Run) -> dict[Any, Any]:
    guard = run.machine.log.guard
    assert isinstance(guard, undo.Guard)
    return guard._owners


def test_a_write_is_noted_once_in_each_transaction(evaluator):
    pair = t.Pair(1, 2)
    run = Run([pair])
    outer = run.enter()
    for _ in range(3):
        write(run, pair, 1, 5)
        run.save()
    assert len([*entries_of(outer)]) == 1
    inner = run.enter()
    write(run, pair, 1, 6)
    assert len([*entries_of(inner)]) == 1
    run.leave(commits=True)
    assert len([*entries_of(outer)]) == 1
    run.leave(commits=True)
    assert not owners(run)


def test_a_loop_of_nested_transactions_does_not_make_the_outer_one_grow(evaluator):
    vector = t.Vector([0] * 4)
    run = Run([vector])
    outer = run.enter()
    for index in range(50):
        run.enter()
        call("vector-set!", vector, index % 4, index)
        run.leave(commits=True)
    assert len([*entries_of(outer)]) == 4


def test_a_slot_of_a_large_vector_costs_one_slot(evaluator):
    vector = t.Vector([0] * 100_000)
    run = Run([vector])
    run.enter()
    call("vector-set!", vector, 77, 1)
    run.save()
    assert len(run.payloads[-1]) < 1_000
    run.leave(commits=False)
    assert vector.items[77] == 0


def test_so_many_slots_that_the_object_is_saved_whole_are_all_noted(evaluator):
    size = limits.SLOT_CHANGES_MAX + 100
    vector, table = t.Vector([0] * size), make_table("eqv")
    run = Run([vector, table])
    run.enter()
    for index in range(size):
        call("vector-set!", vector, index, index)
        call("hash-table-set!", table, index, index)
    run.restore()
    vector, table = run.objects
    assert vector.items == [*range(size)]
    assert len(table.entries) == size
    run.leave(commits=False)
    assert vector.items == [0] * size
    assert not table.entries
    run.restore()
    assert run.objects[0].items == [0] * size


def test_to_remove_a_key_that_was_added_inside_copies_nothing(evaluator):
    table = make_table("eqv")
    for index in range(1_000):
        call("hash-table-set!", table, index, index)
    run = Run([table])
    transaction = run.enter()
    for _ in range(3):
        call("hash-table-set!", table, "new", 1)
        call("hash-table-delete!", table, "new")
    assert [entry.whole for entry in entries_of(transaction)] == [False]
    call("hash-table-delete!", table, 5)
    assert [entry.whole for entry in entries_of(transaction)] == [True, False]
    run.leave(commits=False)
    assert [*table.entries] == [*range(1_000)]


def test_what_was_made_inside_is_not_noted(evaluator):
    pair = t.Pair(1, 2)
    run = Run([pair])
    transaction = run.enter()
    made = t.Pair(1, 2)
    write(run, pair, 1, made)
    run.save()
    write(run, made, 1, "changed")
    assert len([*entries_of(transaction)]) == 1


def test_what_somebody_else_owns_is_refused_and_stays_as_it_is(evaluator):
    pair, vector, table = t.Pair(1, 2), t.Vector([1, 2]), make_table("eqv")
    call("hash-table-set!", table, 1, 1)
    run = Run([pair, vector, table])
    run.machine.namespace[":zero"] = 0
    run.save()
    transaction = run.enter()
    barrier_touch(transaction)
    transaction.task = 99
    write(run, pair, 1, 5)
    call("vector-set!", vector, 0, 5)
    call("hash-table-set!", table, 1, 5)
    barrier.touch_global(":zero")
    refuse(run)
    run.restore()
    refuse(run)


def refuse(run: Run) -> None:
    """Check that a task outside of the transaction may write what it has not written, and nothing else."""
    pair, vector, table = run.objects
    run.machine.log.guard.settle()  # as when another task runs
    run.be_in(None)
    for refused in (
        ("set-car!", pair, 6),
        ("vector-set!", vector, 0, 6),
        ("vector-fill!", vector, 6),
        ("hash-table-set!", table, 1, 6),
        ("hash-table-delete!", table, 1),
        ("hash-table-clear!", table),
    ):
        with pytest.raises(SchemeError) as caught:
            call(*refused)
        assert caught.value.condition.kind == "conflict-error"
    with pytest.raises(SchemeError, match="conflict-error"):
        barrier.touch_global(":zero")
    call("vector-set!", vector, 1, 6)
    call("hash-table-set!", table, 2, 6)
    assert pair.car == 5
    assert vector.items == [5, 6]
    assert [*table.entries] == [1, 2]


def test_tasks_requests_and_channels_are_not_undone(evaluator):
    run = Run([])
    transaction = run.enter()
    run.machine.make_ready(run.machine.task_numbered(1), None, ())
    call_table = run.machine.root.requests
    call("hash-table-set!", call_table, 5, 5)
    call("hash-table-delete!", call_table, 5)
    assert transaction.undo is None
