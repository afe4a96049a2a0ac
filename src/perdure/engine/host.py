"""What the host lets programs have: files and environment variables, as effects that the library asks for.

Layer: engine. Imports python_modules, values, base.
Invariant: a program reaches no file outside of what was granted, by `..`, a link or otherwise. Every function may be
performed twice: opening a file for writing makes it empty, and bytes are written at a place that is given.
Not a Python module that programs import: R7RS's own names ask for these, and every run has them, granted or not.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from msgspec.structs import replace

from perdure.base import limits
from perdure.base.errors import CallError
from perdure.base.marks import Mark
from perdure.engine.python_modules import Function, describe
from perdure.values.conditions import fail
from perdure.values.types import String

ALL: Final = "all"
NONE: Final = "none"

_ONCE_OR_MORE = Mark(idempotent=True)
_OPENING = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""A link that appears between the check of a path and its use is not followed; a pipe keeps nobody waiting."""


class Files:
    """The files that programs may have.

    Args:
      granted: "all", "none", or a directory: then relative paths begin there and no path leads out of it. With "all"
        they begin in the working directory.

    Raises:
      CallError: P303, there is no such directory.
    """

    def __init__(self, granted: str | Path) -> None:
        self._nothing = granted == NONE
        self._root: str | None = None
        if granted not in (ALL, NONE):
            self._root = os.path.realpath(granted)
            if not os.path.isdir(self._root):
                raise CallError(
                    "P303",
                    f"--files: {granted} is not a directory",
                    hint='give a directory that is there, or "all" or "none"',
                )

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions by the names that lib/port.sld asks for."""
        return {
            "open-input-file": self.read_text,
            "open-binary-input-file": self.read_bytes,
            "open-output-file": self.make_empty,
            "write-file": self.write,
            "file-exists?": self.exists,
            "find-file": self.find,
            "delete-file": self.delete,
        }

    def read_text(self, path: str) -> str:
        """Return the text of a file."""
        octets = self._contents("open-input-file", path)
        try:
            return octets.decode()
        except UnicodeDecodeError as error:
            reason = f"not UTF-8 text: byte {octets[error.start]:#04x} at {error.start}"
            _refuse("open-input-file", f"{reason}; open-binary-input-file takes any file", path)

    def read_bytes(self, path: str) -> bytes:
        """Return the bytes of a file."""
        return self._contents("open-binary-input-file", path)

    def make_empty(self, path: str) -> str:
        """Make an empty file, in place of one that is there, and return its absolute path."""
        place = self._place("open-output-file", path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            os.close(_opened(place, flags, "open-output-file", path))
        except OSError as error:
            _refuse("open-output-file", _reason(error), path)
        return place

    def write(self, path: str, offset: int, octets: bytes) -> bool:
        """Write bytes to a file at a place."""
        place = self._place("write", path)
        try:
            file = _opened(place, os.O_WRONLY, "write", path)
            try:
                while octets:
                    count = os.pwrite(file, octets, offset)
                    octets, offset = octets[count:], offset + count
            finally:
                os.close(file)
        except OSError as error:
            _refuse("write", _reason(error), path)
        return True

    def exists(self, path: str) -> bool:
        """Return whether there is a file."""
        return os.path.exists(self._place("file-exists?", path))

    def find(self, path: str) -> bool:
        """Raise a file-error if a file that is to be deleted is not there."""
        place = self._place("delete-file", path, follow=False)
        if os.path.isdir(place) and not os.path.islink(place):
            _refuse("delete-file", "is a directory", path)
        if not os.path.lexists(place):
            _refuse("delete-file", "no such file or directory", path)
        return True

    def delete(self, path: str) -> bool:
        """Delete a file, if it is there still."""
        place = self._place("delete-file", path, follow=False)
        try:
            Path(place).unlink(missing_ok=True)
        except OSError as error:
            _refuse("delete-file", _reason(error), path)
        return True

    def _place(self, procedure: str, path: str, *, follow: bool = True) -> str:
        """Return the absolute path that a program's path means, its links followed, the last one if wanted."""
        if self._nothing:
            _refuse(procedure, "no file is granted to programs here; --files grants some", path)
        if not path or "\0" in path:
            _refuse(procedure, "not the name of a file", path)
        root = self._root
        whole = os.path.join(root or os.getcwd(), path)
        head, last = os.path.split(whole)
        if follow or last in ("", ".", ".."):
            place = os.path.realpath(whole)
        else:
            place = os.path.join(os.path.realpath(head), last)
        if root is not None and place != root and not place.startswith(os.path.join(root, "")):
            _refuse(procedure, f"outside of {root}, which alone is granted by --files", path)
        return place

    def _contents(self, procedure: str, path: str) -> bytes:
        place = self._place(procedure, path)
        try:
            with open(_opened(place, os.O_RDONLY, procedure, path), "rb") as file:
                octets = file.read(limits.FILE_MAX_BYTES + 1)
        except OSError as error:
            _refuse(procedure, _reason(error), path)
        if len(octets) > limits.FILE_MAX_BYTES:
            _refuse(procedure, f"larger than the limit of {limits.FILE_MAX_BYTES} bytes", path)
        return octets


def environment_functions(environment: Mapping[str, str]) -> dict[str, Callable[..., Any]]:
    """Return the functions that read environment variables; those of an empty mapping find none."""

    def variable(name: str) -> str | bool:
        found = environment.get(name)
        return _readable(found) if found is not None else False

    def variables() -> list[list[str]]:
        return [[_readable(name), _readable(value)] for name, value in environment.items()]

    return {"get-environment-variable": variable, "get-environment-variables": variables}


def host_functions(files: Files, environment: Mapping[str, str]) -> dict[str, Function]:
    """Return all that programs may ask of the host, as the engine performs it."""
    calls = files.functions() | environment_functions(environment)
    # What a file holds may be larger than what crosses the boundary otherwise; the limit of files is checked.
    most = limits.FILE_MAX_BYTES + 1_000
    return {
        name: replace(describe(call), mark=_ONCE_OR_MORE, result_max_bytes=most)
        for name, call in calls.items()
    }


def _opened(place: str, flags: int, procedure: str, path: str) -> int:
    """Return the descriptor of an ordinary file, or of the null device."""
    file = os.open(place, flags | _OPENING, 0o666)
    mode = os.fstat(file).st_mode
    if not stat.S_ISREG(mode) and place != os.devnull:
        os.close(file)
        kind = "a directory" if stat.S_ISDIR(mode) else "no ordinary file"
        _refuse(procedure, f"is {kind}", path)
    return file


def _readable(text: str) -> str:
    """Return text of the operating system as a string that can be stored."""
    return os.fsencode(text).decode("utf-8", "replace")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _refuse(procedure: str, reason: str, path: str) -> NoReturn:
    raise fail("file-error", f"{procedure}: {reason}:", String(path))
