"""Compiled libraries in a folder of this machine's user.

Layer: toolchain. Imports nothing above base.
Invariant: the cache holds only what can be made again from the package's own files: a file's name has a hash of these files, of the
Python version and of what is asked for. A cache that can't be read or written costs time and nothing else.

The files hold code objects (marshal), so they are as trusted as Python's own `.pyc` files and lie in the user's own folder.
"""

from __future__ import annotations

import functools
import hashlib
import marshal
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

_SOURCES = ("base", "values", "ir", "machine", "primitives", "frontends", "compiler", "toolchain")
_DAY_S = 86_400


def default_cache_dir() -> Path:
    """Return the folder of caches: $XDG_CACHE_HOME/perdure, or ~/.cache/perdure."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "perdure"


class Cache:
    """What was compiled, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> Any:
        """Return what was written under a name, or None."""
        try:
            data = self._path(name).read_bytes()
        except OSError:
            return None
        digest, body = data[:32], data[32:]
        if hashlib.sha256(body).digest() != digest:
            return None
        return marshal.loads(body)  # noqa: S302 - our own file, its hash checked

    def write(self, name: str, made: Any) -> None:
        """Keep a value of plain data and code objects; old versions are deleted after a day."""
        path = self._path(name)
        body = marshal.dumps(made)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(hashlib.sha256(body).digest() + body)
            os.replace(file.name, path)
            for old in self._folder.glob(f"{name}@*.bin"):
                if old != path and old.stat().st_mtime < path.stat().st_mtime - _DAY_S:
                    old.unlink(missing_ok=True)
        except OSError:
            return  # a read-only home: libraries are compiled at every start

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}@{_version()}.bin"


@functools.cache
def _version() -> str:
    """Return a hash of everything that a compiled library depends on."""
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
