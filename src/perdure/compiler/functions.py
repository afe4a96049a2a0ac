"""From a definition in A-normal form to the code objects of its procedures and residuals.

Layer: compiler. Imports machine.code and the compiler's anf, emit, expressions and normalise.

A procedure without free variables becomes a function of a module; procedures that close over variables are made by a
*factory*: a function of those variables that defines them and returns them. So loop variables stay unshared, a residual
makes the same closures as the procedure did, and a decoder can make one from code and cells.

A *residual* is the rest of a procedure after a site, as a function of the live variables. It has no loop around the site:
going round again is a tail call of the residual of the loop's head. The residuals of a long procedure share its later pieces: each
ends with a tail call of the residual of the next piece. Else a procedure of n statements that waits everywhere would cost n².
"""

from __future__ import annotations

import ast
import functools
from types import CodeType
from typing import Any

from msgspec import Struct

from perdure.compiler import anf
from perdure.compiler.blocks import leaves, terminates
from perdure.compiler.emit import Emitter, Next, Partial, Usage, factory_params, poll
from perdure.compiler.expressions import Names, name, place
from perdure.machine.code import AFTER, PROLOGUE, REDO

PIECE_SITES = 64
"""How many sites a residual of a long procedure covers at most, before it goes on in another."""

FILE = "<perdure>"
"""The file name of compiled code in Python's eyes."""


class Code(Struct, array_like=True):
    """A code object with what is needed to read its tracebacks; `number` is its lambda's, or -1."""

    number: int
    code: CodeType
    kinds: dict[int, int]
    redo: dict[int, int]


class Factory(Struct, array_like=True):
    """The maker of the closures of one site: its own code, and that of the procedures inside."""

    site: int
    code: CodeType
    inner: list[Code]


class Procedures(Struct, array_like=True):
    """All procedures of a definition as code: the static ones, and the factories of the others."""

    static: list[Code]
    factories: list[Factory]


class Residual(Struct, array_like=True):
    """The code of a residual; `continued` are the sites whose residuals it calls."""

    code: Code
    continued: list[int]


