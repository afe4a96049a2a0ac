"""Vectors and bytevectors.

Layer: primitives. Imports values.
Invariant: a write of few slots is recorded slot by slot, so that a delta is as small as the
change; a write of many records the object as a whole.
"""

from __future__ import annotations

from typing import Any

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.barrier import touch, touch_slot
from perdure.values.conditions import fail
from perdure.values.lists import from_items, list_items
from perdure.values.types import DEFAULT, TRUE, UNSPECIFIED, Bytevector, String, Vector

_SLOTWISE = 64
"""A write to more slots than this marks the whole object."""


def _touch_slots(changed: Any, first: int, last: int) -> None:
    """Tell the write barrier that the slots from first to last - 1 are about to change."""
    if changed.oid:
        if last - first > _SLOTWISE or type(changed.oid) is not int:
            touch(changed)
            return
        for slot in range(first, last):
            # One of the calls may mark the whole object: then its oid is 0.
            if changed.oid:
                touch_slot(changed, slot)


def _room(procedure: str, at: Any, *, size: int, length: int) -> int:
    """Return where a copy of so many slots starts, if there is room for it."""
    first, last = checks.span(procedure, at, DEFAULT, length)
    if size > last - first:
        raise checks.out_of_range(procedure, first + size, length)
    return first


# -- vectors -------------------------------------------------------------------------------


@primitive("vector?")
def is_vector(obj: Any) -> Any:
    return TRUE if type(obj) is Vector else None


@primitive("make-vector")
def make_vector(k: Any, fill: Any = UNSPECIFIED) -> Any:
    return Vector([fill] * checks.size("make-vector", k))


@primitive("vector")
def vector(*obj: Any) -> Any:
    return Vector([*obj])


@primitive("vector-length")
def vector_length(vector: Any) -> Any:
    return len(checks.items("vector-length", vector))


@primitive("vector-ref")
def vector_ref(vector: Any, k: Any) -> Any:
    items = checks.items("vector-ref", vector)
    return items[checks.index("vector-ref", k, len(items))]


@primitive("vector-set!")
def vector_set(vector: Any, k: Any, obj: Any) -> Any:
    items = checks.items("vector-set!", vector)
    checks.index("vector-set!", k, len(items))
    if vector.oid:
        touch_slot(vector, k)
    items[k] = obj
    return UNSPECIFIED


@primitive("vector-swap!")
def vector_swap(vector: Any, i: Any, j: Any) -> Any:
    items = checks.items("vector-swap!", vector)
    checks.index("vector-swap!", i, len(items))
    checks.index("vector-swap!", j, len(items))
    if vector.oid:
        touch_slot(vector, i)
    if vector.oid:
        touch_slot(vector, j)
    items[i], items[j] = items[j], items[i]
    return UNSPECIFIED


def _vector_part(procedure: str, vector: Any, start: Any, end: Any) -> list[Any]:
    items = checks.items(procedure, vector)
    first, last = checks.span(procedure, start, end, len(items))
    return items[first:last]


