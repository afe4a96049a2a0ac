"""Hash tables under the names of SRFI 69, as far as they take no procedures of the program.

Layer: primitives. Imports machine and values.
Invariant: a `HashTable`'s equivalence is one of Perdure's own kinds, so that no program code runs while it is looked up.
A `UserTable` has a procedure of the program for it: what must call that goes to the library (lib/hash-table.sld), which has a
procedure `%user-table-` and a name for each such operation. `hash-table-update!`, `hash-table-walk` and
their kin are written in Scheme on top of these.
Not procedures of the library that look at the table first: most tables are of our kinds, and a call more would double the
cost of each operation.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from perdure.machine.machine import AGAIN, Machine
from perdure.machine.signals import Isolated
from perdure.primitives import checks
from perdure.primitives.registry import TABLE, primitive
from perdure.values import tables
from perdure.values.barrier import touch
from perdure.values.conditions import fail, wrong_type
from perdure.values.lists import from_items, list_items
from perdure.values.types import (
    DEFAULT,
    NIL,
    TRUE,
    UNSPECIFIED,
    HashTable,
    Pair,
    Symbol,
    UserTable,
)

_KINDS = {
    "eq?": "eqv",
    "eqv?": "eqv",
    "char=?": "eqv",
    "symbol=?": "eqv",
    "boolean=?": "eqv",
    "equal?": "equal",
    "string=?": "string",
    "=": "number",
}
"""The equivalence procedures whose tables are ours, and the kind of keys each means."""

_HASHES = {"string-ci=?": "string-ci-hash", "char-ci=?": "char-ci-hash"}
"""Equivalence procedures of ours that are no kind of table, and their hash functions."""

_BOUND = 2**29
"""What a hash function that must be given a bound is given."""


def _named(test: Any, names: Any) -> Any:
    """Return the name of an equivalence procedure, if it is one of ours."""
    return next((n for n in names if n in TABLE and TABLE[n].function is test), None)


def _constant_hash(*_ignored: Any) -> int:
    return 0


def _empty(procedure: str, test: Any, hash_function: Any) -> HashTable | UserTable:
    """Return a new table for an equivalence, and a hash function or DEFAULT."""
    if test is DEFAULT:
        return tables.make_table("equal")
    if type(test) is Symbol and test.name in tables.KINDS:
        return tables.make_table(test.name)
    if not callable(test):
        raise wrong_type(procedure, "an equivalence procedure", test)
    name = _named(test, _KINDS)
    if name is not None:
        return tables.make_table(_KINDS[name])
    if hash_function is DEFAULT:
        known = _named(test, _HASHES)
        hash_function = TABLE[_HASHES[known] if known else "%constant-hash"].function
    elif not callable(hash_function):
        raise wrong_type(procedure, "a hash function", hash_function)
    bound = _BOUND if _arguments_least(hash_function) == 2 else None
    return UserTable(test, hash_function, bound, tables.make_table("eqv"), 0)


def _arguments_least(procedure: Any) -> int:
    return procedure.__code__.co_argcount if isinstance(procedure, FunctionType) else 1


def _in_library(machine: Machine, operation: str, arguments: tuple[Any, ...]) -> Any:
    name = f"perdure.hash-table:%user-table-{operation}"
    machine.callee, machine.arguments = machine.namespace["__builtins__"][name], arguments
    return AGAIN


def _user(operation: str, procedure: str, table: Any, *arguments: Any) -> Isolated:
    """Return the signal by which an operation on a user's table goes to the library."""
    if type(table) is not UserTable:
        raise wrong_type(procedure, "a hash table", table)
    return Isolated(_in_library, operation, (table, *arguments))


def _items(procedure: str, table: Any) -> list[tuple[Any, Any]]:
    """Return the (key, value) tuples of either sort of table."""
    if type(table) is not UserTable:
        return tables.table_items(checks.table(procedure, table))
    found = []
    for bucket in tables.table_values(table.buckets):
        found += [(entry.car, entry.cdr) for entry in list_items(procedure, bucket)]
    return found


primitive("%constant-hash")(_constant_hash)


@primitive("make-hash-table")
def make_hash_table(
    equivalence: Any = DEFAULT, hash_function: Any = DEFAULT, *_ignored: Any
) -> Any:
    return _empty("make-hash-table", equivalence, hash_function)


