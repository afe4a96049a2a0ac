"""`syntax-rules`: compile rules once, match uses, build what templates say.

Layer: frontends. Imports values, base.
Invariant: a template's identifiers get one fresh scope per use; what comes from the use keeps its own.
Patterns and templates recurse on Python's stack, bounded by PATTERN_DEPTH_MAX; what they match does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perdure.base import limits
from perdure.frontends.scheme.syntax import (
    NO_SCOPES,
    Atom,
    Expansion,
    Form,
    Identifier,
    Scopes,
    Syntax,
    VectorForm,
    error_at,
    identifier,
    show,
)
from perdure.values.equality import eqv
from perdure.values.types import Bytevector, String, Symbol

Key = tuple[Symbol, Scopes]
Slot = tuple[Key, tuple[int, ...]]
"""What a pattern variable stands for inside of some ellipses of a template: the variable, and the depths of the ellipses that still go
through its sequence further in."""
Found = dict[Any, Any]
"""What pattern variables stand for (by Key), and their items inside of ellipses (by Slot)."""
Layer = list[tuple[Any, Slot]]
"""What one ellipsis goes through: where each sequence is found, and under which slot its items are."""
SameBinding = Callable[[Identifier, Identifier], bool]


class EllipsisTest:
    """How to tell an ellipsis: by the core binding, or as the identifier that the rules name."""

    def __init__(self, custom: Identifier | None, core_name: Callable[[Identifier], str]) -> None:
        self._custom = custom
        self._core_name = core_name

    def __call__(self, stx: Syntax | None) -> bool:
        if not isinstance(stx, Identifier):
            return False
        if self._custom is not None:
            return stx.symbol is self._custom.symbol and stx.scopes == self._custom.scopes
        return self._core_name(stx) == "..."


class Pattern:
    """A compiled pattern. `match` records what its variables stand for."""

    __slots__ = ()

    def match(self, _stx: Syntax, _found: Found) -> bool:
        """Return whether the syntax fits. The base class fits everything: the pattern `_`."""
        return True


class VariablePattern(Pattern):
    """Fits anything, and names it."""

    __slots__ = ("key",)

    def __init__(self, key: Key) -> None:
        self.key = key

    def match(self, stx: Syntax, found: Found) -> bool:
        found[self.key] = stx
        return True


class LiteralPattern(Pattern):
    """Fits an identifier with the same binding."""

    __slots__ = ("literal", "same")

    def __init__(self, literal: Identifier, same: SameBinding) -> None:
        self.literal = literal
        self.same = same

    def match(self, stx: Syntax, _found: Found) -> bool:
        return isinstance(stx, Identifier) and self.same(stx, self.literal)


class AtomPattern(Pattern):
    """Fits an equal datum that is no list or vector."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def match(self, stx: Syntax, _found: Found) -> bool:
        return isinstance(stx, Atom) and _same_atom(stx.value, self.value)


class ListPattern(Pattern):
    """(before ... repeated <ellipsis> after ... . tail); `repeated` and `tail` may be None."""

    __slots__ = ("after", "before", "repeated", "tail", "vector", "within")

    def __init__(self, *, vector: bool) -> None:
        self.vector = vector
        self.before: list[Pattern] = []
        self.repeated: Pattern | None = None
        self.within: list[Key] = []
        self.after: list[Pattern] = []
        self.tail: Pattern | None = None

    def match(self, stx: Syntax, found: Found) -> bool:
        if self.vector:
            if not isinstance(stx, VectorForm):
                return False
            items, rest = stx.items, None
        elif isinstance(stx, Form):
            items, rest = stx.items, stx.tail
        elif self.tail is not None and not self.before and not self.after:
            items, rest = [], stx  # (x ... . tail) fits what is no list, with no x
        else:
            return False
        first = len(self.before)
        least = first + len(self.after)
        if len(items) < least:
            return False
        if self.repeated is None and self.tail is None and len(items) != least:
            return False
        if self.tail is None and rest is not None:
            return False
        last = len(items) - len(self.after) if self.repeated is not None else first
        for pattern, item in zip(self.before, items, strict=False):
            if not pattern.match(item, found):
                return False
        if self.repeated is not None and not self._match_repeated(items[first:last], found):
            return False
        for number, pattern in enumerate(self.after):
            if not pattern.match(items[last + number], found):
                return False
        if self.tail is None:
            return True
        end = last + len(self.after)
        if end == len(items) and rest is not None:
            return self.tail.match(rest, found)
        remaining = items[end:]
        span = remaining[0].span if remaining else stx.span
        return self.tail.match(Form(remaining, rest, span, stx.origin), found)

    def _match_repeated(self, items: list[Syntax], found: Found) -> bool:
        assert self.repeated is not None
        if isinstance(self.repeated, VariablePattern):
            found[self.repeated.key] = items
            return True
        columns: dict[Key, list[Any]] = {key: [] for key in self.within}
        for item in items:
            row: Found = {}
            if not self.repeated.match(item, row):
                return False
            for key, column in columns.items():
                column.append(row[key])
        found.update(columns)
        return True


