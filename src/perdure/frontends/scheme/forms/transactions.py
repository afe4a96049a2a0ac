"""transaction, retrying, compensate: core forms that call procedures of lib/transaction.sld.

Layer: frontends. Imports ir, values, base.
"""

from __future__ import annotations

from perdure.base.spans import Span
from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import Context, core_form
from perdure.frontends.scheme.building import bad_form, thunk
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.syntax import Form
from perdure.ir.core import TRANSACTION, Call, Core, GlobalRef, Lambda, Let, Local, LocalRef

COMPENSATE = "(compensate call (procedure argument ...)) or (compensate call => procedure)"


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
    """(compensate call (procedure argument ...)), (compensate call => procedure)"""
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
    call = yield x.steps(items[1], ctx)
    # The procedure and its arguments are computed when the effect has returned: what is rolled back later does not
    # change them.
    parts: list[Core] = []
    for each in [undo] if receives or not isinstance(undo, Form) else undo.items:
        part = yield x.steps(each, ctx)
        parts.append(part)
    result = Local("result")
    names = [Local(f"argument-{index}" if index else "%procedure") for index in range(len(parts))]
    callee, *arguments = [LocalRef(name, place) for name in names]
    if receives:
        arguments = [LocalRef(result, place)]
    later = Lambda([], None, Call(callee, [*arguments], undo.place()), "compensation", place)
    made = Let([*zip(names, parts, strict=True)], later, place)
    receiver = Lambda([result], None, made, "compensate", place)
    return _call("%compensated", [thunk(call, place, "compensate"), receiver], place)
