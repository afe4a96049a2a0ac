"""quasiquote (R7RS 4.2.8): nested levels, vectors, dotted templates.

Layer: frontends. Imports ir, values, base.
Invariant: what holds no unquote at its level is one constant; a list is one call of `list` or `append`, not a
nest of conses, so that its length costs no nesting.
"""

from __future__ import annotations

from typing import Any

from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import Context, core_form
from perdure.frontends.scheme.building import bad_form, primitive
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.syntax import (
    Compound,
    Form,
    Syntax,
    VectorForm,
    error_at,
    show,
    to_datum,
)
from perdure.ir.core import Const, Core
from perdure.values.types import NIL, Pair

MARKS = ("unquote", "unquote-splicing", "quasiquote")


@core_form("quasiquote")
def quasiquote(x: Expander, form: Form, ctx: Context) -> Steps:
    """(quasiquote template)"""
    if len(form.items) != 2 or form.tail is not None:
        raise bad_form(form, "`template")
    core = yield _template(x, form.items[1], ctx, 1)
    return Const(to_datum(form.items[1]), form.place()) if core is None else core


def _mark(x: Expander, stx: Syntax) -> str:
    """Return "unquote" and so on, if the syntax is a form of that kind."""
    if isinstance(stx, Form) and len(stx.items) > 1 and stx.tail is None:
        name = x.core_name(stx.items[0])
        if name in MARKS:
            return name
    return ""


def _core(core: Core | None, stx: Syntax) -> Core:
    return Const(to_datum(stx), stx.place()) if core is None else core


def _template(x: Expander, stx: Syntax, ctx: Context, depth: int) -> Steps:
    """Expand a template: None if it is constant."""
    if not isinstance(stx, Compound):
        return None
    place = stx.place()
    items = stx.items
    mark = _mark(x, stx)
    if depth == 1 and mark in ("unquote", "unquote-splicing"):
        if mark == "unquote" and len(items) == 2:
            return (yield x.steps(items[1], ctx))
        message = f"expected a list around {show(stx)}, found none: it stands for several items"
        raise error_at(stx, "P110", message, hint="write it as an item of a list, like (a ,@b)")
    if mark:
        # The operands are items of a list: (quasiquote (unquote (unquote-splicing x))) may have many.
        inner = depth + (1 if mark == "quasiquote" else -1)
        rest = yield _parts(x, items[1:], None, ctx, inner, stx)
        if rest is None:
            return None
        return primitive("cons", [Const(to_datum(items[0])), rest], place)
    if isinstance(stx, VectorForm):
        listed = yield _parts(x, items, None, ctx, depth, stx)
        return None if listed is None else primitive("list->vector", [listed], place)
    assert isinstance(stx, Form)
    tail = stx.tail
    before_last = x.core_name(items[-2]) if tail is None and len(items) > 2 else ""
    if before_last in MARKS and not (depth == 1 and before_last == "unquote-splicing"):
        # (a . ,b) is (a unquote b); nothing can be spliced in there, so (a . ,@b) is data.
        tail = Form(items[-2:], None, items[-1].span, items[-1].origin)
        items = items[:-2]
    return (yield _parts(x, items, tail, ctx, depth, stx))


def _parts(
    x: Expander, items: list[Syntax], tail: Syntax | None, ctx: Context, depth: int, stx: Syntax
) -> Steps:
    """Expand the parts of a list or vector to one that makes a list: None if all are constant."""
    segments: list[Core] = []
    current: list[Core] = []
    place = stx.place()
    constant = True
    for item in items:
        mark = _mark(x, item) if depth == 1 else ""
        if mark in ("unquote", "unquote-splicing"):
            assert isinstance(item, Form)
            constant = False
            for operand in item.items[1:]:
                core = yield x.steps(operand, ctx)
                if mark == "unquote":
                    current.append(core)
                    continue
                if current:
                    segments.append(_listed(current, place))
                    current = []
                segments.append(core)
            continue
        core = yield _template(x, item, ctx, depth)
        constant = constant and core is None
        current.append(_core(core, item))
    rest: Core | None = None
    if tail is not None:
        rest = yield _template(x, tail, ctx, depth)
        constant = constant and rest is None
        rest = _core(rest, tail)
    if constant:
        return None
    if rest is not None and not segments and len(current) == 1:
        return primitive("cons", [current[0], rest], place)
    if current:
        segments.append(_listed(current, place))
    if rest is not None:
        segments.append(rest)
    return segments[0] if len(segments) == 1 else primitive("append", segments, place)


def _listed(parts: list[Core], place: Any) -> Core:
    if all(isinstance(part, Const) for part in parts):
        datum: Any = NIL
        for part in reversed(parts):
            assert isinstance(part, Const)
            datum = Pair(part.value, datum)
        return Const(datum, place)
    return primitive("list", parts, place)
