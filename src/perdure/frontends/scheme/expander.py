"""Expand syntax objects to the core language.

Layer: frontends. Imports ir, values, base.

Names: `x` an Expander, `stx` any syntax, `form` a list, `id` an identifier, `ctx` the definition context around it.
Invariant: every pass over nested text is a generator under `base.trampoline`, so nesting costs no Python stack.
Two passes over a body, and over a program's top level: the first expands macros until it knows what is
defined, the second expands values and expressions. So a definition is seen by all text around it, above too.
"""

from __future__ import annotations

import itertools
from typing import Any, NoReturn

from perdure.base import limits
from perdure.base.errors import ProgramError
from perdure.base.spans import Span
from perdure.base.trampoline import Steps, run
from perdure.frontends.scheme.bindings import (
    AUXILIARY,
    CORE,
    DEFINITION,
    EXPRESSION,
    SPLICE,
    SYNTAX,
    TOPLEVEL,
    Binding,
    BindingTable,
    Constant,
    Context,
    CoreForm,
    Environment,
    Global,
    Macro,
    Variable,
)
from perdure.frontends.scheme.rules import EllipsisTest, Rules, RulesCompiler
from perdure.frontends.scheme.syntax import (
    Atom,
    Expansion,
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
    CONTROL,
    PRIMITIVES,
    Call,
    Const,
    Core,
    GlobalRef,
    Lambda,
    Let,
    Letrec,
    Local,
    LocalRef,
    Seq,
)
from perdure.values.types import NIL, UNSPECIFIED, Pair, Symbol, Vector

DIRECT = {
    ("perdure.list", "map", 2): ("perdure.list", "%map-1"),
    ("perdure.list", "for-each", 2): ("perdure.list", "%for-each-1"),
    ("perdure.list", "member", 2): (PRIMITIVES, "member"),
    ("perdure.list", "assoc", 2): (PRIMITIVES, "assoc"),
    ("perdure.vector", "vector-map", 2): ("perdure.vector", "%vector-map-1"),
    ("perdure.vector", "vector-for-each", 2): ("perdure.vector", "%vector-for-each-1"),
}
"""Procedures with a rest parameter, and what their calls with the usual number of arguments mean."""


