"""A value as Scheme writes it, for what Python and JSON have no form for: symbols and lists.

Layer: base. Imports nothing of Perdure.
Invariant: only text; it is read where it crosses the boundary (engine/boundary.py), which refuses what is not one datum.
"""

from __future__ import annotations

from msgspec import Struct


class Datum(Struct, frozen=True):
    """Data for a program, as text: `Datum("(1 (a b))")` crosses as a list, `Datum("sym")` as a symbol."""

    text: str
