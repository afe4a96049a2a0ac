"""The standard library, compiled once and kept in a cache of this machine.

Layer: toolchain. Imports frontends, compiler, primitives.
Invariant: the cache holds only what can be made again from the package's own files: its key covers them, the
primitives and the Python version. A cache that can't be read or written costs time and nothing else.

The cache holds code objects (marshal), so it is as trusted as Python's own `.pyc` files and lies in the user's own folder.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from perdure.compiler.provider import Provider, dump_procedures, load_procedures
from perdure.frontends.scheme.exports import StandardIndex
from perdure.frontends.scheme.standard import load_standard
from perdure.primitives import TABLE
from perdure.toolchain.compiling import Compiled, assigned_globals, compile_unit

_SOURCES = ("base", "values", "ir", "machine", "primitives", "frontends", "compiler", "toolchain")


class Standard(msgspec.Struct, frozen=True):
    """The compiled standard library: digests of its units in order, and the index of its exports."""

    units: list[tuple[str, str]]
    index: StandardIndex


def arities() -> dict[str, tuple[int, int | None, str]]:
    """Return the arity of every primitive, as the front end wants it."""
    return {name: (p.least, p.most, p.formals) for name, p in TABLE.items()}


def default_cache_dir() -> Path:
    """Return the folder of caches: $XDG_CACHE_HOME/perdure, or ~/.cache/perdure."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "perdure"


def load(provider: Provider, cache_dir: Path) -> Standard:
    """Return the standard library; its definitions are added to the provider."""
    path = cache_dir / f"standard-{_key()}.bin"
    cached = _read(path)
    if cached is None:
        cached = _compile()
        _write(path, cached)
    units, index = cached
    for _, digest, data, procedures in units:
        # Without places: a report shows the program's frames, not the library's.
        provider.add(digest, data, procedures=load_procedures(procedures))
    return Standard(
        [(library, digest) for library, digest, *_ in units],
        msgspec.json.decode(index, type=StandardIndex),
    )


def _compile() -> tuple[list[tuple[str, str, bytes, bytes]], bytes]:
    libraries, index = load_standard(arities())
    assigned = assigned_globals(u for _, units in libraries for u in units)
    maker = Provider()
    made = []
    for library, units in libraries:
        for unit in units:
            compiled: Compiled = compile_unit(library, unit, assigned)
            maker.add(compiled.digest, compiled.data)
            procedures = dump_procedures(maker.loaded(compiled.digest).procedures)
            made.append((library, compiled.digest, compiled.data, procedures))
    return made, msgspec.json.encode(index)


def _key() -> str:
    """Return a hash of everything that the compiled library depends on."""
    root = Path(__file__).parent.parent
    hashed = hashlib.sha256(f"{sys.implementation.cache_tag} {sys.hexversion}".encode())
    for folder in _SOURCES:
        for directory, folders, files in os.walk(root / folder):
            folders.sort()
            for name in sorted(files):
                if name.endswith((".py", ".sld", ".scm")):
                    status = os.stat(os.path.join(directory, name))
                    hashed.update(
                        f"{directory}/{name} {status.st_size} {status.st_mtime_ns}".encode()
                    )
    return hashed.hexdigest()[:24]


def _read(path: Path) -> Any:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, body = data[:32], data[32:]
    if hashlib.sha256(body).digest() != digest:
        return None
    return marshal.loads(body)  # noqa: S302 - our own file, its hash checked


def _write(path: Path, made: Any) -> None:
    body = marshal.dumps(made)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(hashlib.sha256(body).digest() + body)
        os.replace(file.name, path)
        for old in path.parent.glob("standard-*.bin"):
            if old != path and old.stat().st_mtime < path.stat().st_mtime - 86_400:
                old.unlink(missing_ok=True)
    except OSError:
        return  # a read-only home: the library is compiled at every start
