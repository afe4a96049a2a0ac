"""From A-normal form to the body of a Python function.

Layer: compiler. Imports the compiler's anf, expressions, inline and normalise.

A pure operation whose result is used once, by a later statement of the same block, is not assigned: it waits in `_pending` and
becomes part of that statement's expression. So `(f (- n 1))` is `f(n - 1)`.

Invariants:
- nothing impure runs between a waiting operation and the statement that takes it: what is not taken by an impure
  statement is assigned before it;
- when something fails, everything that was live at the oldest waiting operation is in a variable, so that operation's
  site is where the statement is redone from: `redo` maps every line to it;
- the careful form fuses nothing and calls primitives by name: it is what runs after an open-coded operation failed, and
  finds out exactly what was wrong.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from typing import Any

from msgspec import Struct

from perdure.compiler import anf
from perdure.compiler.blocks import leaves, rounds
from perdure.compiler.expressions import (
    Atom,
    Choice,
    Expression,
    Names,
    Operation,
    constant,
    fill,
    name,
    place,
    target,
)
from perdure.compiler.inline import INLINE, INTERNAL, Inline
from perdure.compiler.variants import unsigned_variables, variant
from perdure.machine.code import CALL, TAIL

FUSED_DEPTH_MAX = 12
"""Deeper expressions are split: CPython's compiler is recursive."""


class Partial(Struct):
    """The rest of a loop's body in a residual, which may leave the loop but not go round again.

    `site` is that of its first statement.
    """

    site: int
    body: list[Any]


class Next(Struct):
    """The end of a piece of a residual: go on with the residual of a site, which has these variables."""

    site: int
    live: tuple[str, ...]


class Usage:
    """How often each local variable of a procedure is read and assigned."""

    def __init__(self, form: anf.LambdaForm, free: dict[int, frozenset[str]]) -> None:
        self.reads: Counter[str] = Counter()
        self.writes: Counter[str] = Counter(form.params)
        self.unsigned = unsigned_variables(form)
        self._free = free
        self._walk(form.body)

    def _walk(self, block: list[Any]) -> None:
        for statement in block:
            match statement:
                case anf.Set() | anf.Continue():
                    self._read(statement.args)
                case anf.Call() | anf.Tail():
                    self._read((statement.function, *statement.args))
                case anf.Return() | anf.SetGlobal():
                    self._read((statement.value,))
                case anf.If():
                    self._read((statement.test,))
                    self._walk(statement.then)
                    self._walk(statement.otherwise)
                case anf.Loop():
                    self.writes.update(statement.variables)
                    self._walk(statement.body)
                case anf.Closures():
                    for number in statement.lambdas:
                        for variable in self._free[number]:
                            self.reads[variable] += 2  # it must be a variable
            if isinstance(statement, anf.Set | anf.Call):
                self.writes[statement.target] += 1

    def _read(self, atoms: tuple[anf.Atom, ...]) -> None:
        for atom in atoms:
            if type(atom) is str:
                self.reads[atom] += 1


