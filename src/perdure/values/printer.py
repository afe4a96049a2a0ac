"""Values as text: what `display`, `write` and error messages show.

Layer: values. Imports types, numerals, ports, lists, conditions, limits.
Invariant: printing ends on every value and never uses the stack; what `write` prints of a datum,
`read` gives back. Datum labels mark cycles only (`write`), all that is shared (`write-shared`),
or nothing (`write-simple`).

Most values are small trees, so `write` first prints without looking for cycles, up to a bound;
only what does not end there is walked for cycles first. Not a table of visited objects always: it
costs more than the printing. The upper layers have values that are unknown here: they say how
theirs look with `on_print`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from perdure.base import limits
from perdure.values.conditions import fail
from perdure.values.lists import split_list
from perdure.values.numbers import NUMBERS
from perdure.values.numerals import number_text, parse_number
from perdure.values.ports import Port
from perdure.values.types import (
    NIL,
    Box,
    Bytevector,
    Char,
    Condition,
    HashTable,
    Pair,
    Promise,
    PythonProcedure,
    Record,
    RecordType,
    Singleton,
    String,
    Symbol,
    UserTable,
    Values,
    Vector,
)

_QUICK_PARTS = 1_000
"""Pieces that `write` prints before it looks for cycles."""

CHAR_NAMES = {
    "\a": "alarm",
    "\b": "backspace",
    "\x7f": "delete",
    "\x1b": "escape",
    "\n": "newline",
    "\0": "null",
    "\r": "return",
    " ": "space",
    "\t": "tab",
}
"""R7RS's names of characters."""

# -- atoms ---------------------------------------------------------------------------------

_LETTERS = r"a-zA-Z!$%&*/:<=>?^_~\u0080-\U0010ffff"
_PLAIN_SYMBOL = re.compile(
    rf"[{_LETTERS}][{_LETTERS}0-9+\-.@]*"
    rf"|[+-](?:[{_LETTERS}+\-@][{_LETTERS}0-9+\-.@]*)?"
    rf"|[+-]?\.[{_LETTERS}+\-.@][{_LETTERS}0-9+\-.@]*"
)
_STRING_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')
_SYMBOL_SPECIAL = re.compile(r"[|\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "|": "\\|",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\a": "\\a",
    "\b": "\\b",
}


def _escape(match: re.Match[str]) -> str:
    found = match[0]
    return _ESCAPES.get(found) or f"\\x{ord(found):x};"


def write_symbol(name: str) -> str:
    """Return a symbol's name as `read` takes it, in bars where it needs them."""
    if (
        _PLAIN_SYMBOL.fullmatch(name)
        and name.isprintable()
        and (name[0] not in "+-." or parse_number(name) is None)
    ):
        return name
    return f"|{_SYMBOL_SPECIAL.sub(_escape, name)}|"


def write_text(text: str) -> str:
    """Return a string literal."""
    return f'"{_STRING_SPECIAL.sub(_escape, text)}"'


def write_char(value: str) -> str:
    """Return a character literal."""
    name = CHAR_NAMES.get(value)
    if name is None:
        name = value if value.isprintable() else f"x{ord(value):x}"
    return f"#\\{name}"


def procedure_name(procedure: Any) -> str:
    """Return a procedure's Scheme name, "" if it has none."""
    name = getattr(procedure, "__name__", "")
    return "" if name == "<lambda>" else name


_PORT_WORDS = {"text": "textual", "bytes": "binary", "console": "console"}


def _opaque(value: Any) -> str:
    kind = type(value)
    if kind is HashTable:
        return f"#<hash-table {len(value.entries)}>"
    if kind is UserTable:
        return f"#<hash-table {value.size}>"
    if kind is RecordType:
        return f"#<record-type {bare_name(value.type_name)}>"
    if kind is PythonProcedure:
        return f"#<procedure {value.module}.{value.function}>"
    if kind is Port:
        state = "" if value.is_open else "closed "
        name = f" {value.path.rpartition('/')[2]}" if value.path else ""
        return f"#<{state}{_PORT_WORDS[value.port_kind]} {value.direction} port{name}>"
    if callable(value) and hasattr(value, "__code__"):
        name = procedure_name(value)
        return f"#<procedure {name}>" if name else "#<procedure>"
    return f"#<{kind.__name__.lower()}>"


