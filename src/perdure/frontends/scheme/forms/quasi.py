"""quasiquote (R7RS 4.2.8): nested levels, vectors, dotted templates.

Layer: frontends. Imports ir, values, base.
Invariant: what holds no unquote at its level is one constant; a list is one call of `list` or `append`, not a
nest of conses, so that its length costs no nesting.
"""

from __future__ import annotations

from typing import Any

from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import Context, core_form
from perdure.frontends.scheme.expander import Expander, bad_form, primitive
from perdure.frontends.scheme.syntax import Compound, Form, Syntax, VectorForm, error_at, to_datum
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
    if isinstance(stx, Form) and len(stx.items) == 2 and stx.tail is None:
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
    mark = _mark(x, stx)
    if mark == "unquote" and depth == 1:
        return (yield x.steps(stx.items[1], ctx))
    if mark == "unquote-splicing" and depth == 1:
        raise error_at(stx, "P110", "unquote-splicing (,@) stands inside of a list")
    if mark:
        inner = yield _template(x, stx.items[1], ctx, depth + (1 if mark == "quasiquote" else -1))
        if inner is None:
            return None
        return primitive("list", [Const(to_datum(stx.items[0])), inner], place)
    if isinstance(stx, VectorForm):
        listed = yield _parts(x, stx.items, None, ctx, depth, stx)
        return None if listed is None else primitive("list->vector", [listed], place)
    assert isinstance(stx, Form)
    items, tail = stx.items, stx.tail
    if tail is None and len(items) > 2 and x.core_name(items[-2]) == "unquote":
        # (a . ,b) is (a unquote b)
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
        mark = _mark(x, item)
        if mark == "unquote-splicing" and depth == 1:
            assert isinstance(item, Form)
            constant = False
            if current:
                segments.append(_listed(current, place))
                current = []
            segments.append((yield x.steps(item.items[1], ctx)))
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
