"""define-record-type (R7RS 5.5): a group of definitions.

Layer: frontends. Imports ir, values, base.
"""

from __future__ import annotations

from collections.abc import Callable

from perdure.base.trampoline import Steps
from perdure.frontends.scheme.bindings import DEFINITION, Context, Definition, core_form
from perdure.frontends.scheme.building import bad_form, primitive
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.syntax import Atom, Form, Identifier, Syntax, error_at, show
from perdure.ir.core import Const, Core, Lambda, Local, LocalRef
from perdure.values.types import NIL, Pair, Symbol, intern

SHAPE = (
    "(define-record-type name (constructor field ...) predicate (field accessor [modifier]) ...)"
)
Maker = Callable[[Context], Steps]


@core_form("define-record-type", DEFINITION)
def define_record_type(x: Expander, form: Form, ctx: Context) -> list[Definition]:
    """(define-record-type name constructor predicate field ...)"""
    items = form.items
    if len(items) < 3 or form.tail is not None:
        raise bad_form(form, SHAPE)
    type_id = _type_name(x, items[1])
    fields: list[Identifier] = []
    procedures: list[tuple[int, list[Syntax]]] = []
    for item in items[4:]:
        parts = item.items if isinstance(item, Form) and item.tail is None else [item]
        if not 1 <= len(parts) <= 3:
            raise bad_form(form, SHAPE)
        procedures.append((len(fields), parts))
        fields.append(x.binder(parts[0], "a field"))
    x.check_distinct(fields, "field")
    constructor = items[2]
    if _same_name(type_id, constructor):
        # The name means the constructor; the type is there all the same, without a name.
        type_id = Identifier(
            type_id.symbol, ctx.environment.scopes | {x.new_scope()}, type_id.span, type_id.origin
        )
    builder = _Builder(x, form, type_id, fields)
    definitions = [Definition(type_id, builder.record_type, form)]
    if isinstance(constructor, Form) and constructor.items and constructor.tail is None:
        name = x.binder(constructor.items[0], "a constructor")
        given = [x.binder(part, "a field") for part in constructor.items[1:]]
        definitions.append(Definition(name, builder.constructor(name, given), form))
    elif isinstance(constructor, Identifier):
        definitions.append(Definition(constructor, builder.constructor(constructor, fields), form))
    elif not (isinstance(constructor, Atom) and constructor.value is None):
        raise bad_form(form, SHAPE)
    if len(items) > 3 and not (isinstance(items[3], Atom) and items[3].value is None):
        predicate = x.binder(items[3], "a predicate")
        definitions.append(Definition(predicate, builder.predicate(predicate), form))
    for number, parts in procedures:
        for part, modifies in zip(parts[1:], (False, True), strict=False):
            id_ = x.binder(part, "a field's procedure")
            make = builder.modifier if modifies else builder.accessor
            definitions.append(Definition(id_, make(id_, number), form))
    return definitions


def _same_name(type_id: Identifier, constructor: Syntax) -> bool:
    """Return whether a constructor is named like its type."""
    if isinstance(constructor, Form) and constructor.items:
        constructor = constructor.items[0]
    return (
        isinstance(constructor, Identifier)
        and constructor.symbol is type_id.symbol
        and constructor.scopes == type_id.scopes
    )


def _type_name(x: Expander, stx: Syntax) -> Identifier:
    if isinstance(stx, Form) and stx.items:
        return x.binder(stx.items[0], "a record type")
    return x.binder(stx, "a record type")


class _Builder:
    """Makes the procedures of one record type, in terms of the primitives for records."""

    def __init__(
        self, x: Expander, form: Form, type_id: Identifier, fields: list[Identifier]
    ) -> None:
        self._x = x
        self._form = form
        self._type_id = type_id
        self._fields = fields

    def _type(self, ctx: Context) -> Core:
        return self._x.reference(self._type_id.without(ctx.use_sites), ctx)

    def record_type(self, _ctx: Context) -> Steps:
        name = self._type_id.name
        if len(name) > 2 and name.startswith("<") and name.endswith(">"):
            name = name[1:-1]
        listed: object = NIL
        for field in reversed(self._fields):
            listed = Pair(field.symbol, listed)
        arguments: list[Core] = [Const(intern(name)), Const(listed)]
        return primitive("%make-record-type", arguments, self._form.place())
        yield

    def constructor(self, id_: Identifier, given: list[Identifier]) -> Maker:
        self._x.check_distinct(given, "field")
        known = {(f.symbol, f.scopes): n for n, f in enumerate(self._fields)}
        positions: dict[int, int] = {}
        for number, field in enumerate(given):
            position = known.get((field.symbol, field.scopes))
            if position is None:
                hint = "the fields are " + " ".join(f.name for f in self._fields)
                raise error_at(field, "P110", f"{show(field)} is no field of the type", hint=hint)
            positions[position] = number

        def make(ctx: Context) -> Steps:
            place = self._form.place()
            params = [Local(field.name) for field in given]
            values: list[Core] = [
                LocalRef(params[positions[n]]) if n in positions else Const(None)
                for n in range(len(self._fields))
            ]
            body = primitive("%make-record", [self._type(ctx), *values], place)
            return Lambda(params, None, body, id_.name, place)
            yield

        return make

    def predicate(self, id_: Identifier) -> Maker:
        def make(ctx: Context) -> Steps:
            place, value = self._form.place(), Local("value")
            body = primitive("%record?", [LocalRef(value), self._type(ctx)], place)
            return Lambda([value], None, body, id_.name, place)
            yield

        return make

    def accessor(self, id_: Identifier, number: int) -> Maker:
        def make(ctx: Context) -> Steps:
            # Without a place of its own: what is wrong is wrong where it is called.
            record = Local("record")
            arguments = [LocalRef(record), self._type(ctx), Const(number), Const(_symbol(id_))]
            return Lambda([record], None, primitive("%record-ref", arguments, None), id_.name)
            yield

        return make

    def modifier(self, id_: Identifier, number: int) -> Maker:
        def make(ctx: Context) -> Steps:
            record, value = Local("record"), Local("value")
            rtd = self._type(ctx)
            arguments = [
                LocalRef(record), rtd, Const(number), LocalRef(value), Const(_symbol(id_)),
            ]  # fmt: skip
            body = primitive("%record-set!", arguments, None)
            return Lambda([record, value], None, body, id_.name)
            yield

        return make


def _symbol(id_: Identifier) -> Symbol:
    return id_.symbol
