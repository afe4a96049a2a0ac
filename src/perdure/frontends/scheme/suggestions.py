"""What an unknown name may have been meant to be: names in scope, and names of libraries that are not imported.

Layer: frontends. Imports values, base.
Invariant: a suggestion is never wrong about what it names: that name exists, and the library has it.
Bundled libraries are not loaded for it: their lists of exports are read, and nothing else of them.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable

from perdure.frontends.scheme import lexer as lex
from perdure.frontends.scheme.bundled import bundled_names, bundled_source
from perdure.frontends.scheme.exports import TABLES, StandardLibraries

LIKENESS = 0.76
"""How alike two names must be (difflib's ratio): `alpah` is `alpha`, `foo` is not `floor`."""

LIBRARIES_SHOWN = 3
LAST = ("perdure", "scheme r5rs")
"""Libraries that gather what others have: these are named after the others."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like another one, or "" if none is like it."""
    near = difflib.get_close_matches(name, list(known), 1, LIKENESS)
    return near[0] if near else ""


def hint_for(name: str, in_scope: Iterable[str], standard: StandardLibraries) -> str:
    """Return what to do about a name that nothing binds, or ""."""
    where = exporters(standard)
    if name in where:
        return f"{_import(where[name])} has {name}"
    near = nearest(name, in_scope)
    if near:
        return f"did you mean {near}?"
    near = nearest(name, where)
    return f"did you mean {near}? {_import(where[near])} has it" if near else ""


def _import(libraries: list[str]) -> str:
    ranked = sorted(libraries, key=lambda name: name in LAST)
    first, *others = [f"({library})" for library in ranked[:LIBRARIES_SHOWN]]
    return " or ".join([f"(import {first})", *others])


def exporters(standard: StandardLibraries) -> dict[str, list[str]]:
    """Return the libraries that export each name, the standard ones first."""
    found: dict[str, list[str]] = {}
    for library in [*TABLES, "perdure"]:
        for name in standard.find(library) or ():
            found.setdefault(name, []).append(library)
    for library in bundled_names():
        for name in _exported(library):
            found.setdefault(name, []).append(library)
    return found


@functools.cache
def _exported(library: str) -> tuple[str, ...]:
    """Return the names that the text of a bundled library exports under their own names."""
    text = bundled_source(library)
    start = text.find("(export")
    names: list[str] = []
    while start >= 0:
        lexer = lex.Lexer(text, library, start + 1)
        lexer.next()
        depth = 1
        while depth:
            kind = lexer.next()
            if kind == lex.END:
                break
            depth += {lex.OPEN: 1, lex.CLOSE: -1}.get(kind, 0)
            if kind == lex.NAME and depth == 1:
                names.append(lexer.value.name)
        start = text.find("(export", lexer.end)
    return tuple(names)
