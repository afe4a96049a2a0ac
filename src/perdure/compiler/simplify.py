"""Simpler expressions that have the same value, or in a test the same truth.

Layer: compiler. Imports ir, values and the compiler's analysis and inline.
Invariant: what is simplified evaluates the same operands in the same order, and fails where the original fails.
"""

from __future__ import annotations

from typing import Any

from perdure.compiler.analysis import is_reference
from perdure.compiler.inline import INLINE
from perdure.ir import core
from perdure.values.types import NIL, Char, Pair, Singleton, Symbol

MEMBERS_MAX = 8
"""A key is compared with so many constants one by one; with more, by a search."""

_EQUIVALENCES = frozenset({"eq?", "eqv?", "equal?"})
_SEARCHES = frozenset({"memq", "memv"})


def is_primitive(node: Any, name: str, count: int | None = None) -> bool:
    """Whether a node is a call of a primitive, with so many arguments if a number is given."""
    return (
        isinstance(node, core.Call)
        and is_reference(node.function, (core.PRIMITIVES, name))
        and (count is None or len(node.arguments) == count)
    )


def comparison(name: str, arguments: list[Any]) -> tuple[str, list[Any]]:
    """Return a cheaper operation for a comparison with a constant, constant last; else what was given."""
    if name in _EQUIVALENCES and len(arguments) == 2:
        for index, argument in enumerate(arguments):
            if isinstance(argument, core.Const):
                value, others = argument.value, [arguments[1 - index], argument]
                if type(value) is int:
                    return "%is-integer", others
                if _is_by_identity(value):
                    return "%is", others
    return name, arguments


def _is_by_identity(value: Any) -> bool:
    return value is None or value is ... or isinstance(value, Symbol | Char | Singleton)


def value(node: core.Let) -> Any:
    """Return a simpler expression with the same value: `(or a b)` tests `a` only once, if that is #t or #f."""
    simpler = truth(node)
    if simpler is not node and _says_yes_or_no(simpler.test):
        return simpler
    return node


def _says_yes_or_no(node: Any) -> bool:
    """Whether an expression has the value #t or #f."""
    if not isinstance(node, core.Call) or not isinstance(node.function, core.GlobalRef):
        return False
    if node.function.library != core.PRIMITIVES:
        return False
    inline = INLINE.get((node.function.name, len(node.arguments)))
    return inline is not None and inline.test is not None


def truth(node: Any) -> Any:
    """Return a simpler expression with the same truth.

    `(let ((t a)) (if t t b))` is `(if a #t b)`, and `(memv key '(a b))` is `(if (eqv? key 'a) #t (eqv? key 'b))`.
    """
    if isinstance(node, core.Let) and len(node.bindings) == 1:
        var, first = node.bindings[0]
        body = node.body
        if (
            isinstance(body, core.If)
            and is_reference(body.test, var)
            and is_reference(body.then, var)
            and not var.assigned
        ):
            return core.If(first, core.Const(...), body.otherwise, node.span)
    if isinstance(node, core.Call):
        return _one_by_one(node)
    return node


def _one_by_one(node: core.Call) -> Any:
    """Return a search in a short constant list as comparisons, where these cost less; else the node."""
    if not any(is_primitive(node, name, 2) for name in _SEARCHES):
        return node
    key, searched = node.arguments
    if not isinstance(key, core.LocalRef) or not isinstance(searched, core.Const):
        return node
    data = []
    rest = searched.value
    while isinstance(rest, Pair):
        data.append(rest.car)
        rest = rest.cdr
    if rest is not NIL or not 0 < len(data) <= MEMBERS_MAX:
        return node
    if not all(type(each) is int or _is_by_identity(each) for each in data):
        return node
    same = core.GlobalRef(core.PRIMITIVES, "eqv?")
    found: Any = None
    for each in reversed(data):
        one = core.Call(same, [key, core.Const(each)], node.span)
        found = one if found is None else core.If(one, core.Const(...), found, node.span)
    return found
