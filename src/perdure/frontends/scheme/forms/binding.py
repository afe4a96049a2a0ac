"""let and its kin, named let, do, let-values, receive, let-syntax, and-let*.

Layer: frontends. Imports ir, values, base.
"""

from __future__ import annotations

from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import Context, core_form
from perdure.frontends.scheme.building import (
    bad_form,
    control,
    make_let,
    make_sequence,
    named,
    thunk,
)
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.syntax import Atom, Form, Identifier, Syntax, error_at, show
from perdure.ir.core import Call, Const, Core, If, Lambda, Let, Letrec, Local, LocalRef
from perdure.values.types import TRUE

LET = "(let ((variable value) ...) body ...)"


def pairs(x: Expander, stx: Syntax, form: Form, shape: str) -> list[tuple[Identifier, Syntax]]:
    """Return the names and values of a list of bindings; of one that is wrong, the name if there is one."""
    if not isinstance(stx, Form) or stx.tail is not None:
        raise bad_form(form, shape)
    result: list[tuple[Identifier, Syntax]] = []
    for item in stx.items:
        parts = item.items if isinstance(item, Form) and item.tail is None else [item]
        if len(parts) != 2:
            message = f"expected a binding (variable value), found {show(item)}"
            hint = f"it is written {shape}"
            if isinstance(item, Identifier) and len(stx.items) == 2:
                hint = f"each binding has its own parentheses: ({show(stx)})"
            x.failed(error_at(item, "P110", message, hint=hint))
        elif not isinstance(parts[0], Identifier):
            message = f"expected the name of a variable, found {show(parts[0])}"
            x.failed(error_at(parts[0], "P110", message, hint=f"it is written {shape}"))
        if parts and isinstance(parts[0], Identifier):
            result.append((parts[0], parts[1] if len(parts) > 1 else Atom(None)))
    return result


@core_form("let")
def let(x: Expander, form: Form, ctx: Context) -> Steps:
    """(let ((variable value) ...) body ...) or (let name ((variable value) ...) body ...)"""
    items = form.items
    if len(items) > 1 and isinstance(items[1], Identifier):
        return (yield named_let(x, form, ctx))
    if len(items) < 3 or form.tail is not None:
        raise bad_form(form, LET)
    bound = pairs(x, items[1], form, LET)
    x.check_distinct([id_ for id_, _ in bound], "variable")
    values = []
    for id_, stx in bound:
        values.append(named((yield x.steps(stx, ctx)), id_.name))
    adds = frozenset((x.new_scope(),))
    locals_ = [x.bind_local(id_.adding(adds)) for id_, _ in bound]
    body = yield x.body([item.adding(adds) for item in items[2:]], ctx, form)
    return make_let(list(zip(locals_, values, strict=True)), body, form.place())


def named_let(x: Expander, form: Form, ctx: Context) -> Steps:
    """Expand a named let: a loop whose name is seen in its body only."""
    shape = "(let name ((variable value) ...) body ...)"
    items = form.items
    if len(items) < 4 or form.tail is not None:
        raise bad_form(form, shape)
    name = x.binder(items[1], "a loop")
    bound = pairs(x, items[2], form, shape)
    x.check_distinct([id_ for id_, _ in bound], "variable")
    values = []
    for _, stx in bound:
        values.append((yield x.steps(stx, ctx)))
    outer = frozenset((x.new_scope(),))
    loop = x.bind_local(name.adding(outer))
    adds = outer | {x.new_scope()}
    params = [x.bind_local(id_.adding(adds)) for id_, _ in bound]
    body = yield x.body([item.adding(adds) for item in items[3:]], ctx, form)
    place = form.place()
    procedure = Lambda(params, None, body, name.name, place)
    return Letrec([(loop, procedure)], Call(LocalRef(loop, place), values, place), place)


@core_form("let*")
def let_star(x: Expander, form: Form, ctx: Context) -> Steps:
    """(let* ((variable value) ...) body ...)"""
    items = form.items
    shape = "(let* ((variable value) ...) body ...)"
    if len(items) < 3 or form.tail is not None:
        raise bad_form(form, shape)
    adds: frozenset[int] = frozenset()
    bindings = []
    for id_, stx in pairs(x, items[1], form, shape):
        value = named((yield x.steps(stx.adding(adds), ctx)), id_.name)
        adds |= {x.new_scope()}
        bindings.append((x.bind_local(id_.adding(adds)), value))
    core = yield x.body([item.adding(adds) for item in items[2:]], ctx, form)
    for binding in reversed(bindings):
        core = Let([binding], core, form.place())
    return core


@core_form("letrec")
def letrec(x: Expander, form: Form, ctx: Context) -> Steps:
    """(letrec ((variable value) ...) body ...)"""
    return (yield _letrec(x, form, ctx, "letrec"))