class Expander:
    """One session of expansion: a program with its libraries, or a sequence of forms of a REPL."""

    def __init__(self) -> None:
        self.table = BindingTable()
        self.environments: dict[int, Environment] = {}
        self.sources: dict[str, str] = {}
        self.steps_taken = 0
        self._scope_numbers = itertools.count(1)
        self.read_include: Any = None

    # -- names -----------------------------------------------------------------------------

    def new_scope(self) -> int:
        """Return a scope that nothing has yet."""
        return next(self._scope_numbers)

    def new_environment(self, library: str) -> Environment:
        """Return an empty environment of this session."""
        environment = Environment(library, self.new_scope())
        self.environments[environment.scope] = environment
        return environment

    def resolve(self, id_: Identifier) -> Binding | None:
        """Return what an identifier is bound to, or None."""
        found = self.table.find(id_)
        if found is None:
            symbol = id_.symbol
            for scope in id_.scopes:
                environment = self.environments.get(scope)
                if environment is not None:
                    found = environment.names.get(symbol)
                    if found is not None:
                        return found
        return found

    def home(self, id_: Identifier, ctx: Context) -> Environment:
        """Return the environment whose text an identifier comes from."""
        for scope in id_.scopes:
            environment = self.environments.get(scope)
            if environment is not None:
                return environment
        return ctx.environment

    def same_binding(self, a: Identifier, b: Identifier) -> bool:
        """Return whether two identifiers mean the same (free-identifier=?)."""
        if a.symbol is b.symbol and a.scopes == b.scopes:
            return True
        first, second = self.resolve(a), self.resolve(b)
        if first is None or second is None:
            return first is None and second is None and a.symbol is b.symbol
        return first is second or (isinstance(first, Global) and first == second)

    def core_name(self, stx: Syntax | None) -> str:
        """Return the name of the core form that an identifier means, else "".

        Auxiliary keywords (`else`, `=>`) count by their name if nothing binds them: a program
        need not import them.
        """
        if not isinstance(stx, Identifier):
            return ""
        binding = self.resolve(stx)
        if isinstance(binding, CoreForm):
            return binding.name
        if binding is None:
            known = CORE.get(stx.name)
            if known is not None and known.kind == AUXILIARY:
                return known.name
        return ""

    def head(self, stx: Syntax) -> Binding | None:
        """Return what the head of a form is bound to, if the form is one with an identifier as head."""
        if isinstance(stx, Form):
            items = stx.items
            if items and isinstance(items[0], Identifier):
                return self.resolve(items[0])
        return None

    # -- binding ---------------------------------------------------------------------------

    def bind_local(self, id_: Identifier) -> Local:
        """Bind an identifier to a new local variable."""
        local = Local(id_.name)
        self.table.bind(id_, Variable(local))
        return local

    def bind(self, id_: Identifier, binding: Binding, ctx: Context) -> None:
        """Bind the name that a definition in this context defines."""
        environment = ctx.environment
        if ctx.scope is None and id_.scopes == environment.scopes:
            environment.names[id_.symbol] = binding
            environment.imported.pop(id_.symbol, None)
        else:
            self.table.bind(id_, binding)

    # -- expressions -----------------------------------------------------------------------

    def expand(self, stx: Syntax, ctx: Context) -> Core:
        """Return the core form of an expression."""
        return run(self.steps(stx, ctx))  # type: ignore[no-any-return]

    def steps(self, stx: Syntax, ctx: Context) -> Steps:
        """Expand an expression: the generator for it."""
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
                    self.misplaced(binding, stx)
                if isinstance(binding, Macro):
                    stx = self.apply_macro(binding, stx, ctx)
                    continue
            if stx.tail is not None:
                raise error_at(stx, "P110", f"{show(stx)}: a procedure call has no dot")
            function = (
                self.leaf(head, ctx)
                if not isinstance(head, Form)
                else (yield self.steps(head, ctx))
            )
            arguments = []
            for item in items[1:]:
                if isinstance(item, Form):
                    arguments.append((yield self.steps(item, ctx)))
                else:
                    arguments.append(self.leaf(item, ctx))
            if isinstance(function, GlobalRef):
                special = DIRECT.get((function.library, function.name, len(arguments)))
                if special is not None:
                    function = GlobalRef(*special, function.span)
            return Call(function, arguments, stx.place())

    def misplaced(self, binding: CoreForm, stx: Syntax) -> NoReturn:
        """Raise the error for a definition or auxiliary keyword where an expression is expected."""
        if binding.kind in (DEFINITION, SYNTAX):
            message = f"{binding.name}: a definition can't stand here, an expression is expected"
            hint = "definitions stand at top level and in bodies; wrap them in (let () ...)"
            raise error_at(stx, "P117", message, hint=hint)
        if binding.kind == TOPLEVEL:
            raise error_at(stx, "P117", f"{binding.name} stands at top level only")
        raise error_at(stx, "P111", f"{binding.name} has no meaning here")

    def leaf(self, stx: Syntax, ctx: Context) -> Core:
        """Return the core form of an identifier or a literal."""
        if isinstance(stx, Identifier):
            return self.reference(stx, ctx)
        if isinstance(stx, Atom):
            value = stx.value
            if isinstance(value, Pair | Vector | Symbol) or value is NIL:
                raise error_at(stx, "P110", "this datum must be quoted")
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
            return GlobalRef(self.home(id_, ctx).library, id_.name, id_.place())
        message = f"{id_.name} is a syntactic keyword, not a variable"
        hint = "macros can't be passed around; wrap it in a lambda"
        raise error_at(id_, "P111", message, hint=hint)

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
        """Return the parameters of a procedure, and the rest parameter or None."""
        ids: list[Identifier] = []
        rest: Identifier | None = None
        if isinstance(stx, Identifier):
            rest = stx
        elif isinstance(stx, Form):
            ids = [self.binder(item, "a parameter") for item in stx.items]
            if stx.tail is not None:
                rest = self.binder(stx.tail, "a parameter")
        else:
            raise error_at(stx, "P110", f"expected a list of parameters, found {show(stx)}")
        self.check_distinct(ids if rest is None else [*ids, rest], "parameter")
        return ids, rest

    def binder(self, stx: Syntax, what: str) -> Identifier:
        """Return the identifier that is to be bound. Raises ProgramError P110 for anything else."""
        if isinstance(stx, Identifier):
            return stx
        raise error_at(stx, "P110", f"expected the name of {what}, found {show(stx)}")

    def check_distinct(self, ids: list[Identifier], what: str) -> None:
        """Raise ProgramError P112 if a name is bound twice."""
        seen = set()
        for id_ in ids:
            key = (id_.symbol, id_.scopes)
            if key in seen:
                raise error_at(id_, "P112", f"{what} {id_.name} is there twice")
            seen.add(key)

    # -- bodies ----------------------------------------------------------------------------

    def body(self, forms: list[Syntax], ctx: Context, stx: Syntax) -> Steps:
        """Expand a body: definitions and expressions, to a Letrec if there are any definitions."""
        if len(forms) == 1 and not self._may_define(self.head(forms[0])):
            return (yield self.steps(forms[0], ctx))
        scope = self.new_scope()
        inner = Context(ctx.environment, scope)
        adds: Scopes = frozenset((scope,))
        queue = [form.adding(adds) for form in reversed(forms)]
        seen: dict[tuple[Symbol, Scopes], Identifier] = {}
        entries: list[tuple[Local | None, Any]] = []
        while queue:
            form = queue.pop()
            binding = self.head(form)
            if isinstance(binding, Macro):
                assert isinstance(form, Form)
                queue.append(self.apply_macro(binding, form, inner).adding(adds))
            elif isinstance(binding, CoreForm) and binding.kind == SPLICE:
                assert binding.expand is not None
                queue.extend(reversed(binding.expand(self, form, inner)))
            elif isinstance(binding, CoreForm) and binding.kind == DEFINITION:
                assert binding.expand is not None
                for definition in binding.expand(self, form, inner):
                    id_ = definition.identifier.without(inner.use_sites)
                    self._once(id_, seen)
                    entries.append((self.bind_local(id_), definition))
            elif isinstance(binding, CoreForm) and binding.kind == SYNTAX:
                assert binding.expand is not None
                self._once(binding.expand(self, form, inner), seen)
            else:
                entries.append((None, form))
        return (yield self._finish_body(entries, inner, stx))

    def _may_define(self, binding: Binding | None) -> bool:
        if isinstance(binding, CoreForm):
            return binding.kind in (DEFINITION, SYNTAX, SPLICE)
        return isinstance(binding, Macro)

    def _once(self, id_: Identifier, seen: dict[tuple[Symbol, Scopes], Identifier]) -> None:
        key = (id_.symbol, id_.scopes)
        if key in seen:
            first = seen[key].span
            raise error_at(
                id_, "P112", f"{id_.name} is defined twice in this body, first at {first}"
            )
        seen[key] = id_

    def _finish_body(
        self, entries: list[tuple[Local | None, Any]], ctx: Context, stx: Syntax
    ) -> Steps:
        last = max((n for n, (local, _) in enumerate(entries) if local is not None), default=-1)
        if last == len(entries) - 1:
            message = "a body ends with an expression; this one has only definitions"
            if not entries:
                message = "a body must not be empty"
            raise error_at(stx, "P110", f"{show(stx)}: {message}")
        bindings: list[tuple[Local, Core]] = []
        cores: list[Core] = []
        for number, (local, entry) in enumerate(entries):
            if local is not None:
                value = yield entry.make(ctx)
                bindings.append((local, named(value, local.name)))
            else:
                value = yield self.steps(entry, ctx)
                if number < last:  # an expression between definitions keeps its place
                    bindings.append((Local("_"), value))
                else:
                    cores.append(value)
        inner = make_sequence(cores, stx.place())
        return Letrec(bindings, inner, stx.place()) if bindings else inner

    # -- macros ----------------------------------------------------------------------------

    def apply_macro(self, macro: Macro, form: Form, ctx: Context) -> Syntax:
        """Return what one use of a macro stands for."""
        self.steps_taken += 1
        expansion = Expansion(macro.name, form.span, form.origin)
        if expansion.depth > limits.EXPANSION_DEPTH_MAX or (
            self.steps_taken > limits.EXPANSION_STEPS_MAX
        ):
            message = f"{macro.name}: the macro seems to expand into itself without end"
            raise error_at(form, "P116", message)
        if macro.context is ctx:
            # What a macro gets from the body that defines it must not be captured by binders that
            # its template brings into the same body (Flatt, section 3.5).
            use_site = self.new_scope()
            ctx.use_sites.add(use_site)
            head = form.items[0]
            form = form.adding(frozenset((use_site,)))
            form.items[0] = head
        result: Syntax = macro.rules.transform(form, self.new_scope(), expansion)
        return result

    def transformer(self, stx: Syntax, ctx: Context, name: str) -> Binding:
        """Return the binding for a keyword from its transformer spec, a `syntax-rules` form."""
        while True:
            if isinstance(stx, Identifier):
                binding = self.resolve(stx)
                if isinstance(binding, Macro | CoreForm):
                    return binding
            binding = self.head(stx)
            if isinstance(binding, Macro) and isinstance(stx, Form):
                stx = self.apply_macro(binding, stx, ctx)
                continue
            break
        if not isinstance(binding, CoreForm) or binding.name != "syntax-rules":
            message = f"{name}: expected (syntax-rules ...) as its transformer, found {show(stx)}"
            raise error_at(stx, "P114", message)
        assert isinstance(stx, Form)
        return Macro(name, self._rules(stx, name), ctx)

    def _rules(self, stx: Form, name: str) -> Rules:
        items = stx.items[1:]
        custom = None
        if items and isinstance(items[0], Identifier):
            custom = items[0]
            items = items[1:]
        if not items or not isinstance(items[0], Form) or stx.tail is not None:
            message = "expected (syntax-rules (literal ...) (pattern template) ...)"
            raise error_at(stx, "P114", message)
        literals = [self.binder(item, "a literal") for item in items[0].items]

        def core(id_: Identifier) -> bool:
            binding = self.resolve(id_)
            return binding is None or isinstance(binding, CoreForm)

        compiler = RulesCompiler(EllipsisTest(custom, core), literals, self.same_literal, core)
        rules = Rules(name)
        for item in items[1:]:
            parts = item.items if isinstance(item, Form) and item.tail is None else []
            if len(parts) != 2 or not isinstance(parts[0], Form) or not parts[0].items:
                raise error_at(
                    item, "P114", f"expected a rule (pattern template), found {show(item)}"
                )
            rules.rules.append(compiler.rule(parts[0], parts[1]))
        return rules

    def same_literal(self, a: Identifier, b: Identifier) -> bool:
        """Return whether an identifier is the literal of a macro (auxiliary keywords may be unbound)."""
        if self.same_binding(a, b):
            return True
        if a.symbol is not b.symbol:
            return False
        name = self.core_name(a)
        return name != "" and name == self.core_name(b)


