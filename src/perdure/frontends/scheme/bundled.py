"""Bundled libraries: the Scheme files in the folders of lib/, which are loaded when something imports them.

Layer: frontends. Imports values, base.
Invariant: `lib/srfi/13.sld` is the library (srfi 13), an ordinary `define-library`. It belongs to the process and not to a run, like
the core files beside these folders, so its globals are never assigned.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from perdure.frontends.scheme.reader import read_source

_LARGE = {
    "scheme bitwise": "srfi 151",
    "scheme box": "srfi 111",
    "scheme charset": "srfi 14",
    "scheme comparator": "srfi 128",
    "scheme fixnum": "srfi 143",
    "scheme hash-table": "srfi 125",
    "scheme list": "srfi 1",
    "scheme sort": "srfi 132",
    "scheme stream": "srfi 41",
    "scheme vector": "srfi 133",
}
"""Names that R7RS-large gave to SRFIs."""
_SRFI = re.compile(r"srfi (?::|srfi-)?(\d+)(?: [a-z].*)?")
"""(srfi 1), (srfi :1), (srfi srfi-1), (srfi :1 lists)."""

FOLDER = Path(__file__).parent / "lib"


class BundledIndex(Struct, frozen=True):
    """What importers know of a bundled library.

    `exports` maps names to (library, global name); `syntax` says whether keywords are exported, too: what they mean only the text can
    tell; `requires` are the bundled libraries that it imports.
    """

    exports: dict[str, tuple[str, str]]
    syntax: bool
    requires: list[str]


def bundled_names() -> list[str]:
    """Return the names of all bundled libraries, like "srfi 13"."""
    paths = FOLDER.glob("*/**/*.sld")
    return sorted(" ".join(path.relative_to(FOLDER).with_suffix("").parts) for path in paths)


def other_name(name: str) -> str:
    """Return what we call a library that other Schemes call by this name."""
    found = _SRFI.fullmatch(name)
    return f"srfi {found[1]}" if found else _LARGE.get(name, name)


def is_bundled(name: str) -> bool:
    """Return whether there is a bundled library of that name."""
    words = name.split(" ")
    path = FOLDER.joinpath(*words).with_suffix(".sld")
    return len(words) > 1 and path.is_relative_to(FOLDER) and path.is_file()


def bundled_path(name: str) -> str:
    """Return the path of a bundled library that messages show."""
    return f"perdure/lib/{name.replace(' ', '/')}.sld"


def bundled_source(name: str) -> str:
    """Return the text of a bundled library."""
    return read_source(str(FOLDER.joinpath(*name.split(" ")).with_suffix(".sld")))
