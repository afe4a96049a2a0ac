"""Syntax objects: program text as data that knows where it stands and what its names mean.

Layer: frontends. Imports base and values.

    Identifier   a name with its set of scopes
    Form         a list, proper or dotted
    VectorForm   a vector literal
    Atom         everything else: a heap value that stands for itself

Invariant: `scopes` only ever grows, so the scopes that a Form still has to hand down to its parts are a plain set
(`pending`) and adding a scope to a whole body costs one object. Only the *binders* of definitions lose scopes
again (use-site scopes), and those are single identifiers.
Not eager propagation: adding each binder's scope to every node under it is quadratic in nesting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perdure.base import limits
from perdure.base.errors import Note, ProgramError
from perdure.base.spans import Span
from perdure.base.trampoline import Steps, run
from perdure.values.numbers import NUMBERS
from perdure.values.numerals import number_text
from perdure.values.types import NIL, Bytevector, Pair, String, Symbol, Vector, intern

Scopes = frozenset[int]
NO_SCOPES: Scopes = frozenset()


class Expansion:
    """One use of a macro: where it was, and the expansion that it stood in itself."""

    __slots__ = ("depth", "macro", "outer", "root", "use")

    def __init__(self, macro: str, use: Span | None, outer: Expansion | None) -> None:
        self.macro = macro
        self.use = use
        self.outer = outer
        self.root: Span | None = use if outer is None else outer.root
        self.depth: int = 1 if outer is None else outer.depth + 1


class Syntax:
    """What all syntax objects share: where the text stands, and the macro use that it came out of."""

    __slots__ = ("origin", "span")
    span: Span | None
    origin: Expansion | None

    def place(self) -> Span | None:
        """Return the place to show to people: the outermost macro use, or the text itself."""
        return self.span if self.origin is None else self.origin.root

    def adding(self, _scopes: Scopes) -> Syntax:
        """Return this object with more scopes on all its identifiers."""
        return self


class Identifier(Syntax):
    """A name in a program."""

    __slots__ = ("scopes", "symbol")

    def __init__(
        self,
        symbol: Symbol,
        scopes: Scopes,
        span: Span | None = None,
        origin: Expansion | None = None,
    ) -> None:
        self.symbol = symbol
        self.scopes = scopes
        self.span = span
        self.origin = origin

    @property
    def name(self) -> str:
        """The name as text."""
        return self.symbol.name

    def adding(self, scopes: Scopes) -> Identifier:
        """Return the identifier with more scopes."""
        return Identifier(self.symbol, self.scopes | scopes, self.span, self.origin)

    def without(self, scopes: Scopes | set[int]) -> Identifier:
        """Return the identifier with fewer scopes."""
        if self.scopes.isdisjoint(scopes):
            return self
        return Identifier(self.symbol, self.scopes - scopes, self.span, self.origin)


class Atom(Syntax):
    """A literal: a number, string, character, boolean, bytevector or labelled datum."""

    __slots__ = ("value",)

    def __init__(self, value: Any, span: Span | None = None) -> None:
        self.value = value
        self.span = span
        self.origin = None


class Compound(Syntax):
    """A list or vector, with the scopes that its parts still have to get."""

    __slots__ = ("_parts", "_pending")
    _parts: list[Syntax]
    _pending: Scopes

    @property
    def items(self) -> list[Syntax]:
        """The parts, with all their scopes. Never change this list."""
        if self._pending:
            self._push()
        return self._parts

    def _push(self) -> None:
        pending, self._pending = self._pending, NO_SCOPES
        # The parts of a list mostly share their set of scopes: it is extended once for all of them.
        known: dict[int, Scopes] = {}
        parts: list[Syntax] = []
        for part in self._parts:
            if isinstance(part, Identifier):
                scopes = known.get(id(part.scopes))
                if scopes is None:
                    scopes = known[id(part.scopes)] = part.scopes | pending
                parts.append(Identifier(part.symbol, scopes, part.span, part.origin))
            else:
                parts.append(part.adding(pending))
        self._parts = parts


class Form(Compound):
    """A list; `tail` is what follows a dot, or None."""

    __slots__ = ("_tail",)

    def __init__(
        self,
        items: list[Syntax],
        tail: Syntax | None = None,
        span: Span | None = None,
        origin: Expansion | None = None,
    ) -> None:
        self._parts = items
        self._tail = tail
        self._pending = NO_SCOPES
        self.span = span
        self.origin = origin

    @property
    def tail(self) -> Syntax | None:
        """What follows the dot, with all its scopes."""
        if self._pending:
            self._push()
        return self._tail

    def _push(self) -> None:
        if self._tail is not None:
            self._tail = self._tail.adding(self._pending)
        super()._push()

    def adding(self, scopes: Scopes) -> Form:
        """Return the list with more scopes; its parts get them when somebody looks."""
        form = Form(self._parts, self._tail, self.span, self.origin)
        form._pending = self._pending | scopes
        return form


class VectorForm(Compound):
    """A vector literal."""

    __slots__ = ()

    def __init__(
        self, items: list[Syntax], span: Span | None = None, origin: Expansion | None = None
    ) -> None:
        self._parts = items
        self._pending = NO_SCOPES
        self.span = span
        self.origin = origin

    def adding(self, scopes: Scopes) -> VectorForm:
        """Return the vector with more scopes; its parts get them when somebody looks."""
        form = VectorForm(self._parts, self.span, self.origin)
        form._pending = self._pending | scopes
        return form


def error_at(stx: Syntax | None, code: str, message: str, *, hint: str = "") -> ProgramError:
    """Return the error for a piece of syntax: at its macro use, with the chain of expansions that it came out of."""
    if stx is None:
        return ProgramError(code, message, hint=hint)
    return ProgramError(code, message, span=stx.place(), hint=hint, notes=_chain(stx))


_CHAIN_SHOWN = 4
"""Expansions at each end of a chain that an error shows."""


def _chain(stx: Syntax) -> list[Note]:
    """Return a note for each expansion around a piece of syntax, the outermost first; the middle of many is left out."""
    notes: list[Note] = []
    template, expansion = stx.span, stx.origin
    total = 0 if expansion is None else expansion.depth
    while expansion is not None:
        if expansion.depth == total - _CHAIN_SHOWN and expansion.depth > _CHAIN_SHOWN:
            notes.append(Note(f"and {expansion.depth - _CHAIN_SHOWN} expansions between", None))
        if not _CHAIN_SHOWN < expansion.depth <= total - _CHAIN_SHOWN:
            where = "" if template is None else f", template at {template}"
            notes.append(
                Note(f"in the expansion of {expansion.macro} at {expansion.use}{where}", template)
            )
        template, expansion = expansion.use, expansion.outer
    return notes[::-1]


def to_datum(stx: Syntax) -> Any:
    """Return the heap datum that a piece of syntax stands for: fresh objects, so that no two constants share any."""
    if isinstance(stx, Identifier):
        return stx.symbol
    if isinstance(stx, Atom):
        return fresh_constant(stx.value)
    return run(_datum_steps(stx, fresh_constant))


def to_read_datum(stx: Syntax) -> Any:
    """Return the heap datum that `read` made: nothing else holds its parts, so what has a label stays one object."""
    return stx.value if isinstance(stx, Atom) else run(_datum_steps(stx, _as_it_is))


def _as_it_is(value: Any) -> Any:
    return value


def _datum_steps(stx: Syntax, constant: Callable[[Any], Any]) -> Steps:
    if isinstance(stx, Identifier):
        return stx.symbol
    if isinstance(stx, Atom):
        # Labelled data stay shared inside one constant, as their labels say.
        return stx.value if isinstance(stx.value, Pair | Vector) else constant(stx.value)
    assert isinstance(stx, Compound)
    parts: list[Any] = []
    for part in stx.items:
        if isinstance(part, Identifier):
            parts.append(part.symbol)
        elif isinstance(part, Atom):
            value = part.value
            parts.append(value if isinstance(value, Pair | Vector) else constant(value))
        else:
            parts.append((yield _datum_steps(part, constant)))
    if isinstance(stx, VectorForm):
        return Vector(parts)
    assert isinstance(stx, Form)
    tail = stx.tail
    result: Any = NIL if tail is None else (yield _datum_steps(tail, constant))
    for item in reversed(parts):
        result = Pair(item, result)
    return result


def fresh_constant(value: Any) -> Any:
    """Return a literal that shares no mutable object with another use of the same template."""
    if isinstance(value, String):
        return String(value.text)
    if isinstance(value, Bytevector):
        return Bytevector(bytearray(value.octets))
    if isinstance(value, Pair | Vector):
        return _copy_graph(value)
    return value


def _copy_graph(root: Any) -> Any:
    copies: dict[int, Any] = {}
    work: list[Any] = []

    def copy(value: Any) -> Any:
        if not isinstance(value, Pair | Vector):
            return fresh_constant(value) if isinstance(value, String | Bytevector) else value
        found = copies.get(id(value))
        if found is None:
            found = Pair(None, None) if isinstance(value, Pair) else Vector([])
            copies[id(value)] = found
            work.append(value)
        return found

    result = copy(root)
    while work:
        value = work.pop()
        new = copies[id(value)]
        if isinstance(value, Pair):
            new.car = copy(value.car)
            new.cdr = copy(value.cdr)
        else:
            new.items = [copy(item) for item in value.items]
    return result


def from_datum(datum: Any, scopes: Scopes, span: Span | None = None) -> Syntax:
    """Return syntax for a heap datum: what `eval` is given."""
    return run(_syntax_steps(datum, scopes, span, 0))  # type: ignore[no-any-return]


def _syntax_steps(datum: Any, scopes: Scopes, span: Span | None, depth: int) -> Steps:
    if depth > limits.DATUM_DEPTH_MAX:
        message = f"nested deeper than {limits.DATUM_DEPTH_MAX} levels"
        raise ProgramError("P106", message, span=span)
    if isinstance(datum, Symbol):
        return Identifier(datum, scopes, span)
    if isinstance(datum, Vector):
        items = []
        for item in datum.items:
            items.append((yield _syntax_steps(item, scopes, span, depth + 1)))
        return VectorForm(items, span)
    if datum is not NIL and not isinstance(datum, Pair):
        return Atom(datum, span)
    parts = []
    seen = set()
    while isinstance(datum, Pair):
        if id(datum) in seen:
            raise ProgramError("P110", "a circular list is no expression", span=span)
        seen.add(id(datum))
        parts.append((yield _syntax_steps(datum.car, scopes, span, depth + 1)))
        datum = datum.cdr
    tail = None if datum is NIL else (yield _syntax_steps(datum, scopes, span, depth + 1))
    return Form(parts, tail, span)


def with_scopes(stx: Syntax, scopes: Scopes) -> Syntax:
    """Return a copy of a piece of text whose identifiers have just these scopes: text that changes its home."""
    return run(_scope_steps(stx, scopes))  # type: ignore[no-any-return]


def _scope_steps(stx: Syntax, scopes: Scopes) -> Steps:
    if isinstance(stx, Identifier):
        return Identifier(stx.symbol, scopes, stx.span, stx.origin)
    if not isinstance(stx, Compound):
        return stx
    items = []
    for item in stx.items:
        items.append((yield _scope_steps(item, scopes)))
    if isinstance(stx, Form):
        tail = None if stx.tail is None else (yield _scope_steps(stx.tail, scopes))
        return Form(items, tail, stx.span, stx.origin)
    return VectorForm(items, stx.span, stx.origin)


def show(stx: Syntax, limit: int = 60) -> str:
    """Return a short piece of text for messages, like `(swap! a b)`."""
    pieces: list[str] = []
    work: list[Any] = [stx]
    length = 0
    while work and length <= limit:
        node = work.pop()
        if isinstance(node, Form):
            parts: list[Any] = ["("]
            for number, item in enumerate(node.items):
                parts += [" ", item] if number else [item]
            if node.tail is not None:
                parts += [" . ", node.tail]
            work.extend(reversed([*parts, ")"]))
            continue
        if isinstance(node, VectorForm):
            parts = ["#("]
            for number, item in enumerate(node.items):
                parts += [" ", item] if number else [item]
            work.extend(reversed([*parts, ")"]))
            continue
        text = node if isinstance(node, str) else _show_leaf(node)
        pieces.append(text)
        length += len(text)
    text = "".join(pieces)
    return text if len(text) <= limit and not work else text[: limit - 1] + "…"


def _show_leaf(node: Syntax) -> str:
    if isinstance(node, Identifier):
        return node.name
    assert isinstance(node, Atom)
    value = node.value
    if value is None:
        return "#f"
    if value is ...:
        return "#t"
    if isinstance(value, String):
        return '"' + value.text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, Pair | Vector | Bytevector):
        return "#<datum>"
    if type(value) in NUMBERS:
        return number_text(value)
    return str(value)


def identifier(name: str, scopes: Scopes, span: Span | None = None) -> Identifier:
    """Return the identifier of that name."""
    return Identifier(intern(name), scopes, span)
