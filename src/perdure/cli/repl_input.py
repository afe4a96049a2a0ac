"""Where the REPL's text comes from, and lines that are piped in; the terminal is in repl_terminal.py.

Layer: cli. Imports its neighbours.
Invariant: what is read is a whole entry or a whole line; None is the end of input.
"""

from __future__ import annotations

import sys
from typing import Protocol

from perdure.cli.repl_reading import is_blank, is_complete


class Input(Protocol):
    """Reads for a session."""

    def entry(self, number: int) -> str | None:
        """Return the text of the next entry; "" if there is a reason to look at the session first."""

    def line(self) -> str | None:
        """Return the next line, for the program; "" and a changed session if it does not want one any more."""


def is_command(text: str) -> bool:
    """Return whether an entry is for the REPL itself."""
    return text.lstrip().startswith(",")


def is_whole(text: str) -> bool:
    """Return whether an entry is complete; a command is, when its argument is."""
    if is_command(text):
        text = text.lstrip()[1:].lstrip()
    return is_complete(text)


class Piped:
    """Standard input that is no terminal. Lines that make up an entry together are one."""

    def entry(self, number: int) -> str | None:
        del number
        text = ""
        for line in sys.stdin:
            text += line
            if is_whole(text) and not is_blank(text):
                return text
        return text if text.strip() and not is_blank(text) else None

    def line(self) -> str | None:
        line = sys.stdin.readline()
        return line.removesuffix("\n") if line else None
