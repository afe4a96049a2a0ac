"""Random programs for the front end, from any source of choices: `random`, Hypothesis, or a fuzzer that watches coverage.

A source of choices is a function that gives an integer below another one. Everything here is made from it, so that Hypothesis can shrink
a failure, and a seed gives the same programs again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Choose = Callable[[int], int]

LANGUAGE = Path(__file__).parents[1] / "language"
TOKENS = [
    "(", ")", "[", "]", "'", "`", ",", ",@", ".", "...", "#(", "#u8(", "#;", "#|", "|#", "|", '"', "\\", ";", "\n", " ", "#t", "#false",
    "#\\a", "#\\space", "#\\x41", "#\\", "#0=", "#0#", "#1=", "#1#", "#x1f", "#e1.5", "#!fold-case", "#!", "#<f>", "{", "\x41", "1", "-1/2",
    "1e3", "+inf.0", "1+", "a", "b", "λ", "\ud7ff", "\U0001f600", "\0", "\r\n", '"a\\x41;b"', '"\\q"', "|a b|", "#", "#a", "if", "define",
]  # fmt: skip
"""What texts are made of."""

HEADS = [
    "if", "lambda", "define", "let", "let*", "letrec", "letrec*", "begin", "set!", "quote", "quasiquote", "unquote", "unquote-splicing",
    "cond", "case", "and", "or", "when", "unless", "do", "let-values", "let*-values", "define-values", "receive", "parameterize", "guard",
    "case-lambda", "delay", "delay-force", "define-record-type", "define-syntax", "let-syntax", "letrec-syntax", "syntax-rules",
    "syntax-error", "cond-expand", "include", "import", "define-library", "export", "else", "=>", "...", "_", "assert", "cut", "and-let*",
    "a", "b", "c", "m", "n", "car", "list", "+", "call/cc", "map", "library", "scheme", "base", "only", "rename", "prefix", "except", "not",
]  # fmt: skip
"""What stands at the head of a list: core forms, names that programs bind, procedures, words of import sets."""

LEAVES = [
    *HEADS,
    "a",
    "b",
    "c",
    "x",
    "...",
    "_",
    "1",
    "2",
    "#t",
    "#f",
    '"s"',
    "#\\a",
    "()",
    "1.5",
    "|x y|",
    ":::",
]
SHAPES = [
    "(define-syntax m (syntax-rules () ((_ {0}) {1}) ({2} {3})))",
    "(define-syntax n (syntax-rules {0} ({1}) ((_ {2} ...) {3})))",
    "(define ({0} {1} . {2}) {3} {4})",
    "(let (({0} {1}) ({2} {3})) {4})",
    "(let {0} (({1} {2})) {3} {4})",
    "(letrec-syntax ((m (syntax-rules ({0}) ((_ {1}) {2}) ((_ {3} ...) {4})))) {5})",
    "(define-record-type {0} ({1} {2}) {3} ({2} {4}))",
    "(cond ({0} {1}) ({2} => {3}) (else {4}))",
    "(guard ({0} ({1} {2}) (else {3})) {4})",
    "(define-library ({0}) (export {1}) (import (scheme base)) (begin {2} {3}))",
    "(import ({0} (scheme base) {1} ({2} {3})))",
    "(m {0} {1})", "(n {0} {1} {2})", "`({0} ,{1} ,@{2} . {3})", "(do (({0} {1} {2})) ({3} {4}) {5})", "(let-values ((({0} . {1}) {2})) {3})",
]  # fmt: skip
"""Forms that are nearly right: the numbers are replaced by other trees."""


def pick(choose: Choose, options: list[str]) -> str:
    return options[choose(len(options))]


def random_text(choose: Choose) -> str:
    """Return tokens in any order."""
    return "".join(
        pick(choose, TOKENS) + (" " if choose(3) == 0 else "") for _ in range(choose(40))
    )


def mutated_text(choose: Choose, corpus: list[str]) -> str:
    """Return a part of a valid program, with some of its text removed, doubled, moved or replaced."""
    text = pick(choose, corpus)
    for _ in range(1 + choose(4)):
        start = choose(len(text) + 1)
        end = min(len(text), start + choose(30))
        piece = (
            "", text[start:end] * 2, pick(choose, TOKENS), text[: choose(20)], text[start:end][::-1],
        )[choose(5)]  # fmt: skip
        text = text[:start] + piece + text[end:]
    return text


def tree(choose: Choose, depth: int) -> str:
    """Return the text of a random piece of syntax: balanced, and otherwise anything."""
    if depth == 0 or choose(4) == 0:
        return pick(choose, LEAVES)
    if choose(2):
        shape = pick(choose, SHAPES)
        for number in range(6):
            hole = f"{{{number}}}"
            if hole in shape:
                shape = shape.replace(hole, tree(choose, depth - 1))
        return shape
    parts = [pick(choose, HEADS), *(tree(choose, depth - 1) for _ in range(choose(5)))]
    if len(parts) > 1 and choose(12) == 0:
        parts.insert(-1, ".")
    opener = pick(choose, ["(", "(", "(", "(", "(", "(", "#(", "'(", "`("])
    return f"{opener}{' '.join(parts)})"


def program(choose: Choose) -> str:
    """Return a program of random forms."""
    return "\n".join(tree(choose, 1 + choose(4)) for _ in range(1 + choose(4)))


def corpus() -> list[str]:
    """Return pieces of the programs of tests/language, cut at forms that begin a line."""
    pieces: list[str] = []
    for path in sorted(LANGUAGE.glob("*.scm")):
        forms = path.read_text(encoding="utf-8").split("\n(")
        for first in range(0, len(forms), 4):
            piece = "\n(".join(["", *forms[first : first + 4]])
            if len(piece) < 2000:
                pieces.append(piece)
    return pieces
