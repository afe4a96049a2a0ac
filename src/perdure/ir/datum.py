"""Literal data as JSON: how a definition stores its constants.

Layer: ir. Imports values, base.
Invariant: build_datum(flatten_datum(x)) is equal? to x, sharing and cycles included. A datum is a flat list of nodes, so that
nesting has no limit; a node's position is its *part* number, by which snapshots refer to it.

    3, true, false, null         small integers, #t, #f, ()
    ["i", "ff…"]  ["f", "0.1"]   large integers (hexadecimal), reals (Python's repr)
    ["q", "1", "3"]              a rational (hexadecimal)
    ["z", "0.5", "-1.0"]         an inexact complex number (Python's repr)
    ["Z", "-1/3", "2"]           an exact complex number (hexadecimal)
    ["c", "x"] ["y", "name"]     a character, a symbol
    ["s", "text"] ["u", "0aff"]  a string, a bytevector (hexadecimal)
    ["p", i, j] ["v", i, …]      a pair, a vector: the numbers of their parts
    ["P", module, name, pure]    a Python procedure
    ["o", "eof"]                 a singleton
"""

from __future__ import annotations

from typing import Any

from perdure.base.errors import ProgramError
from perdure.values.barrier import ConstantId
from perdure.values.numbers import ExactComplex, Ratnum, rectangular
from perdure.values.numerals import number_text, parse_number
from perdure.values.types import (
    DEFAULT,
    EOF,
    NIL,
    UNSPECIFIED,
    Bytevector,
    Char,
    Pair,
    PythonProcedure,
    String,
    Symbol,
    Vector,
    char,
    intern,
    python_procedure,
)

SMALL = 2**53
_SINGLETONS = {"eof": EOF, "unspecified": UNSPECIFIED, "default": DEFAULT}


def flatten_datum(datum: Any) -> list[Any]:
    """Return a datum as a list of JSON nodes; node 0 is the whole.

    Raises:
      TypeError: it contains something that can't be a literal, such as a procedure.
    """
    nodes: list[Any] = []
    numbers: dict[int, int] = {}
    queue: list[Any] = []

    def part(value: Any) -> int:
        if isinstance(value, Pair | Vector | String | Bytevector):
            known = numbers.get(id(value))
            if known is not None:
                return known
            numbers[id(value)] = len(nodes)
        nodes.append(None)
        queue.append((len(nodes) - 1, value))
        return len(nodes) - 1

    part(datum)
    for number, value in queue:  # grows while it is walked
        if isinstance(value, Pair):
            nodes[number] = ["p", part(value.car), part(value.cdr)]
        elif isinstance(value, Vector):
            nodes[number] = ["v", *[part(item) for item in value.items]]
        else:
            nodes[number] = _flatten_atom(value)
    return nodes


def _flatten_atom(value: Any) -> Any:
    kind = type(value)
    if value is None or value is ... or value is NIL:
        return False if value is None else True if value is ... else None
    if kind is int:
        return value if -SMALL < value < SMALL else ["i", format(value, "x")]
    if kind is float:
        return ["f", repr(value)]
    if kind is Ratnum:
        return ["q", format(value.numerator, "x"), format(value.denominator, "x")]
    if kind is complex:
        return ["z", repr(value.real), repr(value.imag)]
    if kind is ExactComplex:
        return ["Z", number_text(value.real, 16), number_text(value.imag, 16)]
    if kind is Char:
        return ["c", value.value]
    if kind is Symbol:
        return ["y", value.name]
    if kind is String:
        return ["s", value.text]
    if kind is Bytevector:
        return ["u", value.octets.hex()]
    if kind is PythonProcedure:
        return ["P", value.module, value.function, value.pure]
    for name, singleton in _SINGLETONS.items():
        if value is singleton:
            return ["o", name]
    message = (
        f"a {kind.__name__.lower()} can't be a part of code; write an expression that gives it"
    )
    raise ProgramError("P110", message)


def build_datum(nodes: list[Any]) -> list[Any]:
    """Return the values of all parts of a constant; part 0 is the whole.

    Raises ValueError or IndexError when the nodes are not what `flatten_datum` wrote.
    """
    parts = [_build_shell(node) for node in nodes]
    for node, value in zip(nodes, parts, strict=True):
        if type(value) is Pair:
            value.car, value.cdr = parts[node[1]], parts[node[2]]
        elif type(value) is Vector:
            value.items = [parts[i] for i in node[1:]]
    return parts


def mark_constant(parts: list[Any], definition: str, first: int) -> None:
    """Mark the mutable parts of a constant as such: their part numbers are `first`, `first` + 1, …"""
    for number, value in enumerate(parts, first):
        if isinstance(value, Pair | Vector | String | Bytevector):
            value.oid = ConstantId(definition, number)


def _build_shell(node: Any) -> Any:
    if node is None or node is True or node is False:
        return NIL if node is None else ... if node is True else None
    if type(node) is int:
        return node
    match node:
        case ["p", _, _]:
            return Pair(NIL, NIL)
        case ["v", *_]:
            return Vector([])
        case ["i", digits]:
            return int(digits, 16)
        case ["f", text]:
            return float(text)
        case ["q", numerator, denominator]:
            return Ratnum(int(numerator, 16), int(denominator, 16))
        case ["z", real, imag]:
            return complex(float(real), float(imag))
        case ["Z", real, imag]:
            return rectangular(parse_number(real, 16), parse_number(imag, 16))
        case ["c", value]:
            return char(value)
        case ["y", name]:
            return intern(name)
        case ["s", text]:
            return String(text)
        case ["u", digits]:
            return Bytevector(bytearray.fromhex(digits))
        case ["P", module, function, pure]:
            return python_procedure(module, function, pure)
        case ["o", name]:
            return _SINGLETONS[name]
    raise ValueError(f"not a datum node: {node!r}")
