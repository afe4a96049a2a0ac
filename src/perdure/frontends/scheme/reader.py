"""Read Scheme text: syntax objects for programs, plain heap data for `read`.

Layer: frontends. Imports base and values.
Invariant: nesting is on a list, never on Python's stack; a file's errors are all reported, and what is broken is
replaced or skipped so that reading goes on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perdure.base import limits
from perdure.base.errors import ProgramError, SyntaxErrors
from perdure.base.spans import Span
from perdure.frontends.scheme import lexer as lex
from perdure.frontends.scheme.syntax import (
    NO_SCOPES,
    Atom,
    Form,
    Identifier,
    Scopes,
    Syntax,
    VectorForm,
    show,
    to_datum,
    to_read_datum,
)
from perdure.values.conditions import fail
from perdure.values.ports import Reading
from perdure.values.types import EOF, Bytevector, Pair, Vector, intern

LIST, VECTOR, BYTES, PREFIX, SKIP, LABEL = range(6)


class _Level:
    """A datum that is not complete yet."""

    __slots__ = ("dot", "items", "kind", "name", "opener", "start", "tail")

    def __init__(self, kind: int, start: int, opener: str = "(", name: Any = None) -> None:
        self.kind = kind
        self.start = start
        self.opener = opener
        self.name = name
        self.items: list[Syntax] = []
        self.tail: Syntax | None = None
        self.dot = -1


class _Placeholder:
    """Stands for a labelled datum inside of itself."""

    def __init__(self, label: int) -> None:
        self.label = label


class Reader:
    """Reads data from a text, one after the other."""

    def __init__(
        self,
        text: str,
        file: str,
        *,
        position: int = 0,
        scopes: Scopes = NO_SCOPES,
        spans: bool = True,
        depth_max: int = limits.DATUM_DEPTH_MAX,
    ) -> None:
        self.lexer = lex.Lexer(text, file, position)
        self.cut = False
        self._scopes = scopes
        self._spans = spans
        self._depth_max = depth_max
        self._levels: list[_Level] = []
        self._labels: dict[int, Any] = {}
        self._margin: tuple[int, int, bool] | None = None
        """Where a list opened at the margin inside of another one, the number of errors before it, and the folding of case."""
        self._resumed = 0

    def read(self, *, recover: bool = True) -> Syntax | None:
        """Return the next datum, or None at the end of the text; errors are in `lexer.errors`.

        Without `recover` it is None at the first error, too; `cut` then says that the text ended inside of a datum.
        """
        lexer = self.lexer
        self._labels = {}
        self._margin = None
        while True:
            kind = lexer.next()
            if kind == lex.END:
                if self._end(resume=recover):
                    continue
                self.cut = bool(lexer.errors)
                return None
            node = self._token(kind)
            if lexer.errors and not recover:
                return None
            if node is not None:
                done = self._deliver(node)
                if done is not None:
                    return done
            if len(self._levels) > self._depth_max:
                message = f"nested deeper than {self._depth_max} levels"
                lexer.bad(
                    "P106", message, lexer.start, lexer.end, "split the form into smaller ones"
                )
                self._levels.clear()
                lexer.end = len(lexer.text)
                return None

    def _span(self, start: int) -> Span | None:
        return self.lexer.span(start, self.lexer.end) if self._spans else None

    def _token(self, kind: int) -> Syntax | None:
        """Take one token; return a datum if it completes one."""
        lexer = self.lexer
        start = lexer.start
        if kind == lex.NAME:
            return Identifier(lexer.value, self._scopes, self._span(start))
        if kind == lex.DATUM:
            return Atom(lexer.value, self._span(start))
        if kind == lex.OPEN:
            if self._levels and self._margin is None and lexer.text[start - 1] == "\n":
                self._margin = (start, len(lexer.errors), lexer.fold)
            self._levels.append(_Level(LIST, start, lexer.text[start]))
        elif kind == lex.CLOSE:
            return self._close(start)
        elif kind == lex.PREFIX:
            self._levels.append(_Level(PREFIX, start, name=lexer.value))
        elif kind == lex.DOT:
            self._dot(start)
        elif kind == lex.VECTOR:
            self._levels.append(_Level(VECTOR, start, lexer.text[lexer.end - 1]))
        elif kind == lex.BYTES:
            self._levels.append(_Level(BYTES, start, lexer.text[lexer.end - 1]))
        elif kind == lex.SKIP:
            self._levels.append(_Level(SKIP, start))
        elif kind == lex.LABELS:
            self._labels[lexer.value] = _Placeholder(lexer.value)
            self._levels.append(_Level(LABEL, start, name=lexer.value))
        elif kind == lex.LABEL_USE:
            if lexer.value in self._labels:
                return Atom(self._labels[lexer.value], self._span(start))
            lexer.bad("P107", f"no datum before has the label #{lexer.value}=", start, lexer.end)
            return Atom(None, self._span(start))
        return None

    def _dot(self, start: int) -> None:
        lexer = self.lexer
        level = self._levels[-1] if self._levels else None
        if level is None or level.kind != LIST or not level.items or level.dot >= 0:
            message = (
                "expected a datum, found a dot: it stands only before the last datum of a list"
            )
            lexer.bad("P105", message, start, lexer.end, "a list with a dot is written (a . b)")
        else:
            level.dot = len(level.items)

    def _close(self, start: int) -> Syntax | None:
        lexer = self.lexer
        while self._levels and self._levels[-1].kind in (PREFIX, SKIP, LABEL):
            level = self._levels.pop()
            shown = lexer.text[level.start : level.start + 2].strip()
            message = f"expected a datum after {shown}, found {lexer.text[start]}"
            lexer.bad(
                "P105", message, level.start, level.start + 1, "write the datum, or take it away"
            )
        closer = lexer.text[start]
        if not self._levels:
            if not self._resumed:  # else it may close the list that has been reported
                message = f"expected a datum, found {closer}, where no list is open"
                hint = "take it away, or look above it for a list that is closed too early"
                lexer.bad("P101", message, start, lexer.end, hint)
            return None
        level = self._levels.pop()
        expected = "]" if level.opener == "[" else ")"
        if closer != expected:
            opened = lexer.span(level.start, level.start + 1)
            message = f"expected {expected} to close the {level.opener} at {opened}, found {closer}"
            lexer.bad(
                "P101", message, start, lexer.end, f"write {expected}, or open with the other"
            )
        span = self._span(level.start)
        if level.kind == VECTOR:
            return VectorForm(level.items, span)
        if level.kind == BYTES:
            return self._bytes(level, span)
        if level.dot >= 0:
            after = level.items[level.dot :]
            del level.items[level.dot :]
            if len(after) != 1:
                message = f"expected one datum after the dot, found {len(after)}"
                hint = "a list with a dot is written (a . b)"
                lexer.bad("P105", message, level.start, lexer.end, hint)
            if len(after) == 1:
                return _dotted(level.items, after[0], span)
            level.items += after
        return Form(level.items, None, span)

    def _bytes(self, level: _Level, span: Span | None) -> Syntax:
        octets = bytearray()
        for item in level.items:
            value = item.value if isinstance(item, Atom) else None
            if type(value) is int and 0 <= value <= 255:
                octets.append(value)
            else:
                message = (
                    f"expected exact integers from 0 to 255 in a bytevector, found {show(item)}"
                )
                self.lexer.bad("P103", message, level.start, self.lexer.end)
                break
        return Atom(Bytevector(octets), span)

    def _deliver(self, node: Syntax) -> Syntax | None:
        """Put a complete datum where it belongs; return it if it belongs nowhere."""
        levels = self._levels
        while levels:
            level = levels[-1]
            if level.kind == PREFIX:
                levels.pop()
                span = self._span(level.start)
                # The name's span is the quotation mark's, so that nothing is underlined twice.
                mark = self.lexer.span(level.start, level.start + 1) if self._spans else None
                node = Form([Identifier(intern(level.name), self._scopes, mark), node], None, span)
            elif level.kind == SKIP:
                levels.pop()
                return None
            elif level.kind == LABEL:
                levels.pop()
                node = self._labelled(level, node)
            else:
                level.items.append(node)
                return None
        return node

    def _labelled(self, level: _Level, node: Syntax) -> Syntax:
        placeholder = self._labels[level.name]
        value = to_datum(node)
        if value is placeholder:
            self.lexer.bad("P107", "a label can't stand for itself", level.start, self.lexer.end)
            value = None
        if any(isinstance(found, _Placeholder) for found in self._labels.values()):
            value = _patch(value, placeholder, value)
        self._labels[level.name] = value
        return Atom(value, self._span(level.start))

    def _end(self, *, resume: bool) -> bool:
        """Report what is still open at the end of the text; return whether reading goes on, at a list inside of it."""
        levels = self._levels
        if not levels or any(e.code == "P104" for e in self.lexer.errors):
            levels.clear()
            return False
        lexer = self.lexer
        margin, self._margin = self._margin, None
        if margin is not None:
            # What begins at the margin is meant to be a form of its own: the mistake is above it.
            levels[:] = [level for level in levels if level.start < margin[0]]
        level = levels[-1]
        reported = len(lexer.errors)
        if level.kind in (PREFIX, SKIP, LABEL):
            lexer.bad(
                "P105", "the text ends where a datum was expected", level.start, level.start + 1
            )
        else:
            count = sum(level.kind not in (PREFIX, SKIP, LABEL) for level in levels)
            message = f"the {level.opener} that opens here is never closed"
            if margin is None and count > 1:
                outer = lexer.span(levels[0].start, levels[0].start + 1)
                message += f"; {count} lists are open at the end, the outermost since {outer}"
            hint = "each ( needs a ) behind the last part of its list"
            if margin is not None:
                line = lexer.span(margin[0], margin[0] + 1).line
                hint = f"a new form seems to begin on line {line}; look for the missing ) before it"
            lexer.bad("P102", message, level.start, level.start + 1, hint)
        levels.clear()
        if margin is None or not resume or self._resumed >= limits.READ_AGAIN_MAX:
            return False
        self._resumed += 1
        lexer.end, errors, lexer.fold = margin
        del lexer.errors[errors:reported]
        return True


def _dotted(items: list[Syntax], tail: Syntax, span: Span | None) -> Form:
    if isinstance(tail, Form):  # (a . (b c)) is (a b c)
        return Form([*items, *tail.items], tail.tail, span)
    return Form(items, tail, span)


def _patch(root: Any, placeholder: Any, value: Any) -> Any:
    """Replace a placeholder everywhere in fresh data."""
    work, seen = [root], set()
    while work:
        node = work.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Pair):
            if node.car is placeholder:
                node.car = value
            if node.cdr is placeholder:
                node.cdr = value
            work += [node.car, node.cdr]
        elif isinstance(node, Vector):
            node.items = [value if item is placeholder else item for item in node.items]
            work += node.items
    return root


def read_program(text: str, file: str, scopes: Scopes = NO_SCOPES) -> list[Syntax]:
    """Return all the data of a source text as syntax objects.

    Raises:
      SyntaxErrors: everything that is wrong with the text, in its order.
    """
    forms, errors = read_forms(text, file, scopes)
    if errors:
        raise SyntaxErrors(errors)
    return forms


def read_forms(
    text: str, file: str, scopes: Scopes = NO_SCOPES
) -> tuple[list[Syntax], list[ProgramError]]:
    """Return what could be read of a source text, and all its errors in order."""
    reader = Reader(text, file, scopes=scopes)
    forms = []
    while (node := reader.read()) is not None:
        forms.append(node)
    errors = reader.lexer.errors
    errors.sort(key=lambda e: (e.span.line, e.span.column) if e.span else (0, 0))
    return forms, errors


def read_datum(text: str, position: int = 0) -> tuple[Any, int]:
    """Return the next datum of a text as heap data, and the position behind it; EOF if there is none.

    Raises:
      SchemeError: a read-error condition; the text is malformed or ends inside of a datum.
    """
    found = read_from_port(text, position, False, "")
    if found.problem:
        raise fail("read-error", f"read: {found.problem}")
    return found.datum, found.end


def read_from_port(text: str, position: int, fold: bool, name: str) -> Reading:
    """Return the next datum of a text that a port reads; see `ports.Read`, whose only implementation this is."""
    reader = Reader(
        text, name or "input", position=position, spans=False, depth_max=limits.READ_DEPTH_MAX
    )
    lexer = reader.lexer
    lexer.fold = fold
    node = reader.read(recover=False)
    if lexer.errors:
        error = lexer.errors[0]
        assert error.span is not None, "every error of a text has a place"
        place = f"line {error.span.line}, column {error.span.column}"
        problem = f"{error.message} ({name}, {place})" if name else f"{error.message} ({place})"
        return Reading(EOF, lexer.end, lexer.fold, problem, reader.cut)
    if node is None:
        return Reading(EOF, len(text), lexer.fold)
    return Reading(to_read_datum(node), lexer.end, lexer.fold)


def read_source(path: str | Path) -> str:
    """Return the text of a source file.

    Raises:
      ProgramError: P108, the file is missing, unreadable, too large, no UTF-8, or holds NUL characters.
    """
    shown = str(path)
    try:
        size = Path(path).stat().st_size
        if size > limits.SOURCE_MAX_BYTES:
            message = f"{shown}: {size} bytes are more than the limit of {limits.SOURCE_MAX_BYTES}"
            raise ProgramError("P108", message, hint="keep data in files that the program reads")
        octets = Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ProgramError("P108", f"{shown}: can't be read: {reason}") from None
    except ValueError:  # a NUL in the path itself
        raise ProgramError("P108", f"{shown!r}: not a valid path") from None
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        message = f"{shown}: not UTF-8 text: byte {octets[error.start]:#04x} on line {line}"
        raise ProgramError("P108", message, hint="save the file as UTF-8") from None
    zero = text.find("\0")
    if zero >= 0:
        line = text.count("\n", 0, zero) + 1
        raise ProgramError("P108", f"{shown}: a NUL character on line {line}: this is no text file")
    return text