@primitive("vector->list")
def vector_to_list(vector: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    return from_items(_vector_part("vector->list", vector, start, end))


@primitive("list->vector")
def list_to_vector(list: Any) -> Any:
    return Vector(list_items("list->vector", list))


@primitive("vector-copy", "subvector")
def vector_copy(vector: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    return Vector(_vector_part("vector-copy", vector, start, end))


@primitive("vector-append")
def vector_append(*vectors: Any) -> Any:
    parts = [checks.items("vector-append", each) for each in vectors]
    checks.within("vector-append", sum(map(len, parts)))
    return Vector([item for part in parts for item in part])


@primitive("vector-grow")
def vector_grow(vector: Any, k: Any) -> Any:
    items = checks.items("vector-grow", vector)
    size = checks.size("vector-grow", k)
    if size < len(items):
        raise checks.out_of_range("vector-grow", size, len(items))
    return Vector(items + [UNSPECIFIED] * (size - len(items)))


@primitive("vector-fill!")
def vector_fill(vector: Any, fill: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    items = checks.items("vector-fill!", vector)
    first, last = checks.span("vector-fill!", start, end, len(items))
    filled = [fill] * (last - first)
    _touch_slots(vector, first, last)
    items[first:last] = filled
    return UNSPECIFIED


@primitive("vector-copy!")
def vector_copy_into(to: Any, at: Any, from_: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    items = checks.items("vector-copy!", to)
    part = _vector_part("vector-copy!", from_, start, end)
    first = _room("vector-copy!", at, size=len(part), length=len(items))
    _touch_slots(to, first, first + len(part))
    items[first : first + len(part)] = part
    return UNSPECIFIED


# -- bytevectors ---------------------------------------------------------------------------


@primitive("bytevector?")
def is_bytevector(obj: Any) -> Any:
    return TRUE if type(obj) is Bytevector else None


@primitive("make-bytevector")
def make_bytevector(k: Any, byte: Any = 0) -> Any:
    fill = checks.octet("make-bytevector", byte)
    return Bytevector(bytearray([fill]) * checks.size("make-bytevector", k))


@primitive("bytevector")
def bytevector(*byte: Any) -> Any:
    return Bytevector(bytearray([checks.octet("bytevector", each) for each in byte]))


@primitive("bytevector-length")
def bytevector_length(bytevector: Any) -> Any:
    return len(checks.octets("bytevector-length", bytevector))


@primitive("bytevector-u8-ref")
def bytevector_ref(bytevector: Any, k: Any) -> Any:
    octets = checks.octets("bytevector-u8-ref", bytevector)
    return octets[checks.index("bytevector-u8-ref", k, len(octets))]


@primitive("bytevector-u8-set!")
def bytevector_set(bytevector: Any, k: Any, byte: Any) -> Any:
    octets = checks.octets("bytevector-u8-set!", bytevector)
    checks.index("bytevector-u8-set!", k, len(octets))
    checks.octet("bytevector-u8-set!", byte)
    if bytevector.oid:
        touch_slot(bytevector, k)
    octets[k] = byte
    return UNSPECIFIED


def _octets_part(procedure: str, bytevector: Any, start: Any, end: Any) -> bytearray:
    octets = checks.octets(procedure, bytevector)
    first, last = checks.span(procedure, start, end, len(octets))
    return octets[first:last]


@primitive("bytevector-copy")
def bytevector_copy(bytevector: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    return Bytevector(_octets_part("bytevector-copy", bytevector, start, end))


@primitive("bytevector-append")
def bytevector_append(*bytevectors: Any) -> Any:
    parts = [checks.octets("bytevector-append", each) for each in bytevectors]
    checks.within("bytevector-append", sum(map(len, parts)))
    return Bytevector(bytearray().join(parts))


@primitive("bytevector-fill!")
def bytevector_fill(bytevector: Any, fill: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    octets = checks.octets("bytevector-fill!", bytevector)
    first, last = checks.span("bytevector-fill!", start, end, len(octets))
    filled = bytes([checks.octet("bytevector-fill!", fill)]) * (last - first)
    _touch_slots(bytevector, first, last)
    octets[first:last] = filled
    return UNSPECIFIED


@primitive("bytevector-copy!")
def bytevector_copy_into(
    to: Any, at: Any, from_: Any, start: Any = DEFAULT, end: Any = DEFAULT
) -> Any:
    octets = checks.octets("bytevector-copy!", to)
    part = _octets_part("bytevector-copy!", from_, start, end)
    first = _room("bytevector-copy!", at, size=len(part), length=len(octets))
    _touch_slots(to, first, first + len(part))
    octets[first : first + len(part)] = part
    return UNSPECIFIED


@primitive("utf8->string")
def utf8_to_string(bytevector: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    part = _octets_part("utf8->string", bytevector, start, end)
    try:
        return String(part.decode("utf-8"))
    except UnicodeDecodeError as error:
        at = error.start
    raise fail("range-error", f"utf8->string: not valid UTF-8 at byte {at}:", part[at])


@primitive("string->utf8")
def string_to_utf8(string: Any, start: Any = DEFAULT, end: Any = DEFAULT) -> Any:
    text = checks.text("string->utf8", string)
    first, last = checks.span("string->utf8", start, end, len(text))
    # Strings hold no surrogates (chars.py), but data from outside might: let them become "?".
    return Bytevector(bytearray(text[first:last].encode("utf-8", "replace")))