def _same_atom(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, String):
        return bool(a.text == b.text)
    if isinstance(a, Bytevector):
        return bytes(a.octets) == bytes(b.octets)
    return eqv(a, b)


class Rules:
    """A transformer: its rules in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rules: list[tuple[ListPattern, Any, Form]] = []

    def transform(self, use: Form, fresh: int, source: Expansion) -> tuple[Syntax, int]:
        """Return what a use of the macro stands for, and how many parts of lists were made.

        Args:
          use: the whole form.
          fresh: the scope of this expansion, new.
          source: this expansion, for messages.

        Raises:
          ProgramError: P113, no rule fits.
        """
        operands = Form(use.items[1:], use.tail, use.span, use.origin)
        for pattern, template, _ in self.rules:
            found: Found = {}
            if pattern.match(operands, found):
                builder = _Builder(found, fresh, source, use)
                return builder.build(template, found), builder.parts
        shapes = [show(self._shape(form), 70) for _, _, form in self.rules]
        listed = "; ".join(shapes[:6]) + ("; …" if len(shapes) > 6 else "")
        hint = f"it takes {listed}" if shapes else "it has no rules"
        message = f"{self.name}: expected one of the macro's patterns, found {show(use)}"
        raise error_at(use, "P113", message, hint=hint)

    def _shape(self, pattern: Form) -> Form:
        """Return a pattern as a use is written, with the macro's name."""
        return Form([identifier(self.name, NO_SCOPES), *pattern.items[1:]], pattern.tail)


class _VariableTemplate:
    """A pattern variable: its key if it stands for one form, else the slot of the innermost ellipsis."""

    __slots__ = ("key",)

    def __init__(self, key: Key | Slot) -> None:
        self.key = key


class _ListTemplate:
    """Parts, each with what its ellipses go through, the outermost first."""

    __slots__ = ("parts", "stx", "tail")

    def __init__(self, stx: Syntax) -> None:
        self.stx = stx
        self.parts: list[tuple[Any, list[Layer]]] = []
        self.tail: Any = None


