"""quote, if, lambda, case-lambda, set!, begin, include, cond-expand, cut, syntax-error.

Layer: frontends. Imports ir, values, base.
"""

from __future__ import annotations

from typing import Any

from perdure.base.features import FEATURES
from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import SPLICE, Constant, Context, Global, Variable, core_form
from perdure.frontends.scheme.building import bad_form, control, make_let, primitive
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.syntax import Atom, Form, Identifier, Syntax, error_at, show, to_datum
from perdure.ir.core import (
    Call,
    Const,
    Core,
    GlobalRef,
    GlobalSet,
    If,
    Lambda,
    Local,
    LocalRef,
    LocalSet,
)
from perdure.values.types import UNSPECIFIED, String


@core_form("quote")
def quote(_x: Expander, form: Form, _ctx: Context) -> Steps:
    """(quote datum)"""
    items = form.items
    if len(items) != 2 or form.tail is not None:
        raise bad_form(form, "(quote datum)")
    return Const(to_datum(items[1]), form.place())
    yield


@core_form("if")
def if_(x: Expander, form: Form, ctx: Context) -> Steps:
    """(if test then [else])"""
    items = form.items
    if len(items) not in (3, 4) or form.tail is not None:
        raise bad_form(form, "(if test then else) or (if test then)")
    test = yield x.steps(items[1], ctx)
    then = yield x.steps(items[2], ctx)
    if len(items) == 4:
        otherwise = yield x.steps(items[3], ctx)
    else:
        otherwise = Const(UNSPECIFIED)
    return If(test, then, otherwise, form.place())


@core_form("lambda")
def lambda_(x: Expander, form: Form, ctx: Context) -> Steps:
    """(lambda formals body ...)"""
    items = form.items
    if len(items) < 3 or form.tail is not None:
        raise bad_form(form, "(lambda (parameter ...) body ...)")
    return (yield x.lambda_steps(items[1], items[2:], ctx, form))


@core_form("case-lambda")
def case_lambda(x: Expander, form: Form, ctx: Context) -> Steps:
    """(case-lambda (formals body ...) ...): one procedure that looks at the number of its arguments."""
    place = form.place()
    arguments, count = Local("arguments"), Local("count")
    branches = []
    shapes: list[str] = []
    for clause in form.items[1:]:
        parts = clause.items if isinstance(clause, Form) else []
        if len(parts) < 2:
            raise bad_form(form, "(case-lambda ((parameter ...) body ...) ...)")
        ids, rest = x.formals(parts[0])
        adds = frozenset((x.new_scope(),))
        bindings: list[tuple[Local, Core]] = []
        remaining = LocalRef(arguments)
        cells: list[tuple[Local, Core]] = []
        for number, id_ in enumerate(ids):
            local = x.bind_local(id_.adding(adds))
            bindings.append((local, primitive("car", [remaining], place)))
            if number + 1 < len(ids) or rest is not None:
                cell = Local("remaining")
                cells.append((cell, primitive("cdr", [remaining], place)))
                remaining = LocalRef(cell)
        if rest is not None:
            bindings.append((x.bind_local(rest.adding(adds)), remaining))
        body = yield x.body([part.adding(adds) for part in parts[1:]], ctx, clause)
        inner = make_let(bindings, body, place)
        for cell, value in reversed(cells):
            inner = make_let([(cell, value)], inner, place)
        shapes.append(show(parts[0]))
        branches.append((">=" if rest is not None else "=", len(ids), inner))
    # Called in tail position, so that the report is about the caller.
    refused = Const(String(_refusal(shapes, branches)))
    chain: Core = control("%no-clause", [refused, LocalRef(count)], place)
    for relation, number, inner in reversed(branches):
        if relation == ">=" and number == 0:
            chain = inner
        else:
            test = primitive(relation, [LocalRef(count), Const(number)], place)
            chain = If(test, inner, chain, place)
    length = primitive("length", [LocalRef(arguments)], place)
    return Lambda([], arguments, make_let([(count, length)], chain, place), "", place)


def _refusal(shapes: list[str], branches: list[tuple[str, int, Core]]) -> str:
    """Return what to say of a call that no clause takes, up to the number of its arguments."""
    wanted = [f"{'at least ' * (relation == '>=')}{number}" for relation, number, _ in branches]
    plural = "" if wanted in (["1"], ["at least 1"]) else "s"
    return f"(case-lambda {' '.join(shapes)}): expected {' or '.join(wanted)} argument{plural}, got"


@core_form("set!")
def set_(x: Expander, form: Form, ctx: Context) -> Steps:
    """(set! variable expression)"""
    items = form.items
    if len(items) != 3 or form.tail is not None or not isinstance(items[1], Identifier):
        raise bad_form(form, "(set! variable expression)")
    id_ = items[1]
    value = yield x.steps(items[2], ctx)
    binding = x.resolve(id_)
    if isinstance(binding, Variable):
        binding.local.assigned = True
        return LocalSet(binding.local, value, form.place())
    home = x.home(id_, ctx)
    if binding is None:
        use = GlobalSet(home.library, id_.name, value, form.place())
        x.unresolved.append((id_, use))
        return use
    if isinstance(binding, Global) and binding.library == home.library:
        return GlobalSet(binding.library, binding.name, value, form.place())
    if isinstance(binding, Global | Constant):
        message = f"{id_.name} is imported and can't be assigned"
        hint = f"define a variable of your own first: (define {id_.name} ...)"
        raise error_at(id_, "P119", message, hint=hint)
    message = f"expected a variable, found {id_.name}, which is a syntactic keyword"
    raise error_at(id_, "P111", message, hint=f"define a variable first: (define {id_.name} ...)")


