"""Values across the boundary to Python: heap values out, Python values in.

Layer: engine. Imports frontends (for `Datum`), values, base.
Invariant: what goes in and out again is equal to what went in, for every Python value that is accepted; what can't
cross is a `BoundaryError` with the path to it, before anything was done.
Not recursive: data comes from outside, and its depth is not ours to choose; a walk keeps its own stack.

The mapping is docs/reference/boundary.md. JSON text is one step further: `jsonable.py`.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from perdure.base import limits
from perdure.base.datum import Datum
from perdure.frontends.scheme.reader import read_datum
from perdure.values import numbers
from perdure.values.conditions import SchemeError
from perdure.values.types import (
    EOF,
    FALSE,
    NIL,
    TRUE,
    UNSPECIFIED,
    Bytevector,
    Char,
    HashTable,
    Pair,
    String,
    Symbol,
    Vector,
    intern,
)

NULL = intern("null")

Path = tuple[Any, ...] | None
"""Where a part stands: (parent path, step); a step is an index (int) or a key (str)."""


class BoundaryError(Exception):
    """A value can't cross; `reason` says which part and why, as a sentence without a full stop."""

    def __init__(self, path: Path, reason: str) -> None:
        where = shown_path(path)
        self.reason = f"at {where}: {reason}" if where else reason
        super().__init__(self.reason)


def shown_path(path: Path) -> str:
    """Return a path as people write it: `argument 1.items[3].price`."""
    steps: list[Any] = []
    while path:
        path, step = path
        steps.append(step)
    text = ""
    for step in reversed(steps):
        if isinstance(step, int):
            text += f"[{step}]"
        elif not text:
            text = step
        else:
            text += f".{step}"
    return text


class _Budget:
    """How much more may cross; about the bytes of the JSON text of it."""

    __slots__ = ("left", "max_bytes")

    def __init__(self, max_bytes: int = limits.PAYLOAD_MAX_BYTES) -> None:
        self.max_bytes = self.left = max_bytes

    def take(self, amount: int, path: Path) -> None:
        self.left -= amount
        if self.left < 0:
            raise BoundaryError(path, f"the data is larger than {self.max_bytes} bytes")


# -- out: heap to Python -------------------------------------------------------------------


def to_python(value: Any, where: str = "") -> Any:
    """Return a heap value as Python data that shares nothing with the heap.

    Args:
      value: any heap value.
      where: what the value is, for messages: "argument 1".

    Raises:
      BoundaryError: some part of it can't cross, is too deep, or is too large.
    """
    kind = type(value)
    if kind is int or kind is float:
        return value
    if kind is String and len(value.text) < limits.PAYLOAD_MAX_BYTES // 4:
        return value.text
    budget = _Budget()
    path: Path = (None, where) if where else None
    work: list[tuple[Any, Any, int, Path]] = []
    result = _out(value, 0, path, work, budget)
    while work:
        source, target, depth, path = work.pop()
        if depth > limits.BOUNDARY_DEPTH_MAX:
            raise BoundaryError(
                _abridged(path),
                f"the data is nested deeper than {limits.BOUNDARY_DEPTH_MAX} levels, or is circular",
            )
        if type(source) is HashTable:
            _fill_dict(source, target, depth, path, work, budget)
        else:
            for index, item in enumerate(source):
                target.append(_out(item, depth, (path, index), work, budget))
    return result


