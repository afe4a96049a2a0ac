"""What the tests of the compiler share: a toolchain, and one definition of a source text."""

from __future__ import annotations

import functools
from typing import Any

from perdure.compiler import anf
from perdure.machine.machine import Machine
from perdure.toolchain.toolchain import CompiledProgram, Toolchain
from perdure.values.printer import write_string


class NoModules:
    def exports(self, module: str, directory: str) -> Any:
        raise AssertionError(module)


@functools.cache
def toolchain() -> Toolchain:
    return Toolchain(NoModules())


def compiled(source: str) -> CompiledProgram:
    return toolchain().compile_source(source, "test.scm")


def definitions(source: str) -> list[anf.Definition]:
    """Return the definitions of the top-level forms, in order."""
    program = compiled(source)
    return [anf.decode(program.definitions[digest]) for digest in program.units]


def first(source: str) -> anf.Definition:
    return definitions(source)[0]


def shape(block: list[Any]) -> list[Any]:
    """Return the kinds of the statements of a block, nested as they are."""
    found: list[Any] = []
    for statement in block:
        match statement:
            case anf.If():
                found.append(("if", shape(statement.then), shape(statement.otherwise)))
            case anf.Loop():
                found.append(("loop", shape(statement.body)))
            case anf.Set():
                found.append(statement.op)
            case _:
                found.append(type(statement).__name__.lower())
    return found


def result(source: str) -> str:
    """Return what a program evaluates to, as `write` shows it."""
    machine: Machine = toolchain().new_run(compiled(source), "r1", [], 0.0, 1)
    outcome = machine.turn([], 0.0, slice_s=60.0)
    assert outcome.status == "completed", write_string(outcome.result)
    return write_string(outcome.result)
