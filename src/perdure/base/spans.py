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


_SHOWN_CHARS = 160


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
    # A line of a generated file may be endless: show what lies around the place.
    start = max(0, span.column - 1 - _SHOWN_CHARS // 2)
    shown = text[start : start + _SHOWN_CHARS]
    width = min(max(1, last - span.column), max(1, start + len(shown) + 1 - span.column))
    lead = "".join("\t" if c == "\t" else " " for c in text[start : span.column - 1])
    return f"{span.line:5d} | {shown}\n      | {lead}{'^' * width}"
