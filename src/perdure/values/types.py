"""The classes of everything a heap may hold, but for frames, tasks and channels (machine/).

Layer: values. Imports barrier (for ConstantId only in prose) and nothing else of Perdure.

Invariant: **no class here supports + - * / // % < > <= >=, indexing or iteration, except numbers.** Compiled code
adds and compares without looking at types, and Python's own TypeError is the guard. For the same reason
attribute names are unique to a class: `x.car` is valid for pairs alone, `x.items` for vectors alone.

| Scheme             | Python                                                            |
|--------------------|-------------------------------------------------------------------|
| exact integer      | int                                                               |
| rational           | Ratnum (numbers.py), never with denominator 1                     |
| real               | float                                                             |
| complex, not real  | ExactComplex (numbers.py), or Python's complex if inexact         |
| #f, #t             | None, Ellipsis: both are constants of CPython that compare by `is` at no cost |
| ()                 | NIL                                                               |
| character          | Char, interned: equal characters are the same object              |
| symbol             | Symbol, interned by `intern`                                      |
| procedure          | a Python function: compiled (machine/), or a primitive            |

Python's True, False, str, list, dict, tuple and bytes never enter the heap: the boundary
(engine/boundary.py) converts them.

The classes are msgspec structs: half the cost of a slotted class with `__init__`, and the collector does not
track those that hold only atoms. `oid` is the object id of the write barrier (barrier.py).
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from msgspec import Struct

FALSE = None
TRUE = ...


class Singleton:
    """A value that exists once; it compares by identity and has no operations."""

    __slots__ = ("written",)

    def __init__(self, written: str) -> None:
        self.written = written

    def __repr__(self) -> str:
        return self.written


NIL = Singleton("()")
UNSPECIFIED = Singleton("#<unspecified>")
EOF = Singleton("#<eof>")
DEFAULT = Singleton("#<default>")
"""What an omitted optional argument of a library procedure is."""
UNINITIALISED = Singleton("#<uninitialised>")
"""What a `letrec` variable holds before its value is computed; reading it is an error."""


class Symbol:
    """An interned name. Make one with `intern`, or `Symbol(name)` for an uninterned one."""

    __slots__ = ("__weakref__", "name")

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


_symbols: WeakValueDictionary[str, Symbol] = WeakValueDictionary()


def intern(name: str) -> Symbol:
    """Return the one symbol of that name."""
    symbol = _symbols.get(name)
    if symbol is None:
        symbol = _symbols.setdefault(name, Symbol(name))
    return symbol


class Char:
    """A character; make one with `char`, so that equal characters are identical."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"#\\{self.value}"


class _Characters(dict[str, Char]):
    """The characters that were asked for so far, by their Python strings."""

    def __missing__(self, value: str) -> Char:
        return self.setdefault(value, Char(value))


CHARACTERS = _Characters()
"""Every character by its Python string; compiled code looks characters up here."""


def char(value: str) -> Char:
    """Return the one character object for a Python string of length 1."""
    return CHARACTERS[value]


class Pair(Struct, eq=False):
    """A pair; mutable."""

    car: Any
    cdr: Any
    oid: Any = 0


class Box(Struct, eq=False):
    """The place of a variable that is assigned with `set!`, or of a complex `letrec`; also SRFI 111 boxes."""

    contents: Any
    oid: Any = 0


class String(Struct, eq=False):
    """A mutable string: a Python string in a box."""

    text: str
    oid: Any = 0


class Vector(Struct, eq=False):
    """A vector; `items` is never shared with another vector."""

    items: list[Any]
    oid: Any = 0


class Bytevector(Struct, eq=False):
    """A bytevector."""

    octets: bytearray
    oid: Any = 0


class HashTable(Struct, eq=False):
    """A hash table in order of insertion (tables.py has its operations).

    `kind` is one of tables.KINDS; `entries` maps a normalised key to the tuple (key, value).
    """

    kind: str
    entries: dict[Any, tuple[Any, Any]]
    oid: Any = 0


class UserTable(Struct, eq=False):
    """A hash table whose keys are compared by a procedure of the program (lib/hash-table.sld has its operations).

    `buckets` maps a hash code ("eqv") to a Scheme list of pairs (key . value); `bound` is what the hash function takes
    as its second argument, or FALSE if it takes one; `size` is the number of keys.
    """

    equality: Any
    hash_function: Any
    bound: Any
    buckets: HashTable
    size: int
    oid: Any = 0


class RecordType(Struct, eq=False):
    """A record type: its name and the names of its fields, in order."""

    type_name: str
    field_names: tuple[str, ...]
    oid: Any = 0


class Record(Struct, eq=False):
    """An instance of a record type."""

    rtd: RecordType
    fields: list[Any]
    oid: Any = 0


class Values(Struct, eq=False):
    """Zero, two or more values returned at once; one value is never wrapped."""

    returned: tuple[Any, ...]
    oid: Any = 0


class Promise(Struct, eq=False):
    """A promise: `state` is a Box, shared along a chain of `delay-force`, holding (forced? . value-or-thunk)."""

    state: Any
    oid: Any = 0


class Condition(Struct, eq=False):
    """An error as a value of the heap.

    `kind` names the condition type (conditions.py lists them), `message` is a Python string, `irritants` a Scheme
    list, `detail` a Scheme value that depends on the kind (FALSE if there is none), `frame` the continuation
    that redoes the failing operation, or FALSE.
    """

    kind: str
    code: str
    message: str
    irritants: Any
    detail: Any = None
    frame: Any = None
    oid: Any = 0


class PythonProcedure(Struct, eq=False):
    """A function of a Python module, as a value: `(import (python shop))` binds these.

    Make one with `python_procedure`: it has no identity but its name, so there is one for each function.
    Calling one asks the machine for an effect or, for a pure built-in, an in-line call; how is set by the machine
    (machine/control.py), because a value can't know.
    """

    module: str
    function: str
    pure: bool = False

    def __call__(self, *arguments: Any) -> Any:
        return _call_python(self, arguments)


HOST = "%host"
"""The module of the functions that the host itself gives to programs: no module that can be imported has this name."""

_python_procedures: dict[tuple[str, str, bool], PythonProcedure] = {}


def python_procedure(module: str, function: str, pure: bool) -> PythonProcedure:
    """Return the one object for a function of a Python module."""
    key = (module, function, pure)
    found = _python_procedures.get(key)
    if found is None:
        found = _python_procedures.setdefault(key, PythonProcedure(*key))
    return found


def _call_python(procedure: PythonProcedure, arguments: tuple[Any, ...]) -> Any:
    raise AssertionError(f"no machine is there to call {procedure.function}{arguments}")


def on_python_call(call: Any) -> None:
    """Say how calls of Python procedures are performed; the machine does, once, when it is imported."""
    global _call_python
    _call_python = call
