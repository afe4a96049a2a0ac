"""The quoted data of a Scheme program, for its twin in Python to work on the same."""

from __future__ import annotations

import re
import sys
from typing import Any

from benchmarks.programs.data import from_items

_TOKEN = re.compile(r';[^\n]*|"(?:[^"\\]|\\.)*"|[()]|[^\s()";]+')


def _read(tokens: list[str]) -> Any:
    """Take one datum from the end of reversed tokens: lists of pairs, interned strings for symbols, integers."""
    token = tokens.pop()
    if token == "(":
        items = []
        while tokens[-1] not in {")", "."}:
            items.append(_read(tokens))
        last = None
        if tokens[-1] == ".":
            tokens.pop()
            last = _read(tokens)
        tokens.pop()
        made = from_items(items)
        if last is not None:
            assert made is not None
            here = made
            while here.cdr is not None:
                here = here.cdr
            here.cdr = last
        return made
    return int(token) if token.lstrip("-").isdigit() else sys.intern(token)


def quoted(source: str) -> dict[str, Any]:
    """Return the value of each `(define name 'datum)` of a program."""
    found = {}
    for match in re.finditer(r"^\(define ([^\s()]+)\s+'", source, re.MULTILINE):
        tokens = [t for t in _TOKEN.findall(source, match.end()) if not t.startswith(";")]
        found[match[1]] = _read(tokens[::-1])
    return found
