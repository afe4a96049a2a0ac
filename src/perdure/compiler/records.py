"""Calls of record procedures without the call: `(point-x p)` becomes the operation that `point-x` consists of.

Layer: compiler. Imports ir.

Only procedures that `define-record-type` at the top level of the program made, and that nothing else defines or assigns.
An error names the procedure all the same, since the operation is told its name; and an early call still finds the record
type unbound. Not procedures in general: their frames would be missing in the reports of errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perdure.ir import core

OPERATIONS = frozenset({"%make-record", "%record?", "%record-ref", "%record-set!"})

RecordProcedures = Mapping[tuple[str, str], tuple[list[core.Local], core.Call]]
"""By (library, name): the parameters of a procedure, and the one operation on them, in order, that is its body."""

NO_RECORDS: RecordProcedures = {}
"""For forms that are compiled one by one: a later one may define such a name anew."""


def record_procedures(
    units: Iterable[core.Unit], assigned: frozenset[tuple[str, str]]
) -> RecordProcedures:
    """Return the record procedures that some top-level forms define.

    Args:
      units: the forms.
      assigned: globals that are assigned or defined twice: never one of these.
    """
    found = {}
    for unit in units:
        form = unit.form
        if not isinstance(form, core.GlobalDefine) or not isinstance(form.value, core.Lambda):
            continue
        name, procedure = (form.library, form.name), form.value
        body = procedure.body
        if (
            name not in assigned
            and procedure.rest is None
            and isinstance(body, core.Call)
            and _is_operation(body, procedure.params)
        ):
            found[name] = (procedure.params, body)
    return found


def _is_operation(body: core.Call, params: list[core.Local]) -> bool:
    """Whether a call is of a record operation, on each of some variables once and in order, and on nothing computed."""
    function = body.function
    return (
        isinstance(function, core.GlobalRef)
        and function.library == core.PRIMITIVES
        and function.name in OPERATIONS
        and [a.var for a in body.arguments if isinstance(a, core.LocalRef)] == params
        and all(isinstance(a, core.LocalRef | core.Const | core.GlobalRef) for a in body.arguments)
    )


def operation(node: core.Call, procedures: RecordProcedures) -> core.Call | None:
    """Return a call of a record procedure as the operation that it consists of, None for any other call."""
    function = node.function
    if not isinstance(function, core.GlobalRef):
        return None
    params, body = procedures.get((function.library, function.name), ([], None))
    if body is None or len(params) != len(node.arguments):
        return None
    given: dict[core.Local, core.Core] = dict(zip(params, node.arguments, strict=True))
    arguments = [given[a.var] if isinstance(a, core.LocalRef) else a for a in body.arguments]
    return core.Call(body.function, arguments, node.span)
