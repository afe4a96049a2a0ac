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
    Binding,
    CoreForm,
    Definition,
    Environment,
    Global,
    Macro,
)
from perdure.frontends.scheme.building import named
from perdure.frontends.scheme.expander import Expander
from perdure.frontends.scheme.names import ENDLESS
from perdure.frontends.scheme.syntax import Form, Identifier, Syntax
from perdure.ir.core import GlobalDefine, GlobalRef, GlobalSet, Unit
from perdure.ir.walking import walk

Special = Callable[[Form, str], None]
"""Handles an `import` or `define-library` form."""


class TopLevel:
    """The forms of one environment on their way to units: `collect` them, then `finish`."""

    def __init__(self, x: Expander, environment: Environment, special: Special | None) -> None:
        self._x = x
        self._environment = environment
        self._special = special
        self._entries: list[tuple[str | None, Any]] = []
        self._units: list[Unit] = []
        self._replaced: list[tuple[int, str, Global]] = []
        """Imported variables that the text defines anew: how many forms stand above, the name, what was imported."""
        self.bound = False
        """Whether a name has another meaning than before."""

    def collect(self, forms: list[Syntax]) -> None:
        """First pass: expand macros as far as needed to know and bind what the forms define."""
        for form in forms:
            self._collect(form)

    def finish(self) -> list[Unit]:
        """Second pass: return the expanded units, in the order of the text; none if only names are wanted."""
        self._expand_entries()
        library = self._environment.library
        first = []
        for above, name, imported in self._replaced:
            # Until its definition is evaluated, the variable has the value that was imported.
            if _mentions(self._units[:above], library, name):
                value = GlobalRef(imported.library, imported.name)
                first.append(Unit(GlobalDefine(library, name, value), name))
        return [*first, *self._units]

    def _expand_entries(self) -> None:
        x, context, library = self._x, self._environment.context, self._environment.library
        entries, self._entries = self._entries, []
        if x.names_only:
            return
        for name, entry in entries:
            try:
                if name is None:
                    self._units.append(Unit(x.expand(entry, context)))
                    continue
                value = named(run(x.value(entry.make(context))), name)
                definition = GlobalDefine(library, name, value, entry.form.place())
                self._units.append(Unit(definition, name))
            except ProgramError as error:  # an expansion without end gives up the whole form
                x.failed(error)

    def _collect(self, first: Syntax) -> None:
        queue = [first]
        while queue:
            form = queue.pop()
            try:
                queue += self._enter(form)
            except ProgramError as error:
                self._x.failed(error)
                if error.code == ENDLESS:
                    return

    def _enter(self, form: Syntax) -> list[Syntax]:
        """Take one form: bind what it defines; return what stands for it, the last first."""
        x = self._x
        context = self._environment.context
        special = _special_name(form)
        binding = x.head(form)
        if isinstance(form, Form) and isinstance(binding, Macro):
            return [x.apply_macro(binding, form, context)]
        if special and self._special is not None and _is_special(binding):
            assert isinstance(form, Form)
            self._special(form, special)
            self.bound = True
        elif not isinstance(binding, CoreForm) or binding.expand is None:
            self._entries.append((None, form))
        elif binding.kind == SPLICE:
            return list(reversed(binding.expand(x, form, context)))
        elif binding.kind == DEFINITION:
            for definition in binding.expand(x, form, context):
                self._define(definition)
        elif binding.kind == SYNTAX:
            assert isinstance(form, Form)
            if len(form.items) > 1 and isinstance(form.items[1], Identifier):
                self._before_rebinding(form.items[1], keyword=True)
            binding.expand(x, form, context)
            self.bound = True
        else:
            self._entries.append((None, form))
        return []

    def _before_rebinding(self, id_: Identifier, *, keyword: bool) -> None:
        """Prepare for a definition that gives a name another meaning, which the forms above do not have."""
        environment = self._environment
        if id_.scopes != environment.scopes:
            return
        old = environment.names.get(id_.symbol)
        source = environment.imported.get(id_.symbol, ("", False))[0]
        if isinstance(old, Macro | CoreForm) or (old is not None and keyword):
            # Programs call procedures that they define further down; a name of ours that is no standard
            # keyword, such as `assert`, must not get in their way.
            if source != "perdure":
                self._expand_entries()
        elif isinstance(old, Global) and source:
            self._replaced.append((len(self._units) + len(self._entries), id_.name, old))

    def _define(self, definition: Definition) -> None:
        environment = self._environment
        id_ = definition.identifier.without(environment.context.use_sites)
        name = id_.name
        self._before_rebinding(id_, keyword=False)
        if id_.scopes != environment.scopes:
            # A macro brought this name: it must not be the program's own of the same spelling.
            bound = self._x.table.find(id_)
            again = isinstance(bound, Global) and bound.library == environment.library
            name = (
                bound.name if again and isinstance(bound, Global) else environment.unique_name(name)
            )
        binding = Global(environment.library, name)
        if id_.scopes != environment.scopes or environment.names.get(id_.symbol) != binding:
            self.bound = True
        environment.defined.add(name)
        self._x.bind(id_, binding, environment.context)
        self._entries.append((name, definition))


def _mentions(units: list[Unit], library: str, name: str) -> bool:
    """Return whether units use a global variable."""
    return any(
        isinstance(node, GlobalRef | GlobalSet) and (node.library, node.name) == (library, name)
        for unit in units
        for node in walk(unit.form)
    )


def _is_special(binding: Binding | None) -> bool:
    return binding is None or (isinstance(binding, CoreForm) and binding.kind == TOPLEVEL)


def _special_name(form: Syntax) -> str:
    if isinstance(form, Form) and form.items and isinstance(form.items[0], Identifier):
        name = form.items[0].name
        if name in ("import", "define-library"):
            return name
    return ""
