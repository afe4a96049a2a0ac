"""Calls of record procedures without the call: `(point-x p)` becomes the operation that `point-x` consists of.

Layer: compiler. Imports ir.

Only procedures that `define-record-type` at the top level of the program made, and that nothing else defines or assigns.
An error names the procedure all the same, since the operation is told its name; and an early call still finds the record
type unbound. Not procedures in general: their frames would be missing in the reports of errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from perdure.ir import core

OPERATIONS = frozenset({"%make-record", "%record?", "%record-ref", "%record-set!"})

RecordProcedures = Mapping[tuple[str, str], core.Lambda]
"""By (library, name): procedures whose body is one operation on their parameters, in order."""

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
        if isinstance(form, core.GlobalDefine) and isinstance(form.value, core.Lambda):
            name = (form.library, form.name)
            if name not in assigned and _is_one_operation(form.value):
                found[name] = form.value
    return found


def _is_one_operation(procedure: core.Lambda) -> bool:
    body = procedure.body
    if procedure.rest is not None or not isinstance(body, core.Call):
        return False
    function = body.function
    if not isinstance(function, core.GlobalRef) or function.library != core.PRIMITIVES:
        return False
    variables = [a.var for a in body.arguments if isinstance(a, core.LocalRef)]
    return (
        function.name in OPERATIONS
        and variables == procedure.params
        and all(isinstance(a, core.LocalRef | core.Const | core.GlobalRef) for a in body.arguments)
    )


def operation(node: core.Call, procedures: RecordProcedures) -> core.Call | None:
    """Return a call of a record procedure as the operation that it consists of, None for any other call."""
    function = node.function
    if not isinstance(function, core.GlobalRef):
        return None
    procedure = procedures.get((function.library, function.name))
    if procedure is None or len(procedure.params) != len(node.arguments):
        return None
    given: dict[core.Local, Any] = dict(zip(procedure.params, node.arguments, strict=True))
    arguments = [
        given[a.var] if isinstance(a, core.LocalRef) else a for a in procedure.body.arguments
    ]
    return core.Call(procedure.body.function, arguments, node.span)
