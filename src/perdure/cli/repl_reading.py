"""What is typed at the REPL, as text: whether an entry is complete, how its next line is indented, what its tokens are.

Layer: cli. Imports frontends.
Invariant: the program's own reader decides, so that what is taken for complete is complete for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from perdure.frontends.scheme import lexer as lex
from perdure.frontends.scheme.reader import Reader

_BODIES = """
begin call-with-port case case-lambda cond-expand define define-library define-record-type define-syntax define-values
delay delay-force do dynamic-wind guard lambda let let* let*-values let-syntax let-values letrec letrec* letrec-syntax
parameterize receive syntax-rules unless when with-exception-handler with-timeout
"""
BODIES = frozenset(_BODIES.split())
"""Forms whose later lines are indented by two columns; those of a call stand under its first argument."""


def is_complete(text: str) -> bool:
    """Return whether a text does not end inside of a datum, string or comment; a wrong one is complete."""
    reader = Reader(text, "", spans=False)
    while reader.read(recover=False) is not None:
        pass
    return not reader.cut


def is_blank(text: str) -> bool:
    """Return whether there is no datum in a text, and nothing wrong."""
    reader = Reader(text, "", spans=False)
    return reader.read(recover=False) is None and not reader.lexer.errors


def tokens(text: str) -> Iterator[tuple[int, int, int]]:
    """Give the kind (lexer.py), start and end of the tokens of a text, up to a string or comment that has no end."""
    lexer = lex.Lexer(text, "")
    while (kind := lexer.next()) != lex.END:
        yield kind, lexer.start, lexer.end


class _Level:
    """An open bracket: its column, its line, and column and text of the first two data that follow it on its line."""

    def __init__(self, column: int, line: int, *, is_list: bool) -> None:
        self.column = column
        self.line = line
        self.is_list = is_list
        self.data: list[tuple[int, str]] = []


def indentation(text: str) -> int:
    """Return in which column, from 0, the line after a text begins; 0 inside of a string or comment."""
    levels: list[_Level] = []
    lexer = lex.Lexer(text, "")
    while (kind := lexer.next()) != lex.END:
        line = text.count("\n", 0, lexer.start)
        before = text.rfind("\n", 0, lexer.start) + 1
        if kind == lex.CLOSE:
            if levels:
                levels.pop()
            continue
        if levels and levels[-1].line == line:
            word = text[lexer.start : lexer.end]
            levels[-1].data.append((lexer.start - before, word))
        if kind in (lex.OPEN, lex.VECTOR, lex.BYTES):
            levels.append(_Level(lexer.end - 1 - before, line, is_list=kind == lex.OPEN))
    if lexer.errors or not levels:
        return 0
    level = levels[-1]
    head = level.data[0][1] if level.data else "("
    if not level.is_list or head[0] in "([":
        return level.column + 1
    if head in BODIES:
        return level.column + 2
    return level.data[1][0] if len(level.data) > 1 else level.column + 1