class Emitter:
    """Emits statements; collects what the traceback must be read with."""

    def __init__(
        self,
        names: Names,
        usage: Usage,
        free: dict[int, tuple[str, ...]],
        loops: dict[int, tuple[anf.Loop, tuple[str, ...]]],
        *,
        careful: bool = False,
    ) -> None:
        """Prepare.

        Args:
          names: how atoms are spelt.
          usage: of the procedure that the statements come from.
          free: the free variables of every procedure of the definition, by number.
          loops: every loop of the definition by site, with the variables live at its head.
          careful: emit the careful form.
        """
        self.redo: dict[int, int] = {}
        self.kinds: dict[int, int] = {}
        self.assigned_globals: set[str] = set()
        self.residuals: set[int] = set()
        self._names = names
        self._usage = usage
        self._free = free
        self._loops = loops
        self._careful = careful
        self._pending: dict[str, Expression] = {}
        self._inside: list[int] = []
        self._order: dict[int, int] = {}
        self._numbers = itertools.count()

    # -- waiting operations -----------------------------------------------------------------

    def _take(self, atom: anf.Atom, *, allowed: bool = True) -> Expression:
        """Return the expression of an operand: the waiting operation, if it may be taken, or the atom."""
        if allowed and type(atom) is str and atom in self._pending:
            return self._pending.pop(atom)
        return Atom(atom)

    def _settle(self, atoms: tuple[anf.Atom, ...], out: list[ast.stmt]) -> None:
        """Assign what is waiting if one of these atoms is."""
        if any(type(a) is str and a in self._pending for a in atoms):
            self._flush(out)

    def _flush(self, out: list[ast.stmt], taken: list[Expression] | None = None) -> None:
        """Assign everything that is waiting, oldest first; what the statement itself took is not assigned."""
        while self._pending:
            variable = next(iter(self._pending))
            oldest = self._oldest(taken or [], 0)
            expression = self._pending.pop(variable)
            self._mark(expression, expression.site, oldest)
            value = expression.value(self._names, expression.site)
            out.append(_assign(variable, value, expression.site))

    def _oldest(self, taken: list[Expression], site: int) -> int:
        """Return the site to redo a statement from: its oldest part's, or the oldest that still waits."""
        firsts = [e.first for e in taken if not isinstance(e, Atom)]
        firsts += [e.first for e in self._pending.values()]
        return min(firsts, key=self._order.__getitem__) if firsts else site

    def _mark(self, expression: Expression, site: int, first: int) -> None:
        for line in (*expression.sites, site):
            if line != first:
                self.redo[line] = first

    # -- statements ---------------------------------------------------------------------------

    def block(self, statements: list[Any]) -> list[ast.stmt]:
        """Return the Python statements of a block."""
        out: list[ast.stmt] = []
        outer, self._pending = self._pending, {}
        self._number(statements)
        for statement in statements:
            self._statement(statement, out)
        self._flush(out)
        self._pending = outer
        return out or [ast.Pass(**place(1))]

    def _number(self, statements: list[Any]) -> None:
        for statement in statements:
            # Not the table's length: the statements of a `Partial` have its own site among them.
            self._order[statement.site] = next(self._numbers)

    def _statement(self, statement: Any, out: list[ast.stmt]) -> None:
        match statement:
            case anf.Set():
                self._set(statement, out)
            case anf.Call() | anf.Tail():
                self._call(statement, out)
            case anf.Return(site, value):
                taken = self._prepare(site, (value,), out)
                out.append(ast.Return(taken[0].value(self._names, site), **place(site)))
            case anf.If():
                self._if(statement, out)
            case anf.Loop() | Partial():
                self._flush(out)
                self._loop(statement, out)
            case anf.Continue():
                self._continue(statement, out)
            case anf.Break(site, _):
                self._flush(out)
                out.append(ast.Break(**place(site)))
            case Next(site, live):
                self._flush(out)
                self._go_on(site, [name(v, site) for v in live], out)
            case anf.Closures():
                self._closures(statement, out)
            case anf.SetGlobal():
                self._set_global(statement, out)

    def _prepare(
        self, site: int, atoms: tuple[anf.Atom, ...], out: list[ast.stmt]
    ) -> list[Expression]:
        """Take a statement's operands, and assign what waits besides."""
        taken = [self._take(a) for a in atoms]
        first = self._oldest(taken, site)
        self._flush(out, taken)
        for expression in taken:
            self._mark(expression, site, first)
        return taken

    def _set(self, statement: anf.Set, out: list[ast.stmt]) -> None:
        site, variable = statement.site, statement.target
        inline = variant(statement, self._usage.unsigned)
        if self._careful and statement.op not in INTERNAL:
            callee = name(f"%:{statement.op}", site)
            args = [self._names.atom(a, site) for a in statement.args]
            self.kinds[site] = CALL
            out.append(_assign(variable, ast.Call(callee, args, [], **place(site)), site))
            return
        self._settle(tuple(a for i, a in enumerate(statement.args) if i in inline.twice), out)
        if not inline.pure:
            self._effects(statement, inline, out)
            return
        taken = [self._take(a) for a in statement.args]
        first = self._oldest(taken, site)
        own = [e.first for e in taken if not isinstance(e, Atom)]
        oldest_own = min([*own, site], key=self._order.__getitem__)
        operation = Operation(inline, taken, site, oldest_own)
        usage = self._usage
        if (
            usage.reads[variable] == 1
            and usage.writes[variable] == 1
            and operation.depth <= FUSED_DEPTH_MAX
            and not self._careful
        ):
            self._pending[variable] = operation
            return
        if any(self._order[e.first] > self._order[oldest_own] for e in self._pending.values()):
            # Redone from its own place, one of these would need what this operation took.
            self._flush(out, taken)
        self._mark(operation, site, first)
        out.append(_assign(variable, operation.value(self._names, site), site))

    def _effects(self, statement: anf.Set, inline: Inline, out: list[ast.stmt]) -> None:
        site = statement.site
        taken = self._prepare(site, statement.args, out)
        for template in inline.effects:
            out.append(fill(template, lambda i: taken[i].value(self._names, site), site))
        if self._usage.reads[statement.target]:
            out.append(_assign(statement.target, name("!unspecified", site), site))

    def _call(self, statement: anf.Call | anf.Tail, out: list[ast.stmt]) -> None:
        site = statement.site
        # CPython compiles `x.car(y)` as a method call and moves its position to the attribute's.
        self._settle((statement.function,), out)
        taken = self._prepare(site, (statement.function, *statement.args), out)
        callee, *args = [e.value(self._names, site) for e in taken]
        if statement.spread:
            rest = ast.Call(name("!spread", site), [args[-1]], [], **place(site))
            args[-1] = ast.Starred(rest, ast.Load(), **place(site))
        if self._careful or isinstance(callee, ast.Constant):
            callee = ast.Call(name("!applicable", site), [callee, *args], [], **place(site))
        call = ast.Call(callee, args, [], **place(site))
        if isinstance(statement, anf.Tail):
            self.kinds[site] = TAIL
            out.append(ast.Return(call, **place(site)))
            return
        self.kinds[site] = CALL
        if self._usage.reads[statement.target]:
            out.append(_assign(statement.target, call, site))
        else:
            out.append(ast.Expr(call, **place(site)))

    def _if(self, statement: anf.If, out: list[ast.stmt]) -> None:
        site = statement.site
        if self._choice(statement):
            return
        (test,) = self._prepare(site, (statement.test,), out)
        condition = test.test(self._names, site)
        then = self.block(statement.then)
        otherwise = self.block(statement.otherwise) if statement.otherwise else []
        out.append(ast.If(condition, then, otherwise, **place(site)))

    def _choice(self, statement: anf.If) -> bool:
        """Let a conditional wait as one expression, if both of its branches are expressions."""
        if self._careful or not statement.then or not statement.otherwise:
            return False
        last = statement.then[-1]
        variable = last.target if isinstance(last, anf.Set) else ""
        if isinstance(last, anf.If):
            variable = _result(last)
        if (
            not variable
            or _result_of(statement.otherwise) != variable
            or self._usage.reads[variable] != 1
            or not (_only_sets(statement.then) and _only_sets(statement.otherwise))
        ):
            return False
        chosen = self._as_expression(statement.then, variable)
        otherwise = self._as_expression(statement.otherwise, variable)
        if chosen is None or otherwise is None:
            return False
        test = self._take(statement.test)
        first = statement.site if isinstance(test, Atom) else test.first
        choice = Choice(test, chosen, otherwise, statement.site, first)
        if choice.depth > FUSED_DEPTH_MAX:
            if not isinstance(test, Atom):
                self._pending[str(statement.test)] = test
            return False
        self._pending[variable] = choice
        return True

    def _as_expression(self, block: list[Any], variable: str) -> Expression | None:
        """Return a block of pure operations as one expression for `variable`, or None."""
        outer, self._pending = self._pending, {}
        redo = dict(self.redo)
        writes = self._usage.writes[variable]
        self._usage.writes[variable] = 1  # the other branch assigns it too
        self._number(block)
        out: list[ast.stmt] = []
        for statement in block:
            self._statement(statement, out)
        found, self._pending = self._pending, outer
        self._usage.writes[variable] = writes
        if out or list(found) != [variable]:
            self.redo = redo
            return None
        return found[variable]

    def _loop(self, statement: anf.Loop | Partial, out: list[ast.stmt]) -> None:
        site = statement.site
        forever = constant(True, site)
        if isinstance(statement, Partial):
            self._inside.append(0)
            body = self.block(statement.body)
            self._inside.pop()
            out.append(ast.While(forever, body, [], **place(site)))
            return
        self._inside.append(site)
        body = [poll(site), *self.block(statement.body)]
        self._inside.pop()
        out.append(ast.While(forever, body, [], **place(site)))
        for outer in rounds(statement.body) & set(self._inside):
            # At the line of the outer loop's head: its variables have their values, so that is what a stop has to redo.
            assert outer == self._inside[-1], "a loop goes round the one around it only"
            assert not leaves(statement.body, site), "and then it is left in no other way"
            out.append(ast.Continue(**place(outer)))

    def _continue(self, statement: anf.Continue, out: list[ast.stmt]) -> None:
        site = statement.site
        loop, live = self._loops[statement.loop]
        taken = self._prepare(site, statement.args, out)
        moves = [
            (variable, expression)
            for variable, expression in zip(loop.variables, taken, strict=True)
            if not (isinstance(expression, Atom) and expression.atom == variable)
        ]
        if loop.site in self._inside:
            if len(moves) == 1:
                variable, expression = moves[0]
                out.append(_assign(variable, expression.value(self._names, site), site))
            elif moves:
                targets: list[ast.expr] = [target(v, site) for v, _ in moves]
                variables = ast.Tuple(targets, ast.Store(), **place(site))
                values = [e.value(self._names, site) for _, e in moves]
                value = ast.Tuple(values, ast.Load(), **place(site))
                out.append(ast.Assign([variables], value, **place(site)))
            # The loop around is gone round by leaving this one; `_loop` goes on from there.
            direct = loop.site == self._inside[-1]
            out.append(ast.Continue(**place(site)) if direct else ast.Break(**place(site)))
            return
        if loop.through is not None:
            callee = name(loop.through.key, site)
            args = [e.value(self._names, site) for e in taken]
            self.kinds[site] = TAIL
            out.append(ast.Return(ast.Call(callee, args, [], **place(site)), **place(site)))
        else:
            new = dict(zip(loop.variables, taken, strict=True))
            args = [new.get(v, Atom(v)).value(self._names, site) for v in live]
            self._go_on(loop.site, args, out, line=site)

    def _go_on(
        self, site: int, args: list[ast.expr], out: list[ast.stmt], *, line: int | None = None
    ) -> None:
        """Call the residual of a site in tail position, from the line of a statement (that site's own if not said)."""
        where = site if line is None else line
        self.kinds[where] = TAIL
        self.residuals.add(site)
        callee = name(self._names.residual(site), where)
        out.append(ast.Return(ast.Call(callee, args, [], **place(where)), **place(where)))

    def _closures(self, statement: anf.Closures, out: list[ast.stmt]) -> None:
        self._flush(out)
        site = statement.site
        free = factory_params(statement, self._free)
        args: list[ast.expr] = [name(v, site) for v in free]
        call = ast.Call(name(self._names.factory(site), site), args, [], **place(site))
        if len(statement.targets) == 1:
            out.append(_assign(statement.targets[0], call, site))
            return
        variables: list[ast.expr] = [target(v, site) for v in statement.targets]
        tuple_ = ast.Tuple(variables, ast.Store(), **place(site))
        out.append(ast.Assign([tuple_], call, **place(site)))

    def _set_global(self, statement: anf.SetGlobal, out: list[ast.stmt]) -> None:
        site = statement.site
        (taken,) = self._prepare(site, (statement.value,), out)
        key = f"{statement.library}:{statement.name}"
        self.assigned_globals.add(key)
        if not statement.define:  # reading it raises the error for an unbound variable
            out.append(ast.Expr(name(key, site), **place(site)))
        out.append(guarded(key, site))
        out.append(_assign(key, taken.value(self._names, site), site))


