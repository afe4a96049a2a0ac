"""Values without parts: numbers, characters, symbols, singletons, as JSON and back.

Layer: snapshot. Imports values and base.
Invariant: the form of an atom is canonical, and no two atoms that are not eqv? have forms that
Python or another JSON reader would take for equal. So whole floats and large integers are strings,
and no JSON boolean is a value.

| value                         | form                                     |
|-------------------------------|------------------------------------------|
| integer, magnitude < 2^53     | JSON number                              |
| other integer                 | "i" and hexadecimal digits: "i-20000000000000" |
| finite float, not whole       | JSON number, shortest that reads back    |
| other float                   | "f" and its text: "f1.0", "f-0.0", "fnan", "finf" |
| rational                      | "q" numerator "/" denominator, hexadecimal |
| inexact complex number        | "z" real part "," imaginary part, as after "f" |
| exact complex number          | "Z" real part "," imaginary part, hexadecimal integers or rationals |
| character, symbol             | "c" and the character; "'" and the name  |
| #f, #t, other singletons      | null, "#t", "#u" "#e" "#d" "#i"          |
| ()                            | []                                       |
| Python function               | "E" (an effect) or "P" (pure), module ":" function |
"""

from __future__ import annotations

from math import gcd, isfinite
from types import EllipsisType
from typing import Any

from perdure.base.errors import SnapshotError
from perdure.values import types as t
from perdure.values.numbers import ExactComplex, Ratnum, rectangular
from perdure.values.numerals import number_text

SMALL = 1 << 53
"""Integers below this magnitude are exact in every JSON reader."""

SINGLETONS: dict[str, Any] = {
    "#t": t.TRUE,
    "#u": t.UNSPECIFIED,
    "#e": t.EOF,
    "#d": t.DEFAULT,
    "#i": t.UNINITIALISED,
}
_SINGLETON_FORMS = {id(value): form for form, value in SINGLETONS.items()}
_SYMBOL_CACHE_MAX = 16_384

_interned: dict[t.Symbol, str] = {}


def bad(message: str) -> SnapshotError:
    """Return the error for a structure that no encoder of ours wrote."""
    return SnapshotError("P502", message)


def encode_integer(value: int) -> Any:
    """Return the form of an exact integer."""
    return value if -SMALL < value < SMALL else f"i{value:x}"


def encode_float(value: float) -> Any:
    """Return the form of a real."""
    return value if isfinite(value) and value != int(value) else f"f{value!r}"


def encode_rational(value: Any) -> str:
    """Return the form of a Ratnum."""
    return f"q{value.numerator:x}/{value.denominator:x}"


def encode_complex(value: complex) -> str:
    """Return the form of an inexact complex number."""
    return f"z{value.real!r},{value.imag!r}"


def encode_exact_complex(value: ExactComplex) -> str:
    """Return the form of an exact complex number."""
    return f"Z{number_text(value.real, 16)},{number_text(value.imag, 16)}"


def encode_char(value: t.Char) -> str:
    """Return the form of a character."""
    return "c" + value.value


def encode_singleton(value: Any) -> Any:
    """Return the form of a singleton. Raises SnapshotError: it is none of the heap's."""
    if value is t.NIL:
        return []
    form = _SINGLETON_FORMS.get(id(value))
    if form is None:
        raise SnapshotError("P504", f"can't save {value!r}: it is not a value of a heap")
    return form


def interned_form(symbol: t.Symbol) -> str | None:
    """Return the form of an interned symbol, or None for an uninterned one, which is an object
    with an identity.
    """
    form = _interned.get(symbol)
    if form is None and t.intern(symbol.name) is symbol:
        # The cache holds symbols alive, so it is emptied before it grows large.
        if len(_interned) >= _SYMBOL_CACHE_MAX:
            _interned.clear()
        form = _interned[symbol] = "'" + symbol.name
    return form


def encode_python(value: t.PythonProcedure) -> str:
    """Return the form of a function of a Python module."""
    return f"{'P' if value.pure else 'E'}{value.module}:{value.function}"


ENCODERS: dict[type, Any] = {
    int: encode_integer,
    float: encode_float,
    Ratnum: encode_rational,
    complex: encode_complex,
    ExactComplex: encode_exact_complex,
    t.Char: encode_char,
    t.Singleton: encode_singleton,
    t.PythonProcedure: encode_python,
    EllipsisType: lambda _: "#t",
    type(None): lambda _: None,
}
"""For each class of atoms but symbols, the function that gives the form."""


def decode_atom(form: str) -> Any:
    """Return the value of a form that is a string, natives and empty cells excepted.

    Raises:
      SnapshotError: it is not one.
    """
    kind, rest = form[:1], form[1:]
    if kind == "'":
        return t.intern(rest)
    if kind == "c" and len(rest) == 1:
        return t.char(rest)
    if kind == "#" and form in SINGLETONS:
        return SINGLETONS[form]
    if kind in "PE" and rest.count(":") == 1:
        module, _, function = rest.partition(":")
        return t.python_procedure(module, function, kind == "P")
    try:
        if kind == "i":
            return _large(int(rest, 16))
        if kind == "q":
            return _rational(*rest.split("/"))
        if kind == "f":
            return float(rest)
        if kind == "z":
            return _complex(*rest.split(","))
        if kind == "Z":
            return _exact_complex(*rest.split(","))
    except (ValueError, TypeError):
        pass
    raise bad(f"{form[:40]!r} is not a value")


def _large(value: int) -> int:
    if -SMALL < value < SMALL:
        raise ValueError
    return value


def _rational(above: str, below: str) -> Any:
    numerator, denominator = int(above, 16), int(below, 16)
    if denominator < 2 or gcd(numerator, denominator) != 1:
        raise ValueError
    return Ratnum(numerator, denominator)


def _complex(real: str, imag: str) -> complex:
    value = complex(float(real), float(imag))
    if encode_complex(value) != f"z{real},{imag}":
        raise ValueError
    return value


def _exact_complex(real: str, imag: str) -> Any:
    value = rectangular(_exact_part(real), _exact_part(imag))
    if type(value) is not ExactComplex or encode_exact_complex(value) != f"Z{real},{imag}":
        raise ValueError
    return value


def _exact_part(text: str) -> Any:
    return _rational(*text.split("/")) if "/" in text else int(text, 16)