@core_form("letrec*")
def letrec_star(x: Expander, form: Form, ctx: Context) -> Steps:
    """(letrec* ((variable value) ...) body ...)"""
    return (yield _letrec(x, form, ctx, "letrec*"))


def _letrec(x: Expander, form: Form, ctx: Context, name: str) -> Steps:
    shape = f"({name} ((variable value) ...) body ...)"
    items = form.items
    if len(items) < 3 or form.tail is not None:
        raise bad_form(form, shape)
    bound = pairs(x, items[1], form, shape)
    x.check_distinct([id_ for id_, _ in bound], "variable")
    adds = frozenset((x.new_scope(),))
    locals_ = [x.bind_local(id_.adding(adds)) for id_, _ in bound]
    values = []
    for id_, stx in bound:
        values.append(named((yield x.steps(stx.adding(adds), ctx)), id_.name))
    body = yield x.body([item.adding(adds) for item in items[2:]], ctx, form)
    place = form.place()
    place_or_body: Core = body
    if not bound:
        return place_or_body
    for local, value in zip(locals_, values, strict=True):
        local.placed = not isinstance(value, Lambda | Const)
    if name == "letrec*" or not any(local.placed for local in locals_):
        return Letrec(list(zip(locals_, values, strict=True)), body, place)
    # letrec gives no variable its value before all values are computed, so that a
    # continuation captured in one of them does not see its siblings change.
    early = [Local(local.name) for local in locals_]
    inits: list[tuple[Local, Core]] = [(e, v) for e, v in zip(early, values, strict=True)]
    later: list[tuple[Local, Core]] = []
    for local, value, temporary in zip(locals_, values, early, strict=True):
        if isinstance(value, Lambda):
            later.append((local, value))
        else:
            later.append((local, LocalRef(temporary)))
    lambdas = [pair for pair in later if isinstance(pair[1], Lambda)]
    others = [(t, v) for t, v in inits if not isinstance(v, Lambda)]
    aliases = [pair for pair in later if not isinstance(pair[1], Lambda)]
    return Letrec([*lambdas, *others, *aliases], body, place)


@core_form("do")
def do(x: Expander, form: Form, ctx: Context) -> Steps:
    """(do ((variable init [step]) ...) (test result ...) command ...)"""
    shape = "(do ((variable init step) ...) (test result ...) command ...)"
    items = form.items
    if len(items) < 3 or form.tail is not None or not isinstance(items[1], Form):
        raise bad_form(form, shape)
    exit_clause = items[2]
    if not isinstance(exit_clause, Form) or not exit_clause.items:
        raise bad_form(form, shape)
    ids, inits, steps = [], [], []
    for item in items[1].items:
        parts = item.items if isinstance(item, Form) else []
        if len(parts) not in (2, 3):
            raise bad_form(form, shape)
        ids.append(x.binder(parts[0], "a variable"))
        inits.append((yield x.steps(parts[1], ctx)))
        steps.append(parts[2] if len(parts) == 3 else parts[0])
    x.check_distinct(ids, "variable")
    adds = frozenset((x.new_scope(),))
    params = [x.bind_local(id_.adding(adds)) for id_ in ids]
    place = form.place()
    loop = Local("do")
    test = yield x.steps(exit_clause.items[0].adding(adds), ctx)
    result = yield x.sequence([r.adding(adds) for r in exit_clause.items[1:]], ctx, exit_clause)
    again: list[Core] = []
    for command in items[3:]:
        again.append((yield x.steps(command.adding(adds), ctx)))
    next_values = []
    for step in steps:
        next_values.append((yield x.steps(step.adding(adds), ctx)))
    again.append(Call(LocalRef(loop, place), next_values, place))
    body = If(test, result, make_sequence(again, place), place)
    procedure = Lambda(params, None, body, "do", place)
    return Letrec([(loop, procedure)], Call(LocalRef(loop, place), inits, place), place)


@core_form("let-values")
def let_values(x: Expander, form: Form, ctx: Context) -> Steps:
    """(let-values ((formals expression) ...) body ...)"""
    return (yield _let_values(x, form, ctx, "let-values"))


@core_form("let*-values")
def let_star_values(x: Expander, form: Form, ctx: Context) -> Steps:
    """(let*-values ((formals expression) ...) body ...)"""
    return (yield _let_values(x, form, ctx, "let*-values"))