class _Builder:
    def __init__(self, found: Found, fresh: int, source: Expansion, use: Form) -> None:
        self.found = found
        self.fresh = frozenset((fresh,))
        self.source = source
        self.use = use
        self._scopes: dict[Scopes, Scopes] = {}
        self.parts = 0

    def build(self, template: Any, found: Found) -> Syntax:
        if isinstance(template, _VariableTemplate):
            return found[template.key]  # type: ignore[no-any-return]
        if isinstance(template, Identifier):
            scopes = self._scopes.get(template.scopes)
            if scopes is None:
                scopes = self._scopes[template.scopes] = template.scopes | self.fresh
            return Identifier(template.symbol, scopes, template.span, self.source)
        if isinstance(template, Syntax):
            return template
        items: list[Syntax] = []
        for part, layers in template.parts:
            if layers:
                self._repeat(part, layers, found, items)
            else:
                items.append(self.build(part, found))
        self.parts += len(items)
        if self.parts > limits.EXPANSION_PARTS_MAX:
            message = f"{self.source.macro}: the expansion is larger than any program needs"
            raise error_at(self.use, "P116", message)
        span = template.stx.span
        if isinstance(template.stx, VectorForm):
            return VectorForm(items, span, self.source)
        tail = None if template.tail is None else self.build(template.tail, found)
        if isinstance(tail, Form):  # (a . (b c)) is (a b c)
            items += tail.items
            tail = tail.tail
        return Form(items, tail, span, self.source)

    def _repeat(self, part: Any, layers: list[Layer], found: Found, items: list[Syntax]) -> None:
        rows = [(slot, found[source]) for source, slot in layers[0]]
        counts = {len(row) for _, row in rows}
        if len(counts) != 1:
            names = ", ".join(slot[0][0].name for slot, _ in rows)
            message = f"{self.source.macro}: {names} stand for sequences of different lengths"
            raise error_at(self.use, "P113", message)
        if len(layers) == 1 and isinstance(part, _VariableTemplate):
            items += rows[0][1]
            return
        for number in range(counts.pop()):
            inner = dict(found)
            for slot, row in rows:
                inner[slot] = row[number]
            if len(layers) == 1:
                items.append(self.build(part, inner))
            else:
                self._repeat(part, layers[1:], inner, items)


