"""Values in PostgreSQL's binary format, for the calls that every turn makes.

Layer: store. Imports nothing of Perdure.
Invariant: what is sent is what the types of the called function say; nothing is guessed from values.

psycopg's own adapters would do it too, at several times the cost: they find out for each element what
type it has, and a turn sends a dozen short lists.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

_INT8: Final = 20
_TEXT: Final = 25
_FLOAT8: Final = 701
_BYTEA: Final = 17
_BOOL: Final = 16
_HEADER: Final = struct.Struct("!iiiii")
_LENGTH: Final = struct.Struct("!i")
_INT: Final = struct.Struct("!q")
_FLOAT: Final = struct.Struct("!d")
_NULL: Final = _LENGTH.pack(-1)


def _empty(oid: int) -> bytes:
    return struct.pack("!iii", 0, 0, oid)


NO_INTS: Final = _empty(_INT8)
NO_TEXTS: Final = _empty(_TEXT)
NO_BLOBS: Final = _empty(_BYTEA)


def integer(value: int) -> bytes:
    """Return a bigint."""
    return _INT.pack(value)


def short(value: int) -> bytes:
    """Return an integer."""
    return _LENGTH.pack(value)


def number(value: float | None) -> bytes | None:
    """Return a float8, or NULL."""
    return None if value is None else _FLOAT.pack(value)


def integers(values: Sequence[int]) -> bytes:
    """Return a bigint[]."""
    count = len(values)
    if not count:
        return NO_INTS
    flat = [8] * (2 * count)
    flat[1::2] = values
    return _HEADER.pack(1, 0, _INT8, count, 1) + struct.pack("!" + "iq" * count, *flat)


def booleans(values: Sequence[bool]) -> bytes:
    """Return a boolean[]."""
    count = len(values)
    if not count:
        return _empty(_BOOL)
    flat: list[int] = [1] * (2 * count)
    flat[1::2] = values
    return _HEADER.pack(1, 0, _BOOL, count, 1) + struct.pack("!" + "i?" * count, *flat)


def numbers(values: Sequence[float | None]) -> bytes:
    """Return a float8[] with NULLs for None."""
    if not values:
        return _empty(_FLOAT8)
    parts = [_HEADER.pack(1, 1, _FLOAT8, len(values), 1)]
    for value in values:
        parts.append(_NULL if value is None else b"\0\0\0\x08" + _FLOAT.pack(value))
    return b"".join(parts)


def texts(values: Sequence[str]) -> bytes:
    """Return a text[]."""
    return _blobs(_TEXT, [value.encode() for value in values]) if values else NO_TEXTS


def blobs(values: Sequence[bytes | None]) -> bytes:
    """Return a bytea[] with NULLs for None."""
    return _blobs(_BYTEA, values) if values else NO_BLOBS


def _blobs(oid: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_HEADER.pack(1, None in values, oid, len(values), 1)]
    pack = _LENGTH.pack
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts.append(pack(len(value)))
            parts.append(value)
    return b"".join(parts)


def read_integers(data: bytes | None) -> tuple[int, ...]:
    """Return what is in a bigint[] or an integer[] without NULLs; NULL is none."""
    if data is None or len(data) < _HEADER.size:
        return ()
    _, _, oid, count, _ = _HEADER.unpack_from(data)
    element = "q" if oid == _INT8 else "i"
    return struct.unpack_from("!" + ("i" + element) * count, data, _HEADER.size)[1::2]


def read_number(data: bytes) -> float:
    """Return a float8."""
    value: float = _FLOAT.unpack(data)[0]
    return value
