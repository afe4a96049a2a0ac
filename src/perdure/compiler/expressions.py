"""Python expressions for atoms and open-coded primitives, as trees of `ast` nodes.

Layer: compiler. Imports the compiler's anf and inline.
Invariant: the line number of a node is the site of the statement it comes from, also where several statements share one
expression; so the instruction that fails names its statement. Columns are always 0.

An expression is rendered for its value, or for its truth where a branch follows: `(if (null? x) …)` tests
`x is nil` and never makes #t or #f.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from perdure.compiler import anf
from perdure.compiler.inline import INLINE, Inline

Expression = Any
"""One of Atom, Operation and Choice, below."""

PLACEHOLDER = "X_"
_MOVE, _NOT = INLINE["%move", 1], INLINE["not", 1]


class Names:
    """How the atoms of one definition are spelt: keys of the namespace for what is not a local variable."""

    def __init__(self, definition: anf.Definition, digest: str) -> None:
        self._digest = digest
        self._constants = definition.constants

    def atom(self, atom: anf.Atom, line: int) -> ast.expr:
        """Return the Python expression of an atom."""
        if type(atom) is str:
            return name(atom, line)
        if atom is None:
            return name("!nil", line)
        if atom is True:
            return constant(..., line)
        if atom is False:
            return constant(None, line)
        if type(atom) is int:
            return constant(atom, line)
        if isinstance(atom, anf.Global):
            return name(atom.key, line)
        if isinstance(atom, anf.Static):
            return name(self.static(atom.number), line)
        assert isinstance(atom, anf.Constant)
        nodes = self._constants[atom.index]
        if len(nodes) == 1 and nodes[0][0] == "f":
            return constant(float(nodes[0][1]), line)
        if len(nodes) == 1 and nodes[0][0] == "c":
            character = _Character(self.constant(atom.index), ast.Load(), **place(line))
            character.value = nodes[0][1]
            return character
        return name(self.constant(atom.index), line)

    def constant(self, index: int) -> str:
        """Return the namespace key of a constant."""
        return f"{self._digest}${index}"

    def static(self, number: int) -> str:
        """Return the namespace key of a procedure without free variables."""
        return f"{self._digest}!{number}"

    def factory(self, site: int) -> str:
        """Return the namespace key of the function that makes the closures of a site."""
        return f"{self._digest}#{site}"

    def residual(self, site: int) -> str:
        """Return the namespace key of the residual that redoes a loop from its head."""
        return f"{self._digest}@{site}"


class _Character(ast.Name):
    """A reference to a constant character, which remembers what it is."""

    value: str


class Atom:
    """An atom as an expression."""

    __slots__ = ("atom",)
    sites: tuple[int, ...] = ()
    depth = 0

    def __init__(self, atom: anf.Atom) -> None:
        self.atom = atom

    def value(self, names: Names, line: int) -> ast.expr:
        return names.atom(self.atom, line)

    def test(self, names: Names, line: int) -> ast.expr:
        if type(self.atom) is bool:
            return constant(self.atom, line)
        return _is_true(names.atom(self.atom, line), line)


class Operation:
    """An open-coded primitive applied to expressions."""

    __slots__ = ("args", "depth", "first", "inline", "site", "sites")

    def __init__(self, inline: Inline, args: list[Expression], site: int, first: int) -> None:
        self.inline = inline
        self.args = args
        self.site = site
        self.first = first
        self.sites: tuple[int, ...] = sum((a.sites for a in args), (site,))
        self.depth = 1 + max((a.depth for a in args), default=0)

    def value(self, names: Names, line: int) -> ast.expr:
        del line
        assert self.inline.value is not None
        filled: ast.expr = fill(self.inline.value, self._operand(names), self.site)
        return filled

    def test(self, names: Names, line: int) -> ast.expr:
        if self.inline is _MOVE:
            moved: ast.expr = self.args[0].test(names, self.site)
            return moved
        if self.inline is _NOT:
            operand = self.args[0].test(names, self.site)
            return ast.UnaryOp(ast.Not(), operand, **place(self.site))
        if self.inline.test is not None:
            filled: ast.expr = fill(self.inline.test, self._operand(names), self.site)
            return filled
        return _is_true(self.value(names, line), self.site)

    def _operand(self, names: Names) -> Callable[[int], ast.expr]:
        return lambda i: self.args[i].value(names, self.site)


class Choice:
    """One of two expressions, chosen by a third: a conditional without statements."""

    __slots__ = ("chosen", "condition", "depth", "first", "otherwise", "site", "sites")

    def __init__(
        self,
        condition: Expression,
        chosen: Expression,
        otherwise: Expression,
        site: int,
        first: int,
    ) -> None:
        self.condition = condition
        self.chosen = chosen
        self.otherwise = otherwise
        self.site = site
        self.first = first
        self.sites: tuple[int, ...] = (
            site,
            *condition.sites,
            *chosen.sites,
            *otherwise.sites,
        )
        self.depth = 1 + max(condition.depth, chosen.depth, otherwise.depth)

    def value(self, names: Names, line: int) -> ast.expr:
        del line
        return ast.IfExp(
            self.condition.test(names, self.site),
            self.chosen.value(names, self.site),
            self.otherwise.value(names, self.site),
            **place(self.site),
        )

    def test(self, names: Names, line: int) -> ast.expr:
        del line
        condition = self.condition.test(names, self.site)
        chosen = self.chosen.test(names, self.site)
        otherwise = self.otherwise.test(names, self.site)
        if isinstance(otherwise, ast.Constant) and otherwise.value is False:
            return ast.BoolOp(ast.And(), [condition, chosen], **place(self.site))
        if isinstance(chosen, ast.Constant) and chosen.value is True:
            return ast.BoolOp(ast.Or(), [condition, otherwise], **place(self.site))
        return ast.IfExp(condition, chosen, otherwise, **place(self.site))


def place(line: int) -> dict[str, Any]:
    """Return the position attributes of a node at a site."""
    return {"lineno": line, "col_offset": 0, "end_lineno": line, "end_col_offset": 0}


def name(key: str, line: int) -> ast.Name:
    """Return a reference to a variable. Keys need not be Python identifiers: no parser sees them."""
    return ast.Name(key, ast.Load(), **place(line))


def target(key: str, line: int) -> ast.Name:
    """Return a variable as the target of an assignment."""
    return ast.Name(key, ast.Store(), **place(line))


def constant(value: Any, line: int) -> ast.Constant:
    """Return a Python constant."""
    return ast.Constant(value, **place(line))


def _is_true(value: ast.expr, line: int) -> ast.expr:
    """Return the Python test for a value that is not #f."""
    return ast.Compare(
        _identified(value, line), [ast.IsNot()], [constant(None, line)], **place(line)
    )


