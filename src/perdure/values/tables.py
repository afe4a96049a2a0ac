"""Hash tables: normalised keys, and the operations with their write barrier.

Layer: values. Imports types, barrier, numbers, conditions, limits.
Invariant: two values have the same key if and only if they are eqv? (kind "eqv"), equal? (kind
"equal"), string=? ("string") or = ("number"), and no key runs Python code when it is hashed or compared. So a key needs `1`, `1.0` and
`#t` kept apart, which Python's dictionaries would merge, and pairs and vectors laid out flat,
because nested tuples are hashed recursively.

| value                       | key                                                             |
|-----------------------------|-----------------------------------------------------------------|
| exact integer               | itself                                                          |
| float                       | its 8 bytes; one value for all NaNs                             |
| rational                    | ("/", numerator, denominator)                                   |
| complex number              | ("+", the key of its real part, that of its imaginary part)     |
| any number (number)         | as the exact number that it is; infinities and NaN as floats    |
| string (equal, string)      | its text                                                        |
| bytevector (equal)          | ("b", bytes)                                                    |
| pair, vector, box (equal)   | a flat tuple: a mark, and the keys of the parts, in preorder    |
| anything else               | itself: it compares by identity                                 |

Strings, bytes and tuples are never values of the heap, so no two rows meet. A key is computed
when it is stored: a program that changes a string or a pair while it is a key finds it no more
(R7RS and SRFI 69 leave this open).
"""

from __future__ import annotations

from math import isfinite
from struct import Struct as Layout
from typing import Any

from perdure.base import limits
from perdure.values.barrier import touch, touch_key
from perdure.values.conditions import fail, wrong_type
from perdure.values.numbers import NUMBERS, ExactComplex, Ratnum
from perdure.values.types import (
    Box,
    Bytevector,
    HashTable,
    Pair,
    Singleton,
    String,
    Vector,
)

KINDS = ("eqv", "equal", "string", "number")

_DOUBLE = Layout(">d")
_NAN = b"nan"
_PAIR = Singleton("pair")
_BOX = Singleton("box")


def key_for(kind: str, value: Any, procedure: str = "hash-table-ref") -> Any:
    """Return the key under which a table of that kind keeps a value.

    Raises:
      SchemeError: type-error, if the kind is "string" or "number" and the value is none; quota-error,
        if the value is circular or has more than limits.KEY_PARTS_MAX parts.
    """
    known = type(value)
    if known is int:
        return value if kind != "string" else _not_a_string(procedure, value)
    if kind == "string":
        return value.text if known is String else _not_a_string(procedure, value)
    if kind == "equal":
        if known is String:
            return value.text
        if known is Pair or known is Vector or known is Box:
            return _flat_key(value, procedure)
        if known is Bytevector:
            return ("b", bytes(value.octets))
    elif kind == "number":
        return _number_key(value, procedure)
    if known is float:
        return _DOUBLE.pack(value) if value == value else _NAN  # noqa: PLR0124
    if known is Ratnum:
        return ("/", value.numerator, value.denominator)
    if known is complex or known is ExactComplex:
        return ("+", key_for("eqv", value.real), key_for("eqv", value.imag))
    return value


def _number_key(value: Any, procedure: str) -> Any:
    if type(value) not in NUMBERS:
        raise wrong_type(procedure, "a number as key", value)
    if type(value) is complex:
        # Parts are reals, so this goes no deeper. What has no imaginary part may equal a real.
        real, imag = _number_key(value.real, procedure), _number_key(value.imag, procedure)
        return ("+", real, imag) if imag != 0 else real
    if type(value) is float and isfinite(value):
        numerator, denominator = value.as_integer_ratio()
        return numerator if denominator == 1 else ("/", numerator, denominator)
    return key_for("eqv", value)


def _not_a_string(procedure: str, value: Any) -> Any:
    raise wrong_type(procedure, "a string as key", value)


def _flat_key(value: Any, procedure: str) -> tuple[Any, ...]:
    parts: list[Any] = []
    todo = [value]
    while todo:
        value = todo.pop()
        kind = type(value)
        if kind is Pair:
            parts.append(_PAIR)
            todo.append(value.cdr)
            todo.append(value.car)
        elif kind is Vector:
            # The length makes the layout unambiguous; the mark keeps it apart from an integer.
            parts.append(("v", len(value.items)))
            todo.extend(reversed(value.items))
        elif kind is Box:
            parts.append(_BOX)
            todo.append(value.contents)
        else:
            parts.append(key_for("equal", value, procedure))
        if len(parts) + len(todo) > limits.KEY_PARTS_MAX:
            raise fail(
                "quota-error",
                f"{procedure}: a key is circular or has more than {limits.KEY_PARTS_MAX} parts",
            )
    return tuple(parts)


def make_table(kind: str = "equal") -> HashTable:
    """Return a new empty table of a kind."""
    assert kind in KINDS
    return HashTable(kind, {})


def table_ref(table: HashTable, key: Any, default: Any = None) -> Any:
    """Return the value of a key, or the default."""
    entry = table.entries.get(key_for(table.kind, key))
    return default if entry is None else entry[1]


def table_has(table: HashTable, key: Any) -> bool:
    """Return whether the table has a value for the key."""
    return key_for(table.kind, key) in table.entries


def table_set(table: HashTable, key: Any, value: Any) -> None:
    """Give a key a value; a new key comes last in the order."""
    normal = key_for(table.kind, key, "hash-table-set!")
    if table.oid:
        touch_key(table, normal, key, removed=False)
    table.entries[normal] = (key, value)


def table_delete(table: HashTable, key: Any) -> bool:
    """Remove a key; return whether it was there."""
    normal = key_for(table.kind, key, "hash-table-delete!")
    if normal not in table.entries:
        if type(table.oid) is not int:
            touch(table)
        return False
    if table.oid:
        touch_key(table, normal, key, removed=True)
    del table.entries[normal]
    return True


def table_clear(table: HashTable) -> None:
    """Remove all keys."""
    if table.oid:
        touch(table)
    table.entries.clear()


def table_copy(table: HashTable) -> HashTable:
    """Return a new table with the same keys and values, in the same order."""
    return HashTable(table.kind, dict(table.entries))


def table_keys(table: HashTable) -> list[Any]:
    """Return the keys, in order of insertion."""
    return [key for key, _ in table.entries.values()]


def table_values(table: HashTable) -> list[Any]:
    """Return the values, in order of insertion."""
    return [value for _, value in table.entries.values()]


def table_items(table: HashTable) -> list[tuple[Any, Any]]:
    """Return (key, value) tuples, in order of insertion."""
    return list(table.entries.values())


def table_size(table: HashTable) -> int:
    """Return the number of keys."""
    return len(table.entries)
