"""Uses of macros, and the transformers that `syntax-rules` makes.

Layer: frontends. Imports values, base.
Invariant: the work of expansion is bounded (limits.EXPANSION_*) for one top-level form after the other, however its macros grow.
"""

from __future__ import annotations

from perdure.base import limits
from perdure.frontends.scheme.bindings import Binding, Context, CoreForm, Macro
from perdure.frontends.scheme.names import ENDLESS, Names
from perdure.frontends.scheme.rules import EllipsisTest, Rules, RulesCompiler
from perdure.frontends.scheme.syntax import (
    Expansion,
    Form,
    Identifier,
    Syntax,
    error_at,
    show,
)

RULES = "(syntax-rules (literal ...) (pattern template) ...)"


def _weight(form: Form) -> int:
    """Return what the scopes of a use cost, in parts of lists: each set is copied when a scope is added to the use."""
    sets = {
        id(item.scopes): len(item.scopes) for item in form.items if isinstance(item, Identifier)
    }
    return sum(sets.values())


class Macros(Names):
    """A session that can expand uses of macros."""

    def __init__(self) -> None:
        super().__init__()
        self.steps_taken = 0
        self.parts_made = 0

    def apply_macro(self, macro: Macro, form: Form, ctx: Context) -> Syntax:
        """Return what one use of a macro stands for."""
        self.steps_taken += 1
        expansion = Expansion(macro.name, form.span, form.origin)
        if (
            expansion.depth > limits.EXPANSION_DEPTH_MAX
            or self.steps_taken > limits.EXPANSION_STEPS_MAX
            or self.parts_made > limits.EXPANSION_WORK_MAX
        ):
            message = f"{macro.name}: the macro seems to expand into itself without end"
            hint = "a macro that uses itself needs a rule for the last step, before the others"
            raise error_at(form, ENDLESS, message, hint=hint)
        if macro.context is ctx:
            # What a macro gets from the body that defines it must not be captured by binders that
            # its template brings into the same body (Flatt, section 3.5).
            use_site = self.new_scope()
            ctx.use_sites.add(use_site)
            head = form.items[0]
            form = form.adding(frozenset((use_site,)))
            form.items[0] = head
        result, parts = macro.rules.transform(form, self.new_scope(), expansion)
        self.parts_made += parts + _weight(form)
        return result  # type: ignore[no-any-return]

    def transformer(self, stx: Syntax, ctx: Context, name: str) -> Binding:
        """Return the binding for a keyword from its transformer spec, a `syntax-rules` form."""
        while True:
            if isinstance(stx, Identifier):
                binding = self.resolve(stx)
                if isinstance(binding, Macro | CoreForm):
                    return binding
            binding = self.head(stx)
            if isinstance(binding, Macro) and isinstance(stx, Form):
                stx = self.apply_macro(binding, stx, ctx)
                continue
            break
        if not isinstance(binding, CoreForm) or binding.name != "syntax-rules":
            message = f"{name}: expected {RULES} as its transformer, found {show(stx)}"
            hint = "a procedure is no macro; define it with (define ...)"
            raise error_at(stx, "P114", message, hint=hint)
        assert isinstance(stx, Form)
        return Macro(name, self._rules(stx, name), ctx)

    def _rules(self, stx: Form, name: str) -> Rules:
        items = stx.items[1:]
        custom = None
        if items and isinstance(items[0], Identifier):
            custom = items[0]
            items = items[1:]
        if not items or not isinstance(items[0], Form) or items[0].tail or stx.tail is not None:
            raise error_at(stx, "P114", f"syntax-rules: expected {RULES}, found {show(stx)}")
        literals = [self.binder(item, "a literal") for item in items[0].items]
        test = EllipsisTest(custom, self.core_name)
        compiler = RulesCompiler(test, literals, self.same_literal, self.core_name)
        rules = Rules(name)
        for item in items[1:]:
            parts = item.items if isinstance(item, Form) and item.tail is None else []
            if len(parts) != 2 or not isinstance(parts[0], Form) or not parts[0].items:
                hint = "several templates are one (begin template ...)" if len(parts) > 2 else ""
                message = f"{name}: expected a rule (pattern template), found {show(item)}"
                raise error_at(item, "P114", message, hint=hint)
            rules.rules.append(compiler.rule(parts[0], parts[1]))
        return rules

    def same_literal(self, a: Identifier, b: Identifier) -> bool:
        """Return whether an identifier is the literal of a macro (auxiliary keywords may be unbound)."""
        if self.same_binding(a, b):
            return True
        if a.symbol is not b.symbol:
            return False
        name = self.core_name(a)
        return name != "" and name == self.core_name(b)
