"""Where in a source text something stands.

Layer: base. Imports nothing of Perdure.
Invariant: lines and columns count from 1, as editors and error messages do; `end` is exclusive.
"""

from msgspec import Struct


class Span(Struct, frozen=True, array_like=True):
    """A stretch of one source file.

    `file` is the path as the user gave it; lines and columns start at 1.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def excerpt(span: Span, source: str) -> str:
    """Return the source line of a span with carets under it, or "" when the text is not there.

    Args:
      span: what to show; only its first line is shown.
      source: the whole text of the file.
    """
    lines = source.splitlines()
    if not 1 <= span.line <= len(lines):
        return ""
    text = lines[span.line - 1]
    last = span.end_column if span.end_line == span.line else len(text) + 1
    width = max(1, last - span.column)
    lead = "".join("\t" if c == "\t" else " " for c in text[: span.column - 1])
    return f"{span.line:5d} | {text}\n      | {lead}{'^' * width}"
