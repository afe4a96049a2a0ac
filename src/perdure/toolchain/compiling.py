"""From expanded units to definitions: compile, encode, hash.

Layer: toolchain. Imports frontends, compiler, ir.
Invariant: code always goes through its stored form: what runs is built from the decoded bytes of a definition, never from
what the compiler had in memory. So a run that was restored elsewhere runs the very same code.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from perdure.base.spans import Span
from perdure.compiler import anf
from perdure.compiler.normalise import Normaliser
from perdure.compiler.records import NO_RECORDS, RecordProcedures
from perdure.ir import core


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
    work: list[Any] = [unit.form for unit in units]
    while work:
        node = work.pop()
        match node:
            case core.GlobalSet():
                found.add((node.library, node.name))
                work.append(node.value)
            case core.GlobalDefine():
                name = (node.library, node.name)
                if name in defined:
                    found.add(name)
                defined.add(name)
                work.append(node.value)
            case core.LocalSet():
                work.append(node.value)
            case core.Lambda():
                work.append(node.body)
            case core.Let() | core.Letrec():
                work += [value for _, value in node.bindings]
                work.append(node.body)
            case core.If():
                work += [node.test, node.then, node.otherwise]
            case core.Seq():
                work += node.body
            case core.Call():
                work.append(node.function)
                work += node.arguments
    return frozenset(found)


def encode_spans(spans: dict[int, Span]) -> bytes:
    """Return the places of a definition's sites as JSON."""
    return msgspec.json.encode(spans)
