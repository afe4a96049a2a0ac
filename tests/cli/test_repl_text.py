"""What the REPL finds out about text: whether it is complete, how it is indented, how core forms are laid out.

Method: one table for each question; the stress engine for a session in which everything is saved before every statement.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.app import Engine
from perdure.cli.repl_expansion import WIDTH, datum_tree, laid_out
from perdure.cli.repl_reading import indentation, is_blank, is_complete
from perdure.cli.repl_session import Session
from perdure.frontends.scheme.reader import read_datum
from perdure.values.printer import write_string


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("1 2", True),
        ("(a", False),
        ("(a]", True),
        (")", True),
        ("'", False),
        ("#;", False),
        ("#;(a)", True),
        ('"a', False),
        ('"a\\"', False),
        ("|a b", False),
        ("#|", False),
        ("#| #| |#", False),
        ("; (a", True),
        ("#(1", False),
        ("#u8(1", False),
        ("#\\(", True),
        ("(a #\\)", False),
        ("#foo (", True),
    ],
)
def test_an_entry_is_complete_when_the_reader_needs_no_more(text: str, complete: bool) -> None:
    assert is_complete(text) == complete


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("", True),
        (" \n", True),
        ("; a", True),
        ("#| |#", True),
        ("#;x", True),
        ("x", False),
        (")", False),
    ],
)
def test_an_entry_is_blank_when_there_is_nothing_to_evaluate(text: str, blank: bool) -> None:
    assert is_blank(text) == blank


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 0),
        ("(f x)", 0),
        ("(f x", 3),
        ("(f", 1),
        ("(f\n x", 1),
        ("(define (f x)", 2),
        ("(let ((x 1)", 6),
        ("(if x", 4),
        ("  (when (f)", 4),
        ("((f) x", 1),
        ("#(1 2", 2),
        ("'(a b", 4),
        ("(f (g x)\n   (h", 4),
        ('(f "a', 0),
        ("(f #| a", 0),
        ("(f x))", 0),
    ],
)
def test_the_next_line_is_indented_as_its_brackets_say(text: str, column: int) -> None:
    assert indentation(text) == column


def test_a_long_form_is_laid_out_in_lines() -> None:
    text = (
        "(define (f x) "
        + '(if (g x) (list x x x x x x x x x x x x x x x x x x x x x x x x x) (cons \'a "b")) ' * 2
        + ")"
    )
    lines = laid_out(datum_tree(read_datum(text)[0]))
    assert max(map(len, lines)) <= WIDTH
    assert lines[:2] == ["(define (f x)", "  (if (g x)"]
    assert lines[2].startswith("      (list x")
    assert lines[3] == '      (cons \'a "b"))'
    again, _ = read_datum("\n".join(lines))
    assert write_string(again) == write_string(read_datum(text)[0])


def test_deep_nesting_is_laid_out_without_pythons_stack() -> None:
    depth = 3_000
    lines = laid_out(datum_tree(read_datum("(" * depth + "x" + ")" * depth)[0]))
    assert "".join(line.strip() for line in lines) == "(" * depth + "x" + ")" * depth


def test_a_session_is_durable_before_every_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    session = Session(
        lambda observer: Engine("memory:", execute="own", stress=True, observer=observer)
    )
    session.begin(None, tmp_path)
    for entry in (
        "(define-syntax twice (syntax-rules () ((_ e) (begin e e))))",
        '(define k #f) (begin (twice (display "x")) (+ 1 (call/cc (lambda (c) (set! k c) 1))))',
        "(car '())",
        "(if",
        '(dynamic-wind void (lambda () (sleep 3600)) (lambda () (display "left")))',
        "(k 10)",
        "(guard (e (#t (list 'caught (condition/report-string e)))) (raise 'boom))",
    ):
        session.enter(entry)
        if "sleep" in entry:
            session.settle(lambda standing: bool(standing.text))
            session.interrupt()
        session.settle(lambda standing: standing.idle)
    failures = session.standing.failures
    session.leave(0)
    out = capsys.readouterr().out
    assert out.startswith("xx\n2\nrepl:3:1:1: [P204] car: expected a pair, got ()\n")
    assert "repl:4:1:1: [P102]" in out
    assert out.endswith('interrupted\nleft\n11\n(caught "boom")\n')
    assert failures == 2
