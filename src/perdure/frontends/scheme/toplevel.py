"""Expand the top level of a program or library to units, in two passes, collecting every error.

Layer: frontends. Imports ir, values, base.
Invariant: a form with an error costs that form alone; all others are still expanded and checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perdure.base.errors import ProgramError
from perdure.base.trampoline import run
from perdure.frontends.scheme.bindings import (
    DEFINITION,
    SPLICE,
    SYNTAX,
    TOPLEVEL,
    CoreForm,
    Definition,
    Environment,
    Global,
    Macro,
)
from perdure.frontends.scheme.expander import Expander, named
from perdure.frontends.scheme.syntax import Form, Identifier, Syntax
from perdure.ir.core import GlobalDefine, Unit

Special = Callable[[Form, str], None]
"""Handles an `import` or `define-library` form."""


class TopLevel:
    """The forms of one environment on their way to units: `collect` them, then `finish`."""

    def __init__(self, x: Expander, environment: Environment, special: Special | None) -> None:
        self._x = x
        self._environment = environment
        self._special = special
        self._entries: list[tuple[str | None, Any]] = []
        self.errors: list[ProgramError] = []

    def collect(self, forms: list[Syntax]) -> None:
        """First pass: expand macros as far as needed to know and bind what the forms define."""
        for form in forms:
            try:
                self._collect(form)
            except ProgramError as error:
                self._failed(error)

    def finish(self) -> list[Unit]:
        """Second pass: return the expanded units, in the order of the text."""
        units = []
        context = self._environment.context
        for name, entry in self._entries:
            try:
                if name is None:
                    units.append(Unit(self._x.expand(entry, context)))
                    continue
                value = named(run(entry.make(context)), name)
                place = entry.form.place()
                units.append(
                    Unit(GlobalDefine(self._environment.library, name, value, place), name)
                )
            except ProgramError as error:
                self._failed(error)
        self._entries = []
        return units

    def _failed(self, error: ProgramError) -> None:
        if error.span is not None and not error.source:
            error.source = self._x.sources.get(error.span.file, "")
        self.errors.append(error)

    def _collect(self, first: Syntax) -> None:
        x = self._x
        context = self._environment.context
        queue = [first]
        while queue:
            form = queue.pop()
            special = _special_name(form)
            binding = x.head(form)
            if (
                special
                and self._special is not None
                and (
                    binding is None or (isinstance(binding, CoreForm) and binding.kind == TOPLEVEL)
                )
            ):
                assert isinstance(form, Form)
                self._special(form, special)
            elif isinstance(binding, Macro):
                assert isinstance(form, Form)
                queue.append(x.apply_macro(binding, form, context))
            elif isinstance(binding, CoreForm) and binding.kind == SPLICE:
                assert binding.expand is not None
                queue.extend(reversed(binding.expand(x, form, context)))
            elif isinstance(binding, CoreForm) and binding.kind == DEFINITION:
                assert binding.expand is not None
                for definition in binding.expand(x, form, context):
                    self._define(definition)
            elif isinstance(binding, CoreForm) and binding.kind == SYNTAX:
                assert binding.expand is not None
                binding.expand(x, form, context)
            else:
                self._entries.append((None, form))

    def _define(self, definition: Definition) -> None:
        environment = self._environment
        id_ = definition.identifier.without(environment.context.use_sites)
        name = id_.name
        if id_.scopes != environment.scopes:
            # A macro brought this name: it must not be the program's own of the same spelling.
            bound = self._x.table.find(id_)
            again = isinstance(bound, Global) and bound.library == environment.library
            name = (
                bound.name if again and isinstance(bound, Global) else environment.unique_name(name)
            )
        environment.defined.add(name)
        self._x.bind(id_, Global(environment.library, name), environment.context)
        self._entries.append((name, definition))


def _special_name(form: Syntax) -> str:
    if isinstance(form, Form) and form.items and isinstance(form.items[0], Identifier):
        name = form.items[0].name
        if name in ("import", "define-library"):
            return name
    return ""