def _identified(value: ast.expr, line: int) -> ast.expr:
    """Return an operand of `is`: CPython warns of literals there, unless they are hidden from it."""
    literal = isinstance(value, ast.Constant) and isinstance(value.value, int | float)
    if literal or (isinstance(value, ast.BinOp | ast.UnaryOp) and _foldable(value)):
        return ast.IfExp(name("!nil", line), value, value, **place(line))
    return value


def _foldable(value: ast.expr) -> bool:
    """Whether CPython may compute an expression when it compiles it."""
    return not any(isinstance(node, ast.Name) for node in ast.walk(value))


def _text_of_character(character: ast.expr, line: int) -> ast.expr:
    """Return the Python string of a character: without the character, if it is a constant or was just taken from a string."""
    match character:
        case _Character():
            return constant(character.value, line)
        case ast.Subscript(value=ast.Name(id="!characters"), slice=text):
            return text
        case ast.IfExp(test=sign, body=ast.Subscript(value=ast.Name(id="!characters"), slice=text)):
            otherwise = _text_of_character(character.orelse, line)
            return ast.IfExp(sign, text, otherwise, **place(line))
    return ast.Attribute(character, "value", ast.Load(), **place(line))


def fill(template: Any, operand: Callable[[int], ast.expr], line: int) -> Any:
    """Return a copy of a template with its operands and helpers filled in, all of it at one line."""
    if isinstance(template, ast.Name):
        if template.id.startswith(PLACEHOLDER):
            return name("!" + template.id.removeprefix(PLACEHOLDER), line)
        return operand(int(template.id[1:]))
    if not isinstance(template, ast.AST):
        return template
    fields: dict[str, Any] = {}
    for field in template._fields:
        part = getattr(template, field, None)
        if isinstance(part, list):
            fields[field] = [fill(item, operand, line) for item in part]
        else:
            fields[field] = fill(part, operand, line)
    if isinstance(template, ast.Attribute) and template.attr == "value":
        return _text_of_character(fields["value"], line)
    if isinstance(template, ast.Compare) and isinstance(template.ops[0], ast.Is):
        fields["left"] = _identified(fields["left"], line)
        fields["comparators"] = [_identified(c, line) for c in fields["comparators"]]
    if isinstance(template, ast.expr | ast.stmt):
        fields |= place(line)
    return type(template)(**fields)
