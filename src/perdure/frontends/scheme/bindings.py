"""What names mean: kinds of bindings, environments of libraries and programs, and the table of local bindings.

Layer: frontends. Imports ir, values, base.
Invariant: an identifier refers to the binding with the largest set of scopes that is a subset of its own (Flatt,
"Binding as Sets of Scopes"). Bindings with the scope of an environment alone are in that environment's
`names`; all others are in the session's `BindingTable`.
Not renaming: definitions that a macro makes in the body it is used in come out wrong or need special cases.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perdure.base.errors import ProgramError
from perdure.base.trampoline import Steps
from perdure.frontends.scheme.syntax import Form, Identifier, Scopes, Syntax, error_at
from perdure.ir.core import Local
from perdure.values.types import Symbol

EXPRESSION, DEFINITION, SYNTAX, SPLICE, AUXILIARY, TOPLEVEL = range(6)
"""Kinds of core forms: SYNTAX binds a keyword, SPLICE gives forms for its place, AUXILIARY is `else` and its like,
TOPLEVEL is `import` and `define-library`."""


class Variable:
    """A local variable."""

    __slots__ = ("local",)

    def __init__(self, local: Local) -> None:
        self.local = local


class Global:
    """A variable of a library or program, or a primitive."""

    __slots__ = ("library", "name")

    def __init__(self, library: str, name: str) -> None:
        self.library = library
        self.name = name

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Global) and self.library == other.library and self.name == other.name
        )

    def __hash__(self) -> int:
        return hash((self.library, self.name))


class Constant:
    """A name for a fixed value: a procedure of a Python module."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class CoreForm:
    """Syntax that the expander knows itself."""

    __slots__ = ("expand", "kind", "name")

    def __init__(self, name: str, kind: int, expand: Callable[..., Any] | None) -> None:
        self.name = name
        self.kind = kind
        self.expand = expand


class Macro:
    """A keyword bound by the program; `context` is the definition context that bound it."""

    __slots__ = ("context", "name", "rules")

    def __init__(self, name: str, rules: Any, context: Context | None) -> None:
        self.name = name
        self.rules = rules
        self.context = context


Binding = Variable | Global | Constant | CoreForm | Macro

CORE: dict[str, CoreForm] = {}
"""All syntax that is built in, by name; the modules of `forms/` fill it when they are imported."""


def core_form(name: str, kind: int = EXPRESSION) -> Callable[[Callable[..., Any]], Any]:
    """Register what expands a core form: a generator (expander, form, context) for expressions.

    A DEFINITION gives a list of `Definition`s, a SPLICE a list of forms, a SYNTAX form nothing.
    """

    def register(expand: Callable[..., Any]) -> Callable[..., Any]:
        CORE[name] = CoreForm(name, kind, expand)
        return expand

    return register


for _name in ("else", "=>", "...", "_", "unquote", "unquote-splicing", "<>", "<...>"):
    CORE[_name] = CoreForm(_name, AUXILIARY, None)


class Environment:
    """The names of one program or library.

    `library` is its name in global references ("" for a program); `scope` is on every identifier of its text.
    """

    def __init__(self, library: str, scope: int) -> None:
        self.library = library
        self.scope = scope
        self.scopes: Scopes = frozenset((scope,))
        self.names: dict[Symbol, Binding] = {}
        self.imported: dict[Symbol, tuple[str, int]] = {}
        self.defined: set[str] = set()
        self.context = Context(self, None)

    def unique_name(self, name: str) -> str:
        """Return a name for a global that a macro introduced: it may not meet the program's own."""
        number = 1
        while (candidate := f"{name}~{number}") in self.defined:
            number += 1
        return candidate


class Context:
    """A definition context: a body, or the top level. `scope` is None at the top."""

    __slots__ = ("environment", "scope", "use_sites")

    def __init__(self, environment: Environment, scope: int | None) -> None:
        self.environment = environment
        self.scope = scope
        self.use_sites: set[int] = set()


class Definition:
    """One variable that a definition binds: `make` gives its value once all names of the body are bound."""

    __slots__ = ("form", "identifier", "make")

    def __init__(
        self, identifier: Identifier, make: Callable[[Context], Steps], form: Form
    ) -> None:
        self.identifier = identifier
        self.make = make
        self.form = form


class BindingTable:
    """All local bindings of a session, found by symbol and the youngest scope of the binder."""

    def __init__(self) -> None:
        self._table: dict[Symbol, dict[int, list[tuple[Scopes, Binding]]]] = {}

    def bind(self, identifier: Identifier, binding: Binding) -> None:
        """Add a binding; the same identifier bound again means the new one."""
        scopes = identifier.scopes
        bucket = self._table.setdefault(identifier.symbol, {}).setdefault(max(scopes), [])
        for number, (found, _) in enumerate(bucket):
            if found == scopes:
                bucket[number] = (scopes, binding)
                return
        bucket.append((scopes, binding))

    def find(self, identifier: Identifier) -> Binding | None:
        """Return what the identifier is bound to here, or None.

        Raises:
          ProgramError: P115, two bindings fit equally well.
        """
        buckets = self._table.get(identifier.symbol)
        if buckets is None:
            return None
        scopes = identifier.scopes
        best: Scopes | None = None
        result: Binding | None = None
        fits: list[Scopes] = []
        for youngest in buckets.keys() & scopes:
            for bound, binding in buckets[youngest]:
                if bound <= scopes:
                    fits.append(bound)
                    if best is None or len(bound) > len(best):
                        best, result = bound, binding
        if best is not None and len(fits) > 1 and not all(bound <= best for bound in fits):
            message = f"{identifier.name} is ambiguous: macros bind it in two ways here"
            raise ambiguous(identifier, message)
        return result

    def visible(self, scopes: Scopes) -> list[str]:
        """Return the names of the variables and macros that an identifier with these scopes could refer to."""
        return [
            symbol.name
            for symbol, buckets in self._table.items()
            if any(
                bound <= scopes
                for youngest in buckets.keys() & scopes
                for bound, _ in buckets[youngest]
            )
        ]


def ambiguous(stx: Syntax, message: str) -> ProgramError:
    """Return the error for an identifier with two bindings."""
    return error_at(stx, "P115", message, hint="give one of the variables another name")
