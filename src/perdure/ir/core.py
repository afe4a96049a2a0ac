"""The core language: what a front end produces and the compiler takes.

Layer: ir. Imports base and values.
Invariant: names are resolved. A local is a `Local` object, shared by its binding and its uses; a global is a
(library, name) pair. Nothing here knows Scheme's syntax, and nothing knows Python's.

The compiler recognises global references to the library "%" (the primitives) and may open-code them.
`span` may be None for expressions that no source text stands behind.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from perdure.base.spans import Span

PRIMITIVES = "%"
"""The library name under which primitives are global."""

CONTROL = "perdure.control"
"""The library of what stops, waits and escapes (lib/control.sld)."""

RESTART = "perdure.restart"
"""The library of named ways to go on (lib/restart.sld)."""

TRANSACTION = "perdure.transaction"
"""The library of transactions (lib/transaction.sld)."""


class Local(Struct, eq=False):
    """A local variable. `assigned` is set when any `set!` mentions it; front ends must set it.

    `placed` says that its place exists before its value is computed: a continuation that is captured in that
    computation gives another value to the same variable, and not a value to another variable.
    """

    name: str
    assigned: bool = False
    placed: bool = False


class Const(Struct, eq=False):
    """A literal constant: any datum (values/types.py, numbers)."""

    value: Any
    span: Span | None = None


class LocalRef(Struct, eq=False):
    """The value of a local variable."""

    var: Local
    span: Span | None = None


class GlobalRef(Struct, eq=False):
    """The value of a global variable, read when the expression is evaluated. `bound`: something in the program defines it."""

    library: str
    name: str
    span: Span | None = None
    bound: bool = True


class LocalSet(Struct, eq=False):
    """`set!` of a local variable."""

    var: Local
    value: Core
    span: Span | None = None


class GlobalSet(Struct, eq=False):
    """`set!` of a global: an error at run time if it is unbound."""

    library: str
    name: str
    value: Core
    span: Span | None = None


class GlobalDefine(Struct, eq=False):
    """A definition at top level. Only a top-level form may be one."""

    library: str
    name: str
    value: Core
    span: Span | None = None


class If(Struct, eq=False):
    """A conditional: everything but #f is true."""

    test: Core
    then: Core
    otherwise: Core
    span: Span | None = None


class Lambda(Struct, eq=False):
    """A procedure; `rest` takes the remaining arguments as a list, or is None. `name` is for people."""

    params: list[Local]
    rest: Local | None
    body: Core
    name: str = ""
    span: Span | None = None


class Seq(Struct, eq=False):
    """Expressions in order; the value is the last one's. Never empty."""

    body: list[Core]
    span: Span | None = None


class Let(Struct, eq=False):
    """Bind variables to values, each evaluated outside the scope of all of them, in order."""

    bindings: list[tuple[Local, Core]]
    body: Core
    span: Span | None = None


class Letrec(Struct, eq=False):
    """`letrec*`: variables in scope of all values, evaluated in order. Reading one too early is an error."""

    bindings: list[tuple[Local, Core]]
    body: Core
    span: Span | None = None


class Call(Struct, eq=False):
    """A procedure call; operands are evaluated in any order."""

    function: Core
    arguments: list[Core]
    span: Span | None = None


Core = (
    Const
    | LocalRef
    | GlobalRef
    | LocalSet
    | GlobalSet
    | GlobalDefine
    | If
    | Lambda
    | Seq
    | Let
    | Letrec
    | Call
)


class Unit(Struct, eq=False):
    """One top-level form after expansion, with the name that it defines, if any."""

    form: Core
    defines: str | None = None
