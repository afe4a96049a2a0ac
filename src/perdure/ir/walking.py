"""Going through core expressions.

Layer: ir. Imports ir.core.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from perdure.ir.core import (
    Call,
    Core,
    GlobalDefine,
    GlobalSet,
    If,
    Lambda,
    Let,
    Letrec,
    LocalSet,
    Seq,
    Unit,
)


def walk(root: Core) -> Iterator[Core]:
    """Yield every node of a core form, parents first."""
    work = [root]
    while work:
        node = work.pop()
        yield node
        work.extend(reversed(children(node)))


def children(node: Core) -> list[Core]:
    """Return the parts of a core form, in the order of evaluation."""
    if isinstance(node, Call):
        return [node.function, *node.arguments]
    if isinstance(node, If):
        return [node.test, node.then, node.otherwise]
    if isinstance(node, Lambda):
        return [node.body]
    if isinstance(node, Seq):
        return node.body
    if isinstance(node, Let | Letrec):
        return [*(value for _, value in node.bindings), node.body]
    if isinstance(node, LocalSet | GlobalSet | GlobalDefine):
        return [node.value]
    return []


def nodes(units: Iterable[Unit]) -> Iterator[Core]:
    """Yield every node of some top-level forms, of each form the outer ones first."""
    for unit in units:
        yield from walk(unit.form)
