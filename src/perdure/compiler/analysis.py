"""Facts about core expressions that normalisation needs: free variables, and where a procedure calls itself.

Layer: compiler. Imports ir and base.
Invariant: answers are remembered by the identity of the node, so every node is walked once; the walks are
iterative, since expansion nests deeper than Python's stack.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from perdure.base import limits, trampoline
from perdure.ir import core

NO, HERE, WITHIN = 0, 1, 2
"""Whether a procedure is only called in tail position: not so, of its own body, or also of a loop in tail position there."""

Free = frozenset[core.Local]
_NONE: Free = frozenset()


class Analysis:
    """Remembered facts about the nodes of one top-level form."""

    def __init__(self) -> None:
        self._free: dict[int, Free] = {}
        self._loops: dict[tuple[int, int], int] = {}
        self._keep: list[Any] = []

    def free(self, node: Any) -> Free:
        """Return the local variables that occur free in an expression."""
        found = self._free.get(id(node))
        if found is None:
            found = trampoline.run(self._walk(node))
        return found

    def loops(self, node: core.Letrec, room: int) -> int:
        """Return whether `(letrec ((f (lambda …))) (f a …))` can be a loop, and where from it is gone round.

        Args:
          node: the letrec.
          room: how many loops may nest from here on.
        """
        key = (id(node), room)
        found = self._loops.get(key)
        if found is None:
            self._keep.append(node)
            found = self._loops[key] = self._loops_within(node, room) if room > 0 else NO
        return found

    def _loops_within(self, node: core.Letrec, room: int) -> int:
        if len(node.bindings) != 1:
            return NO
        (var, lam), call = node.bindings[0], node.body
        if not (
            isinstance(lam, core.Lambda)
            and lam.rest is None
            and not var.assigned
            and isinstance(call, core.Call)
            and is_reference(call.function, var)
            and len(call.arguments) == len(lam.params)
            and all(var not in self.free(a) for a in call.arguments)
            and branch_depth(lam.body) <= limits.EXPRESSION_DEPTH_MAX
        ):
            return NO
        return only_tail_calls(lam.body, var, len(lam.params), self, room - 1)

    def _walk(self, node: Any) -> Generator[Any, Any, Free]:
        known = self._free.get(id(node))
        if known is not None:
            return known
        free: Free
        match node:
            case core.Const() | core.GlobalRef():
                free = _NONE
            case core.LocalRef():
                free = frozenset((node.var,))
            case core.LocalSet():
                free = (yield self._walk(node.value)) | {node.var}
            case core.GlobalSet() | core.GlobalDefine():
                free = yield self._walk(node.value)
            case core.Lambda():
                bound = {*node.params, node.rest} if node.rest else set(node.params)
                free = (yield self._walk(node.body)) - bound
            case core.Let():
                free = (yield self._walk(node.body)) - {v for v, _ in node.bindings}
                for _, value in node.bindings:
                    free |= yield self._walk(value)
            case core.Letrec():
                free = yield self._walk(node.body)
                for _, value in node.bindings:
                    free |= yield self._walk(value)
                free -= {v for v, _ in node.bindings}
            case _:
                free = _NONE
                for part in parts(node):
                    free |= yield self._walk(part)
        self._free[id(node)] = free
        self._keep.append(node)
        return free


def parts(node: Any) -> list[Any]:
    """Return the direct sub-expressions of an If, Seq or Call."""
    match node:
        case core.If():
            return [node.test, node.then, node.otherwise]
        case core.Seq():
            return node.body
        case core.Call():
            return [node.function, *node.arguments]
    raise AssertionError(node)


def is_reference(node: Any, target: core.Local | tuple[str, str]) -> bool:
    """Whether a node is a reference to a local variable or to a global given as (library, name)."""
    if isinstance(target, core.Local):
        return isinstance(node, core.LocalRef) and node.var is target
    return isinstance(node, core.GlobalRef) and (node.library, node.name) == target


def tail_calls(
    body: Any, target: core.Local | tuple[str, str], count: int, analysis: Analysis, room: int
) -> bool:
    """Whether `body` calls `target` with `count` arguments in tail position, of a loop there too, at least once."""
    work = [(body, HERE)]
    while work:
        node, where = work.pop()
        match node:
            case core.If():
                work += [(node.then, where), (node.otherwise, where)]
            case core.Seq():
                work.append((node.body[-1], where))
            case core.Letrec() if where == HERE and analysis.loops(node, room):
                work.append((loop_body(node), WITHIN))
            case core.Let() | core.Letrec():
                work.append((node.body, where))
            case core.Call() if is_reference(node.function, target):
                if len(node.arguments) == count:
                    return True
    return False


def loop_body(node: core.Letrec) -> core.Core:
    """Return the body of the loop that a letrec becomes."""
    procedure = node.bindings[0][1]
    assert isinstance(procedure, core.Lambda)
    return procedure.body


def branch_depth(body: Any) -> int:
    """Return how deeply conditionals nest in the tail position of `body`; what follows an `else` is not deeper."""
    deepest = 0
    work = [(body, 0)]
    while work:
        node, depth = work.pop()
        deepest = max(deepest, depth)
        match node:
            case core.If():
                work += [(node.then, depth + 1), (node.otherwise, depth)]
            case core.Seq():
                work.append((node.body[-1], depth))
            case core.Let() | core.Letrec():
                work.append((node.body, depth))
    return deepest


def only_tail_calls(
    body: Any, target: core.Local, count: int, analysis: Analysis, room: int
) -> int:
    """Return whether every use of `target` in `body` is a call in tail position with `count` arguments.

    The tail position of a loop that is in tail position counts (WITHIN), but not that of a loop in that one.
    """
    found = HERE
    work = [(body, HERE)]
    while work:
        node, where = work.pop()
        if target not in analysis.free(node):
            continue
        found = max(found, where)
        match node:
            case core.If():
                if target in analysis.free(node.test):
                    return NO
                work += [(node.then, where), (node.otherwise, where)]
            case core.Seq():
                if any(target in analysis.free(n) for n in node.body[:-1]):
                    return NO
                work.append((node.body[-1], where))
            case core.Letrec() if any(target in analysis.free(v) for _, v in node.bindings):
                inside = where == HERE and analysis.loops(node, room)
                if not inside or target in analysis.free(node.body):
                    return NO
                work.append((loop_body(node), WITHIN))
            case core.Let() | core.Letrec():
                if any(target in analysis.free(value) for _, value in node.bindings):
                    return NO
                work.append((node.body, where))
            case core.Call() if is_reference(node.function, target):
                if len(node.arguments) != count or any(
                    target in analysis.free(a) for a in node.arguments
                ):
                    return NO
            case _:
                return NO
    return found