class RulesCompiler:
    """Compiles one `syntax-rules` form."""

    def __init__(
        self,
        ellipsis: EllipsisTest,
        literals: list[Identifier],
        same: SameBinding,
        core_name: Callable[[Identifier], str],
    ) -> None:
        self._ellipsis = ellipsis
        self._literals = {(i.symbol, i.scopes) for i in literals}
        self._same = same
        self._core_name = core_name
        self._depths: dict[Key, int] = {}
        self._paths: dict[Key, tuple[int, ...]] = {}
        """The ellipses of the pattern around each variable, the outermost first."""
        self._path: tuple[int, ...] = ()
        self._ellipses = 0

    def rule(self, pattern: Form, template: Syntax) -> tuple[ListPattern, Any, Form]:
        """Return a compiled rule. Raises ProgramError P114 for what is wrong with it."""
        self._depths, self._paths = {}, {}
        operands = Form(pattern.items[1:], pattern.tail, pattern.span, pattern.origin)
        compiled = self._list(operands, 0, 0)
        return compiled, self._template(template, 0, 0, escaped=False)[0], pattern

    def _pattern(self, stx: Syntax, depth: int, nesting: int) -> Pattern:
        if nesting > limits.PATTERN_DEPTH_MAX:
            raise error_at(stx, "P114", f"patterns nest at most {limits.PATTERN_DEPTH_MAX} deep")
        if isinstance(stx, Atom):
            return AtomPattern(stx.value)
        if not isinstance(stx, Identifier):
            return self._list(stx, depth, nesting + 1)
        key = (stx.symbol, stx.scopes)
        if key in self._literals:
            return LiteralPattern(stx, self._same)
        if self._ellipsis(stx):
            raise error_at(stx, "P114", "an ellipsis stands behind a pattern, once in a list")
        if self._core_name(stx) == "_":
            return Pattern()
        if key in self._depths:
            message = f"pattern variable {stx.name} is there twice"
            raise error_at(stx, "P114", message, hint="give one of them another name")
        self._depths[key] = depth
        self._paths[key] = self._path
        return VariablePattern(key)

    def _list(self, stx: Syntax, depth: int, nesting: int) -> ListPattern:
        assert isinstance(stx, Form | VectorForm)
        result = ListPattern(vector=isinstance(stx, VectorForm))
        items = stx.items
        number = 0
        while number < len(items):
            item = items[number]
            repeated = (
                number + 1 < len(items)
                and self._ellipsis(items[number + 1])
                and not self._literal(items[number + 1])
            )
            if repeated:
                if result.repeated is not None:
                    raise error_at(item, "P114", "a list pattern has at most one ellipsis")
                before = set(self._depths)
                self._ellipses += 1
                self._path = (*self._path, self._ellipses)
                result.repeated = self._pattern(item, depth + 1, nesting)
                self._path = self._path[:-1]
                result.within = [key for key in self._depths if key not in before]
                number += 2
                continue
            where = result.before if result.repeated is None else result.after
            where.append(self._pattern(item, depth, nesting))
            number += 1
        tail = stx.tail if isinstance(stx, Form) else None
        if tail is not None:
            result.tail = self._pattern(tail, depth, nesting)
        return result

    def _literal(self, stx: Syntax) -> bool:
        return isinstance(stx, Identifier) and (stx.symbol, stx.scopes) in self._literals

    def _is_ellipsis(self, stx: Syntax, *, escaped: bool) -> bool:
        return not escaped and self._ellipsis(stx) and not self._literal(stx)

    def _template(
        self, stx: Syntax, depth: int, nesting: int, *, escaped: bool
    ) -> tuple[Any, dict[Slot, int]]:
        """Return the compiled template, and how many ellipses each of its slots still needs."""
        if nesting > limits.PATTERN_DEPTH_MAX:
            raise error_at(stx, "P114", f"templates nest at most {limits.PATTERN_DEPTH_MAX} deep")
        if isinstance(stx, Atom):
            return stx, {}
        if isinstance(stx, Identifier):
            key = (stx.symbol, stx.scopes)
            needed = self._depths.get(key)
            if needed is None:
                if self._is_ellipsis(stx, escaped=escaped):
                    raise error_at(stx, "P114", "an ellipsis must follow a template")
                return stx, {}
            if needed > depth:
                message = f"{stx.name} stands for a sequence: it needs {needed - depth} more ..."
                raise error_at(stx, "P114", message, hint=f"write {stx.name} ... in the template")
            if needed == 0:
                return _VariableTemplate(key), {}
            return _VariableTemplate((key, ())), {(key, ()): needed}
        assert isinstance(stx, Form | VectorForm)
        items = stx.items
        pair = isinstance(stx, Form) and len(items) == 2
        if pair and self._is_ellipsis(items[0], escaped=escaped):
            return self._template(items[1], depth, nesting + 1, escaped=True)
        result = _ListTemplate(stx)
        open_: dict[Slot, int] = {}
        number = 0
        while number < len(items):
            item = items[number]
            ellipses = 0
            number += 1
            while number < len(items) and self._is_ellipsis(items[number], escaped=escaped):
                ellipses += 1
                number += 1
            part, inner = self._template(item, depth + ellipses, nesting + 1, escaped=escaped)
            layers: list[Layer] = []
            for level in range(depth + ellipses, depth, -1):
                if not inner:
                    message = (
                        f"nothing in {show(item)} stands for a sequence, but an ellipsis follows"
                    )
                    raise error_at(item, "P114", message)
                layer, inner = self._layer(inner, level)
                layers.insert(0, layer)
            result.parts.append((part, layers))
            _merge(open_, inner)
        tail = stx.tail if isinstance(stx, Form) else None
        if tail is not None:
            result.tail, inner = self._template(tail, depth, nesting + 1, escaped=escaped)
            _merge(open_, inner)
        return result, open_

    def _layer(self, inner: dict[Slot, int], level: int) -> tuple[Layer, dict[Slot, int]]:
        """Return what an ellipsis goes through that is the `level`-th from outside, and what is left for those around it.

        A variable that needs as many ellipses as there are is gone through by each of them. One that needs fewer is gone through by the
        inner ones, as in R6RS; but where it stands beside another one in the pattern, it goes along with that one:
        with the pattern ((a b ...) ...), (a b) ... ... pairs each b with its own a.
        """
        outer = {
            number
            for (key, _), needed in inner.items()
            if needed == level
            for number in self._paths[key][: level - 1]
        }
        layer: Layer = []
        left: dict[Slot, int] = {}
        for slot, needed in inner.items():
            key, depths = slot
            if needed < level and self._paths[key][needed - 1] in outer:
                left[slot] = needed
            elif needed == 1:
                layer.append((key, slot))
            else:
                source = (key, (level, *depths))
                layer.append((source, slot))
                left[source] = needed - 1
        return layer, left


def _merge(into: dict[Slot, int], more: dict[Slot, int]) -> None:
    for slot, needed in more.items():
        into[slot] = max(needed, into.get(slot, 0))
