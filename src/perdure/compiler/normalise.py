"""From the core language to A-normal form.

Layer: compiler. Imports ir, base, and the compiler's own anf, analysis, inline.

Destinations say what becomes of a value: `Ret` returns it from the procedure, `Var` assigns it and goes on, `Eff` drops it.
A destination inside a loop that is not in tail position of its procedure carries the loop: reaching it leaves the loop.

Invariants: names are unique in a definition; an assigned variable lives in a box, so a closure's cells never change; the
variables of a statement are atoms; sites count up from FIRST_SITE in the order in which statements are made.
Procedures without free variables become static (one for each run); a procedure that is only called in tail position of its
own body becomes a loop. Written as generators (base.trampoline): expansion nests deeper than Python's stack.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from msgspec import Struct

from perdure.base import limits, trampoline
from perdure.compiler import anf, simplify
from perdure.compiler.analysis import (
    NO,
    WITHIN,
    Analysis,
    branch_depth,
    is_reference,
    tail_calls,
)
from perdure.compiler.blocks import calls, terminates
from perdure.compiler.inline import FOLDED, INLINE
from perdure.compiler.liveness import annotate
from perdure.compiler.numbering import Numbering
from perdure.compiler.records import NO_RECORDS, RecordProcedures, operation
from perdure.ir import core

_UNSPECIFIED = anf.Global("!", "unspecified")

Target = core.Local | tuple[str, str]
Steps = Generator[Any, Any, Any]


class Ret(Struct, frozen=True):
    """Return the value."""


class Var(Struct, frozen=True):
    """Assign the value to a variable; then leave `loop`, if one is given."""

    name: str
    loop: int = 0


class Eff(Struct, frozen=True):
    """Drop the value."""


Destination = Ret | Var | Eff
Loops = dict[Target, anf.Loop]


class Normaliser(Numbering):
    """Normalises one top-level form; `definition()` has the result, `spans` the places of its sites."""

    def __init__(
        self,
        library: str,
        name: str,
        assigned: frozenset[tuple[str, str]] = frozenset(),
        *,
        keeps_top: bool = True,
        records: RecordProcedures = NO_RECORDS,
    ) -> None:
        """Prepare for one form.

        Args:
          library: the library that it belongs to.
          name: what it defines, "" for an expression.
          assigned: the globals whose self-calls must not become loops.
          keeps_top: its last call keeps the form's frame, for reports; not for `eval`, which calls in tail position.
          records: the procedures whose calls become operations (compiler.records).
        """
        self._records = records
        self.library = library
        self._assigned = assigned
        self._keeps_top = keeps_top
        self.name = name
        super().__init__()
        self._lambdas: list[anf.LambdaForm | None] = []
        self._checked: set[core.Local] = set()
        self._static: dict[core.Local, anf.Static] = {}
        self._facts = Analysis()
        self._nested = 0
        self._number = 0

    def run(self, form: Any) -> anf.Definition:
        """Return the definition of a top-level form."""
        top = core.Lambda([], None, form, self.name)
        trampoline.run(self._lambda(top))
        lambdas = [form for form in self._lambdas if form is not None]
        return annotate(
            anf.Definition(anf.VERSION, self.library, self.name, lambdas, self.constants, {})
        )

    # -- procedures -----------------------------------------------------------------------

    def _lambda(self, node: core.Lambda) -> Steps:
        """Normalise a procedure and return its number."""
        number = len(self._lambdas)
        self._lambdas.append(None)
        yield from self._fill(number, node, None)
        return number

    def _fill(self, number: int, node: core.Lambda, own: Target | None) -> Steps:
        """Normalise a procedure into its reserved number; self-calls through `own` may become a loop."""
        outer, self.span = self.span, node.span
        outer_nested, self._nested = self._nested, 0
        outer_number, self._number = self._number, number
        entry = self.new_site()
        body: list[Any] = []
        looping = (
            own is not None
            and node.rest is None
            and tail_calls(
                node.body, own, len(node.params), self._facts, limits.LOOPS_NESTED_MAX - 1
            )
            and branch_depth(node.body) <= limits.EXPRESSION_DEPTH_MAX
        )
        everyone = [*node.params, *([node.rest] if node.rest else [])]
        if looping:
            assert own is not None
            names = yield from self._loop_body(node, own, Ret(), body, {}, 0)
            params, rest = tuple(names), ""
            boxed: tuple[str, ...] = ()
        else:
            params = tuple(self.name_of(p) for p in node.params)
            rest = self.name_of(node.rest) if node.rest else ""
            boxed = tuple(self.name_of(p) for p in everyone if p.assigned)
            yield self._convert(node.body, Ret(), body, {}, 0)
        poll = not looping and calls(body)
        self._lambdas[number] = anf.LambdaForm(
            node.name, params, rest, tuple(boxed), (), entry, poll, body
        )
        self.span = outer
        self._nested = outer_nested
        self._number = outer_number

    def _loop_body(
        self,
        node: core.Lambda,
        own: Target,
        to: Destination,
        out: list[Any],
        loops: Loops,
        depth: int,
    ) -> Steps:
        """Emit the body of a procedure as a loop and return the names of the loop's variables.

        `loops` are the ones around it that it is in tail position of: its body may go round the next one, too.
        """
        around = dict([*loops.items()][-1:]) if isinstance(to, Ret) else {}
        names = []
        for param in node.params:
            plain = self.name_of(param)
            names.append(self.fresh(plain + "~") if param.assigned else plain)
        through = anf.Global(*own) if isinstance(own, tuple) else None
        loop = anf.Loop(self.new_site(), tuple(names), [], through)
        out.append(loop)
        for param, name in zip(node.params, names, strict=True):
            if param.assigned:
                self._set(loop.body, self.name_of(param), "%box", name)
        outer = to.loop if isinstance(to, Var) else 0
        if isinstance(to, Var):
            to = Var(to.name, loop.site)
        elif isinstance(to, Eff):
            to = Var(self.fresh("_"), loop.site)
        self._nested += 1
        yield self._convert(node.body, to, loop.body, {**around, own: loop}, depth)
        self._nested -= 1
        self._leave(outer, out)
        return names

    def _closed(self, group: list[tuple[core.Local, core.Lambda]]) -> bool:
        names = {v for v, _ in group}
        return all(self._facts.free(lam) - names <= self._static.keys() for _, lam in group)

    def _closures(self, group: list[tuple[core.Local, core.Lambda]], out: list[Any]) -> Steps:
        """Bind variables to procedures that may refer to each other."""
        numbers = []
        for _ in group:
            numbers.append(len(self._lambdas))
            self._lambdas.append(None)
        if self._closed(group):
            for (var, _), number in zip(group, numbers, strict=True):
                self._static[var] = anf.Static(number)
        else:
            targets = tuple(self.name_of(v) for v, _ in group)
            out.append(anf.Closures(self.new_site(), targets, tuple(numbers)))
        for (var, lam), number in zip(group, numbers, strict=True):
            yield self._fill(number, lam, var)

    # -- atoms ----------------------------------------------------------------------------

    def _set(self, out: list[Any], target: str, op: str, *args: anf.Atom) -> None:
        out.append(anf.Set(self.new_site(), target, op, args))

    def _atom(self, node: Any, out: list[Any], depth: int) -> Steps:
        """Return an atom for an expression, after emitting what computes it."""
        match node:
            case core.Const():
                return self.constant(node.value)
            case core.LocalRef() if node.var in self._static:
                return self._static[node.var]
            case core.LocalRef() if not node.var.assigned and node.var not in self._checked:
                return self.name_of(node.var)
            case core.GlobalRef() if node.bound:
                return anf.Global(node.library, node.name)
            case core.Lambda() if self._facts.free(node) <= self._static.keys():
                return anf.Static((yield self._lambda(node)))
        name = self.fresh(self._hint(node))
        yield self._convert(node, Var(name), out, {}, depth)
        return name

    @staticmethod
    def _hint(node: Any) -> str:
        match node:
            case core.LocalRef():
                return f"{node.var.name}.v"
            case core.Lambda():
                return node.name or "lambda"
        return "t"

    def _atoms(self, nodes: list[Any], out: list[Any], depth: int) -> Steps:
        found = []
        for node in nodes:
            found.append((yield self._atom(node, out, depth)))
        return tuple(found)

    def _finish(self, atom: anf.Atom, to: Destination, out: list[Any]) -> None:
        """Deliver an atom to a destination."""
        match to:
            case Ret():
                out.append(anf.Return(self.new_site(), atom))
            case Var(name, loop):
                self._set(out, name, "%move", atom)
                self._leave(loop, out)
            case Eff():
                if (
                    isinstance(atom, anf.Global) and atom.library != "!"
                ):  # reading an unbound variable is an error
                    self._set(out, self.fresh("_"), "%move", atom)

    def _leave(self, loop: int, out: list[Any]) -> None:
        if loop:
            out.append(anf.Break(self.new_site(), loop))

    # -- expressions ----------------------------------------------------------------------

    def _convert(
        self, node: Any, to: Destination, out: list[Any], loops: Loops, depth: int
    ) -> Steps:
        """Emit statements that evaluate `node` and deliver its value."""
        span = getattr(node, "span", None)
        outer = self.span
        if span is not None:
            self.span = span
        match node:
            case core.If():
                yield self._if(node, to, out, loops, depth)
            case core.Seq():
                for part in node.body[:-1]:
                    yield self._convert(part, Eff(), out, {}, depth)
                yield self._convert(node.body[-1], to, out, loops, depth)
            case core.Let():
                simpler = simplify.value(node)
                if simpler is node:
                    yield self._let(node, to, out, loops, depth)
                else:
                    yield self._if(simpler, to, out, loops, depth)
            case core.Letrec():
                yield self._letrec(node, to, out, loops, depth)
            case core.Call():
                yield self._call(node, to, out, loops, depth)
            case core.Lambda() if not self._facts.free(node) <= self._static.keys():
                var = core.Local(node.name or "lambda")
                yield self._closures([(var, node)], out)
                self._finish(self.name_of(var), to, out)
            case core.LocalSet():
                value = yield self._atom(node.value, out, depth)
                self._set(out, self.fresh("_"), "%set-box!", self.name_of(node.var), value)
                self._finish(_UNSPECIFIED, to, out)
            case core.GlobalSet() | core.GlobalDefine():
                yield self._global(node, to, out, depth)
            case core.LocalRef() if node.var not in self._static and (
                node.var.assigned or node.var in self._checked
            ):
                op = "%unbox-checked" if node.var in self._checked else "%unbox"
                self._operate(op, (self.name_of(node.var),), to, out)
            case core.GlobalRef() if not node.bound:
                # A statement of its own: a restart gives this variable's value and not that of what is around it.
                self._operate("%move", (anf.Global(node.library, node.name),), to, out)
            case _:
                self._finish((yield self._atom(node, out, depth)), to, out)
        self.span = outer

    def _global(self, node: Any, to: Destination, out: list[Any], depth: int) -> Steps:
        define = isinstance(node, core.GlobalDefine)
        value = node.value
        if define and isinstance(value, core.Lambda) and not self._facts.free(value):
            number = len(self._lambdas)
            self._lambdas.append(None)
            own = (node.library, node.name)
            yield self._fill(number, value, None if own in self._assigned else own)
            atom: anf.Atom = anf.Static(number)
        else:
            atom = yield self._atom(value, out, depth)
        out.append(anf.SetGlobal(self.new_site(), node.library, node.name, atom, define))
        self._finish(_UNSPECIFIED, to, out)

    def _if(
        self, node: core.If, to: Destination, out: list[Any], loops: Loops, depth: int
    ) -> Steps:
        test, then, otherwise = simplify.truth(node.test), node.then, node.otherwise
        while simplify.is_primitive(test, "not", 1):
            test, then, otherwise = simplify.truth(test.arguments[0]), otherwise, then
        if isinstance(test, core.Const):
            chosen = otherwise if test.value is None else then
            yield self._convert(chosen, to, out, loops, depth)
            return
        atom = yield self._atom(test, out, depth)
        branch = anf.If(self.new_site(), atom, [], [])
        out.append(branch)
        yield self._branch(then, to, branch.then, loops, depth + 1)
        if terminates(branch.then):
            yield self._convert(otherwise, to, out, loops, depth)
        else:
            yield self._branch(otherwise, to, branch.otherwise, loops, depth + 1)

    def _branch(
        self, node: Any, to: Destination, out: list[Any], loops: Loops, depth: int
    ) -> Steps:
        """Convert a branch; one that is nested too deeply becomes a procedure of its own."""
        nests = isinstance(node, core.If | core.Let | core.Letrec | core.Seq)
        if depth >= limits.EXPRESSION_DEPTH_MAX and nests and not loops:
            part = core.Lambda([], None, node, "part", node.span)
            self._emit_call((yield self._atom(part, out, 0)), (), False, to, out)
            return
        yield self._convert(node, to, out, loops, depth)

    def _let(
        self, node: core.Let, to: Destination, out: list[Any], loops: Loops, depth: int
    ) -> Steps:
        for var, value in node.bindings:
            if isinstance(value, core.Lambda) and not var.assigned:
                yield self._closures([(var, value)], out)
            else:
                yield self._bind(var, value, out, depth)
        yield self._convert(node.body, to, out, loops, depth)

    def _bind(self, var: core.Local, value: Any, out: list[Any], depth: int) -> Steps:
        if var.assigned:
            atom = yield self._atom(value, out, depth)
            self._set(out, self.name_of(var), "%box", atom)
        else:
            yield self._convert(value, Var(self.name_of(var)), out, {}, depth)

    def _letrec(
        self, node: core.Letrec, to: Destination, out: list[Any], loops: Loops, depth: int
    ) -> Steps:
        """Bind procedures as closure groups; variables that are used before their value need boxes."""
        if (yield from self._as_loop(node, to, out, loops, depth)):
            return
        pending: list[tuple[core.Local, core.Lambda]] = []
        boxes = [
            v
            for v, e in node.bindings
            if not (isinstance(e, core.Lambda) and not v.assigned) and self._needs_box(v, node)
        ]
        for var in boxes:
            self._checked.add(var)
            self._set(out, self.name_of(var), "%box", anf.Global("!", "uninitialised"))
        for var, value in node.bindings:
            if isinstance(value, core.Lambda) and not var.assigned:
                pending.append((var, value))
                continue
            needed = self._ready(pending, self._facts.free(value))
            yield from self._groups(needed, out)
            pending = [p for p in pending if p not in needed]
            if var in self._checked:
                atom = yield self._atom(value, out, depth)
                self._set(out, self.fresh("_"), "%set-box!", self.name_of(var), atom)
            else:
                yield self._bind(var, value, out, depth)
        yield from self._groups(pending, out)
        yield self._convert(node.body, to, out, loops, depth)

    def _needs_box(self, var: core.Local, node: core.Letrec) -> bool:
        """Whether a variable needs a place before its value is there."""
        if var.placed:
            return True
        for other, value in node.bindings:
            if var in self._facts.free(value):
                return True
            if other is var:
                break
        # A procedure bound earlier may be called by an initialiser before `var` has its value.
        return any(var in self._facts.free(value) for _, value in self._before(var, node))

    @staticmethod
    def _before(var: core.Local, node: core.Letrec) -> list[tuple[core.Local, Any]]:
        found = []
        for other, value in node.bindings:
            if other is var:
                break
            found.append((other, value))
        return found

    def _ready(
        self, pending: list[tuple[core.Local, core.Lambda]], used: frozenset[core.Local]
    ) -> list[tuple[core.Local, core.Lambda]]:
        """Return the pending procedures that an expression may call, directly or through each other."""
        names = {v for v, _ in pending}
        wanted = set(used & names)
        grown = True
        while grown:
            more = {w for v, e in pending if v in wanted for w in self._facts.free(e) & names}
            grown = not more <= wanted
            wanted |= more
        return [p for p in pending if p[0] in wanted]

    def _groups(self, pending: list[tuple[core.Local, core.Lambda]], out: list[Any]) -> Steps:
        """Emit closures for procedures, those that don't refer to each other apart."""
        rest = list(pending)
        while rest:
            group = self._ready(rest, frozenset({rest[0][0]}))
            if len(group) > 1:  # the smallest closed set first, so that helpers stay static
                group = min((self._ready(rest, frozenset({v})) for v, _ in group), key=len)
            yield self._closures(group, out)
            rest = [p for p in rest if p not in group]

    def _as_loop(
        self, node: core.Letrec, to: Destination, out: list[Any], loops: Loops, depth: int
    ) -> Steps:
        """Emit `(letrec ((f (lambda …))) (f a …))` as a loop where `f` is only called in tail position."""
        found = self._facts.loops(node, limits.LOOPS_NESTED_MAX - self._nested)
        if found == NO or (found == WITHIN and not isinstance(to, Ret)):
            return False  # a loop inside that goes round this one can't also leave it with a value
        (var, lam), call = node.bindings[0], node.body
        assert isinstance(lam, core.Lambda)
        assert isinstance(call, core.Call)
        values = yield self._atoms(call.arguments, out, depth)
        at = len(out)
        names = yield from self._loop_body(lam, var, to, out, loops, depth)
        moves: list[Any] = []
        for name, value in zip(names, values, strict=True):
            self._set(moves, name, "%move", value)
        out[at:at] = moves
        return True

    # -- calls ----------------------------------------------------------------------------

    def _call(
        self, node: core.Call, to: Destination, out: list[Any], loops: Loops, depth: int
    ) -> Steps:
        node = operation(node, self._records) or node
        function, arguments = node.function, node.arguments
        for target, loop in loops.items():
            if is_reference(function, target) and len(arguments) == len(loop.variables):
                values = yield self._atoms(arguments, out, depth)
                out.append(anf.Continue(self.new_site(), loop.site, values))
                return
        if (
            isinstance(function, core.Lambda)
            and function.rest is None
            and len(function.params) == len(arguments)
        ):
            bindings = list(zip(function.params, arguments, strict=True))
            yield self._let(core.Let(bindings, function.body), to, out, loops, depth)
            return
        name = ""
        if isinstance(function, core.GlobalRef) and function.library == core.PRIMITIVES:
            name = function.name
        if name and (yield from self._open_code(name, arguments, to, out, depth)):
            return
        spread = simplify.is_primitive(node, "apply") and len(arguments) > 1
        if spread:
            function, arguments = arguments[0], arguments[1:]
        if isinstance(function, core.GlobalRef):
            callee = anf.Global(function.library, function.name)
        else:
            callee = yield self._atom(function, out, depth)
        values = yield self._atoms(arguments, out, depth)
        self._emit_call(callee, values, spread, to, out)

    def _emit_call(
        self,
        callee: anf.Atom,
        values: tuple[anf.Atom, ...],
        spread: bool,
        to: Destination,
        out: list[Any],
    ) -> None:
        match to:
            case Ret() if self._keeps_frame(callee, len(values)):
                name = self.fresh("t")
                out.append(anf.Call(self.new_site(), name, callee, values, spread))
                out.append(anf.Return(self.new_site(), name))
            case Ret():
                out.append(anf.Tail(self.new_site(), callee, values, spread))
            case Var(name, loop):
                out.append(anf.Call(self.new_site(), name, callee, values, spread))
                self._leave(loop, out)
            case Eff():
                name = self.fresh("_")
                out.append(anf.Call(self.new_site(), name, callee, values, spread))

    def _keeps_frame(self, callee: anf.Atom, count: int) -> bool:
        """Whether a call in tail position keeps its frame, so that a report can say where the program stands.

        Only where space stays constant: a top-level form is done once; through the others no loop runs, because they end in
        an error, wait outside the program, or call what they are given before their own end.
        """
        if isinstance(callee, anf.Constant):
            nodes = self.constants[callee.index]
            return bool(nodes[0][0] == "P")
        if self._number == 0 and self._keeps_top:
            return True
        if not isinstance(callee, anf.Global):
            return False
        if callee.library in (core.CONTROL, core.PRIMITIVES) and callee.name in _PLACES:
            return True
        if callee.name == "hash-table-ref":
            return count == 2  # a third argument is called in tail position
        return callee.library.startswith("perdure.") and callee.name in _RETURNING

    def _open_code(
        self, name: str, arguments: list[Any], to: Destination, out: list[Any], depth: int
    ) -> Steps:
        """Emit a primitive as an operation, if it can be open-coded for so many arguments."""
        while name in FOLDED and len(arguments) > 2:
            first = core.Call(core.GlobalRef(core.PRIMITIVES, name), arguments[:2])
            arguments = [first, *arguments[2:]]
        name, arguments = simplify.comparison(name, arguments)
        if (name, len(arguments)) not in INLINE or name.startswith("%unbox"):
            return False
        values = yield self._atoms(arguments, out, depth)
        self._operate(name, values, to, out)
        return True

    def _operate(
        self, op: str, values: tuple[anf.Atom, ...], to: Destination, out: list[Any]
    ) -> None:
        match to:
            case Var(name, loop):
                self._set(out, name, op, *values)
                self._leave(loop, out)
            case Ret():
                name = self.fresh("t")
                self._set(out, name, op, *values)
                out.append(anf.Return(self.new_site(), name))
            case Eff():
                self._set(out, self.fresh("_"), op, *values)


_PLACES = frozenset(
    [
        "error",
        "raise",
        "raise-continuable",
        "sleep",
        "sleep-until",
        "receive-message",
        "join",
        "select",
        "channel-put",
        "channel-get",
        "read-line",
        "read-char",
        "peek-char",
        "read-string",
    ]
)
"""Procedures that stop or wait: a call of one keeps its frame in tail position, too."""

_RETURNING_NAMES = """
map %map-1 for-each %for-each-1 append-map filter-map filter remove partition reduce fold fold-left
fold-right list-index count assoc member delete delete-duplicates find find-tail list-tabulate
vector-map %vector-map-1 vector-for-each %vector-for-each-1 vector-fold vector-map!
string-map string-for-each string-count sort sort! list-sort
hash-table-update! hash-table-update!/default hash-table-walk hash-table-fold
make-parameter %with-parameters dynamic-wind with-exception-handler force
"""
_RETURNING = frozenset(_RETURNING_NAMES.split())
"""Library procedures that never call in tail position what they are given."""
