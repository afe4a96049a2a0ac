"""Core forms that many forms are made of, and the error for a form that is written wrongly.

Layer: frontends. Imports ir, base.
"""

from __future__ import annotations

from perdure.base.errors import ProgramError
from perdure.base.spans import Span
from perdure.frontends.scheme.syntax import Form, Syntax, error_at, show
from perdure.ir.core import (
    CONTROL,
    PRIMITIVES,
    Call,
    Const,
    Core,
    GlobalRef,
    Lambda,
    Let,
    Local,
    Seq,
)
from perdure.values.types import UNSPECIFIED


def make_sequence(cores: list[Core], span: Span | None) -> Core:
    """Return one core form for several in order; UNSPECIFIED for none."""
    if len(cores) == 1:
        return cores[0]
    return Seq(cores, span) if cores else Const(UNSPECIFIED, span)


def named(core: Core, name: str) -> Core:
    """Return a value with the name of its variable, if it is a procedure without one."""
    if isinstance(core, Lambda) and not core.name:
        core.name = name
    return core


def primitive(name: str, arguments: list[Core], span: Span | None) -> Call:
    """Return the call of a primitive."""
    return Call(GlobalRef(PRIMITIVES, name, span), arguments, span)


def control(name: str, arguments: list[Core], span: Span | None) -> Call:
    """Return the call of a procedure of lib/control.sld."""
    return Call(GlobalRef(CONTROL, name, span), arguments, span)


def thunk(body: Core, span: Span | None, name: str = "") -> Lambda:
    """Return a procedure without parameters."""
    return Lambda([], None, body, name, span)


def make_let(bindings: list[tuple[Local, Core]], body: Core, span: Span | None) -> Core:
    """Return a Let, or the body alone if there is nothing to bind."""
    return Let(bindings, body, span) if bindings else body


def bad_form(form: Syntax, shape: str) -> ProgramError:
    """Return the error for a core form that is written wrongly: what was found, and how it is written."""
    dotted = isinstance(form, Form) and form.tail is not None
    hint = "take the dot away: the parts of this form are a plain list" if dotted else ""
    name = show(form.items[0]) if isinstance(form, Form) and form.items else show(form)
    return error_at(form, "P110", f"{name}: expected {shape}, found {show(form)}", hint=hint)
