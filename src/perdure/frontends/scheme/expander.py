"""Expand syntax objects to the core language.

Layer: frontends. Imports ir, values, base.

Names: `x` an Expander, `stx` any syntax, `form` a list, `id` an identifier, `ctx` the definition context around it.
Invariant: every pass over nested text is a generator under `base.trampoline`, so nesting costs no Python stack.
Two passes over a body, and over a program's top level: the first expands macros until it knows what is
defined, the second expands values and expressions. So a definition is seen by all text around it, above too.
A form with an error costs that form alone, so that all errors of a program are found at once.
"""

from __future__ import annotations

from typing import Any

from perdure.base.errors import ProgramError
from perdure.base.trampoline import Steps, run
from perdure.frontends.scheme.bindings import (
    DEFINITION,
    EXPRESSION,
    SPLICE,
    SYNTAX,
    TOPLEVEL,
    Binding,
    Constant,
    Context,
    CoreForm,
    Global,
    Macro,
    Variable,
)
from perdure.frontends.scheme.building import make_sequence, named
from perdure.frontends.scheme.macros import Macros
from perdure.frontends.scheme.syntax import (
    Atom,
    Form,
    Identifier,
    Scopes,
    Syntax,
    error_at,
    fresh_constant,
    show,
    to_datum,
)
from perdure.ir.core import (
    PRIMITIVES,
    Call,
    Const,
    Core,
    GlobalRef,
    Lambda,
    Letrec,
    Local,
    LocalRef,
)
from perdure.values.types import NIL, Pair, Symbol, Vector

DIRECT = {
    ("perdure.list", "map", 2): ("perdure.list", "%map-1"),
    ("perdure.list", "for-each", 2): ("perdure.list", "%for-each-1"),
    ("perdure.port", "read-char", 1): ("perdure.port", "%read-char-1"),
    ("perdure.port", "peek-char", 1): ("perdure.port", "%peek-char-1"),
    ("perdure.list", "member", 2): (PRIMITIVES, "member"),
    ("perdure.list", "assoc", 2): (PRIMITIVES, "assoc"),
    ("perdure.vector", "vector-map", 2): ("perdure.vector", "%vector-map-1"),
    ("perdure.vector", "vector-for-each", 2): ("perdure.vector", "%vector-for-each-1"),
}
"""Procedures with a rest parameter, and what their calls with the usual number of arguments mean."""


