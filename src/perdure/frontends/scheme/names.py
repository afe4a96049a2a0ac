"""What a session of expansion knows: what names mean, and what is wrong with the text so far.

Layer: frontends. Imports values, base.
Invariant: an error is kept once, and the text after it is still expanded; what has an error is replaced by a constant, so it is
never run: a program with errors is refused as a whole.
"""

from __future__ import annotations

import itertools

from perdure.base import limits
from perdure.base.errors import ProgramError, SyntaxErrors
from perdure.base.spans import Span
from perdure.frontends.scheme.bindings import (
    AUXILIARY,
    CORE,
    Binding,
    BindingTable,
    Context,
    CoreForm,
    Environment,
    Global,
    Variable,
)
from perdure.frontends.scheme.syntax import Form, Identifier, Syntax, error_at, show
from perdure.ir.core import Const, Core, GlobalRef, GlobalSet, Local
from perdure.values.types import UNSPECIFIED

ENDLESS = "P116"
"""The code of an expansion without end: it gives up the whole top-level form, or it would come again and again."""


class Names:
    """The bindings and the errors of one session."""

    def __init__(self) -> None:
        self.table = BindingTable()
        self.environments: dict[int, Environment] = {}
        self.sources: dict[str, str] = {}
        self.errors: list[ProgramError] = []
        self.unresolved: list[tuple[Identifier, GlobalRef | GlobalSet]] = []
        """Uses of names that nothing bound when they were expanded."""
        self._scope_numbers = itertools.count(1)

    # -- errors ----------------------------------------------------------------------------

    def failed(self, error: ProgramError) -> None:
        """Keep an error, with the text that it is in."""
        for one in error.errors if isinstance(error, SyntaxErrors) else [error]:
            if one.span is not None and not one.source:
                one.source = self.sources.get(one.span.file, "")
            key = (one.code, one.message, one.span)
            known = any((e.code, e.message, e.span) == key for e in self.errors)
            if not known and len(self.errors) < limits.SYNTAX_ERRORS_MAX:
                self.errors.append(one)

    def placeholder(self, error: ProgramError) -> Core:
        """Keep an error and return what stands for the text that has it. Raises an expansion without end again."""
        if error.code == ENDLESS:
            raise error
        self.failed(error)
        return Const(UNSPECIFIED)

    # -- what names mean -------------------------------------------------------------------

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

    def binder(self, stx: Syntax, what: str) -> Identifier:
        """Return the identifier that is to be bound. Raises ProgramError P110 for anything else."""
        if isinstance(stx, Identifier):
            return stx
        raise error_at(stx, "P110", f"expected the name of {what}, found {show(stx)}")

    def check_distinct(self, ids: list[Identifier], what: str) -> None:
        """Keep an error P112 for each name that is bound twice."""
        seen: dict[object, Span | None] = {}
        for id_ in ids:
            key = (id_.symbol, id_.scopes)
            if key in seen:
                message = f"{what} {id_.name} is there twice, first at {seen[key]}"
                self.failed(error_at(id_, "P112", message, hint="give one of them another name"))
            seen[key] = id_.span