@core_form("begin", SPLICE)
def begin(_x: Expander, form: Form, _ctx: Context) -> list[Syntax]:
    """(begin form ...)"""
    if form.tail is not None:
        raise bad_form(form, "(begin form ...)")
    return form.items[1:]


@core_form("include", SPLICE)
def include(x: Expander, form: Form, _ctx: Context) -> list[Syntax]:
    """(include "file" ...): the forms of other files, as if they stood here."""
    return included(x, form, fold=False)


@core_form("include-ci", SPLICE)
def include_ci(x: Expander, form: Form, _ctx: Context) -> list[Syntax]:
    """(include-ci "file" ...)"""
    return included(x, form, fold=True)


def included(x: Expander, form: Form, *, fold: bool) -> list[Syntax]:
    """Return the forms of the files that an `include` names."""
    head = form.items[0]
    assert isinstance(head, Identifier)
    forms: list[Syntax] = []
    if len(form.items) < 2:
        raise bad_form(form, f'({head.name} "file" ...)')
    for item in form.items[1:]:
        if not isinstance(item, Atom) or not isinstance(item.value, String):
            raise bad_form(form, f'({head.name} "file" ...)')
        forms += x.read_include(item.value.text, item, head.scopes, fold)
    return forms


@core_form("cond-expand", SPLICE)
def cond_expand(x: Expander, form: Form, _ctx: Context) -> list[Syntax]:
    """(cond-expand (requirement form ...) ...)"""
    for clause in form.items[1:]:
        if not isinstance(clause, Form) or not clause.items:
            raise bad_form(form, "(cond-expand (requirement form ...) ... (else form ...))")
        if feature_holds(x, clause.items[0]):
            return clause.items[1:]
    return []


def feature_holds(x: Any, requirement: Syntax) -> bool:
    """Return whether a feature requirement of `cond-expand` is met."""
    if isinstance(requirement, Identifier):
        return requirement.name in (*FEATURES, "else")
    if isinstance(requirement, Form) and requirement.items:
        head, *rest = requirement.items
        name = head.name if isinstance(head, Identifier) else ""
        if name == "and":
            return all(feature_holds(x, part) for part in rest)
        if name == "or":
            return any(feature_holds(x, part) for part in rest)
        if name == "not" and len(rest) == 1:
            return not feature_holds(x, rest[0])
        if name == "library" and len(rest) == 1:
            return bool(x.library_exists(rest[0]))
    message = f"expected a feature requirement, found {show(requirement)}"
    hint = "a name, (library name), (and ...), (or ...), (not ...) or else"
    raise error_at(requirement, "P110", message, hint=hint)


@core_form("syntax-error")
def syntax_error(_x: Expander, form: Form, _ctx: Context) -> Steps:
    """(syntax-error message form ...): an error that a macro reports."""
    items = form.items
    if len(items) < 2 or not isinstance(items[1], Atom) or not isinstance(items[1].value, String):
        raise bad_form(form, '(syntax-error "message" form ...)')
    shown = " ".join([items[1].value.text, *(show(item) for item in items[2:])])
    raise error_at(form, "P118", shown)
    yield


@core_form("syntax-rules")
def syntax_rules(_x: Expander, form: Form, _ctx: Context) -> Steps:
    """(syntax-rules ...) outside of define-syntax and its like."""
    hint = "it stands in define-syntax, let-syntax and letrec-syntax"
    raise error_at(form, "P111", "syntax-rules is no expression", hint=hint)
    yield


@core_form("assert")
def assert_(x: Expander, form: Form, ctx: Context) -> Steps:
    """(assert expression)"""
    items = form.items
    if len(items) != 2 or form.tail is not None:
        raise bad_form(form, "(assert expression)")
    place = form.place()
    test = yield x.steps(items[1], ctx)
    message = Const(String("assertion failed:"))
    failure = control("error", [message, Const(to_datum(items[1]))], place)
    return If(test, Const(UNSPECIFIED), failure, place)


@core_form("cut")
def cut(x: Expander, form: Form, ctx: Context) -> Steps:
    """(cut procedure-or-<> argument-or-<> ...), SRFI 26"""
    return (yield _cut(x, form, ctx, evaluate_first=False))


@core_form("cute")
def cute(x: Expander, form: Form, ctx: Context) -> Steps:
    """(cute procedure-or-<> argument-or-<> ...): `cut` that evaluates the other arguments once"""
    return (yield _cut(x, form, ctx, evaluate_first=True))


def _cut(x: Expander, form: Form, ctx: Context, *, evaluate_first: bool) -> Steps:
    place = form.place()
    params: list[Local] = []
    rest: Local | None = None
    parts: list[Core] = []
    early: list[tuple[Local, Core]] = []
    for item in form.items[1:]:
        name = x.core_name(item)
        if rest is not None:
            raise bad_form(form, "(cut procedure slot-or-expression ... [<...>])")
        if name == "<>":
            params.append(Local("slot"))
            parts.append(LocalRef(params[-1]))
        elif name == "<...>":
            rest = Local("rest")
        else:
            core = yield x.steps(item, ctx)
            if evaluate_first and not isinstance(core, Const):
                early.append((Local("argument"), core))
                core = LocalRef(early[-1][0])
            parts.append(core)
    if not parts:
        raise bad_form(form, "(cut procedure slot-or-expression ...)")
    if rest is None:
        body: Core = Call(parts[0], parts[1:], place)
    else:
        body = Call(GlobalRef("%", "apply", place), [*parts, LocalRef(rest)], place)
    return make_let(early, Lambda(params, rest, body, "", place), place)
