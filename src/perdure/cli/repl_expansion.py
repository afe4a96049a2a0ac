"""The core language as readable Scheme, laid out in lines: `,expand` and `,expand1`.

Layer: cli. Imports frontends, ir, values, base.
Invariant: what is shown could be read back; variables that have one name and are not the same get numbers. Nesting costs no Python stack.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from perdure.base.trampoline import Steps, run
from perdure.cli.repl_names import names_of
from perdure.cli.repl_reading import BODIES
from perdure.frontends.scheme.bindings import Environment, Macro
from perdure.frontends.scheme.libraries import LibraryExpander
from perdure.frontends.scheme.program import expand_text
from perdure.frontends.scheme.reader import read_program
from perdure.frontends.scheme.syntax import to_datum
from perdure.ir import core
from perdure.machine.machine import Machine
from perdure.values.lists import split_list
from perdure.values.printer import write_string
from perdure.values.types import NIL, UNSPECIFIED, Pair, Symbol, Vector, intern

WIDTH = 80

Tree = str | list[Any]
"""Text as it is laid out: an atom, or the parts of a list."""


def expanded(machine: Machine, text: str) -> list[str]:
    """Return the forms of a text as the compiler gets them, as lines. Raises PerdureError: its syntax is wrong."""
    expander, environment = names_of(machine)
    with _undone(expander, environment):
        units, _ = expand_text(expander, environment, text, ",expand")
    return [line for unit in units for line in laid_out(core_tree(unit.form))]


def expanded_once(machine: Machine, text: str) -> list[str]:
    """Return what the macro uses of a text stand for, as lines. Raises PerdureError."""
    expander, environment = names_of(machine)
    lines: list[str] = []
    with _undone(expander, environment):
        expander.steps_taken = 0
        for form in read_program(text, ",expand1", environment.scopes):
            binding = expander.head(form)
            if not isinstance(binding, Macro):
                shown = write_string(to_datum(form), limit_chars=60)
                lines.append(f"{shown} is no use of a macro; ,expand shows what it means")
                continue
            made = expander.apply_macro(binding, form, environment.context)  # type: ignore[arg-type]
            lines += laid_out(datum_tree(to_datum(made)))
    return lines


@contextlib.contextmanager
def _undone(expander: LibraryExpander, environment: Environment) -> Iterator[None]:
    """Let everything that an expansion binds or loads be forgotten."""
    kept: list[tuple[Any, Any]] = [
        (held, held.copy())
        for held in (
            environment.names,
            environment.imported,
            environment.defined,
            expander.loaded,
            expander.bundled,
            expander.sources,
        )
    ]
    modules = list(expander.python_modules)
    try:
        yield
    finally:
        for held, before in kept:
            held.clear()
            held.update(before)
        expander.python_modules[:] = modules


# -- trees ---------------------------------------------------------------------------------------


def core_tree(form: core.Core) -> Tree:
    """Return a core form as Scheme."""
    return run(_Trees().steps(form))  # type: ignore[no-any-return]


class _Trees:
    """Makes trees; every variable has a name of its own."""

    def __init__(self) -> None:
        self._names: dict[core.Local, str] = {}
        self._taken: dict[str, int] = {}

    def _name(self, local: core.Local) -> str:
        found = self._names.get(local)
        if found is None:
            count = self._taken[local.name] = self._taken.get(local.name, 0) + 1
            plain = write_string(intern(local.name)) if local.name else "_"
            found = self._names[local] = plain if count == 1 else f"{plain}.{count}"
        return found

    def steps(self, node: core.Core) -> Steps:
        """Give the tree of a node."""
        match node:
            case core.Const():
                return _constant(node.value)
            case core.LocalRef():
                return self._name(node.var)
            case core.GlobalRef():
                return node.name
            case core.LocalSet():
                return ["set!", self._name(node.var), (yield self.steps(node.value))]
            case core.GlobalSet():
                return ["set!", node.name, (yield self.steps(node.value))]
            case core.GlobalDefine():
                return ["define", node.name, (yield self.steps(node.value))]
            case core.If():
                parts = yield self._all([node.test, node.then, node.otherwise])
                return ["if", *parts]
            case core.Seq():
                return ["begin", *(yield self._all(node.body))]
            case core.Call():
                return (yield self._all([node.function, *node.arguments]))
            case core.Lambda():
                return (yield self._lambda(node))
            case core.Let() | core.Letrec():
                return (yield self._let(node))

    def _all(self, nodes: list[core.Core]) -> Steps:
        trees = []
        for node in nodes:
            trees.append((yield self.steps(node)))
        return trees

    def _body(self, body: core.Core) -> Steps:
        return (yield self._all(body.body if isinstance(body, core.Seq) else [body]))

    def _lambda(self, node: core.Lambda) -> Steps:
        formals: Tree = [self._name(local) for local in node.params]
        if node.rest is not None:
            rest = self._name(node.rest)
            formals = [*formals, ".", rest] if formals else rest
        return ["lambda", formals, *(yield self._body(node.body))]

    def _let(self, node: core.Let | core.Letrec) -> Steps:
        bindings: list[Tree] = []
        for local, value in node.bindings:
            bindings.append([self._name(local), (yield self.steps(value))])
        head = "let" if isinstance(node, core.Let) else "letrec*"
        return [head, bindings, *(yield self._body(node.body))]


def _constant(value: Any) -> Tree:
    if value is UNSPECIFIED:
        return ["void"]
    if isinstance(value, Symbol | Pair) or value is NIL:
        return f"'{write_string(value)}"
    return write_string(value)


def datum_tree(datum: Any) -> Tree:
    """Return a datum as Scheme."""
    return run(_datum_steps(datum))  # type: ignore[no-any-return]


def _datum_steps(datum: Any) -> Steps:
    if not isinstance(datum, Pair):
        return "()" if datum is NIL else write_string(datum)
    items, tail = split_list(datum)
    if isinstance(items[0], Symbol) and items[0].name == "quote" and len(items) == 2:
        return f"'{write_string(items[1])}"
    if any(isinstance(item, Vector) for item in items):
        return write_string(datum)
    parts: list[Tree] = []
    for item in items:
        parts.append((yield _datum_steps(item)))
    return parts if tail is NIL else [*parts, ".", (yield _datum_steps(tail))]


# -- layout --------------------------------------------------------------------------------------


def laid_out(tree: Tree) -> list[str]:
    """Return a tree as lines that are no wider than WIDTH, where that can be."""
    widths: dict[int, int] = {}
    run(_measure(tree, widths))
    return run(_lines(tree, 0, widths))  # type: ignore[no-any-return]


def _measure(tree: Tree, widths: dict[int, int]) -> Steps:
    """Give the width of a tree on one line, and note those of its lists."""
    if isinstance(tree, str):
        return len(tree)
    width = 2 + max(0, len(tree) - 1)
    for part in tree:
        width += yield _measure(part, widths)
    widths[id(tree)] = width
    return width


def _lines(tree: Tree, column: int, widths: dict[int, int]) -> Steps:
    """Give the lines of a tree that begins in a column; the first line has no indentation of its own."""
    if isinstance(tree, str):
        return [tree]
    if column + widths[id(tree)] <= WIDTH:
        return [(yield _flat(tree))]
    head, *rest = tree
    opening, indent = "(", 1
    if isinstance(head, str) and rest and (head in BODIES or len(head) < WIDTH // 4):
        opening, indent = f"({head} ", 2 if head in BODIES else len(head) + 2
        head, *rest = rest
    lines = yield _lines(head, column + len(opening), widths)
    lines[0] = opening + lines[0]
    for part in rest:
        more = yield _lines(part, column + indent, widths)
        more[0] = " " * (column + indent) + more[0]
        lines += more
    lines[-1] += ")"
    return lines


def _flat(tree: Tree) -> Steps:
    if isinstance(tree, str):
        return tree
    parts = []
    for part in tree:
        parts.append((yield _flat(part)))
    return f"({' '.join(parts)})"