def bare_name(type_name: str) -> str:
    """Return a record type's name without the angle brackets that convention puts around it."""
    if type_name[:1] == "<" and type_name[-1:] == ">" and len(type_name) > 2:
        return type_name[1:-1]
    return type_name


def _display_atom(value: Any) -> str:
    kind = type(value)
    if kind is String:
        return value.text  # type: ignore[no-any-return]
    if kind is Symbol:
        return value.name  # type: ignore[no-any-return]
    if kind is Char:
        return value.value  # type: ignore[no-any-return]
    return _write_atom(value)


def _write_atom(value: Any) -> str:
    kind = type(value)
    if kind in NUMBERS:
        return number_text(value)
    if kind is Symbol:
        return write_symbol(value.name)
    if kind is String:
        return write_text(value.text)
    if value is None:
        return "#f"
    if value is ...:
        return "#t"
    if kind is Singleton:
        return value.written  # type: ignore[no-any-return]
    if kind is Char:
        return write_char(value.value)
    if kind is Bytevector:
        return f"#u8({' '.join(map(str, value.octets))})"
    return _opaque(value)


# -- compounds -----------------------------------------------------------------------------


class _Tail(Struct, eq=False, gc=False):
    """What is left of a list to print."""

    rest: Any


class _Slots(Struct, eq=False, gc=False):
    """What is left of a row of values to print, and the text between them."""

    row: Any
    index: int


_COMPOUNDS = frozenset((Pair, Vector, Box, Record, Values, Condition, Promise))


def _row(value: Any) -> tuple[str, Any]:
    """Return the opening text and the parts of a compound; Python strings are shown as is."""
    kind = type(value)
    if kind is Vector:
        return "#(", value.items
    if kind is Box:
        return "#<", ["box", value.contents]
    if kind is Values:
        return "#<", ["values", *value.returned]
    if kind is Record:
        row: list[Any] = [bare_name(value.rtd.type_name)]
        for name, field in zip(value.rtd.field_names, value.fields, strict=False):
            row += (f"{name}:", field)
        return "#<", row
    if kind is Condition:
        irritants, _ = split_list(value.irritants)
        return "#<", [f"{value.kind}: {value.message}", *irritants]
    return "#<", ["promise"]


def _children(value: Any) -> list[Any]:
    if type(value) is Pair:
        return [value.cdr, value.car]
    return [part for part in reversed(_row(value)[1]) if type(part) in _COMPOUNDS]


def _print(
    value: Any,
    atom: Callable[[Any], str],
    labels: dict[int, int],
    parts_max: int,
    chars_max: int,
) -> tuple[str, bool]:
    """Return the text of a value, and whether it is complete.

    Args:
      value: what to print.
      atom: prints what is no compound.
      labels: id → 0 for each object that needs a datum label; the numbers are filled in.
      parts_max, chars_max: stop when there are more; chars_max 0 means no bound.
    """
    out: list[str] = []
    todo: list[Any] = [value]
    chars = 0
    used = 0
    while todo:
        value = todo.pop()
        kind = type(value)
        if kind is str:
            text = value
        elif kind is _Tail:
            value = value.rest
            if value is NIL:
                text = ")"
            elif type(value) is Pair and id(value) not in labels:
                text = " "
                todo += (_Tail(value.cdr), value.car)
            else:
                text = " . "
                todo += (")", value)
        elif kind is _Slots:
            row, index = value.row, value.index
            if index == len(row):
                continue
            text = " " if index else ""
            todo += (_Slots(row, index + 1), row[index])
        elif kind not in _COMPOUNDS:
            text = atom(value)
        elif labels.get(id(value), 0):
            text = f"#{labels[id(value)] - 1}#"
        else:
            text = ""
            if id(value) in labels:
                used += 1
                labels[id(value)] = used
                text = f"#{used - 1}="
            if kind is Pair:
                text += "("
                todo += (_Tail(value.cdr), value.car)
            else:
                opening, row = _row(value)
                text += opening
                todo += (")" if kind is Vector else ">", _Slots(row, 0))
        out.append(text)
        if chars_max:
            chars += len(text)
            if chars > chars_max:
                return "".join(out), False
        if len(out) > parts_max:
            return "".join(out), False
    return "".join(out), True


