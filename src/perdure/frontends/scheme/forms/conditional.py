"""cond, case, and, or, when, unless; the clauses of guard.

Layer: frontends. Imports ir, values, base.
Invariant: a chain of clauses is built by a loop, from the last to the first, however long it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perdure.base.errors import ProgramError
from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import Context, core_form
from perdure.frontends.scheme.building import bad_form, primitive
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.syntax import Form, Syntax, error_at, show, to_datum
from perdure.ir.core import Call, Const, Core, If, Let, Local, LocalRef
from perdure.values.types import NIL, TRUE, UNSPECIFIED, Pair

COND = "(cond (test expression ...) ... (else expression ...))"
CASE = "(case key ((datum ...) expression ...) ... (else expression ...))"
Clause = Callable[[Core], Core]
"""Gives the conditional of one clause, from what comes after it."""


@core_form("cond")
def cond(x: Expander, form: Form, ctx: Context) -> Steps:
    """(cond clause ...)"""
    if len(form.items) < 2 or form.tail is not None:
        raise bad_form(form, COND)
    return (yield cond_clauses(x, form.items[1:], ctx, Const(UNSPECIFIED)))


def _unchanged(value: Core) -> Core:
    return value


def cond_clauses(
    x: Expander,
    clauses: list[Syntax],
    ctx: Context,
    otherwise: Core,
    chosen: Clause = _unchanged,
) -> Steps:
    """Expand clauses of cond; `otherwise` is the value if no test holds and there is no else.

    `chosen` wraps what is evaluated once a clause is chosen.
    """
    built: list[Clause] = []
    for number, clause in enumerate(clauses):
        if not isinstance(clause, Form) or not clause.items or clause.tail is not None:
            message = f"expected a clause (test expression ...), found {show(clause)}"
            x.failed(error_at(clause, "P110", message, hint=f"it is written {COND}"))
            continue
        items = clause.items
        if x.core_name(items[0]) == "else":
            if number + 1 < len(clauses) or len(items) < 2:
                x.failed(misplaced_else(clause, last=number + 1 == len(clauses)))
            otherwise = chosen((yield x.sequence(items[1:], ctx, clause)))
            break
        test = yield x.steps(items[0], ctx)
        if len(items) == 1:
            built.append(_value_clause(test, clause, chosen))
        elif x.core_name(items[1]) == "=>":
            if len(items) != 3:
                message = f"expected (test => procedure), found {show(clause)}"
                x.failed(error_at(clause, "P110", message, hint="one procedure follows =>"))
                continue
            receiver = yield x.steps(items[2], ctx)
            built.append(_arrow_clause(test, receiver, clause, chosen))
        else:
            then = yield x.sequence(items[1:], ctx, clause)
            built.append(_plain_clause(test, chosen(then), clause))
    for make in reversed(built):
        otherwise = make(otherwise)
    return otherwise


def misplaced_else(clause: Syntax, *, last: bool) -> ProgramError:
    """Return the error for an `else` clause that is not the last, or has no expression."""
    if last:
        message = f"expected an expression after else, found {show(clause)}"
        return error_at(
            clause, "P110", message, hint="leave the clause out if nothing is to be done"
        )
    message = "expected else in the last clause, found clauses behind it"
    return error_at(clause, "P110", message, hint="move the else clause to the end")


def _plain_clause(test: Core, then: Core, clause: Syntax) -> Clause:
    return lambda otherwise: If(test, then, otherwise, clause.place())


def _value_clause(test: Core, clause: Syntax, chosen: Clause) -> Clause:
    local = Local("test")
    place = clause.place()

    def make(otherwise: Core) -> Core:
        value = chosen(LocalRef(local))
        return Let([(local, test)], If(LocalRef(local), value, otherwise, place), place)

    return make


def _arrow_clause(test: Core, receiver: Core, clause: Syntax, chosen: Clause) -> Clause:
    local = Local("test")
    place = clause.place()

    def make(otherwise: Core) -> Core:
        call = chosen(Call(receiver, [LocalRef(local)], place))
        return Let([(local, test)], If(LocalRef(local), call, otherwise, place), place)

    return make


@core_form("case")
def case(x: Expander, form: Form, ctx: Context) -> Steps:
    """(case key clause ...)"""
    items = form.items
    if len(items) < 2 or form.tail is not None:
        raise bad_form(form, CASE)
    key = Local("key")
    value = yield x.steps(items[1], ctx)
    otherwise: Core = Const(UNSPECIFIED)
    built: list[Clause] = []
    for number, clause in enumerate(items[2:]):
        parts = clause.items if isinstance(clause, Form) and clause.tail is None else []
        if len(parts) < 2:
            message = f"expected a clause ((datum ...) expression ...), found {show(clause)}"
            x.failed(error_at(clause, "P110", message, hint=f"it is written {CASE}"))
            continue
        if x.core_name(parts[1]) == "=>":
            if len(parts) != 3:
                message = f"expected (data => procedure), found {show(clause)}"
                x.failed(error_at(clause, "P110", message, hint="one procedure follows =>"))
                continue
            receiver = yield x.steps(parts[2], ctx)
            then: Core = Call(receiver, [LocalRef(key)], clause.place())
        else:
            then = yield x.sequence(parts[1:], ctx, clause)
        if x.core_name(parts[0]) == "else":
            if number + 3 < len(items):
                x.failed(misplaced_else(clause, last=False))
            otherwise = then
            break
        if not isinstance(parts[0], Form) or parts[0].tail is not None:
            message = f"expected a list of data, found {show(parts[0])}"
            x.failed(error_at(parts[0], "P110", message, hint=f"it is written {CASE}"))
            continue
        test = _case_test(key, [to_datum(item) for item in parts[0].items], clause)
        built.append(_plain_clause(test, then, clause))
    for make in reversed(built):
        otherwise = make(otherwise)
    return Let([(key, value)], otherwise, form.place())


def _case_test(key: Local, data: list[Any], clause: Syntax) -> Core:
    place = clause.place()
    if len(data) == 1:
        return primitive("eqv?", [LocalRef(key), Const(data[0])], place)
    if not data:
        return Const(None)
    listed: Any = NIL
    for datum in reversed(data):
        listed = Pair(datum, listed)
    return primitive("memv", [LocalRef(key), Const(listed)], place)


@core_form("and")
def and_(x: Expander, form: Form, ctx: Context) -> Steps:
    """(and test ...)"""
    items = form.items
    if form.tail is not None:
        raise bad_form(form, "(and test ...)")
    if len(items) == 1:
        return Const(TRUE, form.place())
    tests = []
    for item in items[1:]:
        tests.append((yield x.steps(item, ctx)))
    core = tests.pop()
    for test in reversed(tests):
        core = If(test, core, Const(None), form.place())
    return core


@core_form("or")
def or_(x: Expander, form: Form, ctx: Context) -> Steps:
    """(or test ...)"""
    items = form.items
    if form.tail is not None:
        raise bad_form(form, "(or test ...)")
    if len(items) == 1:
        return Const(None, form.place())
    tests = []
    for item in items[1:]:
        tests.append((yield x.steps(item, ctx)))
    core = tests.pop()
    for test in reversed(tests):
        core = _value_clause(test, form, _unchanged)(core)
    return core


@core_form("when")
def when(x: Expander, form: Form, ctx: Context) -> Steps:
    """(when test expression ...)"""
    items = form.items
    if len(items) < 3 or form.tail is not None:
        raise bad_form(form, "(when test expression ...)")
    test = yield x.steps(items[1], ctx)
    then = yield x.sequence(items[2:], ctx, form)
    return If(test, then, Const(UNSPECIFIED), form.place())


@core_form("unless")
def unless(x: Expander, form: Form, ctx: Context) -> Steps:
    """(unless test expression ...)"""
    items = form.items
    if len(items) < 3 or form.tail is not None:
        raise bad_form(form, "(unless test expression ...)")
    test = yield x.steps(items[1], ctx)
    then = yield x.sequence(items[2:], ctx, form)
    return If(test, Const(UNSPECIFIED), then, form.place())