# -- building core forms -----------------------------------------------------------------------


def make_sequence(cores: list[Core], span: Span | None) -> Core:
    """Return one core form for several in order; UNSPECIFIED for none."""
    if len(cores) == 1:
        return cores[0]
    return Seq(cores, span) if cores else Const(UNSPECIFIED, span)


def named(core: Core, name: str) -> Core:
    """Return a value with the name of its variable, if it is a procedure without one."""
    if isinstance(core, Lambda) and not core.name:
        core.name = name
    return core


def primitive(name: str, arguments: list[Core], span: Span | None) -> Call:
    """Return the call of a primitive."""
    return Call(GlobalRef(PRIMITIVES, name, span), arguments, span)


def control(name: str, arguments: list[Core], span: Span | None) -> Call:
    """Return the call of a procedure of lib/control.sld."""
    return Call(GlobalRef(CONTROL, name, span), arguments, span)


def thunk(body: Core, span: Span | None, name: str = "") -> Lambda:
    """Return a procedure without parameters."""
    return Lambda([], None, body, name, span)


def make_let(bindings: list[tuple[Local, Core]], body: Core, span: Span | None) -> Core:
    """Return a Let, or the body alone if there is nothing to bind."""
    return Let(bindings, body, span) if bindings else body


def bad_form(form: Syntax, shape: str) -> ProgramError:
    """Return the error for a core form that is written wrongly."""
    return error_at(form, "P110", f"bad syntax in {show(form)}", hint=f"it is written {shape}")
