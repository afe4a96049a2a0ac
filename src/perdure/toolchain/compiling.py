"""From expanded units to definitions: compile, encode, hash.

Layer: toolchain. Imports frontends, compiler, ir.
Invariant: code always goes through its stored form: what runs is built from the decoded bytes of a definition, never from
what the compiler had in memory. So a run that was restored elsewhere runs the very same code.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from perdure.base.spans import Span
from perdure.compiler import anf
from perdure.compiler.normalise import Normaliser
from perdure.compiler.records import NO_RECORDS, RecordProcedures, record_procedures
from perdure.ir import core
from perdure.ir.walking import nodes


class Compiled(Struct, frozen=True):
    """A definition as it is stored: its hash, its bytes, and the places of its sites beside it."""

    digest: str
    data: bytes
    spans: dict[int, Span]


def compile_unit(
    library: str,
    unit: core.Unit,
    assigned: frozenset[tuple[str, str]],
    *,
    keeps_top: bool = True,
    records: RecordProcedures = NO_RECORDS,
) -> Compiled:
    """Return one top-level form as a definition.

    Args:
      library: the library that the form belongs to.
      unit: the form.
      assigned: the globals of the program that are assigned or defined twice.
      keeps_top: its last call is no tail call, so that reports show the form.
      records: the program's record procedures (compiler.records), whose calls become operations.
    """
    name = unit.defines or ""
    normaliser = Normaliser(library, name, assigned, keeps_top=keeps_top, records=records)
    definition = normaliser.run(unit.form)
    data = anf.encode(definition)
    return Compiled(anf.hash_of(data), data, normaliser.spans)


def assigned_globals(units: Iterable[core.Unit]) -> frozenset[tuple[str, str]]:
    """Return the globals that are the target of a `set!`, or of more than one definition."""
    found: set[tuple[str, str]] = set()
    defined: set[tuple[str, str]] = set()
    for node in nodes(units):
        if isinstance(node, core.GlobalSet):
            found.add((node.library, node.name))
        elif isinstance(node, core.GlobalDefine):
            name = (node.library, node.name)
            if name in defined:
                found.add(name)
            defined.add(name)
    return frozenset(found)


def fixed_records(
    units: Iterable[core.Unit], assigned: frozenset[tuple[str, str]]
) -> RecordProcedures:
    """Return the record procedures of a program that stay what they are: none, if it may evaluate forms that change them.

    Args:
      units: all top-level forms of the program.
      assigned: what `assigned_globals` says of them.
    """
    forms = list(units)
    if any(isinstance(node, core.GlobalRef) and node.name in _EVALUATORS for node in nodes(forms)):
        return NO_RECORDS
    return record_procedures(forms, assigned)


_EVALUATORS = frozenset({"eval", "load", "interaction-environment"})
"""What a program can assign its own globals with, besides `set!`."""


def encode_spans(spans: dict[int, Span]) -> bytes:
    """Return the places of a definition's sites as JSON."""
    return msgspec.json.encode(spans)
