"""Find unbound names and calls with a wrong number of arguments, without running anything.

Layer: frontends. Imports ir, values, base.
Invariant: no false alarm about arity: only procedures that are bound once and never assigned are checked.
"""

from __future__ import annotations

from typing import Any

from perdure.base import limits
from perdure.base.errors import ProgramError
from perdure.frontends.scheme.exports import Arity
from perdure.frontends.scheme.suggestions import hint_for
from perdure.frontends.scheme.syntax import Atom, show
from perdure.ir.core import (
    PRIMITIVES,
    Call,
    Const,
    Core,
    GlobalDefine,
    GlobalRef,
    GlobalSet,
    Lambda,
    Let,
    Letrec,
    LocalRef,
    Unit,
)
from perdure.ir.walking import walk
from perdure.values.types import PythonProcedure


def arity_of(procedure: Lambda) -> Arity:
    """Return the arity of a procedure, with its parameters for messages."""
    words = [p.name for p in procedure.params]
    least = len(words)
    if procedure.rest is None:
        return least, least, " ".join(words)
    return least, None, " ".join([*words, f"{procedure.rest.name} ..."])


def known_arities(units: list[Unit]) -> dict[str, Arity]:
    """Return the arities of the procedures that units define once and never assign."""
    arities: dict[str, Arity] = {}
    seen: set[str] = set()
    changed: set[str] = set()
    for unit in units:
        form = unit.form
        if isinstance(form, GlobalDefine):
            if form.name in seen:
                changed.add(form.name)
            seen.add(form.name)
            if isinstance(form.value, Lambda):
                arities[form.name] = arity_of(form.value)
        for node in walk(form):
            if isinstance(node, GlobalSet):
                changed.add(node.name)
    return {name: arity for name, arity in arities.items() if name not in changed}


def unbound_names(program: Any) -> list[ProgramError]:
    """Return a warning for each use of a global that the program and its libraries do not define; mark these uses."""
    environments = {
        library.environment.library: library.environment for library in program.libraries
    }
    environments[program.environment.library] = program.environment
    session = program.session
    hints: dict[str, str] = {}
    errors = []
    for id_, use in session.unresolved:
        home = environments.get(use.library)
        if home is None or use.name in home.defined:
            continue
        if isinstance(use, GlobalRef):
            use.bound = False
        if use.name not in hints and len(hints) < limits.SYNTAX_ERRORS_MAX:
            in_scope = [*session.table.visible(id_.scopes), *(s.name for s in home.names)]
            hints[use.name] = hint_for(use.name, in_scope, session.standard)
        hint = hints.get(use.name, "")
        errors.append(_error("P130", f"unbound variable {use.name}", use, program, hint))
    return errors


def wrong_calls(program: Any) -> list[ProgramError]:
    """Return a warning for each call that can't be right: wrong arity, or no procedure at all."""
    resolver = program.session.resolver
    arities: dict[tuple[str, str], Arity] = {}
    for name, arity in resolver.primitives.items():
        arities[PRIMITIVES, name] = arity
    for key, arity in resolver.standard.arities.items():
        library, _, name = key.partition(":")
        arities[library, name] = arity
    parts = [(library.name, library.units) for library in program.libraries]
    for library, units in [*parts, (program.environment.library, program.units)]:
        for name, arity in known_arities(units).items():
            arities[library, name] = arity
    errors = []
    for _, units in [*parts, ("", program.units)]:
        for unit in units:
            errors += _wrong_calls(unit.form, arities, program)
    return errors


def _wrong_calls(
    form: Core, arities: dict[tuple[str, str], Arity], program: Any
) -> list[ProgramError]:
    errors = []
    local_arities: dict[int, Arity] = {}
    nodes = list(walk(form))
    for node in nodes:
        if isinstance(node, Let | Letrec):
            for local, value in node.bindings:
                if isinstance(value, Lambda) and not local.assigned:
                    local_arities[id(local)] = arity_of(value)
    for node in nodes:
        if not isinstance(node, Call):
            continue
        function = node.function
        arity: Arity | None = None
        name = "lambda"
        if isinstance(function, GlobalRef):
            name, arity = function.name, arities.get((function.library, function.name))
        elif isinstance(function, LocalRef):
            name, arity = function.var.name, local_arities.get(id(function.var))
        elif isinstance(function, Lambda):
            arity = arity_of(function)
        elif isinstance(function, Const) and not isinstance(function.value, PythonProcedure):
            message = f"expected a procedure, found the constant {_shown(function.value)}"
            hint = "a list of data is written with a quote: '(1 2)"
            errors.append(_error("P132", message, node, program, hint))
        if arity is not None:
            message = arity_message(name, arity, len(node.arguments))
            if message:
                errors.append(_error("P131", message, node, program, ""))
    return errors


def arity_message(name: str, arity: Arity, given: int) -> str:
    """Return what is wrong with a call of that many arguments, or ""."""
    least, most, formals = arity
    if given >= least and (most is None or given <= most):
        return ""
    if most is None:
        expected = f"at least {least}"
    elif most == least:
        expected = str(least)
    else:
        expected = f"{least} to {most}"
    plural = "" if (most == 1 and least == 1) else "s"
    shown = f"({name} {formals})" if formals else f"({name})"
    return f"{shown} takes {expected} argument{plural}, {given} given"


def _shown(value: Any) -> str:
    """Return a constant for a message."""
    return show(Atom(value))


def _error(code: str, message: str, node: Any, program: Any, hint: str) -> ProgramError:
    span = node.span
    source = program.sources.get(span.file, "") if span is not None else ""
    return ProgramError(code, message, span=span, source=source, hint=hint, warning=True)
