"""Questions about blocks of statements.

Layer: compiler. Imports the compiler's anf.
"""

from __future__ import annotations

from typing import Any

from perdure.compiler import anf


def terminates(block: list[Any]) -> bool:
    """Whether control never reaches the end of a block."""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, anf.If):
        return terminates(last.then) and terminates(last.otherwise)
    if isinstance(last, anf.Loop):
        return not leaves(last.body, last.site)
    return isinstance(last, anf.Return | anf.Tail | anf.Continue | anf.Break)


def leaves(block: list[Any], loop: int) -> bool:
    """Whether a block breaks out of a loop."""
    for statement in block:
        match statement:
            case anf.Break() if statement.loop == loop:
                return True
            case anf.If() if leaves(statement.then, loop) or leaves(statement.otherwise, loop):
                return True
            case anf.Loop() if leaves(statement.body, loop):
                return True
    return False


def rounds(block: list[Any]) -> set[int]:
    """Return the sites of the loops that a block goes round."""
    found: set[int] = set()
    for statement in block:
        match statement:
            case anf.Continue():
                found.add(statement.loop)
            case anf.If():
                found |= rounds(statement.then) | rounds(statement.otherwise)
            case anf.Loop():
                found |= rounds(statement.body)
    return found


def calls(block: list[Any]) -> bool:
    """Whether a block calls procedures, so that recursion through it must be able to stop."""
    return any(
        isinstance(s, anf.Call | anf.Tail)
        or (isinstance(s, anf.If) and (calls(s.then) or calls(s.otherwise)))
        for s in block
    )
