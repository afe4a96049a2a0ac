"""The sites, names and constants of one definition, as they are given out.

Layer: compiler. Imports ir, base, values and the compiler's anf.
Invariant: a site is given once, and remembers the place in the source that was current then; a name is given once; equal
characters and symbols share a constant.
"""

from __future__ import annotations

from typing import Any

from perdure.base.spans import Span
from perdure.compiler import anf
from perdure.ir import core, datum

FIRST_SITE = 10
"""Sites are line numbers of the emitted code; the lines before are the emitter's own."""


class Numbering:
    """Gives out sites, names and constants; `span` is the place that new sites stand for."""

    def __init__(self) -> None:
        self.spans: dict[int, Span] = {}
        self.span: Span | None = None
        self.constants: list[Any] = []
        self._names: dict[core.Local, str] = {}
        self._taken: dict[str, int] = {"None": 1, "True": 1, "False": 1, "__debug__": 1, "": 1}
        self._site = FIRST_SITE - 1

    def new_site(self) -> int:
        """Return a new site."""
        self._site += 1
        if self.span is not None:
            self.spans[self._site] = self.span
        return self._site

    def fresh(self, wanted: str) -> str:
        """Return a name that no variable of the definition has, like the wanted one."""
        base = wanted.replace(":", ".")
        count = self._taken.get(base, 0)
        self._taken[base] = count + 1
        if count == 0:
            return base
        return self.fresh(f"{base}.{count + 1}")

    def name_of(self, var: core.Local) -> str:
        """Return the name of a variable."""
        name = self._names.get(var)
        if name is None:
            name = self._names[var] = self.fresh(var.name)
        return name

    def constant(self, value: Any) -> anf.Atom:
        """Return the atom of a literal."""
        nodes = datum.flatten_datum(value)
        if len(nodes) == 1 and not isinstance(nodes[0], list):
            small: anf.Atom = nodes[0]
            return small
        for index, known in enumerate(self.constants):
            if len(nodes) == 1 and known == nodes and nodes[0][0] in "yc":
                return anf.Constant(index)
        self.constants.append(nodes)
        return anf.Constant(len(self.constants) - 1)
