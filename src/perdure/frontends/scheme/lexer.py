"""Cut Scheme text into tokens: R7RS 7.1.1.

Layer: frontends. Imports base and values.
Invariant: every character of the text belongs to exactly one token or to skipped space, so that a bad token costs
one error and reading goes on behind it.
Not one big regular expression: block comments nest, and strings need their own messages.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from typing import Any

from perdure.base import limits
from perdure.base.errors import ProgramError
from perdure.base.spans import Span
from perdure.values.conditions import SchemeError
from perdure.values.numerals import parse_number
from perdure.values.types import TRUE, Char, String, Symbol, char, intern

SPACE = re.compile(r"(?:\s+|;[^\n]*)+")
ATOM = re.compile(r"""(?:[^\s()\[\]{}"';`,|]|\|(?:[^|\\]|\\.)*\|)+""", re.DOTALL)
CHARACTER = re.compile(r"""#\\(?:x[0-9a-fA-F]+(?![^\s()\[\]{}"';|])|[^\W\d_][\w-]*|.)""", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
SYMBOL_PART = re.compile(r"\|((?:[^|\\]|\\.)*)\|", re.DOTALL)
ESCAPE = re.compile(r"\\(?:[xX]([0-9a-fA-F]+);|([ \t]*\r?\n[ \t]*)|(.))|\r\n?", re.DOTALL)
LABEL = re.compile(r"#([0-9]+)([=#])")
DIRECTIVE = re.compile(r"#![a-z0-9-]*")
BLOCK = re.compile(r"#\||\|#")

HINTS = {
    "#vu8": "a bytevector is written #u8(1 2 3)",
    "#!optional": "see case-lambda for procedures with optional arguments",
    "#!rest": "a rest parameter is written (a b . rest)",
    "#!eof": "write (eof-object)",
    "#!default": "see case-lambda for procedures with optional arguments",
    "#!unspecific": "write (if #f #f)",
    "#'": "syntax-rules needs no marks before templates",
}
"""What to write for the syntax of other Schemes."""
NAMED_CHARACTERS = {
    "alarm": "\a", "backspace": "\b", "delete": "\x7f", "escape": "\x1b", "newline": "\n",
    "null": "\0", "return": "\r", "space": " ", "tab": "\t",
    "nul": "\0", "linefeed": "\n", "page": "\f", "altmode": "\x1b", "rubout": "\x7f",
}  # fmt: skip
ESCAPES = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "r": "\r", '"': '"', "\\": "\\", "|": "|"}
BOOLEANS = {"#t": TRUE, "#true": TRUE, "#f": None, "#false": None}

OPEN, CLOSE, PREFIX, DATUM, NAME, DOT, VECTOR, BYTES, SKIP, LABELS, LABEL_USE, END = range(12)
"""Kinds of tokens. PREFIX is a quotation mark, SKIP is `#;`; LABELS is `#n=`, LABEL_USE `#n#`."""

PREFIXES = {"'": "quote", "`": "quasiquote", ",": "unquote", ",@": "unquote-splicing"}


class Lexer:
    """Tokens of one text, from a position on. After `next`: kind, value, start, end; errors collect in `errors`."""

    def __init__(self, text: str, file: str, position: int = 0) -> None:
        self.text = text
        self.file = file
        self.end = position
        self.start = position
        self.value: Any = None
        self.fold = False
        self.errors: list[ProgramError] = []
        self._lines: list[int] | None = None

    def span(self, start: int, end: int) -> Span:
        """Return the span between two offsets."""
        lines = self._lines
        if lines is None:
            lines = self._lines = [0, *(m.end() for m in re.finditer("\n", self.text))]
        first = bisect_right(lines, start)
        last = first if end <= start else bisect_right(lines, end - 1, first - 1)
        last = max(first, last)
        return Span(self.file, first, start - lines[first - 1] + 1, last, end - lines[last - 1] + 1)

    def bad(self, code: str, message: str, start: int, end: int, hint: str = "") -> None:
        """Record an error of the text, if there are not too many of them."""
        if len(self.errors) >= limits.SYNTAX_ERRORS_MAX:
            return
        span = self.span(start, end)
        self.errors.append(ProgramError(code, message, span=span, source=self.text, hint=hint))

    def next(self) -> int:
        """Advance to the next token and return its kind; its text is between `start` and `end`."""
        text = self.text
        position = self.end
        while True:
            space = SPACE.match(text, position)
            if space is not None:
                position = space.end()
            if text.startswith("#|", position):
                position = self._block_comment(position)
            elif text.startswith("#!", position):
                position = self._directive(position)
            else:
                break
        self.start = position
        if position >= len(text):
            self.end = position
            return END
        c = text[position]
        self.end = position + 1
        if c in "([":
            return OPEN
        if c in ")]":
            return CLOSE
        if c in "'`,":
            mark = ",@" if text.startswith(",@", position) else c
            self.end = position + len(mark)
            self.value = PREFIXES[mark]
            return PREFIX
        if c == '"':
            return self._string(position)
        if c == "#":
            return self._hash(position)
        if c in "{}":
            hint = "write ( and ) around lists"
            self.bad(
                "P103",
                f"expected a datum, found {c}: braces have no meaning",
                position,
                position + 1,
                hint,
            )
            return self.next()
        return self._atom(position)

    def _atom(self, position: int) -> int:
        found = ATOM.match(self.text, position)
        if found is None:  # a vertical bar without its partner
            self.bad(
                "P104", "the symbol that opens here with | has no closing |", position, position + 1
            )
            self.end = len(self.text)
            return END
        self.end = found.end()
        word = found.group()
        if word == ".":
            return DOT
        if word[0] in "0123456789+-.":
            number = self._number(word)
            if number is not None:
                self.value = number
                return DATUM
        self.value = self._symbol(word, position)
        return NAME

    def _number(self, word: str) -> Any:
        try:
            return parse_number(word, 10)
        except SchemeError as error:  # too large for the limits
            self.bad("P103", error.condition.message, self.start, self.end)
            return 0

    def _symbol(self, word: str, position: int) -> Symbol:
        if "|" not in word:
            return intern(word.casefold() if self.fold else word)
        pieces: list[str] = []
        last = 0
        for part in SYMBOL_PART.finditer(word):
            plain = word[last : part.start()]
            pieces.append(plain.casefold() if self.fold else plain)
            pieces.append(self._unescape(part.group(1), position + part.start(1)))
            last = part.end()
        pieces.append(word[last:].casefold() if self.fold else word[last:])
        return intern("".join(pieces))

    def _string(self, position: int) -> int:
        found = STRING.match(self.text, position)
        if found is None:
            line_end = self.text.find("\n", position)
            message = "the string that opens here has no closing quotation mark"
            end = line_end if line_end >= 0 else len(self.text)
            self.bad("P104", message, position, end, self._suspect(position))
            self.end = len(self.text)
            return END
        self.end = found.end()
        raw = self.text[position + 1 : self.end - 1]
        plain = "\\" not in raw and "\r" not in raw
        self.value = String(raw if plain else self._unescape(raw, position + 1))
        return DATUM

    def _suspect(self, position: int) -> str:
        """Return a hint at the string in which a missing quotation mark made text and strings change places."""
        for found in STRING.finditer(self.text, 0, position):
            at = found.group().find("\n(")
            if at >= 0:
                line = self.span(found.start(), found.end()).line
                form = self.span(found.start() + at + 1, found.end()).line
                return f"the string on line {line} goes on to a form on line {form}; is it closed?"
        return 'a " inside of a string is written \\"'

    def _unescape(self, raw: str, position: int) -> str:
        """Return what a string's or symbol's text between its marks stands for; it begins at `position`."""

        def replace(found: re.Match[str]) -> str:
            code, newline, letter = found.groups()
            if code is not None:
                point = int(code, 16) if len(code) <= 8 else 0x110000
                if point < 0xD800 or 0xDFFF < point < 0x110000:
                    return chr(point)
            elif newline is not None:
                return ""
            elif letter is None:
                return "\n"
            elif letter in ESCAPES:
                return ESCAPES[letter]
            shown = found.group()
            hint = r"escapes are \n \t \r \a \b \" \\ \| \xHEX; and \ at the end of a line"
            message = f"unknown escape {shown} in a string or symbol"
            if code is not None:
                message = f"{shown} is no character: codes go up to 10FFFF, without D800 to DFFF"
            elif letter in "xX":
                message = f"expected hexadecimal digits and a semicolon after {shown}"
                hint = r"the character with the code 41 is written \x41;"
            start = position + found.start()
            self.bad("P103", message, start, position + found.end(), hint)
            return ""

        return ESCAPE.sub(replace, raw)

    def _hash(self, position: int) -> int:
        text = self.text
        c = text[position + 1 : position + 2]
        if c in ("(", "["):
            self.end = position + 2
            return VECTOR
        if c == ";":
            self.end = position + 2
            return SKIP
        if c == "\\":
            return self._character(position)
        label = LABEL.match(text, position)
        if label is not None:
            self.end = label.end()
            self.value = int(label.group(1)) if len(label.group(1)) < 10 else -1
            return LABELS if label.group(2) == "=" else LABEL_USE
        found = ATOM.match(text, position)
        assert found is not None
        self.end = found.end()
        word = found.group()
        folded = word.lower()
        if folded in BOOLEANS:
            self.value = BOOLEANS[folded]
            return DATUM
        if folded == "#u8" and text.startswith(("(", "["), self.end):
            self.end += 1
            return BYTES
        if len(word) > 1 and folded[1] in "bodxei":
            number = self._number(word)
            if number is not None:
                self.value = number
                return DATUM
            hint = "digits follow the prefix, like #xff, #b101, #e1.5"
            self.bad("P103", f"expected a number, found {word}", position, self.end, hint)
        elif word.startswith("#<"):
            message = (
                f"expected a datum, found {word}: that is how objects without a text are shown"
            )
            hint = "build the object where it is needed; it can't be written into a program"
            self.bad("P103", message, position, self.end, hint)
        else:
            hint = HINTS.get(
                folded, "what begins with # is #t #f #\\a #(1 2) #u8(1 2) #| |# #; #x1f"
            )
            self.bad("P103", f"unknown syntax {word}", position, self.end, hint)
        self.value = None
        return DATUM

    def _character(self, position: int) -> int:
        found = CHARACTER.match(self.text, position)
        if found is None:
            self.bad("P103", "the text ends inside of a character", position, len(self.text))
            self.end = len(self.text)
            return END
        self.end = found.end()
        word = found.group()[2:]
        self.value = self._named_character(word)
        if self.value is None:
            near = difflib.get_close_matches(word.lower(), NAMED_CHARACTERS, 1)
            hint = "names are space, newline, tab, return, null, alarm, backspace, delete, escape"
            if near:
                hint = f"did you mean #\\{near[0]}?"
            self.bad("P103", f"unknown character #\\{word}", position, self.end, hint)
            self.value = char(" ")
        return DATUM

    def _named_character(self, word: str) -> Char | None:
        if len(word) == 1:
            return char(word)
        name = NAMED_CHARACTERS.get(word.lower() if self.fold else word)
        if name is not None:
            return char(name)
        if word[0] == "x" and re.fullmatch("[0-9a-fA-F]{1,8}", word[1:]):
            point = int(word[1:], 16)
            if point < 0xD800 or 0xDFFF < point < 0x110000:
                return char(chr(point))
        return None

    def _block_comment(self, position: int) -> int:
        depth = 0
        at = position
        while True:
            mark = BLOCK.search(self.text, at)
            if mark is None:
                message = "the comment that opens here with #| has no closing |#"
                self.bad("P104", message, position, position + 2)
                return len(self.text)
            depth += 1 if mark.group() == "#|" else -1
            at = mark.end()
            if depth == 0:
                return at

    def _directive(self, position: int) -> int:
        if position == 0 and self.text.startswith(("#!/", "#! /")):
            newline = self.text.find("\n")
            return len(self.text) if newline < 0 else newline
        found = DIRECTIVE.match(self.text, position)
        assert found is not None
        word = found.group()
        if word == "#!fold-case":
            self.fold = True
        elif word == "#!no-fold-case":
            self.fold = False
        elif word not in ("#!r7rs", "#!r6rs"):
            end = max(found.end(), position + 2)
            hint = HINTS.get(word, "directives are #!fold-case and #!no-fold-case")
            self.bad("P103", f"unknown directive {word}", position, end, hint)
        return max(found.end(), position + 2)
