"""Cheaper ways to open-code a primitive when something is known about its operands.

Layer: compiler. Imports the compiler's anf and inline.

Known is what the statements of the procedure say: literals, and variables that can only hold numbers that are not negative,
whatever runs. Those are found by assuming it of every variable and taking back what some assignment refutes, until
nothing changes; so a loop's index that starts at 0 and grows is among them.

Invariant: a variable in the set holds a number that is not negative, or something that is no number (which then fails where
it is used). Parameters and results of calls are never in it.
"""

from __future__ import annotations

from typing import Any

from perdure.compiler import anf
from perdure.compiler.inline import INLINE, Inline, effect, test, value

_UNSIGNED_INDEX: dict[str, Inline] = {
    "vector-ref": value(2, "_0.items[_1]"),
    "string-ref": value(2, "X_characters[_0.text[_1]]"),
    "vector-set!": effect(3, "if _0.oid: X_touch_item(_0, _1)", "_0.items[_1] = _2"),
}
"""Primitives whose second operand is an index that is not negative."""

_POSITIVE_DIVISOR: dict[str, Inline] = {
    "quotient": value(2, "_0 // _1 if _0.__class__ is X_int and _0 >= 0 else X_quotient(_0, _1)"),
    "remainder": value(2, "_0 % _1 if _0.__class__ is X_int and _0 >= 0 else X_remainder(_0, _1)"),
    "modulo": value(2, "_0 % _1 if _0.__class__ is X_int else X_modulo(_0, _1)"),
}
"""Primitives whose second operand is a positive literal."""

_UNSIGNED_DIVISION: dict[str, Inline] = {
    "quotient": value(2, "_0 // _1 if _0.__class__ is X_int else X_quotient(_0, _1)"),
    "remainder": value(2, "_0 % _1 if _0.__class__ is X_int else X_remainder(_0, _1)"),
    "modulo": _POSITIVE_DIVISOR["modulo"],
}
"""The same where the first operand is not negative."""

_EQUAL_FROM_ABOVE = test(2, "_0 >= _1 and _0 <= _1")
"""`=` for an operand that mostly is the smaller one: then one comparison says so."""

_KEEPS_SIGN = frozenset({"+", "*", "%move"})
_COUNTS = frozenset({"vector-length", "string-length", "char->integer"})


def variant(statement: anf.Set, unsigned: frozenset[str]) -> Inline:
    """Return how an operation is open-coded, given the variables that are not negative."""
    op, args = statement.op, statement.args
    if op in _UNSIGNED_INDEX and _is_unsigned(args[1], unsigned):
        return _UNSIGNED_INDEX[op]
    if len(args) == 2 and type(args[1]) is int and args[1] > 0 and op in _POSITIVE_DIVISOR:
        table = _UNSIGNED_DIVISION if _is_unsigned(args[0], unsigned) else _POSITIVE_DIVISOR
        return table[op]
    if op == "=" and len(args) == 2 and _is_unsigned(args[0], unsigned) and type(args[1]) is str:
        return _EQUAL_FROM_ABOVE
    return INLINE[op, len(args)]


def _is_unsigned(atom: anf.Atom, unsigned: frozenset[str]) -> bool:
    if type(atom) is int:
        return atom >= 0
    return type(atom) is str and atom in unsigned


def unsigned_variables(form: anf.LambdaForm) -> frozenset[str]:
    """Return the local variables of a procedure that never hold a negative number."""
    assignments: list[tuple[str, str, tuple[anf.Atom, ...]]] = []
    refuted = {*form.params, *form.boxed, form.rest}
    loops: dict[int, tuple[str, ...]] = {}
    work: list[Any] = [*form.body]
    while work:
        statement = work.pop()
        match statement:
            case anf.Set():
                assignments.append((statement.target, statement.op, statement.args))
            case anf.Call():
                refuted.add(statement.target)
            case anf.Closures():
                refuted.update(statement.targets)
            case anf.If():
                work += [*statement.then, *statement.otherwise]
            case anf.Loop():
                loops[statement.site] = statement.variables
                work += statement.body
            case anf.Continue():
                assert statement.loop in loops, "a loop is met before what goes round it"
                for variable, atom in zip(loops[statement.loop], statement.args, strict=True):
                    assignments.append((variable, "%move", (atom,)))
    candidates = {target for target, _, _ in assignments} - refuted
    while True:
        known = frozenset(candidates)
        candidates -= {
            target for target, op, args in assignments if not _stays_unsigned(op, args, known)
        }
        if len(candidates) == len(known):
            return known


def _stays_unsigned(op: str, args: tuple[anf.Atom, ...], unsigned: frozenset[str]) -> bool:
    """Whether the result of an operation is not negative, if these variables are not."""
    if op in _COUNTS:
        return True
    if op in _KEEPS_SIGN:
        return all(_is_unsigned(a, unsigned) for a in args)
    if op in ("quotient", "remainder"):
        return all(_is_unsigned(a, unsigned) for a in args)
    if op == "modulo":
        return type(args[1]) is int and args[1] > 0
    return False
