"""The tree of errors: one branch for each answer to "what now?".

Layer: base. Imports base.spans only.

    PerdureError
    ├── ProgramError        your program: syntax, unbound names, wrong arity     P1xx
    │   └── SyntaxErrors    all that is wrong with a file, not the first alone
    ├── CallError           your call: an unknown id, bad JSON, a refused module  P3xx
    ├── StoreError          the database: locked, read-only, full, not ours       P4xx
    │   └── Fenced          another worker owns the run now; memory is discarded
    ├── SnapshotError       a stored snapshot: corrupt, truncated, foreign        P5xx
    ├── QuotaError          a limit of base/limits.py was met                     P6xx
    └── RunStopped          a run is parked, failed or cancelled; the code is its condition's

An error *inside* a running program is not in this tree: it is a condition, a value of the heap
(values/conditions.py, codes P2xx). Broken invariants of ours are `assert`.
A message is lower case, gives the id, the place, what was expected, what was found and the next step.
"""

from collections.abc import Sequence

from msgspec import Struct

from perdure.base.spans import Span, excerpt


class PerdureError(Exception):
    """What every error that Perdure reports derives from; `code` is stable over releases."""

    exit_code = 1

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"[{self.code}] {self.message}"
        return f"{text}\n  next: {self.hint}" if self.hint else text


class Note(Struct, frozen=True):
    """Something to know besides an error's own place: a line for people, and the place that it names."""

    message: str
    span: Span | None


class ProgramError(PerdureError):
    """Something is wrong with a program's text, found before it runs.

    `notes` is the chain of macro expansions that the text came out of, the outermost first. A `warning` does not
    keep the program from being started.
    """

    exit_code = 2

    def __init__(
        self,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        source: str = "",
        hint: str = "",
        notes: Sequence[Note] = (),
        warning: bool = False,
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.span = span
        self.source = source
        self.notes = tuple(notes)
        self.warning = warning

    def __str__(self) -> str:
        text = f"[{self.code}] {self.message}"
        if self.span is not None:
            text = f"{self.span}: {text}"
            shown = excerpt(self.span, self.source)
            text = f"{text}\n{shown}" if shown else text
        text = "\n".join([text, *(f"  {note.message}" for note in self.notes)])
        return f"{text}\n  next: {self.hint}" if self.hint else text


class SyntaxErrors(ProgramError):
    """All the errors of a program, in the order of its text."""

    def __init__(self, errors: list[ProgramError]) -> None:
        first = errors[0]
        super().__init__(
            first.code,
            first.message,
            span=first.span,
            source=first.source,
            hint=first.hint,
            notes=first.notes,
        )
        self.errors = errors

    def __str__(self) -> str:
        return "\n".join(str(e) for e in self.errors)


class CallError(PerdureError):
    """The caller asked for something that can't be: an unknown id, bad arguments, a refused module."""

    exit_code = 2


class StoreError(PerdureError):
    """The database refused: it is locked, read-only, full, or not a database of ours."""

    exit_code = 3


class Fenced(StoreError):
    """Another worker took the run over: what this one holds in memory is void."""


class SnapshotError(PerdureError):
    """Stored data fails its hash or its format: it is quarantined, never half-loaded."""

    exit_code = 4


class QuotaError(PerdureError):
    """A limit was met; the message names it."""

    exit_code = 5


class RunStopped(PerdureError):
    """The result of a run was asked for that is parked, failed or cancelled.

    `status` is the run's state, `kind` its condition's, `report` the whole text with the place and the stack.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        run_id: str,
        status: str,
        kind: str = "",
        report: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.run_id = run_id
        self.status = status
        self.kind = kind
        self.report = report