def poll(site: int) -> ast.stmt:
    """Return the test for pre-emption."""
    call = ast.Call(name("!poll", site), [], [], **place(site))
    return ast.If(name("!flag", site), [ast.Expr(call, **place(site))], [], **place(site))


def guarded(key: str, site: int) -> ast.stmt:
    """Return what tells the guard of an open transaction that a global variable is about to be set."""
    call = ast.Call(name("!touch_global", site), [constant(key, site)], [], **place(site))
    return ast.If(name("!guarded", site), [ast.Expr(call, **place(site))], [], **place(site))


def factory_params(statement: anf.Closures, free: dict[int, tuple[str, ...]]) -> list[str]:
    """Return the variables that the closures of a statement are made of, in order."""
    inner = {v for n in statement.lambdas for v in free[n]}
    return sorted(inner - set(statement.targets))


def _assign(variable: str, value: ast.expr, site: int) -> ast.stmt:
    return ast.Assign([target(variable, site)], value, **place(site))


def _result(statement: anf.If) -> str:
    return _result_of(statement.then)


def _result_of(block: list[Any]) -> str:
    """Return the variable that the last statement of a block of pure operations sets, or ""."""
    while block:
        last = block[-1]
        if isinstance(last, anf.Set):
            return last.target
        block = last.then if isinstance(last, anf.If) else []
    return ""


def _only_sets(block: list[Any]) -> bool:
    """Whether a block consists of pure operations and conditionals of them."""
    return bool(block) and all(
        (isinstance(s, anf.Set) and INLINE[s.op, len(s.args)].pure)
        or (isinstance(s, anf.If) and _only_sets(s.then) and _only_sets(s.otherwise))
        for s in block
    )
