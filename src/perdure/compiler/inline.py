"""Open-coded primitives: which primitives become Python operators, and how.

Layer: compiler. Imports nothing but ast.

Invariant: an open-coded primitive does what the primitive of the same name does, or raises a Python error before
changing anything; then the machine does the statement again in careful form, which calls the primitive itself. So a
template has no type guards where Python's own TypeError, AttributeError or IndexError is one.

In a template `_0`, `_1` … are operands and names with a leading `!` in the emitted code (written `X_name` here) are helpers of the
namespace (machine/namespace.py). `value` gives a Scheme value; `test`, if there is one, a Python truth value for a branch.
`effects` are statements to run in order, for primitives that change something; their value is unspecified.
An operand that a template uses twice must be an atom: `twice` lists them.
"""

from __future__ import annotations

import ast
import itertools
import re

from msgspec import Struct


class Inline(Struct, frozen=True):
    """How one primitive is open-coded for a fixed number of operands."""

    count: int
    value: ast.expr | None
    test: ast.expr | None
    effects: tuple[ast.stmt, ...]
    twice: frozenset[int]

    @property
    def pure(self) -> bool:
        """It changes nothing, so it may be done again, and be evaluated inside a later statement."""
        return not self.effects


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _twice(texts: list[str]) -> frozenset[int]:
    return frozenset(
        i for i in range(6) if sum(len(re.findall(rf"\b_{i}\b", t)) for t in texts) > 1
    )


def value(count: int, text: str) -> Inline:
    """Return an operation that computes a value."""
    return Inline(count, _expression(text), None, (), _twice([text]))


def test(count: int, text: str) -> Inline:
    """Return an operation that says yes or no."""
    chosen = _expression(f"... if {text} else None")
    return Inline(count, chosen, _expression(text), (), _twice([text]))


def effect(count: int, *texts: str) -> Inline:
    """Return an operation that changes something."""
    statements = tuple(ast.parse(t).body[0] for t in texts)
    return Inline(count, None, None, statements, frozenset(range(count)))


_INTS = "_0.__class__ is X_int and _1.__class__ is X_int"

