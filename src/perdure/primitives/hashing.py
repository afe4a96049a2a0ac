"""Hash functions: SRFI 69 and 128.

Layer: primitives. Imports values.
Invariant: a hash is the same in every process and in every release, because programs may store it; equal values have
equal hashes, and `hash` of an atom is what the hash function of its type gives. What has an identity and may change hashes by its class alone: neither its contents nor its
address would last.
"""

from __future__ import annotations

from itertools import islice
from typing import Any
from zlib import crc32

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values import tables
from perdure.values.conditions import wrong_type
from perdure.values.numbers import NUMBERS
from perdure.values.types import (
    DEFAULT,
    NIL,
    TRUE,
    Box,
    Bytevector,
    Char,
    Pair,
    Singleton,
    String,
    Symbol,
    Vector,
)

_PARTS_MAX = 200
"""Parts of a structure that its hash depends on: hashing a long list costs no more than this, and a circular one ends."""


def _hash(procedure: str, text: str, bound: Any) -> int:
    code = crc32(text.encode("utf-8", "surrogatepass"))
    if bound is DEFAULT:
        return code
    if type(bound) is not int or bound <= 0:
        raise wrong_type(procedure, "a positive exact integer as bound", bound)
    return code % bound


def _atom_text(obj: Any) -> str:
    """Return a text that is equal for values that are the same to eqv?, and for numbers that are =."""
    kind = type(obj)
    if kind is Symbol:
        return f"'{obj.name}"
    if kind is Char:
        return f"#{obj.value}"
    if obj is None or obj is TRUE or kind is Singleton:
        return repr(obj)
    if kind in NUMBERS:
        return _number_text(tables.key_for("number", obj))
    return kind.__name__


def _number_text(key: Any) -> str:
    # Not str: the decimal text of a huge integer takes quadratic time.
    if type(key) is int:
        return f"{key:x}"
    if type(key) is tuple:
        return "/".join([_number_text(part) for part in key if type(part) is not str])
    return repr(key)


def _structure_text(obj: Any) -> str:
    """Return a text that is equal for values that are equal?; it covers the first parts of a large structure."""
    parts: list[str] = []
    todo = [obj]
    while todo and len(parts) < _PARTS_MAX:
        obj = todo.pop()
        kind = type(obj)
        if kind is Pair:
            parts.append("(")
            todo += (obj.cdr, obj.car)
        elif kind is Vector:
            parts.append(f"#{len(obj.items)}")
            todo += reversed([*islice(obj.items, _PARTS_MAX)])
        elif kind is Box:
            parts.append("box")
            todo.append(obj.contents)
        elif kind is String:
            parts.append(obj.text)
        elif kind is Bytevector:
            parts.append(f"u8{obj.octets.hex()}")
        elif obj is NIL:
            parts.append(")")
        else:
            parts.append(_atom_text(obj))
    return " ".join(parts)


@primitive("string-hash")
def string_hash(string: Any, bound: Any = DEFAULT) -> Any:
    return _hash("string-hash", checks.text("string-hash", string), bound)


@primitive("string-ci-hash")
def string_ci_hash(string: Any, bound: Any = DEFAULT) -> Any:
    return _hash("string-ci-hash", checks.text("string-ci-hash", string).casefold(), bound)


@primitive("symbol-hash")
def symbol_hash(symbol: Any, bound: Any = DEFAULT) -> Any:
    checks.symbol_name("symbol-hash", symbol)
    return _hash("symbol-hash", _atom_text(symbol), bound)


@primitive("char-hash")
def char_hash(char: Any, bound: Any = DEFAULT) -> Any:
    checks.letter("char-hash", char)
    return _hash("char-hash", _atom_text(char), bound)


@primitive("char-ci-hash")
def char_ci_hash(char: Any, bound: Any = DEFAULT) -> Any:
    return _hash("char-ci-hash", f"#{checks.letter('char-ci-hash', char).casefold()}", bound)


@primitive("boolean-hash")
def boolean_hash(boolean: Any, bound: Any = DEFAULT) -> Any:
    if boolean is not None and boolean is not TRUE:
        raise wrong_type("boolean-hash", "a boolean", boolean)
    return _hash("boolean-hash", repr(boolean), bound)


@primitive("number-hash")
def number_hash(number: Any, bound: Any = DEFAULT) -> Any:
    """Return a hash that numbers share if they are =."""
    return _hash(
        "number-hash", _number_text(tables.key_for("number", number, "number-hash")), bound
    )


@primitive("hash", "equal-hash")
def equal_hash(obj: Any, bound: Any = DEFAULT) -> Any:
    return _hash("hash", _structure_text(obj), bound)


@primitive("hash-by-identity", "eqv-hash", "eq-hash")
def identity_hash(obj: Any, bound: Any = DEFAULT) -> Any:
    return _hash("hash-by-identity", _atom_text(obj), bound)
