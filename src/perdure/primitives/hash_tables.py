"""Hash tables under the names of SRFI 69, as far as they take no procedures of the program.

Layer: primitives. Imports values.
Invariant: a table's equivalence is one of Perdure's own kinds, so that no program code runs while
a table is changed. `hash-table-update!`, `hash-table-walk` and their kin are written in Scheme on
top of these.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from perdure.primitives import checks
from perdure.primitives.registry import TABLE, primitive
from perdure.values import tables
from perdure.values.conditions import fail, wrong_type
from perdure.values.lists import from_items, list_items
from perdure.values.numbers import Ratnum
from perdure.values.printer import write_string
from perdure.values.types import (
    DEFAULT,
    NIL,
    TRUE,
    UNSPECIFIED,
    Char,
    HashTable,
    Pair,
    Symbol,
)

_KINDS = {
    "eq?": "eqv",
    "eqv?": "eqv",
    "=": "eqv",
    "char=?": "eqv",
    "symbol=?": "eqv",
    "boolean=?": "eqv",
    "equal?": "equal",
    "string=?": "string",
}
"""The equivalence procedures that a table can be made with, and the kind of keys each means."""


def _kind(procedure: str, test: Any) -> str:
    if test is DEFAULT:
        return "equal"
    if type(test) is Symbol and test.name in tables.KINDS:
        return test.name
    if not callable(test):
        raise wrong_type(procedure, "an equivalence procedure", test)
    for name, kind in _KINDS.items():
        known = TABLE.get(name)
        if known is not None and known.function is test:
            return kind
    raise fail(
        "range-error",
        f"{procedure}: the equivalence must be one of {', '.join(_KINDS)}, got",
        test,
    )


@primitive("make-hash-table")
def make_hash_table(test: Any = DEFAULT, *hash_function: Any) -> Any:
    return tables.make_table(_kind("make-hash-table", test))


@primitive("make-equal-hash-table")
def make_equal_table() -> Any:
    return tables.make_table("equal")


@primitive("make-eqv-hash-table", "make-eq-hash-table", "make-strong-eqv-hash-table")
def make_eqv_table() -> Any:
    return tables.make_table("eqv")


@primitive("make-string-hash-table")
def make_string_table() -> Any:
    return tables.make_table("string")


@primitive("alist->hash-table")
def alist_to_table(alist: Any, test: Any = DEFAULT, *hash_function: Any) -> Any:
    table = tables.make_table(_kind("alist->hash-table", test))
    for entry in list_items("alist->hash-table", alist):
        if type(entry) is not Pair:
            raise wrong_type("alist->hash-table", "a list of pairs, found the element", entry)
        # SRFI 69: of several entries with one key the first counts.
        if not tables.table_has(table, entry.car):
            tables.table_set(table, entry.car, entry.cdr)
    return table


@primitive("hash-table?")
def is_table(obj: Any) -> Any:
    return TRUE if type(obj) is HashTable else None


@primitive("hash-table-ref/default")
def table_ref(table: Any, key: Any, default: Any) -> Any:
    if type(table) is not HashTable:
        raise wrong_type("hash-table-ref/default", "a hash table", table)
    entry = table.entries.get(tables.key_for(table.kind, key, "hash-table-ref/default"))
    return default if entry is None else entry[1]


@primitive("hash-table-set!")
def table_set(table: Any, key: Any, value: Any) -> Any:
    tables.table_set(checks.table("hash-table-set!", table), key, value)
    return UNSPECIFIED


@primitive("hash-table-delete!")
def table_delete(table: Any, key: Any) -> Any:
    tables.table_delete(checks.table("hash-table-delete!", table), key)
    return UNSPECIFIED


@primitive("hash-table-exists?", "hash-table-contains?")
def table_has(table: Any, key: Any) -> Any:
    return TRUE if tables.table_has(checks.table("hash-table-exists?", table), key) else None


@primitive("hash-table-size", "hash-table-count", "hash-table-size/count")
def table_size(table: Any) -> Any:
    return len(checks.table("hash-table-size", table).entries)


@primitive("hash-table-empty?")
def is_empty(table: Any) -> Any:
    return None if checks.table("hash-table-empty?", table).entries else TRUE


@primitive("hash-table-keys")
def table_keys(table: Any) -> Any:
    return from_items(tables.table_keys(checks.table("hash-table-keys", table)))


@primitive("hash-table-values")
def table_values(table: Any) -> Any:
    return from_items(tables.table_values(checks.table("hash-table-values", table)))


@primitive("hash-table->alist")
def table_to_alist(table: Any) -> Any:
    result: Any = NIL
    for key, value in reversed(tables.table_items(checks.table("hash-table->alist", table))):
        result = Pair(Pair(key, value), result)
    return result


@primitive("hash-table-copy")
def table_copy(table: Any, _mutable: Any = DEFAULT) -> Any:
    return tables.table_copy(checks.table("hash-table-copy", table))


@primitive("hash-table-clear!")
def table_clear(table: Any) -> Any:
    tables.table_clear(checks.table("hash-table-clear!", table))
    return UNSPECIFIED


@primitive("hash-table-equivalence-function")
def table_equivalence(table: Any) -> Any:
    kind = checks.table("hash-table-equivalence-function", table).kind
    return TABLE[{"eqv": "eqv?", "equal": "equal?", "string": "string=?"}[kind]].function


def _hash(procedure: str, text: str, bound: Any) -> int:
    """Return a hash that is the same in every process: programs may store it."""
    code = crc32(text.encode("utf-8", "replace"))
    if bound is DEFAULT:
        return code
    if type(bound) is not int or bound <= 0:
        raise wrong_type(procedure, "a positive exact integer as bound", bound)
    return code % bound


@primitive("string-hash")
def string_hash(string: Any, bound: Any = DEFAULT) -> Any:
    return _hash("string-hash", checks.text("string-hash", string), bound)


@primitive("string-ci-hash")
def string_ci_hash(string: Any, bound: Any = DEFAULT) -> Any:
    return _hash("string-ci-hash", checks.text("string-ci-hash", string).casefold(), bound)


@primitive("hash", "equal-hash")
def equal_hash(obj: Any, bound: Any = DEFAULT) -> Any:
    return _hash("hash", write_string(obj, limit_chars=1_000), bound)


@primitive("hash-by-identity", "eqv-hash", "eq-hash")
def identity_hash(obj: Any, bound: Any = DEFAULT) -> Any:
    # Mutable objects share one hash for each class: their contents may change, and their
    # addresses do not last.
    atom = obj is None or obj is TRUE or type(obj) in (int, float, Ratnum, Symbol, Char)
    return _hash("hash-by-identity", write_string(obj) if atom else type(obj).__name__, bound)


@primitive("hash-table-merge!", "hash-table-union!")
def table_merge(table1: Any, table2: Any) -> Any:
    """Add the keys of table2 that table1 has not, in order."""
    checks.table("hash-table-union!", table1)
    checks.table("hash-table-union!", table2)
    added = [
        (key, value, tables.key_for(table1.kind, key, "hash-table-union!"))
        for key, value in tables.table_items(table2)
    ]
    for key, value, normal in added:
        if normal not in table1.entries:
            tables.table_set(table1, key, value)
    return table1
