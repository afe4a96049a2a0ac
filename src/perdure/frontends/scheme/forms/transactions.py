"""transaction, retrying, compensate: core forms that call procedures of lib/transaction.sld.

Layer: frontends. Imports ir, values, base.
"""

from __future__ import annotations

from perdure.base.spans import Span
from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import Context, CoreForm, Macro, core_form
from perdure.frontends.scheme.building import bad_form, thunk
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.syntax import Form, Identifier, Syntax
from perdure.ir.core import TRANSACTION, Call, Core, GlobalRef, Lambda, Let, Local, LocalRef

COMPENSATE = "(compensate call (procedure argument ...)) or (compensate call => procedure)"
LAMBDAS = frozenset({"lambda", "case-lambda"})


def _call(name: str, arguments: list[Core], place: Span | None) -> Call:
    return Call(GlobalRef(TRANSACTION, name, place), arguments, place)


@core_form("transaction")
def transaction(x: Expander, form: Form, ctx: Context) -> Steps:
    """(transaction body ...)"""
    if len(form.items) < 2 or form.tail is not None:
        raise bad_form(form, "(transaction body ...)")
    body = yield x.body(form.items[1:], ctx, form)
    place = form.place()
    return _call("with-transaction", [thunk(body, place, "transaction")], place)


@core_form("retrying")
def retrying(x: Expander, form: Form, ctx: Context) -> Steps:
    """(retrying policy body ...)"""
    if len(form.items) < 3 or form.tail is not None:
        raise bad_form(form, "(retrying policy body ...)")
    policy = yield x.steps(form.items[1], ctx)
    body = yield x.body(form.items[2:], ctx, form)
    place = form.place()
    return _call("%retrying", [policy, thunk(body, place, "retrying")], place)


@core_form("compensate")
def compensate(x: Expander, form: Form, ctx: Context) -> Steps:
    """(compensate call (procedure argument ...)), (compensate call => procedure), (compensate call syntax)"""
    items = form.items
    if len(items) not in (3, 4) or form.tail is not None:
        raise bad_form(form, COMPENSATE)
    place = form.place()
    receives = len(items) == 4
    if receives and x.core_name(items[2]) != "=>":
        raise bad_form(form, COMPENSATE)
    undo = items[-1]
    if not receives and (not isinstance(undo, Form) or not undo.items or undo.tail is not None):
        raise bad_form(form, COMPENSATE)
    result = Local("result")
    call = yield x.steps(items[1], ctx)
    undoing = yield _undoing(x, undo, ctx, result, receives=receives)
    receiver = Lambda([result], None, undoing, "compensate", place)
    return _call("%compensated", [thunk(call, place, "compensate"), receiver], place)


def _undoing(x: Expander, undo: Syntax, ctx: Context, result: Local, *, receives: bool) -> Steps:
    """Expand what undoes an effect: an expression for a procedure without arguments."""
    place = undo.place()
    parts: list[Core] = []
    called: list[Syntax] = [undo]
    if not receives and isinstance(undo, Form):
        if not _is_keyword(x, undo.items[0]):
            called = undo.items
        elif x.core_name(undo.items[0]) not in LAMBDAS:
            return thunk((yield x.steps(undo, ctx)), place, "compensation")
        else:  # a procedure, with or without the result
            receives = len(undo.items) > 1 and _has_parameters(undo.items[1])
    # The procedure and its arguments are computed when the effect has returned: what is rolled back later does not
    # change them.
    for each in called:
        part = yield x.steps(each, ctx)
        parts.append(part)
    names = [Local(f"argument-{index}" if index else "%procedure") for index in range(len(parts))]
    callee, *arguments = [LocalRef(name, place) for name in names]
    if receives:
        arguments = [LocalRef(result, place)]
    later = thunk(Call(callee, [*arguments], place), place, "compensation")
    return Let([*zip(names, parts, strict=True)], later, place)


def _is_keyword(x: Expander, head: Syntax) -> bool:
    return isinstance(head, Identifier) and isinstance(x.resolve(head), CoreForm | Macro)


def _has_parameters(formals: Syntax) -> bool:
    return not isinstance(formals, Form) or bool(formals.items)