_ENTERED, _LEFT, _REPEATED = 1, 2, 3


class _Leave(Struct, eq=False, gc=False):
    """A mark on the walk's stack: all that is under this object was seen."""

    identity: int


def _find_labels(value: Any, *, shared: bool) -> dict[int, int]:
    """Return id → 0 for each compound that is met again inside itself or, if `shared`, at all."""
    state: dict[int, int] = {}
    labels: dict[int, int] = {}
    todo: list[Any] = [value]
    while todo:
        value = todo.pop()
        if type(value) is _Leave:
            state[value.identity] = _LEFT
            continue
        if type(value) not in _COMPOUNDS:
            continue
        seen = state.get(id(value))
        if seen is None:
            state[id(value)] = _ENTERED
            todo.append(_Leave(id(value)))
            todo.extend(_children(value))
        elif shared or seen == _ENTERED:
            labels[id(value)] = 0
    return labels


def _complete(value: Any, atom: Callable[[Any], str], labels: dict[int, int]) -> str:
    text, complete = _print(value, atom, labels, limits.PRINTED_MAX_CHARS, limits.PRINTED_MAX_CHARS)
    if not complete:
        raise fail("quota-error", f"write: more than {limits.PRINTED_MAX_CHARS} characters")
    return text


def _labelled(value: Any, atom: Callable[[Any], str], limit_chars: int) -> str:
    if type(value) not in _COMPOUNDS:
        text, complete = atom(value), True
        if limit_chars and len(text) > limit_chars:
            complete = False
    else:
        text, complete = _print(value, atom, {}, _QUICK_PARTS, limit_chars)
    if limit_chars and not complete:
        return f"{text[:limit_chars]}..."
    return text if complete else _complete(value, atom, _find_labels(value, shared=False))


# -- the interface -------------------------------------------------------------------------


def display_string(value: Any, *, limit_chars: int = 0) -> str:
    """Return a value as `display` shows it.

    Args:
      value: any value of the heap.
      limit_chars: cut the text there and add "..."; 0 for no bound. For messages.

    Raises:
      SchemeError: quota-error, if the text is longer than limits.PRINTED_MAX_CHARS.
    """
    return _labelled(value, _display_atom, limit_chars)


def write_string(value: Any, *, limit_chars: int = 0) -> str:
    """Return a value as `write` shows it, with datum labels for cycles; see display_string."""
    return _labelled(value, _write_atom, limit_chars)


def write_shared_string(value: Any) -> str:
    """Return a value as `write-shared` shows it: datum labels for all that is met twice."""
    return _complete(value, _write_atom, _find_labels(value, shared=True))


def write_simple_string(value: Any) -> str:
    """Return a value as `write-simple` shows it: no labels. Circular data is a quota-error."""
    return _complete(value, _write_atom, {})


def report_string(raised: Any, *, limit_chars: int = 200) -> str:
    """Return what a message says of a raised object: a condition's message and irritants."""
    if type(raised) is not Condition:
        return write_string(raised, limit_chars=limit_chars)
    irritants, _ = split_list(raised.irritants)
    words = [raised.message]
    words += [write_string(irritant, limit_chars=limit_chars) for irritant in irritants[:20]]
    return " ".join(word for word in words if word)
