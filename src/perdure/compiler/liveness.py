"""Which variables are live before and after each statement, and which are free in each procedure.

Layer: compiler. Imports the compiler's anf.
Invariant: a frame keeps exactly the variables that are live at its site, in alphabetical order; a residual takes the same.
"""

from __future__ import annotations

from typing import Any

import msgspec

from perdure.compiler import anf

Live = frozenset[str]
_NONE: Live = frozenset()
_Table = dict[int, tuple[Live, Live]]


def annotate(definition: anf.Definition) -> anf.Definition:
    """Return the definition with `live` and every procedure's `free` filled in."""
    table: _Table = {}
    lambdas = list(definition.lambdas)
    free: dict[int, Live] = {}
    # Inner procedures have larger numbers than the ones that contain them.
    for number in reversed(range(len(lambdas))):
        form = lambdas[number]
        walk = _Walk(table, free)
        before = walk.block(form.body, _NONE, {})
        params = {*form.params, form.rest} if form.rest else set(form.params)
        free[number] = before - params
        table[form.entry] = (before, before)
        lambdas[number] = msgspec.structs.replace(form, free=tuple(sorted(free[number])))
    live = {
        site: (tuple(sorted(before)), tuple(sorted(after)))
        for site, (before, after) in sorted(table.items())
    }
    return msgspec.structs.replace(definition, lambdas=lambdas, live=live)


def used(statement: Any, free: dict[int, Live]) -> Live:
    """Return the local variables that a statement itself reads."""
    match statement:
        case anf.Set() | anf.Continue():
            atoms: tuple[anf.Atom, ...] = statement.args
        case anf.Call() | anf.Tail():
            atoms = (statement.function, *statement.args)
        case anf.Return() | anf.SetGlobal():
            atoms = (statement.value,)
        case anf.If():
            atoms = (statement.test,)
        case anf.Closures():
            inner = _NONE.union(*(free[n] for n in statement.lambdas))
            return inner - set(statement.targets)
        case _:
            atoms = ()
    return frozenset(a for a in atoms if type(a) is str)


class _Walk:
    """Walks one procedure backwards."""

    def __init__(self, table: _Table, free: dict[int, Live]) -> None:
        self._table = table
        self._free = free
        self._heads: dict[int, Live] = {}

    def block(
        self, statements: list[Any], after: Live, loops: dict[int, tuple[Live, Live]]
    ) -> Live:
        """Return what is live before a block.

        Args:
          statements: the block.
          after: what is live after it.
          loops: what is live at the head and after each loop around the block, by site.
        """
        live = after
        for statement in reversed(statements):
            match statement:
                case anf.Return() | anf.Tail():
                    live = _NONE
                case anf.Break():
                    live = loops[statement.loop][1]
                case anf.Continue():
                    live = loops[statement.loop][0]
            out = live
            match statement:
                case anf.Set() | anf.Call():
                    live = live - {statement.target}
                case anf.Closures():
                    live = live - set(statement.targets)
                case anf.If():
                    live = self.block(statement.then, out, loops) | self.block(
                        statement.otherwise, out, loops
                    )
                case anf.Loop():
                    live = self._loop(statement, out, loops)
            live = live | used(statement, self._free)
            if isinstance(statement, anf.Call | anf.Set):
                out = out - {statement.target}
            self._table[statement.site] = (live, out)
        return live

    def _loop(self, loop: anf.Loop, after: Live, loops: dict[int, tuple[Live, Live]]) -> Live:
        # Begun where the last visit ended: else nested loops would double the work at each level.
        head = self._heads.get(loop.site, _NONE)
        while True:
            inner = {**loops, loop.site: (head - set(loop.variables), after)}
            found = self.block(loop.body, _NONE, inner)
            if found == head:
                return head
            head = self._heads[loop.site] = found