@primitive("make-equal-hash-table")
def make_equal_table() -> Any:
    return tables.make_table("equal")


@primitive("make-eqv-hash-table", "make-eq-hash-table", "make-strong-eqv-hash-table")
def make_eqv_table() -> Any:
    return tables.make_table("eqv")


@primitive("make-string-hash-table")
def make_string_table() -> Any:
    return tables.make_table("string")


@primitive("%fill-hash-table")
def fill_table(procedure: Any, table: Any, alist: Any) -> Any:
    """Give the keys of an association list that a table has not their first values there."""
    name = checks.symbol_name("%fill-hash-table", procedure)
    checks.table(name, table)
    added = []
    for entry in list_items(name, alist, "an association list"):
        if type(entry) is not Pair:
            raise wrong_type(name, "a list of pairs, found the element", entry)
        added.append((entry.car, entry.cdr, tables.key_for(table.kind, entry.car, name)))
    for key, value, normal in added:
        if normal not in table.entries:
            tables.table_set(table, key, value)
    return table


@primitive("%user-table?")
def is_user_table(obj: Any) -> Any:
    return TRUE if type(obj) is UserTable else None


@primitive("hash-table?")
def is_table(obj: Any) -> Any:
    return TRUE if type(obj) is HashTable or type(obj) is UserTable else None


@primitive("hash-table-ref/default")
def table_ref(table: Any, key: Any, default: Any) -> Any:
    if type(table) is not HashTable:
        raise _user("ref", "hash-table-ref/default", table, key, default)
    entry = table.entries.get(tables.key_for(table.kind, key, "hash-table-ref/default"))
    return default if entry is None else entry[1]


@primitive("hash-table-set!")
def table_set(table: Any, key: Any = DEFAULT, value: Any = DEFAULT, *more: Any) -> Any:
    """Give keys values: one, or as many as there are arguments (SRFI 125)."""
    if more or value is DEFAULT:
        return _set_all(table, (key, value, *more) if key is not DEFAULT else ())
    if type(table) is not HashTable:
        raise _user("set", "hash-table-set!", table, key, value)
    tables.table_set(table, key, value)
    return UNSPECIFIED


def _set_all(table: Any, row: tuple[Any, ...]) -> Any:
    if len(row) % 2 or (row and row[1] is DEFAULT):
        raise fail(
            "arity-error", "hash-table-set!: every key needs a value, got the keys", *row[::2]
        )
    if type(table) is not HashTable:
        raise _user("set", "hash-table-set!", table, *row)
    for key in row[::2]:
        tables.key_for(table.kind, key, "hash-table-set!")
    for key, value in zip(row[::2], row[1::2], strict=True):
        tables.table_set(table, key, value)
    return UNSPECIFIED


@primitive("hash-table-delete!")
def table_delete(table: Any, *keys: Any) -> Any:
    """Remove keys, and return how many of them were there (SRFI 125)."""
    if type(table) is not HashTable:
        raise _user("delete", "hash-table-delete!", table, *keys)
    if len(keys) != 1:
        # To be done again after an overflow would count fewer.
        raise Isolated(_delete_all, table, keys)
    return int(tables.table_delete(table, keys[0]))


