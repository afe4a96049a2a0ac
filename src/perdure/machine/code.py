"""What the machine must know of compiled code, and the interface by which it gets more.

Layer: machine. Imports values.
Invariant: code is named by (definition hash, number); no object of CPython is an identity. The machine imports no
compiler and no front end: whoever builds it injects a `CodeProvider`.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from types import CodeType
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from perdure.base.spans import Span

REDO = 0
"""Go on from the start of the statement."""
AFTER = 1
"""Go on after the statement, with a value for it."""


def nothing(_variables: Any) -> tuple[Any, ...]:
    """Return the values of no variables."""
    return ()


def taker(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes the values of some variables from a frame's, as fast as CPython can."""
    if not names:
        return nothing
    if len(names) == 1:
        (only,) = names
        return lambda variables: (variables[only],)
    return itemgetter(*names)


class Site(Struct, eq=False):
    """A place in a definition where a run can be suspended, in one of two modes.

    One object exists for each (definition, number, mode) in a process; `names` are the live variables, in the
    order in which a frame keeps their values; `take` gets these from Python's frame. `code` is the residual, once it
    was generated.
    """

    definition: str
    number: int
    mode: int
    names: tuple[str, ...]
    code: CodeType | None = None
    careful: CodeType | None = None
    take: Callable[[Any], tuple[Any, ...]] = nothing

    def __post_init__(self) -> None:
        self.take = taker(self.names)


CALL, TAIL, OTHER = 0, 1, 2
"""What a site does: calls and goes on, calls and leaves no frame, or neither."""

PROLOGUE = 1
"""The line of what a procedure does before its body: a capture there redoes the caller's statement."""


class CodeInfo(Struct, eq=False):
    """How to read a traceback entry of one code object.

    `number` is its lambda's number, or -1 for a residual or a factory; `factory` says that its frames are no part of a
    continuation. `returns` remembers where a call at an instruction returns to (None: it was a tail call), `asks`
    what is kept of it to do it again (capture.asked). `kinds` maps sites to CALL or TAIL (OTHER when absent), `redo` maps a site to the one from which its
    statement is redone when that is another one.
    """

    code: CodeType
    definition: str
    number: int
    factory: bool
    kinds: dict[int, int]
    redo: dict[int, int]
    careful: bool = False
    lines: dict[int, int] | None = None
    returns: dict[int, Site | None] = msgspec.field(default_factory=dict)
    asks: dict[int, tuple[Callable[[Any], tuple[Any, ...]], Site | None]] = msgspec.field(
        default_factory=dict
    )

    def site_at(self, instruction: int) -> int:
        """Return the site (or PROLOGUE) of an instruction, given `tb_lasti`."""
        lines = self.lines
        if lines is None:
            # Reading tb_lineno scans the line table each time: 12 µs in a long function.
            lines = self.lines = {
                offset: line or PROLOGUE
                for start, end, line in self.code.co_lines()
                for offset in range(start, end, 2)
            }
        return lines[instruction]


CODES: dict[int, CodeInfo] = {}
"""All compiled code of this process by `id(code)`: code objects compare by value, so they are no keys themselves."""


class CodeProvider(Protocol):
    """Gives code by name; compiler.provider has the one that is used."""

    def site(self, definition: str, number: int, mode: int) -> Site:
        """Return the site object. Raises SnapshotError if the definition is not known."""

    def takes_value(self, definition: str, site: int) -> bool:
        """Whether a site's statement computes a value, so that a frame can go on AFTER it."""

    def residual(self, site: Site, namespace: dict[str, Any], *, careful: bool) -> CodeType:
        """Return the code that goes on from a site; what it refers to is linked into the namespace."""

    def lambda_code(self, definition: str, number: int) -> CodeType:
        """Return the code object of one procedure of a definition; `co_freevars` orders its closure."""

    def identify(self, code: CodeType) -> tuple[str, int] | None:
        """Return (definition, lambda number) of a compiled procedure's code, or None for foreign code."""

    def static(self, definition: str, number: int, namespace: dict[str, Any]) -> Any:
        """Return the one procedure of a run made from a lambda without free variables."""

    def constant(self, definition: str, part: int) -> Any:
        """Return a part of a literal constant by its number (barrier.ConstantId)."""

    def calls_variable(self, definition: str, site: int) -> bool:
        """Whether a site's statement calls what a local variable holds: in a library, a procedure that it was given."""

    def redo_site(self, definition: str, number: int) -> Site:
        """Return the site, in mode REDO, from which the statement of a site is redone."""

    def span(self, definition: str, site: int) -> Span | None:
        """Return where a site stands in the program's source; None in the library."""

    def procedure_name(self, definition: str, site: int) -> str:
        """Return the name of the procedure that a site is in."""

    def link(self, definition: str, namespace: dict[str, Any]) -> None:
        """Make a definition's constants and factories present in a run's namespace; idempotent."""
