"""The REPL at a terminal: editing, interrupting, leaving, being killed and coming back.

Method: a process at a pseudo-terminal; for the keys, prompt_toolkit's own pipe in this process.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from terminal import Screen

from perdure.app import Engine
from perdure.cli.repl_commands import COMMANDS
from perdure.cli.repl_names import bound_names
from perdure.cli.repl_session import Session
from perdure.cli.repl_terminal import Colours, Names, Terminal


def test_a_session_survives_the_death_of_its_terminal_in_the_middle_of_a_sleep(
    tmp_path: Path,
) -> None:
    with Screen(tmp_path, "repl", "--id", "s") as first:
        first.wait_for("session s begins")
        first.wait_for("1> ")
        first.type("(define (f x)\n(* x 2))\n")
        first.wait_for("2> ")
        first.type("(begin (display (f 333)) (sleep 3600))\n")
        first.wait_for("666")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
    with Screen(tmp_path, "repl", "--id", "s") as second:
        second.wait_for("session s goes on")
        second.wait_for(
            "still evaluating repl:2: (begin (display (f 333)) (sleep 3600)), sleep until"
        )
        second.type("\x03")
        second.wait_for("interrupted")
        second.wait_for("3> ")
        second.type("(f 50)\n")
        second.wait_for("100\n")
        second.wait_for("4> ")
        second.type("\x04")
        second.wait_for("go on with: perdure repl --id s")
        assert second.end() == 0


def test_control_c_gives_up_what_computes_and_leaves_its_extents(tmp_path: Path) -> None:
    with Screen(tmp_path, "repl", "--id", "s") as screen:
        screen.wait_for("1> ")
        screen.type(
            '(dynamic-wind (lambda () (display "be") (display "gun ")) '
            '(lambda () (let loop () (loop))) (lambda () (display "le") (display "ft ")))\n'
        )
        screen.wait_for("begun")
        screen.type("\x03")
        screen.wait_for("interrupted")
        screen.wait_for("left")
        screen.wait_for("2> ")
        screen.type("(read-line)\n")
        screen.type("\x03")
        screen.wait_for("interrupted")
        screen.wait_for("3> ")
        screen.type('(string-append (read-line) "!")\n')
        screen.type("what is typed\n")
        screen.wait_for('"what is typed!"')
        screen.wait_for("4> ")
        screen.type("(exact-integer-sq\t")
        screen.wait_for("rt")  # what completes the name
        screen.type(" 230)\n")
        screen.wait_for("15\n5\n")
        screen.wait_for("5> ")
        screen.type("half of (an entry\x03")
        screen.wait_for("5> ")
        screen.type("(exit 7)\n")
        assert screen.end() == 7


def test_a_session_has_one_terminal_and_shows_what_comes_from_the_background(
    tmp_path: Path,
) -> None:
    with Screen(tmp_path, "repl", "--id", "s") as first:
        first.wait_for("1> ")
        first.type("(define t (spawn (lambda () (sleep 1) (display (* 111 7)) (newline))))\n")
        first.wait_for("2> ")
        with Screen(tmp_path, "repl", "--id", "s") as second:
            assert second.end() == 2
            second.wait_for(f"open at another terminal, of process {first.process.pid}")
        first.wait_for("777")
        first.type("'still-there\n")
        first.wait_for("still-there\n")
        first.type(",quit\n")
        assert first.end() == 0


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    made = Session(lambda observer: Engine("memory:", execute="own", observer=observer))
    made.begin(None, tmp_path)
    yield made
    made.leave(0)


def typed(session: Session, tmp_path: Path, *keys: str) -> list[str | None]:
    """Return the entries that keys make at a terminal."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        terminal = Terminal(
            session, lambda: session.consult(bound_names), COMMANDS, tmp_path / "history"
        )
        found = []
        for number, text in enumerate(keys):
            pipe.send_text(text)
            found.append(terminal.entry(number))
        return found


def test_enter_takes_a_complete_entry_and_indents_the_next_line_of_another(
    session: Session, tmp_path: Path
) -> None:
    found = typed(
        session,
        tmp_path,
        "(+ 1 2)\r",
        "(define (f x)\r(list x\rx))\r",
        '"two\rlines"\r',
        "#| a\r |# 1\r",
        ",describe car\r",
        ",expand (if a\rb)\r",
        "(a (b]\r",
        "\x04",
    )
    assert found == [
        "(+ 1 2)",
        "(define (f x)\n  (list x\n        x))",
        '"two\nlines"',
        "#| a\n |# 1",
        ",describe car",
        ",expand (if a\n            b)",
        "(a (b]",
        None,
    ]


def test_the_arrow_brings_back_what_was_entered_also_in_other_sessions(
    session: Session, tmp_path: Path
) -> None:
    assert typed(session, tmp_path, "(first 1)\r", "\x1b[A\r") == ["(first 1)"] * 2
    assert typed(session, tmp_path, "\x1b[A\r") == ["(first 1)"]
    session.enter("(define own 1)")
    session.settle(lambda standing: standing.idle)
    assert typed(session, tmp_path, "\x1b[A\r") == ["(define own 1)"]


def test_names_and_commands_are_completed(session: Session) -> None:
    session.enter("(define my-own-name 1) (import (prefix (srfi 1) list/))")
    session.settle(lambda standing: standing.idle)

    def completions(text: str) -> set[str]:
        names = Names(lambda: session.consult(bound_names), COMMANDS)
        found = names.get_completions(Document(text), CompleteEvent())
        return {completion.text for completion in found}

    assert completions("(my-o") == {"my-own-name"}
    assert completions("(vector-re") == {"vector-ref"}
    assert "list/first" in completions("'(a list/fi")
    assert completions(",exp") == {"expand", "expand1"}
    assert not any(name.startswith("%") for name in completions("%"))


def test_text_has_colours_also_while_it_is_wrong() -> None:
    def styles(text: str) -> list[list[Any]]:
        line_of = Colours().lex_document(Document(text))
        return [
            [(style.removeprefix("class:"), part) for style, part, *_ in line_of(n) if part.strip()]
            for n in range(text.count("\n") + 1)
        ]

    assert styles('(if "a\nb" 12) ; why') == [
        [("", "("), ("syntax", "if"), ("string", '"a')],
        [("string", 'b"'), ("literal", "12"), ("", ")"), ("comment", " ; why")],
    ]
    assert styles('(f "open')[0][-1] == ("string", ' "open')