class Builder:
    """Builds the code of one definition."""

    def __init__(self, definition: anf.Definition, digest: str) -> None:
        self._definition = definition
        self._names = Names(definition, digest)
        self._free = {n: form.free for n, form in enumerate(definition.lambdas)}
        self._loops: dict[int, tuple[anf.Loop, tuple[str, ...]]] = {}
        self._groups: list[anf.Closures] = []
        self._places: dict[int, _Place] = {}
        for number, form in enumerate(definition.lambdas):
            self._survey(form.body, None, number)

    def _survey(self, block: list[Any], parent: _Place | None, number: int) -> None:
        for index, statement in enumerate(block):
            here = _Place(statement, block, index, parent, number)
            self._places[statement.site] = here
            match statement:
                case anf.If():
                    self._survey(statement.then, here, number)
                    self._survey(statement.otherwise, here, number)
                case anf.Loop():
                    live = self._definition.live[statement.site][0]
                    self._loops[statement.site] = (statement, live)
                    self._survey(statement.body, here, number)
                case anf.Closures():
                    self._groups.append(statement)

    @functools.cached_property
    def _usages(self) -> list[Usage]:
        free = {n: frozenset(v) for n, v in self._free.items()}
        return [Usage(form, free) for form in self._definition.lambdas]

    def _emitter(self, number: int, *, careful: bool = False) -> Emitter:
        return Emitter(self._names, self._usages[number], self._free, self._loops, careful=careful)

    # -- procedures -----------------------------------------------------------------------------

    def procedures(self) -> Procedures:
        """Return the code of all procedures of the definition."""
        closed = {n for group in self._groups for n in group.lambdas}
        numbers = [n for n in range(len(self._definition.lambdas)) if n not in closed]
        body: list[ast.stmt] = []
        emitters: dict[int, Emitter] = {}
        for number in numbers:
            body.append(self._function(number, f"static.{number}", emitters))
        for group in self._groups:
            body.append(self._factory(group, emitters))
        found = _compile(body)
        static = [
            self._finished(number, code, emitters[number])
            for number, code in zip(numbers, found[: len(numbers)], strict=True)
        ]
        factories = [
            self._finished_factory(group, code, emitters)
            for group, code in zip(self._groups, found[len(numbers) :], strict=True)
        ]
        return Procedures(static, factories)

    def _finished(self, number: int, code: CodeType, emitter: Emitter) -> Code:
        shown = self._definition.lambdas[number].name or "lambda"
        code = code.replace(co_name=shown, co_qualname=shown)
        return Code(number, code, emitter.kinds, emitter.redo)

    def _finished_factory(
        self, group: anf.Closures, code: CodeType, emitters: dict[int, Emitter]
    ) -> Factory:
        nested = [c for c in code.co_consts if isinstance(c, CodeType)]
        inner = [
            self._finished(n, c, emitters[n]) for n, c in zip(group.lambdas, nested, strict=True)
        ]
        replaced = dict(zip(map(id, nested), inner, strict=True))
        consts = tuple(replaced[id(c)].code if id(c) in replaced else c for c in code.co_consts)
        return Factory(group.site, code.replace(co_consts=consts), inner)

    def _factory(self, group: anf.Closures, emitters: dict[int, Emitter]) -> ast.stmt:
        body: list[ast.stmt] = [
            self._function(number, variable, emitters)
            for variable, number in zip(group.targets, group.lambdas, strict=True)
        ]
        made: list[ast.expr] = [name(v, PROLOGUE) for v in group.targets]
        value = made[0] if len(made) == 1 else ast.Tuple(made, ast.Load(), **place(PROLOGUE))
        body.append(ast.Return(value, **place(PROLOGUE)))
        return _define(f"factory.{group.site}", factory_params(group, self._free), "", body)

    def _function(self, number: int, called: str, emitters: dict[int, Emitter]) -> ast.stmt:
        form = self._definition.lambdas[number]
        emitter = emitters[number] = self._emitter(number)
        body: list[ast.stmt] = []
        if form.rest:
            body.append(_prologue(form.rest, "!list"))
        body += [_prologue(variable, "!Box") for variable in form.boxed]
        if form.poll:
            body.append(poll(form.entry))
        body += emitter.block(form.body)
        return _define(called, list(form.params), form.rest, _with_globals(emitter, body))

    # -- residuals ------------------------------------------------------------------------------

    def live(self, site: int, mode: int) -> tuple[str, ...]:
        """Return the variables that a frame at a site keeps, in order. Raises KeyError for no site."""
        return self._definition.live[site][mode]

    def takes_value(self, site: int) -> bool:
        """Whether the statement of a site computes a value."""
        here = self._places.get(site)
        return here is not None and isinstance(here.statement, anf.Set | anf.Call)

    def calls_variable(self, site: int) -> bool:
        """Whether the statement of a site calls what a local variable holds."""
        here = self._places.get(site)
        statement = here.statement if here is not None else None
        return isinstance(statement, anf.Call | anf.Tail) and isinstance(statement.function, str)

    def residual(self, site: int, mode: int, *, careful: bool) -> Residual:
        """Return the code that goes on from a site; its parameters are the value (AFTER) and the live variables."""
        params = list(self.live(site, mode))
        here = self._places.get(site)
        if here is None:
            number = self._entered(site)
            rest = self._definition.lambdas[number].body
        else:
            number = here.number
            rest = _rest(here, mode)
            if mode == AFTER:
                params.insert(0, here.statement.target)
        emitter = self._emitter(number, careful=careful)
        body = _with_globals(emitter, emitter.block(self._first_piece(rest)))
        (code,) = _compile([_define("residual", params, "", body)])
        finished = self._finished(number, code, emitter)
        finished.number = -1
        return Residual(finished, sorted(emitter.residuals))

    def _first_piece(self, rest: list[Any]) -> list[Any]:
        """Return what a residual does itself of the statements that are left; the pieces begin at the same sites for all residuals."""
        if not rest or rest[-1].site - rest[0].site <= 2 * PIECE_SITES:
            return rest
        first = rest[0].site
        for index, statement in enumerate(rest):
            if index and statement.site // PIECE_SITES > first // PIECE_SITES:
                return [*rest[:index], Next(statement.site, self.live(statement.site, REDO))]
        return rest

    def _entered(self, entry: int) -> int:
        for number, form in enumerate(self._definition.lambdas):
            if form.entry == entry:
                return number
        raise KeyError(entry)

    def procedure_of(self, site: int) -> int:
        """Return the number of the procedure that a site is in. Raises KeyError for no site."""
        here = self._places.get(site)
        return here.number if here is not None else self._entered(site)


class _Place(Struct):
    """Where a statement stands: its block, its index there, the statement around, its procedure."""

    statement: Any
    block: list[Any]
    index: int
    parent: Any
    number: int


def _rest(here: _Place, mode: int) -> list[Any]:
    """Return the statements that are left to do from a statement on, in and after everything around it."""
    rest = here.block[here.index + (mode != REDO) :]
    around = here.parent
    while around is not None:
        if isinstance(around.statement, anf.If):
            if not terminates(rest):
                rest = rest + around.block[around.index + 1 :]
        elif leaves(rest, around.statement.site):
            # Its `while` stands at the line of what comes first, where a stop would have to redo from.
            partial = Partial(rest[0].site, rest)
            rest = [partial, *around.block[around.index + 1 :]]
        around = around.parent
    return rest


def _prologue(variable: str, helper: str) -> ast.stmt:
    where = place(PROLOGUE)
    call = ast.Call(name(helper, PROLOGUE), [name(variable, PROLOGUE)], [], **where)
    return ast.Assign([ast.Name(variable, ast.Store(), **where)], call, **where)


def _with_globals(emitter: Emitter, body: list[ast.stmt]) -> list[ast.stmt]:
    if emitter.assigned_globals:
        return [ast.Global(sorted(emitter.assigned_globals), **place(PROLOGUE)), *body]
    return body


def _define(called: str, params: list[str], rest: str, body: list[ast.stmt]) -> ast.stmt:
    where = place(PROLOGUE)
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(p, **where) for p in params],
        vararg=ast.arg(rest, **where) if rest else None,
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    where["type_params"] = []  # a field since Python 3.12
    return ast.FunctionDef(called, arguments, body, [], **where)


def _compile(body: list[ast.stmt]) -> list[CodeType]:
    """Return the code objects of the functions of a module, in order."""
    module = compile(ast.Module(body, []), FILE, "exec", dont_inherit=True, optimize=0)
    return [c for c in module.co_consts if isinstance(c, CodeType)]
