"""delay, delay-force, parameterize, guard: core forms that call procedures of lib/control.sld.

Layer: frontends. Imports ir, values, base.
"""

from __future__ import annotations

from perdure.base.spans import Span
from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import Context, core_form
from perdure.frontends.scheme.building import bad_form, control, primitive, thunk
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.forms.conditional import cond_clauses
from perdure.frontends.scheme.syntax import Form, Identifier
from perdure.ir.core import Call, Const, Core, Lambda, Local, LocalRef, Seq
from perdure.values.types import TRUE


@core_form("delay")
def delay(x: Expander, form: Form, ctx: Context) -> Steps:
    """(delay expression)"""
    if len(form.items) != 2 or form.tail is not None:
        raise bad_form(form, "(delay expression)")
    place = form.place()
    value = yield x.steps(form.items[1], ctx)
    return _delayed(value, place)


def _delayed(value: Core, place: Span | None) -> Core:
    # Not `make-promise`: a promise that is the value of the expression is delivered as it is.
    promise = primitive("%make-promise", [Const(TRUE), value], place)
    return control("%make-lazy-promise", [thunk(promise, place, "delay")], place)


@core_form("delay-force")
def delay_force(x: Expander, form: Form, ctx: Context) -> Steps:
    """(delay-force expression)"""
    if len(form.items) != 2 or form.tail is not None:
        raise bad_form(form, "(delay-force expression)")
    place = form.place()
    value = yield x.steps(form.items[1], ctx)
    return control("%make-lazy-promise", [thunk(value, place, "delay-force")], place)


@core_form("cons-stream")
def cons_stream(x: Expander, form: Form, ctx: Context) -> Steps:
    """(cons-stream first rest): a pair whose cdr is delayed"""
    items = form.items
    if len(items) != 3 or form.tail is not None:
        raise bad_form(form, "(cons-stream first rest)")
    place = form.place()
    first = yield x.steps(items[1], ctx)
    rest = yield x.steps(items[2], ctx)
    return primitive("cons", [first, _delayed(rest, place)], place)


@core_form("parameterize")
def parameterize(x: Expander, form: Form, ctx: Context) -> Steps:
    """(parameterize ((parameter value) ...) body ...)"""
    shape = "(parameterize ((parameter value) ...) body ...)"
    items = form.items
    if len(items) < 3 or form.tail is not None or not isinstance(items[1], Form):
        raise bad_form(form, shape)
    place = form.place()
    settings: list[Core] = []
    for item in items[1].items:
        parts = item.items if isinstance(item, Form) and item.tail is None else []
        if len(parts) != 2:
            raise bad_form(form, shape)
        parameter = yield x.steps(parts[0], ctx)
        value = yield x.steps(parts[1], ctx)
        settings.append(primitive("cons", [parameter, value], item.place()))
    body = yield x.body(items[2:], ctx, form)
    listed = primitive("list", settings, place)
    return control("%with-parameters", [listed, thunk(body, place, "parameterize")], place)


@core_form("guard")
def guard(x: Expander, form: Form, ctx: Context) -> Steps:
    """(guard (variable clause ...) body ...)"""
    items = form.items
    spec = items[1] if len(items) > 2 else None
    named = isinstance(spec, Form) and spec.items and isinstance(spec.items[0], Identifier)
    if not named or form.tail is not None:
        raise bad_form(form, "(guard (variable (test expression ...) ...) body ...)")
    assert isinstance(spec, Form)
    place = form.place()
    body = yield x.body(items[2:], ctx, form)
    adds = frozenset((x.new_scope(),))
    condition = x.bind_local(x.binder(spec.items[0], "a variable").adding(adds))
    reraise = Local("reraise")
    clauses = [clause.adding(adds) for clause in spec.items[1:]]
    again = Call(LocalRef(reraise, place), [], place)
    leave = Local("leave")

    def chosen(value: Core) -> Core:
        return Seq([Call(LocalRef(leave, place), [], place), value], place)

    picked = yield cond_clauses(x, clauses, ctx, again, chosen)
    handler = Lambda([condition, reraise, leave], None, picked, "guard", place)
    return control("%guard", [thunk(body, place, "guard-body"), handler], place)
