"""The reader: every lexical form of R7RS, and errors with their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.base.errors import ProgramError, SyntaxErrors
from perdure.frontends.scheme.reader import read_datum, read_forms, read_program, read_source
from perdure.frontends.scheme.syntax import show
from perdure.values.conditions import SchemeError
from perdure.values.types import EOF, Bytevector, Pair, String, Vector, intern


def texts(source: str) -> list[str]:
    return [show(form, 500) for form in read_program(source, "t.scm")]


def errors(source: str) -> list[ProgramError]:
    return read_forms(source, "t.scm")[1]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("(a . b)", ["(a . b)"]),
        ("(a . (b . (c . ())))", ["(a b c)"]),
        ("'x `(a ,b ,@c)", ["(quote x)", "(quasiquote (a (unquote b) (unquote-splicing c)))"]),
        ("a ; comment\n b #| block #| nested |# |# c #;(d #;e f) g", ["a", "b", "c", "g"]),
        ("(a #;b)", ["(a)"]),
        ("(a #;b . c)", ["(a . c)"]),
        ("#(1 #(2) x)", ["#(1 #(2) x)"]),
        ("#t #true #f #false", ["#t", "#t", "#f", "#f"]),
        ("#!fold-case ABC |ABC| #!no-fold-case ABC", ["abc", "ABC", "ABC"]),
        ("#!/usr/bin/env perdure\nx", ["x"]),
        ("|a b| a|B c|d ||", ["a b", "aB cd", ""]),
        (r"|x\x41;y|", ["xAy"]),
        ("... -> + - +a 1+ -1+ <=? a.b", ["...", "->", "+", "-", "+a", "1+", "-1+", "<=?", "a.b"]),
        (
            "1 -2 +3 1.5 .5 1e3 #xff #b-101 1/2 4/2",
            ["1", "-2", "3", "1.5", "0.5", "1000.0", "255", "-5", "1/2", "2"],
        ),
        ("[a (b)]", ["(a (b))"]),
        ('"a\\x41;\\n\\t\\"\\\\"', ['"aA\n\t\\"\\\\"']),
        ('"one \\\n      two"', ['"one two"']),
        ("λ 変数", ["λ", "変数"]),
    ],
)
def test_every_lexical_form_is_read(source: str, expected: list[str]) -> None:
    assert texts(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [(r"#\a", "a"), (r"#\space", " "), (r"#\x", "x"), (r"#\x41", "A"), (r"#\(", "("), (r"#\;", ";"), (r"#\λ", "λ"),
     (r"#\nul", "\0"), (r"#\newline", "\n"), (r"#\ ", " "), (r"#\1", "1")],
)  # fmt: skip
def test_characters_are_read_by_name_by_code_and_literally(source: str, expected: str) -> None:
    assert read_datum(source)[0].value == expected


def test_a_character_ends_at_a_delimiter() -> None:
    assert len(texts(r"(#\a)(#\()")) == 2


def test_spans_count_lines_and_columns_from_one() -> None:
    form = read_program("(a\n  (bc))", "t.scm")[0]
    span = form.items[1].span  # type: ignore[attr-defined]
    assert (span.line, span.column, span.end_line, span.end_column) == (2, 3, 2, 7)


def test_labels_make_shared_and_circular_data() -> None:
    datum, _ = read_datum("(#0=(1 . #0#) #0#)")
    assert datum.car is datum.cdr.car
    assert datum.car.cdr is datum.car


def test_a_label_may_stand_inside_another() -> None:
    datum, _ = read_datum("#0=(a #1=(b #0# #1#))")
    inner = datum.cdr.car
    assert inner.cdr.car is datum
    assert inner.cdr.cdr.car is inner


def test_read_datum_gives_heap_data_and_the_next_position() -> None:
    text = '(a "s" #(1) #u8(1 2)) rest'
    datum, position = read_datum(text)
    assert isinstance(datum, Pair)
    assert datum.car is intern("a")
    assert isinstance(datum.cdr.car, String)
    assert isinstance(datum.cdr.cdr.car, Vector)
    assert isinstance(datum.cdr.cdr.cdr.car, Bytevector)
    assert read_datum(text, position) == (intern("rest"), len(text))
    assert read_datum(text, len(text))[0] is EOF


def test_read_datum_raises_a_read_error_for_an_incomplete_datum() -> None:
    with pytest.raises(SchemeError) as caught:
        read_datum("(a b")
    assert caught.value.condition.kind == "read-error"


@pytest.mark.parametrize(
    ("source", "code", "line", "column"),
    [
        ("(a b", "P102", 1, 1),
        ("x\n  (a (b)", "P102", 2, 3),
        ("a)", "P101", 1, 2),
        ("(a]", "P101", 1, 3),
        ('(a "bc)\n', "P104", 1, 4),
        ("#| x #| y |#", "P104", 1, 1),
        ("(a |b c)", "P104", 1, 4),
        ("(. a)", "P105", 1, 2),
        ("(a . b c)", "P105", 1, 1),
        ("(a '", "P105", 1, 4),
        ("(a ')", "P105", 1, 4),
        ("#q", "P103", 1, 1),
        ("#xzz", "P103", 1, 1),
        (r"#\foo", "P103", 1, 1),
        (r'"a\q"', "P103", 1, 3),
        ("#u8(1 256)", "P103", 1, 1),
        ("#5#", "P107", 1, 1),
        ("{a}", "P103", 1, 1),
    ],
)
def test_errors_have_a_code_and_a_place(source: str, code: str, line: int, column: int) -> None:
    found = errors(source)[0]
    assert (found.code, found.span.line, found.span.column) == (code, line, column)  # type: ignore[union-attr]


def test_all_errors_of_a_file_are_reported_in_order() -> None:
    found = errors("(a #q)\n)\n(b #\\bar)\n(c")
    assert [(e.code, e.span.line) for e in found if e.span] == [
        ("P103", 1), ("P101", 2), ("P103", 3), ("P102", 4),
    ]  # fmt: skip


def test_an_unclosed_parenthesis_hints_at_the_next_form_at_the_margin() -> None:
    found = errors("(define (f x)\n  (g x)\n\n(define y 1)\n")
    assert "line 4" in found[0].hint


def test_nesting_has_a_limit_that_is_an_error_with_a_place() -> None:
    for text in ("(" * 100_000, "'" * 100_000, "#;" * 100_000, "#(" * 100_000):
        assert [e.code for e in errors(text)] == ["P106"]


def test_nesting_below_the_limit_is_read() -> None:
    assert not errors("(" * 900 + ")" * 900)


def test_a_program_with_errors_raises_them_all() -> None:
    with pytest.raises(SyntaxErrors) as caught:
        read_program(") )", "t.scm")
    assert len(caught.value.errors) == 2


def test_unreadable_sources_are_program_errors(tmp_path: Path) -> None:
    bad = tmp_path / "bad.scm"
    bad.write_bytes(b"(a)\n\xff")
    zero = tmp_path / "zero.scm"
    zero.write_bytes(b"(a)\0")
    for path in (bad, zero, tmp_path / "none.scm", tmp_path, "a\0b"):
        with pytest.raises(ProgramError) as caught:
            read_source(path)
        assert caught.value.code == "P108"
