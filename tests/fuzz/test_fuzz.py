"""Whatever a text looks like, the reader and the expander accept it or say what is wrong, and nothing else happens.

Goal: no internal error and no endless work in the front end. Method: Hypothesis makes the choices of `choices.py`;
`python -m tests.fuzz` makes millions of them.
"""

from __future__ import annotations

import pytest
from choices import Choose, corpus, mutated_text, program, random_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties import every_text_is_expanded_or_refused, every_text_is_read_or_refused

PIECES = corpus()
QUICK = settings(
    max_examples=150, deadline=20_000, suppress_health_check=list(HealthCheck), database=None
)


def chooser(data: st.DataObject) -> Choose:
    return lambda below: data.draw(st.integers(0, below - 1))


@QUICK
@given(st.data())
def test_random_text_is_read_or_refused(data: st.DataObject) -> None:
    every_text_is_read_or_refused(random_text(chooser(data)))


@QUICK
@given(st.text(max_size=200))
def test_any_characters_are_read_or_refused(text: str) -> None:
    every_text_is_read_or_refused(text)


@QUICK
@given(st.data())
def test_mutated_programs_are_read_or_refused(data: st.DataObject) -> None:
    text = mutated_text(chooser(data), PIECES)
    every_text_is_read_or_refused(text)
    every_text_is_expanded_or_refused(text)


@QUICK
@given(st.data())
def test_random_syntax_is_expanded_or_refused(data: st.DataObject) -> None:
    every_text_is_expanded_or_refused(program(chooser(data)))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(a " * 100_000,
        "(\n" * 5_000 + "(" * 50,
        "'" * 100_000,
        "#;" * 100_000,
        "#|" * 100_000,
        '"' * 100_001,
        "\n(a" * 20_000,
        ")" * 100_000,
        "#0=" * 5_000,
        "(let " * 900,
        "(begin " * 900 + ")" * 900,
        "`" * 900 + "x",
        "(define-syntax m (syntax-rules () (" + "(" * 900 + ")" * 900 + " 1)))",
    ],
    ids=lambda text: text[:12],
)
def test_large_texts_are_read_or_refused(text: str) -> None:
    every_text_is_read_or_refused(text)
    every_text_is_expanded_or_refused(text)
