"""with-restarts: a core form that calls a procedure of lib/restart.sld.

Layer: frontends. Imports ir, values, base.
"""

from __future__ import annotations

from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import Context, core_form
from perdure.frontends.scheme.building import bad_form, primitive, thunk
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.syntax import Atom, Form, Identifier, Syntax, show
from perdure.ir.core import RESTART, Call, Const, Core, GlobalRef
from perdure.values.types import NIL, String, intern

SHAPE = '(with-restarts ((name (parameter ...) ["description"] body ...) ...) body ...)'


@core_form("with-restarts")
def with_restarts(x: Expander, form: Form, ctx: Context) -> Steps:
    """(with-restarts ((name formals ["description"] body ...) ...) body ...)"""
    items = form.items
    if len(items) < 3 or form.tail is not None or not isinstance(items[1], Form):
        raise bad_form(form, SHAPE)
    place = form.place()
    clauses: list[Core] = []
    for clause in items[1].items:
        parts = clause.items if isinstance(clause, Form) and clause.tail is None else []
        if len(parts) < 3 or not isinstance(parts[0], Identifier):
            raise bad_form(form, SHAPE)
        assert isinstance(clause, Form)
        description, body = _description(parts[2:])
        procedure = yield x.lambda_steps(parts[1], body, ctx, clause)
        procedure.name = parts[0].name
        shown = show(parts[1])
        formals = shown[1:-1] if shown.startswith("(") else f". {shown}"
        made: list[Core] = [
            Const(intern(parts[0].name)),
            Const(String(description)),
            Const(String(formals)),
            procedure,
        ]
        clauses.append(primitive("vector", made, clause.place()))
    body = yield x.body(items[2:], ctx, form)
    listed = primitive("list", clauses, place) if clauses else Const(NIL)
    called = GlobalRef(RESTART, "%with-restarts", place)
    return Call(called, [listed, thunk(body, place, "with-restarts")], place)


def _description(body: list[Syntax]) -> tuple[str, list[Syntax]]:
    """Return the description that a clause begins with, "" if there is none, and its body."""
    first = body[0]
    if len(body) > 1 and isinstance(first, Atom) and type(first.value) is String:
        return first.value.text, body[1:]
    return "", body
