"""Text work: a source text, read character by character, becomes marked-up text on a port."""

from benchmarks.programs.data import Pair, Port, from_items

SOURCE = (
    "(define (square x) ; the product with itself\n  (* x x))\n"
    '(display "a \\"quoted\\" text")\n(let ((n 12)) (square n))\n'
)
KEYWORDS = from_items(["define", "let", "lambda", "if"])


class Input:
    __slots__ = ("at", "text")

    def __init__(self, text):
        self.text = text
        self.at = 0

    def peek(self):
        return self.text[self.at] if self.at < len(self.text) else None

    def read(self):
        if self.at == len(self.text):
            return None
        c = self.text[self.at]
        self.at += 1
        return c


def is_delimiter(c):
    return c is None or c.isspace() or c in {"(", ")", '"', ";"}


def text_of(reversed_items):
    pieces = []
    while reversed_items is not None:
        pieces.append(reversed_items.car)
        reversed_items = reversed_items.cdr
    return "".join(reversed(pieces))


def read_word(source):
    found = None
    while not is_delimiter(source.peek()):
        found = Pair(source.read(), found)
    return text_of(found)


def escape(text, out):
    i = 0
    while i != len(text):
        c = text[i]
        if c in {"\\", "{", "}", "%", "&", "_"}:
            out.pieces.append("\\")
        out.pieces.append(c)
        i += 1


def mark(kind, text, out):
    out.pieces.append("\\")
    out.pieces.append(kind)
    out.pieces.append("{")
    escape(text, out)
    out.pieces.append("}")


def read_comment(source):
    found = None
    while source.peek() != "\n":
        found = Pair(source.read(), found)
    return text_of(found)


def read_quoted(source):
    found = None
    while True:
        c = source.read()
        if c == '"':
            return text_of(found)
        found = Pair(c, found)
        if c == "\\":
            found = Pair(source.read(), found)


def number(word):
    try:
        return float(word)
    except ValueError:
        return None


def member(item, items):
    while items is not None:
        if items.car == item:
            return True
        items = items.cdr
    return False


def typeset_text(source, out):
    while True:
        c = source.peek()
        if c is None:
            return
        if c.isspace():
            out.pieces.append(source.read())
        elif c == ";":
            mark("comment", read_comment(source), out)
        elif c == '"':
            source.read()
            mark("text", read_quoted(source), out)
        elif c in {"(", ")"}:
            out.pieces.append(source.read())
        else:
            word = read_word(source)
            if number(word) is not None:
                mark("number", word, out)
            elif member(word, KEYWORDS):
                mark("keyword", word, out)
            else:
                mark("variable", word, out)


def typeset(times):
    found = 0
    while times != 0:
        out = Port()
        typeset_text(Input(SOURCE), out)
        found += len("".join(out.pieces))
        times -= 1
    return found