def _delete_all(_machine: Machine, table: HashTable, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        tables.key_for(table.kind, key, "hash-table-delete!")
    return sum([tables.table_delete(table, key) for key in keys])


@primitive("hash-table-exists?", "hash-table-contains?")
def table_has(table: Any, key: Any) -> Any:
    if type(table) is not HashTable:
        raise _user("has", "hash-table-exists?", table, key)
    return TRUE if tables.table_has(table, key) else None


@primitive("hash-table-size", "hash-table-size/count")
def table_size(table: Any) -> Any:
    if type(table) is UserTable:
        return table.size
    return len(checks.table("hash-table-size", table).entries)


@primitive("hash-table-empty?")
def is_empty(table: Any) -> Any:
    return None if table_size(table) else TRUE


@primitive("hash-table-keys")
def table_keys(table: Any) -> Any:
    return from_items([key for key, _ in _items("hash-table-keys", table)])


@primitive("hash-table-values")
def table_values(table: Any) -> Any:
    return from_items([value for _, value in _items("hash-table-values", table)])


@primitive("hash-table->alist")
def table_to_alist(table: Any) -> Any:
    result: Any = NIL
    for key, value in reversed(_items("hash-table->alist", table)):
        result = Pair(Pair(key, value), result)
    return result


def _copied(bucket: Any) -> Any:
    """Return a bucket with entries of its own: they are changed in place."""
    entries = list_items("hash-table-copy", bucket)
    return from_items([Pair(entry.car, entry.cdr) for entry in entries])


@primitive("hash-table-copy")
def table_copy(table: Any, _mutable: Any = DEFAULT) -> Any:
    if type(table) is not UserTable:
        return tables.table_copy(checks.table("hash-table-copy", table))
    copy: UserTable = empty_copy(table)
    for code, bucket in tables.table_items(table.buckets):
        tables.table_set(copy.buckets, code, _copied(bucket))
    copy.size = table.size
    return copy


@primitive("hash-table-empty-copy")
def empty_copy(table: Any) -> Any:
    """Return an empty table with the same equivalence."""
    if type(table) is not UserTable:
        return tables.make_table(checks.table("hash-table-empty-copy", table).kind)
    buckets = tables.make_table("eqv")
    return UserTable(table.equality, table.hash_function, table.bound, buckets, 0)


@primitive("hash-table-clear!")
def table_clear(table: Any) -> Any:
    if type(table) is not UserTable:
        tables.table_clear(checks.table("hash-table-clear!", table))
        return UNSPECIFIED
    if table.oid:
        touch(table)
    tables.table_clear(table.buckets)
    table.size = 0
    return UNSPECIFIED


_FUNCTIONS = {
    "eqv": ("eqv?", "hash-by-identity"),
    "equal": ("equal?", "hash"),
    "string": ("string=?", "string-hash"),
    "number": ("=", "number-hash"),
}
"""The equivalence and the hash function of each kind of table."""


@primitive("hash-table-equivalence-function")
def table_equivalence(table: Any) -> Any:
    if type(table) is UserTable:
        return table.equality
    return TABLE[
        _FUNCTIONS[checks.table("hash-table-equivalence-function", table).kind][0]
    ].function


@primitive("hash-table-hash-function")
def table_hash_function(table: Any) -> Any:
    if type(table) is UserTable:
        return table.hash_function
    return TABLE[_FUNCTIONS[checks.table("hash-table-hash-function", table).kind][1]].function


# -- tables with an equivalence of the program: what the library does to their buckets --------------


def _user_table(x: Any) -> UserTable:
    if type(x) is not UserTable:
        raise wrong_type("hash-table", "a hash table with an equivalence of its own", x)
    return x


@primitive("%user-table-bound")
def user_bound(table: Any) -> Any:
    return _user_table(table).bound


@primitive("%user-table-bucket")
def user_bucket(table: Any, code: Any) -> Any:
    """Return the entries of a hash code, as a list of pairs."""
    return tables.table_ref(_user_table(table).buckets, code, NIL)


@primitive("%user-table-add!")
def user_add(table: Any, code: Any, key: Any, value: Any) -> Any:
    buckets = _user_table(table).buckets
    bucket = Pair(Pair(key, value), tables.table_ref(buckets, code, NIL))
    if table.oid:
        touch(table)
    # The last call that may overflow Python's stack: if it does, all of this is done again.
    tables.table_set(buckets, code, bucket)
    table.size += 1
    return UNSPECIFIED


@primitive("%user-table-remove!")
def user_remove(table: Any, code: Any, entry: Any) -> Any:
    """Remove an entry that `%user-table-bucket` gave, if it is still there."""
    buckets = _user_table(table).buckets
    bucket = list_items("hash-table-delete!", tables.table_ref(buckets, code, NIL))
    kept = [each for each in bucket if each is not entry]
    if len(kept) == len(bucket):
        return UNSPECIFIED
    if table.oid:
        touch(table)
    if kept:
        tables.table_set(buckets, code, from_items(kept))
    else:
        tables.table_delete(buckets, code)
    table.size -= 1
    return UNSPECIFIED
