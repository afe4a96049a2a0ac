"""What users write for values: JSON, or a bare word for a string.

Layer: cli. Imports engine.jsonable, base.
Invariant: what looks like JSON and is not is an error, never silently a string.
"""

from __future__ import annotations

from typing import Any

from perdure.base.errors import CallError
from perdure.engine import jsonable

_NOT_WORDS = ("{", "[", '"')
_NO_JSON = {"NaN", "Infinity", "-Infinity"}


def value_of(text: str, what: str) -> Any:
    """Return the Python data that a word of the command line stands for.

    Args:
      text: the word.
      what: what it is, for the message.

    Raises:
      CallError: P303, it looks like JSON and is not.
    """
    if text in _NO_JSON or not text.strip():
        return text
    try:
        return jsonable.parse(text, what)
    except CallError:
        if text.lstrip().startswith(_NOT_WORDS):
            raise
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CallError("P303", f"{what} is not valid UTF-8") from None
    return text


def values_of(texts: tuple[str, ...]) -> list[Any]:
    """Return the Python data of several words. Raises CallError."""
    return [value_of(text, f"argument {number}") for number, text in enumerate(texts, 1)]
