"""define, define-values, define-syntax.

Layer: frontends. Imports ir, values, base.
Invariant: a definition names what it binds before any value is expanded; the values come from `make` later.
"""

from __future__ import annotations

from collections.abc import Callable

from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import (
    DEFINITION,
    SYNTAX,
    TOPLEVEL,
    Context,
    Definition,
    core_form,
)
from perdure.frontends.scheme.building import bad_form, control, primitive, thunk
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.syntax import Form, Identifier, Syntax, error_at, show
from perdure.ir.core import Core, Lambda, Local, LocalRef
from perdure.values.types import intern

DEFINE = "(define name expression) or (define (name parameter ...) body ...)"


@core_form("define", DEFINITION)
def define(x: Expander, form: Form, _ctx: Context) -> list[Definition]:
    """(define name expression) or (define (name . formals) body ...)"""
    items = form.items
    if len(items) < 3 or form.tail is not None:
        raise bad_form(form, DEFINE)
    target = items[1]
    if isinstance(target, Form) and target.items:
        id_ = x.binder(target.items[0], "a procedure")
        formals: Syntax = Form(target.items[1:], target.tail, target.span, target.origin)
        if len(target.items) == 1 and target.tail is not None:
            formals = target.tail

        def make_procedure(ctx: Context) -> Steps:
            return x.lambda_steps(formals, items[2:], ctx, form, id_.name)

        return [Definition(id_, make_procedure, form)]
    if len(items) != 3 or not isinstance(target, Identifier):
        raise bad_form(form, DEFINE)

    def make(ctx: Context) -> Steps:
        return x.steps(items[2], ctx)

    return [Definition(target, make, form)]


@core_form("define-values", DEFINITION)
def define_values(x: Expander, form: Form, ctx: Context) -> list[Definition]:
    """(define-values formals expression): a hidden variable holds the list of values first."""
    items = form.items
    if len(items) != 3 or form.tail is not None:
        raise bad_form(form, "(define-values (name ...) expression)")
    ids, rest = x.formals(items[1])
    place = form.place()
    hidden = Identifier(
        intern("values"), ctx.environment.scopes | {x.new_scope()}, form.span, form.origin
    )

    def make_list(inner: Context) -> Steps:
        producer = yield x.steps(items[2], inner)
        params = [Local(id_.name) for id_ in ids]
        extra = None if rest is None else Local(rest.name)
        collected: Core = primitive("list", [LocalRef(local) for local in params], place)
        if extra is not None:
            collected = primitive("append", [collected, LocalRef(extra)], place)
        consumer = Lambda(params, extra, collected, "define-values", place)
        return control("call-with-values", [thunk(producer, place), consumer], place)

    definitions = [Definition(hidden, make_list, form)]
    for number, id_ in enumerate(ids):
        definitions.append(Definition(id_, _part(x, hidden, number, form, whole=False), form))
    if rest is not None:
        definitions.append(Definition(rest, _part(x, hidden, len(ids), form, whole=True), form))
    return definitions


def _part(
    x: Expander, hidden: Identifier, number: int, form: Form, *, whole: bool
) -> Callable[[Context], Steps]:
    def make(ctx: Context) -> Steps:
        core = x.reference(hidden, ctx)
        for _ in range(number):
            core = primitive("cdr", [core], form.place())
        return core if whole else primitive("car", [core], form.place())
        yield

    return make


@core_form("define-syntax", SYNTAX)
def define_syntax(x: Expander, form: Form, ctx: Context) -> Identifier:
    """(define-syntax keyword transformer)"""
    items = form.items
    if len(items) != 3 or form.tail is not None:
        raise bad_form(form, "(define-syntax keyword (syntax-rules (literal ...) rule ...))")
    if not isinstance(items[1], Identifier):
        message = f"expected a keyword, found {show(items[1])}"
        raise error_at(items[1], "P110", message)
    id_ = items[1].without(ctx.use_sites)
    x.bind(id_, x.transformer(items[2], ctx, id_.name), ctx)
    return id_


@core_form("import", TOPLEVEL)
def import_(_x: Expander, form: Form, _ctx: Context) -> Steps:
    """(import set ...): program.py and libraries.py handle it."""
    raise bad_form(form, "at top level")
    yield


@core_form("define-library", TOPLEVEL)
def define_library(_x: Expander, form: Form, _ctx: Context) -> Steps:
    """(define-library name declaration ...): program.py handles it."""
    raise bad_form(form, "at top level")
    yield