def _let_values(x: Expander, form: Form, ctx: Context, name: str) -> Steps:
    shape = f"({name} (((variable ...) expression) ...) body ...)"
    items = form.items
    if len(items) < 3 or form.tail is not None or not isinstance(items[1], Form):
        raise bad_form(form, shape)
    adds: frozenset[int] = frozenset()
    if name == "let-values":
        adds = frozenset((x.new_scope(),))
    clauses = []
    all_ids: list[Identifier] = []
    for item in items[1].items:
        parts = item.items if isinstance(item, Form) and item.tail is None else []
        if len(parts) != 2:
            raise bad_form(form, shape)
        ids, rest = x.formals(parts[0])
        all_ids += ids if rest is None else [*ids, rest]
        if name == "let-values":
            value = yield x.steps(parts[1], ctx)
        else:
            value = yield x.steps(parts[1].adding(adds), ctx)
            adds |= {x.new_scope()}
        params = [x.bind_local(id_.adding(adds)) for id_ in ids]
        rest_local = None if rest is None else x.bind_local(rest.adding(adds))
        clauses.append((params, rest_local, value))
    if name == "let-values":
        x.check_distinct(all_ids, "variable")
    core = yield x.body([item.adding(adds) for item in items[2:]], ctx, form)
    for params, rest_local, value in reversed(clauses):
        core = take_values(params, rest_local, value, core, form)
    return core


def take_values(
    params: list[Local], rest: Local | None, producer: Core, body: Core, form: Form
) -> Core:
    """Return the core form that binds variables to the values of an expression."""
    place = form.place()
    if len(params) == 1 and rest is None:
        return Let([(params[0], producer)], body, place)
    consumer = Lambda(params, rest, body, show(form.items[0]), place)
    return control("call-with-values", [thunk(producer, place), consumer], place)


@core_form("receive")
def receive(x: Expander, form: Form, ctx: Context) -> Steps:
    """(receive formals expression body ...), SRFI 8"""
    items = form.items
    if len(items) < 4 or form.tail is not None:
        raise bad_form(form, "(receive (variable ...) expression body ...)")
    ids, rest = x.formals(items[1])
    producer = yield x.steps(items[2], ctx)
    adds = frozenset((x.new_scope(),))
    params = [x.bind_local(id_.adding(adds)) for id_ in ids]
    rest_local = None if rest is None else x.bind_local(rest.adding(adds))
    body = yield x.body([item.adding(adds) for item in items[3:]], ctx, form)
    return take_values(params, rest_local, producer, body, form)


@core_form("and-let*")
def and_let_star(x: Expander, form: Form, ctx: Context) -> Steps:
    """(and-let* ((variable expression) or (expression) or variable ...) body ...), SRFI 2"""
    shape = "(and-let* ((variable expression) ...) body ...)"
    items = form.items
    if len(items) < 2 or form.tail is not None or not isinstance(items[1], Form):
        raise bad_form(form, shape)
    adds: frozenset[int] = frozenset()
    clauses: list[tuple[Local, Core]] = []
    for item in items[1].items:
        parts = item.items if isinstance(item, Form) and item.tail is None else [item]
        if len(parts) == 2:
            id_ = x.binder(parts[0], "a variable")
            value = yield x.steps(parts[1].adding(adds), ctx)
            adds |= {x.new_scope()}
            clauses.append((x.bind_local(id_.adding(adds)), value))
        elif len(parts) == 1:
            clauses.append((Local("test"), (yield x.steps(parts[0].adding(adds), ctx))))
        else:
            raise bad_form(form, shape)
    core: Core = Const(TRUE)
    if len(items) > 2:
        core = yield x.body([item.adding(adds) for item in items[2:]], ctx, form)
    elif clauses:
        core = LocalRef(clauses[-1][0])
    for local, value in reversed(clauses):
        test = If(LocalRef(local), core, Const(None), form.place())
        core = Let([(local, value)], test, form.place())
    return core


@core_form("let-syntax")
def let_syntax(x: Expander, form: Form, ctx: Context) -> Steps:
    """(let-syntax ((keyword transformer) ...) body ...)"""
    return (yield _let_syntax(x, form, ctx, recursive=False))


@core_form("letrec-syntax")
def letrec_syntax(x: Expander, form: Form, ctx: Context) -> Steps:
    """(letrec-syntax ((keyword transformer) ...) body ...)"""
    return (yield _let_syntax(x, form, ctx, recursive=True))


def _let_syntax(x: Expander, form: Form, ctx: Context, *, recursive: bool) -> Steps:
    shape = "(let-syntax ((keyword (syntax-rules ...)) ...) body ...)"
    items = form.items
    if len(items) < 3 or form.tail is not None:
        raise bad_form(form, shape)
    bound = pairs(x, items[1], form, shape)
    x.check_distinct([id_ for id_, _ in bound], "keyword")
    adds = frozenset((x.new_scope(),))
    macros = []
    for id_, stx in bound:
        spec = stx.adding(adds) if recursive else stx
        macros.append((id_.adding(adds), x.transformer(spec, ctx, id_.name)))
    for id_, macro in macros:
        x.table.bind(id_, macro)
    return (yield x.body([item.adding(adds) for item in items[2:]], ctx, form))