INLINE: dict[tuple[str, int], Inline] = {
    ("%move", 1): value(1, "_0"),
    ("%box", 1): value(1, "X_Box(_0)"),
    ("%unbox", 1): value(1, "_0.contents"),
    ("%unbox-checked", 1): value(
        1, "_0.contents if _0.contents is not X_uninitialised else X_read_early()"
    ),
    ("%set-box!", 2): effect(2, "if _0.oid: X_touch(_0)", "_0.contents = _1"),
    ("%is", 2): test(2, "_0 is _1"),
    ("%is-integer", 2): test(2, "_0 == _1 and X_type(_0) is X_int"),
    ("+", 2): value(2, "_0 + _1"),
    ("-", 2): value(2, "_0 - _1"),
    ("*", 2): value(2, "_0 * _1"),
    ("-", 1): value(1, "-_0"),
    ("<", 2): test(2, "_0 < _1"),
    (">", 2): test(2, "_0 > _1"),
    ("<=", 2): test(2, "_0 <= _1"),
    (">=", 2): test(2, "_0 >= _1"),
    ("=", 2): test(2, "_0 <= _1 and _0 >= _1"),
    ("zero?", 1): test(1, "_0 <= 0 and _0 >= 0"),
    ("positive?", 1): test(1, "_0 > 0"),
    ("negative?", 1): test(1, "_0 < 0"),
    ("even?", 1): test(1, "not _0 & 1"),
    ("odd?", 1): test(1, "_0 & 1"),
    ("modulo", 2): value(2, f"_0 % _1 if {_INTS} else X_modulo(_0, _1)"),
    ("remainder", 2): value(
        2, f"_0 % _1 if {_INTS} and _0 >= 0 and _1 > 0 else X_remainder(_0, _1)"
    ),
    ("quotient", 2): value(
        2, f"_0 // _1 if {_INTS} and _0 >= 0 and _1 > 0 else X_quotient(_0, _1)"
    ),
    ("not", 1): test(1, "_0 is None"),
    ("eq?", 2): test(2, "_0 is _1 or X_type(_0) in X_numeric and X_eqv(_0, _1)"),
    ("eqv?", 2): test(2, "_0 is _1 or X_type(_0) in X_numeric and X_eqv(_0, _1)"),
    ("equal?", 2): test(2, "_0 is _1 or X_equal(_0, _1)"),
    ("cons", 2): value(2, "X_Pair(_0, _1)"),
    ("car", 1): value(1, "_0.car"),
    ("cdr", 1): value(1, "_0.cdr"),
    **{
        (f"c{''.join(steps)}r", 1): value(1, "_0" + "".join(f".c{s}r" for s in reversed(steps)))
        for count in (2, 3, 4)
        for steps in itertools.product("ad", repeat=count)
    },
    ("set-car!", 2): effect(2, "if _0.oid: X_touch_pair(_0)", "_0.car = _1"),
    ("set-cdr!", 2): effect(2, "if _0.oid: X_touch_pair(_0)", "_0.cdr = _1"),
    ("null?", 1): test(1, "_0 is X_nil"),
    ("pair?", 1): test(1, "X_type(_0) is X_Pair"),
    ("number?", 1): test(1, "X_type(_0) in X_numeric"),
    ("symbol?", 1): test(1, "X_type(_0) is X_Symbol"),
    ("string?", 1): test(1, "X_type(_0) is X_String"),
    ("char?", 1): test(1, "X_type(_0) is X_Char"),
    ("vector?", 1): test(1, "X_type(_0) is X_Vector"),
    ("eof-object?", 1): test(1, "_0 is X_eof"),
    ("vector-ref", 2): value(2, "_0.items[_1] if _1 >= 0 else X_vector_ref(_0, _1)"),
    ("vector-set!", 3): effect(
        3,
        "if _1 < 0 or _0.oid: X_touch_item(_0, _1)",
        "_0.items[_1] = _2",
    ),
    ("vector-length", 1): value(1, "X_len(_0.items)"),
    ("string-length", 1): value(1, "X_len(_0.text)"),
    ("string-ref", 2): value(2, "X_characters[_0.text[_1]] if _1 >= 0 else X_string_ref(_0, _1)"),
    ("char=?", 2): test(2, "_0.value == _1.value"),
    ("char<?", 2): test(2, "_0.value < _1.value"),
    ("char>?", 2): test(2, "_0.value > _1.value"),
    ("char<=?", 2): test(2, "_0.value <= _1.value"),
    ("char>=?", 2): test(2, "_0.value >= _1.value"),
    ("string=?", 2): test(2, "_0.text == _1.text"),
    ("char->integer", 1): value(1, "X_ord(_0.value)"),
    ("char-alphabetic?", 1): test(1, "_0.value.isalpha() or X_is_alphabetic(_0) is not None"),
    ("char-whitespace?", 1): test(1, "_0.value.isspace() and not '\x1c' <= _0.value <= '\x1f'"),
    ("char-numeric?", 1): test(1, "_0.value.isdecimal()"),
    ("%record-ref", 4): value(4, "_0.fields[_2] if _0.rtd is _1 else X_record_ref(_0, _1, _2, _3)"),
    ("%record-set!", 5): effect(
        5,
        "if _0.rtd is not _1 or _0.oid: X_touch_field(_0, _1, _2, _4)",
        "_0.fields[_2] = _3",
    ),
    ("%record?", 2): test(2, "X_type(_0) is X_Record and _0.rtd is _1"),
    **{
        ("list", n): value(n, "".join(f"X_Pair(_{i}, " for i in range(n)) + "X_nil" + ")" * n)
        for n in range(6)
    },
    **{
        ("vector", n): value(n, "X_Vector([" + ", ".join(f"_{i}" for i in range(n)) + "])")
        for n in range(5)
    },
    **{
        ("%make-record", n): value(
            n, "X_Record(_0, [" + ", ".join(f"_{i}" for i in range(1, n)) + "])"
        )
        for n in range(1, 6)
    },
}
"""(primitive, number of operands) -> how it is open-coded."""

INTERNAL = frozenset(
    {"%move", "%box", "%unbox", "%unbox-checked", "%set-box!", "%is", "%is-integer"}
)
"""Operations that are not primitives of the language: the careful form open-codes them too."""

FOLDED = {"+": "+", "*": "*"}
"""Primitives that take any number of arguments and associate to the left."""
