"""One attempt: a text, made by a source of choices, on the front end."""

from __future__ import annotations

import time

import choices
import properties

SLOW_S = 10.0
"""No text may take longer, in time of the processor."""


def texts(choose: choices.Choose, pieces: list[str]) -> str:
    """Return a text of one of the kinds."""
    kind = choose(4)
    if kind == 0:
        return choices.random_text(choose)
    if kind == 1:
        return choices.mutated_text(choose, pieces)
    return choices.program(choose)


def attempt(text: str) -> float:
    """Try one text; return how long it took. Raises what the front end raised."""
    began = time.process_time()
    try:
        properties.every_text_is_read_or_refused(text)
        properties.every_text_is_expanded_or_refused(text)
    except BaseException:
        print(f"this text fails:\n{text!r}", flush=True)
        raise
    return time.process_time() - began