def _out(value: Any, depth: int, path: Path, work: list[Any], budget: _Budget) -> Any:
    """Return the Python value; a container is returned empty and its contents are put on the work list."""
    kind = type(value)
    if kind is String:
        budget.take(len(value.text) + 2, path)
        return value.text
    if kind is int:
        budget.take(value.bit_length() // 3 + 1, path)
        return value
    budget.take(4, path)
    if kind is float or kind is complex:
        return value
    if value is TRUE:
        return True
    if value is FALSE:
        return False
    if kind is Symbol:
        return None if value is NULL else value.name
    if kind is HashTable:
        entries: dict[str, Any] = {}
        tagged = _tagged_out(value, path)
        if tagged is not _NO_TAG:
            return tagged
        work.append((value, entries, depth + 1, path))
        return entries
    if kind is Pair or kind is Vector or value is NIL:
        items: list[Any] = []
        source = (
            _list_items(value, path, budget)
            if kind is Pair
            else value.items
            if kind is Vector
            else ()
        )
        if source:
            work.append((source, items, depth + 1, path))
        return items
    if kind is numbers.Ratnum:
        return Fraction(value.numerator, value.denominator)
    if kind is Bytevector:
        budget.take(len(value.octets), path)
        return bytes(value.octets)
    if kind is Char:
        return value.value
    if value is UNSPECIFIED:
        return None
    raise BoundaryError(path, f"{described(value)} can't cross to Python")


def _list_items(pair: Any, path: Path, budget: _Budget) -> list[Any]:
    items: list[Any] = []
    # A mark that jumps ahead at powers of two is met again on a ring, after at most a few rounds.
    mark, until = None, 1
    while type(pair) is Pair:
        if pair is mark:
            raise BoundaryError(path, "a circular list can't cross to Python")
        if len(items) == until:
            mark, until = pair, until * 2
        items.append(pair.car)
        budget.take(2, path)
        pair = pair.cdr
    if pair is not NIL:
        raise BoundaryError(path, "an improper list can't cross to Python")
    return items


def _fill_dict(
    source: HashTable,
    target: dict[str, Any],
    depth: int,
    path: Path,
    work: list[Any],
    budget: _Budget,
) -> None:
    single = len(source.entries) == 1
    for key, item in source.entries.values():
        if type(key) is not Symbol:
            raise BoundaryError(
                path, f"{described(key)} as a key can't cross to Python, only symbols can"
            )
        name = key.name
        budget.take(len(name) + 4, path)
        plain = name[1:] if single and ESCAPED.fullmatch(name) else name
        target[plain] = _out(item, depth, (path, name), work, budget)


def described(value: Any) -> str:
    """Return what a value is, in a few words, for messages."""
    if callable(value):
        return "a procedure"
    kind = type(value)
    word = _WORDS.get(kind.__name__)
    if word:
        return word
    if kind is String:
        return "a string"
    if kind is numbers.ExactComplex:
        return "an exact complex number"
    if numbers.is_number(value):
        return "a number"
    written = getattr(value, "written", None)
    if isinstance(written, str):
        return written
    name = kind.__name__.lower()
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


_WORDS = {
    "HashTable": "a hash table",
    "RecordType": "a record type",
    "Condition": "a condition",
    "Operation": "an operation",
    "NoneType": "#f",
    "ellipsis": "#t",
}


def _abridged(path: Path) -> Path:
    """Return the beginning of a long path."""
    steps = []
    while path:
        path, step = path
        steps.append(step)
    short: Path = None
    for step in list(reversed(steps))[:8]:
        short = (short, step)
    return short


# -- values without a heap type of their own: hash tables with one tag ----------------------

_NO_TAG = object()
ESCAPED = re.compile(
    r"\$\$+(bytes|integer|rational|float|complex|decimal|datetime|date|time|timedelta|uuid)"
)
TAG = re.compile(
    r"\$+(bytes|integer|rational|float|complex|decimal|datetime|date|time|timedelta|uuid)"
)


def _timedelta(text: str) -> dt.timedelta:
    days, seconds, microseconds = text.split(" ")
    return dt.timedelta(int(days), int(seconds), int(microseconds))


DECODERS: dict[str, Any] = {
    "$decimal": Decimal,
    "$datetime": dt.datetime.fromisoformat,
    "$date": dt.date.fromisoformat,
    "$time": dt.time.fromisoformat,
    "$timedelta": _timedelta,
    "$uuid": uuid.UUID,
}


def _tagged_out(table: HashTable, path: Path) -> Any:
    if len(table.entries) != 1:
        return _NO_TAG
    ((key, item),) = table.entries.values()
    decoder = DECODERS.get(key.name) if type(key) is Symbol else None
    if decoder is None:
        return _NO_TAG
    text = item.text if type(item) is String else None
    try:
        if text is not None:
            return decoder(text)
    except (ValueError, ArithmeticError):
        pass
    raise BoundaryError((path, key.name), f"this is no valid text for a {key.name[1:]}")


def tagged_in(value: Any) -> tuple[str, str] | None:
    """Return (tag, text) of a Python value that crosses as a tagged table, or None."""
    if isinstance(value, Decimal):
        return "$decimal", str(value)
    if isinstance(value, dt.datetime):
        return "$datetime", value.isoformat()
    if isinstance(value, dt.date):
        return "$date", value.isoformat()
    if isinstance(value, dt.time):
        return "$time", value.isoformat()
    if isinstance(value, dt.timedelta):
        return "$timedelta", f"{value.days} {value.seconds} {value.microseconds}"
    if isinstance(value, uuid.UUID):
        return "$uuid", str(value)
    return None


# -- in: Python to heap --------------------------------------------------------------------


def from_python(value: Any, where: str = "", *, max_bytes: int = limits.PAYLOAD_MAX_BYTES) -> Any:
    """Return Python data as a fresh heap value.

    Args:
      value: None, numbers, strings, bytes, lists, tuples, mappings with string keys, dataclasses, Fraction, Decimal,
        UUID, the types of `datetime`, and `Datum`.
      where: what the value is, for messages: "the result".
      max_bytes: how large it may be.

    Raises:
      BoundaryError: some part of it can't cross, is too deep, or is too large.
    """
    kind = type(value)
    if kind is int or kind is float:
        return value
    if kind is str and len(value) < limits.PAYLOAD_MAX_BYTES // 4:
        return String(_clean(value, (None, where)))
    if value is None:
        return NULL
    budget = _Budget(max_bytes)
    work: list[tuple[Any, Any, int, Path]] = []
    path: Path = (None, where) if where else None
    result = _in(value, 0, path, work, budget)
    while work:
        source, target, depth, path = work.pop()
        if depth > limits.BOUNDARY_DEPTH_MAX:
            raise BoundaryError(
                _abridged(path),
                f"the data is nested deeper than {limits.BOUNDARY_DEPTH_MAX} levels, or is circular",
            )
        if type(target) is HashTable:
            _fill_table(source, target, depth, path, work, budget)
        else:
            for index, item in enumerate(source):
                target.items.append(_in(item, depth, (path, index), work, budget))
    return result


def _in(value: Any, depth: int, path: Path, work: list[Any], budget: _Budget) -> Any:
    if value is None:
        return NULL
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, str):
        budget.take(len(value) + 2, path)
        return String(_clean(str(value), path))
    if isinstance(value, int):
        whole = int(value)
        budget.take(whole.bit_length() // 3 + 1, path)
        return whole
    budget.take(4, path)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return complex(value)
    if isinstance(value, list | tuple):
        vector = Vector([])
        if value:
            work.append((value, vector, depth + 1, path))
        return vector
    if isinstance(value, Mapping):
        table = HashTable("equal", {})
        work.append((value, table, depth + 1, path))
        return table
    return _in_rare(value, depth, path, work, budget)


def _in_rare(value: Any, depth: int, path: Path, work: list[Any], budget: _Budget) -> Any:
    if isinstance(value, bytes | bytearray):
        budget.take(len(value), path)
        return Bytevector(bytearray(value))
    if isinstance(value, Fraction):
        return (
            value.numerator
            if value.denominator == 1
            else numbers.Ratnum(value.numerator, value.denominator)
        )
    if isinstance(value, Datum):
        budget.take(len(value.text), path)
        return _read(value.text, path)
    tagged = tagged_in(value)
    if tagged is not None:
        table = HashTable("equal", {})
        _enter(table, tagged[0], String(tagged[1]))
        return table
    if is_dataclass(value) and not isinstance(value, type):
        table = HashTable("equal", {})
        named = {field.name: getattr(value, field.name) for field in fields(value)}
        work.append((named, table, depth + 1, path))
        return table
    kind = type(value)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    raise BoundaryError(path, f"a Python value of type {name} can't cross to a program")


def _read(text: str, path: Path) -> Any:
    """Return the one datum of a text."""
    try:
        datum, end = read_datum(_clean(text, path))
        rest, _ = read_datum(text, end)
    except SchemeError as error:
        raise BoundaryError(path, error.condition.message.removeprefix("read: ")) from None
    if datum is EOF or rest is not EOF:
        raise BoundaryError(path, f"one datum is needed, not {text!r}")
    return datum


def _fill_table(
    source: Mapping[Any, Any],
    target: HashTable,
    depth: int,
    path: Path,
    work: list[Any],
    budget: _Budget,
) -> None:
    single = len(source) == 1
    for key, item in source.items():
        if not isinstance(key, str):
            raise BoundaryError(
                path,
                f"the key {key!r:.60} can't cross to a program: keys are strings, which become symbols",
            )
        name = f"${key}" if single and TAG.fullmatch(key) else str(key)
        budget.take(len(name) + 4, path)
        _enter(target, _clean(name, path), _in(item, depth, (path, key), work, budget))


def _enter(table: HashTable, name: str, item: Any) -> None:
    symbol = intern(name)
    table.entries[symbol] = (symbol, item)


def _clean(text: str, path: Path) -> str:
    """Return the text if it can be stored: lone surrogates can't be encoded."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BoundaryError(
                path, f"the string holds a lone surrogate at position {error.start}"
            ) from None
    return text
