"""The REPL's terminal: editing over several lines, completion, history, colours.

Layer: cli. Imports its neighbours and prompt_toolkit, which nothing else loads.
Invariant: an entry leaves the editor when it is complete. While somebody types, what the session prints appears above; when the session
wants no text any more, the editor gives up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style

from perdure.cli.repl_input import is_command, is_whole
from perdure.cli.repl_reading import indentation, tokens
from perdure.cli.repl_session import Session, Standing
from perdure.frontends.scheme import lexer as lex
from perdure.frontends.scheme.bindings import CORE

WORD = re.compile(r"""[^\s()\[\]"';`,]*$""")
STYLE = Style.from_dict(
    {
        "string": "ansigreen",
        "literal": "ansicyan",
        "syntax": "ansiblue",
        "comment": "ansibrightblack",
        "prompt": "ansibrightblack",
    }
)
BRACKETS_SEEN_CHARS = 10_000
"""How far the bracket that matches the one at the cursor is looked for."""


class Terminal:
    """Reads from a terminal for a session.

    Args:
      session: whose output may come at any time.
      names: gives the names that can be completed.
      commands: the names of the REPL's own commands.
      history: the file in which entries are remembered.
    """

    def __init__(
        self,
        session: Session,
        names: Callable[[], list[str]],
        commands: Iterable[str],
        history: Path,
    ) -> None:
        self._session = session
        self._wanted: Callable[[Standing], bool] = _always
        self._asked: PromptSession[str] | None = None
        history.parent.mkdir(parents=True, exist_ok=True)
        own = session.consult(_entries) or []
        self._entries: PromptSession[str] = PromptSession(
            multiline=True,
            key_bindings=_keys(),
            completer=Names(names, commands),
            complete_while_typing=False,
            lexer=Colours(),
            style=None if os.environ.get("NO_COLOR") else STYLE,
            history=Remembered(history, own),
            prompt_continuation=lambda width, _number, _wrapped: " " * width,
            input_processors=[HighlightMatchingBracketProcessor("()[]", BRACKETS_SEEN_CHARS)],
        )
        self._lines: PromptSession[str] = PromptSession()
        session.changed = self._changed

    def entry(self, number: int) -> str | None:
        """Return the next entry; "" for one that was given up."""
        message: StyleAndTextTuples = [("class:prompt", f"{number}> ")]
        try:
            return self._ask(self._entries, message, lambda standing: not standing.ended)
        except KeyboardInterrupt:
            return ""

    def line(self) -> str | None:
        """Return a line for the program."""
        return self._ask(self._lines, [], lambda standing: standing.wants_line)

    def _ask(
        self,
        asked: PromptSession[str],
        message: StyleAndTextTuples,
        wanted: Callable[[Standing], bool],
    ) -> str | None:
        if self._session.mid_line and message:
            print()
            self._session.mid_line = False
        self._wanted = wanted
        self._asked = asked
        try:
            with patch_stdout(raw=True):
                return asked.prompt(message, pre_run=self._changed)
        except EOFError:
            return None
        finally:
            self._asked = None

    def _changed(self) -> None:
        """Give up the editor if what it is to read is not wanted any more; called in any thread."""
        asked = self._asked
        if asked is None or self._wanted(self._session.standing):
            return
        app = asked.app
        if app.loop is not None:
            app.loop.call_soon_threadsafe(
                lambda: app.exit(result="") if app.is_running and not app.is_done else None
            )


def _always(_standing: Standing) -> bool:
    return True


def _entries(machine: Any) -> list[str]:
    """Return the texts that a session evaluated, the newest first."""
    return [text for file, text in machine.evaluator.sources().items() if file.startswith("repl:")]


class Remembered(FileHistory):
    """The history of all sessions; that of this one is the newest."""

    def __init__(self, path: Path, own: list[str]) -> None:
        super().__init__(str(path))
        self._own = own

    def load_history_strings(self) -> Iterable[str]:
        """Give the entries, the newest first."""
        yield from self._own
        own = set(self._own)
        yield from (text for text in super().load_history_strings() if text not in own)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if is_whole(buffer.text) or (is_command(buffer.text) and "\n" in buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n" + " " * indentation(buffer.document.text_before_cursor))

    return keys


class Names(Completer):
    """Completes names that are bound, and commands."""

    def __init__(self, names: Callable[[], list[str]], commands: Iterable[str]) -> None:
        self._names = names
        self._commands = sorted(commands)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Give what the word before the cursor may become."""
        del complete_event
        before = document.text_before_cursor
        found = WORD.search(before)
        word = "" if found is None else found.group()
        is_first = before.lstrip() == f",{word}"
        for name in self._commands if is_first else self._names():
            if name.startswith(word):
                yield Completion(name, start_position=-len(word))


class Colours(Lexer):
    """Colours text by the tokens of the reader."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return what gives the parts of a line with their styles."""
        lines: list[StyleAndTextTuples] = [[]]
        for style, text in _styled(document.text):
            first, *more = text.split("\n")
            lines[-1].append((style, first))
            lines += [[(style, line)] for line in more]
        return lambda number: lines[number] if number < len(lines) else []


def _styled(text: str) -> Iterable[tuple[str, str]]:
    """Give the pieces of a text with their styles."""
    at = 0
    for kind, start, end in tokens(text):
        yield "class:comment" if text[at:start].strip() else "", text[at:start]
        yield _style(kind, text[start:end]), text[start:end]
        at = end
    rest = text[at:]
    yield "class:string" if rest.lstrip().startswith('"') else "class:comment", rest


def _style(kind: int, word: str) -> str:
    if kind == lex.DATUM:
        return "class:string" if word[0] == '"' else "class:literal"
    if kind == lex.NAME and word in CORE:
        return "class:syntax"
    return ""