class Expander(Macros):
    """One session of expansion: a program with its libraries, or a sequence of forms of a REPL."""

    def __init__(self) -> None:
        super().__init__()
        self.names_only = False
        self.read_include: Any = None

    # -- expressions -----------------------------------------------------------------------

    def expand(self, stx: Syntax, ctx: Context) -> Core:
        """Return the core form of an expression."""
        return run(self.steps(stx, ctx))  # type: ignore[no-any-return]

    def steps(self, stx: Syntax, ctx: Context) -> Steps:
        """Expand an expression: the generator for it. An error is kept, and a constant stands for the expression."""
        try:
            while True:
                if not isinstance(stx, Form):
                    return self.leaf(stx, ctx)
                items = stx.items
                if not items:
                    hint = "write '() for the empty list"
                    raise error_at(stx, "P110", "() is no expression", hint=hint)
                head = items[0]
                if isinstance(head, Identifier):
                    binding = self.resolve(head)
                    if isinstance(binding, CoreForm):
                        if binding.kind == EXPRESSION:
                            assert binding.expand is not None
                            return (yield binding.expand(self, stx, ctx))
                        if binding.kind == SPLICE:
                            assert binding.expand is not None
                            return (yield self.sequence(binding.expand(self, stx, ctx), ctx, stx))
                        raise self.misplaced(binding, stx)
                    if isinstance(binding, Macro):
                        stx = self.apply_macro(binding, stx, ctx)
                        continue
                if stx.tail is not None:
                    message = f"a procedure call has no dot, found {show(stx)}"
                    hint = "write (apply procedure argument ... list) to pass a list's items"
                    raise error_at(stx, "P110", message, hint=hint)
                return (yield self._call(stx, ctx))
        except ProgramError as error:
            return self.placeholder(error)

    def _call(self, form: Form, ctx: Context) -> Steps:
        head, *operands = form.items
        function = (yield self.steps(head, ctx)) if isinstance(head, Form) else self.leaf(head, ctx)
        arguments = []
        for item in operands:
            if isinstance(item, Form):
                arguments.append((yield self.steps(item, ctx)))
            else:
                arguments.append(self.leaf(item, ctx))
        if isinstance(function, GlobalRef):
            special = DIRECT.get((function.library, function.name, len(arguments)))
            if special is not None:
                function = GlobalRef(*special, function.span)
        return Call(function, arguments, form.place())

    def misplaced(self, binding: CoreForm, stx: Form) -> ProgramError:
        """Return the error for a definition or auxiliary keyword where an expression is expected."""
        name = show(stx.items[0])
        if binding.kind in (DEFINITION, SYNTAX):
            message = f"{name}: expected an expression, found a definition"
            hint = "definitions stand at top level and in bodies; wrap them in (let () ...)"
            return error_at(stx, "P117", message, hint=hint)
        if binding.kind == TOPLEVEL:
            hint = "move it out of the form around it"
            return error_at(stx, "P117", f"{name} stands at top level only", hint=hint)
        where = WHERE.get(binding.name, "")
        return error_at(stx, "P111", f"{name} has no meaning here", hint=where)

    def leaf(self, stx: Syntax, ctx: Context) -> Core:
        """Return the core form of an identifier or a literal."""
        if isinstance(stx, Identifier):
            return self.reference(stx, ctx)
        if isinstance(stx, Atom):
            value = stx.value
            if isinstance(value, Pair | Vector | Symbol) or value is NIL:
                hint = "write a ' before the label"
                error = error_at(stx, "P110", "a labelled datum must be quoted", hint=hint)
                return self.placeholder(error)
            return Const(fresh_constant(value), stx.place())
        if isinstance(stx, Form):
            return self.expand(stx, ctx)
        return Const(to_datum(stx), stx.place())

    def reference(self, id_: Identifier, ctx: Context) -> Core:
        """Return the core form of a use of a variable."""
        binding = self.resolve(id_)
        if isinstance(binding, Variable):
            return LocalRef(binding.local, id_.place())
        if isinstance(binding, Global):
            return GlobalRef(binding.library, binding.name, id_.place())
        if isinstance(binding, Constant):
            return Const(binding.value, id_.place())
        if binding is None:
            use = GlobalRef(self.home(id_, ctx).library, id_.name, id_.place())
            self.unresolved.append((id_, use))
            return use
        message = f"expected a variable, found {id_.name}, which is a syntactic keyword"
        hint = f"a keyword can't be passed around; wrap it: (lambda (a b) ({id_.name} a b))"
        if isinstance(binding, CoreForm) and binding.name in WHERE:
            hint = WHERE[binding.name]
        return self.placeholder(error_at(id_, "P111", message, hint=hint))

    def sequence(self, forms: list[Syntax], ctx: Context, stx: Syntax) -> Steps:
        """Expand expressions in order to one."""
        cores = []
        for form in forms:
            cores.append(
                (yield self.steps(form, ctx)) if isinstance(form, Form) else self.leaf(form, ctx)
            )
        return make_sequence(cores, stx.place())

    def lambda_steps(
        self, formals: Syntax, body: list[Syntax], ctx: Context, stx: Syntax, name: str = ""
    ) -> Steps:
        """Expand a procedure."""
        ids, rest = self.formals(formals)
        adds: Scopes = frozenset((self.new_scope(),))
        params = [self.bind_local(id_.adding(adds)) for id_ in ids]
        rest_local = None if rest is None else self.bind_local(rest.adding(adds))
        inner = yield self.body([form.adding(adds) for form in body], ctx, stx)
        return Lambda(params, rest_local, inner, name, stx.place())

    def formals(self, stx: Syntax) -> tuple[list[Identifier], Identifier | None]:
        """Return the parameters of a procedure, and the rest parameter or None: those that are right, if one is wrong."""
        ids: list[Identifier] = []
        rest: Identifier | None = None
        if isinstance(stx, Identifier):
            rest = stx
        elif isinstance(stx, Form):
            for item in stx.items if stx.tail is None else [*stx.items, stx.tail]:
                if not isinstance(item, Identifier):
                    message = f"expected the name of a parameter, found {show(item)}"
                    hint = (
                        "defaults and patterns are no part of Scheme's parameters; see case-lambda"
                    )
                    self.failed(error_at(item, "P110", message, hint=hint))
                elif item is stx.tail:
                    rest = item
                else:
                    ids.append(item)
        else:
            message = f"expected a list of parameters, found {show(stx)}"
            self.failed(error_at(stx, "P110", message, hint="(lambda (a b) ...)"))
        self.check_distinct(ids if rest is None else [*ids, rest], "parameter")
        return ids, rest

    # -- bodies ----------------------------------------------------------------------------

    def body(self, forms: list[Syntax], ctx: Context, stx: Syntax) -> Steps:
        """Expand a body: definitions and expressions, to a Letrec if there are any definitions."""
        if len(forms) == 1 and not _may_define(self.head(forms[0])):
            return (yield self.steps(forms[0], ctx))
        scope = self.new_scope()
        inner = Context(ctx.environment, scope)
        adds: Scopes = frozenset((scope,))
        queue = [form.adding(adds) for form in reversed(forms)]
        seen: dict[tuple[Symbol, Scopes], Identifier] = {}
        entries: list[tuple[Local | None, Any]] = []
        while queue:
            form = queue.pop()
            try:
                queue += self._enter(form, inner, seen, entries)
            except ProgramError as error:
                entries.append((None, Atom(None)))
                self.placeholder(error)
        return (yield self._finish_body(entries, inner, stx))

    def _enter(
        self,
        form: Syntax,
        ctx: Context,
        seen: dict[tuple[Symbol, Scopes], Identifier],
        entries: list[tuple[Local | None, Any]],
    ) -> list[Syntax]:
        """Take one form of a body: bind what it defines; return what stands for it, the last first."""
        binding = self.head(form)
        if isinstance(binding, Macro):
            assert isinstance(form, Form)
            assert ctx.scope is not None
            return [self.apply_macro(binding, form, ctx).adding(frozenset((ctx.scope,)))]
        if not isinstance(binding, CoreForm) or binding.expand is None:
            entries.append((None, form))
        elif binding.kind == SPLICE:
            return list(reversed(binding.expand(self, form, ctx)))
        elif binding.kind == DEFINITION:
            for definition in binding.expand(self, form, ctx):
                id_ = definition.identifier.without(ctx.use_sites)
                self._once(id_, seen)
                entries.append((self.bind_local(id_), definition))
        elif binding.kind == SYNTAX:
            self._once(binding.expand(self, form, ctx), seen)
        else:
            entries.append((None, form))
        return []

    def _once(self, id_: Identifier, seen: dict[tuple[Symbol, Scopes], Identifier]) -> None:
        key = (id_.symbol, id_.scopes)
        if key in seen:
            first = seen[key].span
            message = f"{id_.name} is defined twice in this body, first at {first}"
            hint = f"write (set! {id_.name} ...) to change it, or give one another name"
            self.failed(error_at(id_, "P112", message, hint=hint))
        seen[key] = id_

    def _finish_body(
        self, entries: list[tuple[Local | None, Any]], ctx: Context, stx: Syntax
    ) -> Steps:
        last = max((n for n, (local, _) in enumerate(entries) if local is not None), default=-1)
        if last == len(entries) - 1:
            message = f"expected an expression at the end of the body, found none in {show(stx)}"
            self.failed(error_at(stx, "P110", message, hint="add the expression that it returns"))
        bindings: list[tuple[Local, Core]] = []
        cores: list[Core] = []
        for number, (local, entry) in enumerate(entries):
            if local is not None:
                value = yield self.value(entry.make(ctx))
                bindings.append((local, named(value, local.name)))
            else:
                value = yield self.steps(entry, ctx)
                if number < last:  # an expression between definitions keeps its place
                    bindings.append((Local("_"), value))
                else:
                    cores.append(value)
        inner = make_sequence(cores, stx.place())
        return Letrec(bindings, inner, stx.place()) if bindings else inner

    def value(self, made: Steps) -> Steps:
        """Expand the value of a definition. An error is kept, and a constant stands for the value."""
        try:
            return (yield made)
        except ProgramError as error:
            return self.placeholder(error)


def _may_define(binding: Binding | None) -> bool:
    if isinstance(binding, CoreForm):
        return binding.kind in (DEFINITION, SYNTAX, SPLICE)
    return isinstance(binding, Macro)


WHERE = {
    "else": "else stands in the last clause of cond, case, guard and cond-expand",
    "=>": "=> stands in a clause of cond, case and guard, behind the test",
    "unquote": "a comma stands inside of a quasiquoted datum, which a ` begins",
    "unquote-splicing": ",@ stands inside of a quasiquoted list, which a ` begins",
    "...": "an ellipsis stands in the patterns and templates of syntax-rules",
    "_": "_ stands in the patterns of syntax-rules",
}
"""Where auxiliary keywords have a meaning."""
