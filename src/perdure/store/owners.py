"""Locks that die with their process: how a worker beside a SQLite database shows that it lives.

Layer: store. Imports nothing of Perdure.
Invariant: the file of an owner is locked exactly as long as the process (or handle) that
registered it lives. The kernel drops the lock at the process's death, however it dies, so takeover
needs no waiting.

`flock`, not `lockf`: a POSIX record lock is lost as soon as the process closes *any* descriptor of
the file, and a process could not see its own other handles' locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class OwnerLocks:
    """The directory of lock files beside one database."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def take(self, owner: int) -> int:
        """Create and lock an owner's file; return the descriptor that holds the lock.

        Raises:
          OSError: the directory can't be written.
        """
        self.directory.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._path(owner), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor

    def is_held(self, owner: int) -> bool:
        """Return whether the owner's lock is held by a living process."""
        try:
            descriptor = os.open(self._path(owner), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    def drop(self, owner: int, descriptor: int | None = None) -> None:
        """Unlock an owner's file, if it is ours, and remove it."""
        with contextlib.suppress(OSError):
            Path(self._path(owner)).unlink()
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _path(self, owner: int) -> str:
        return os.fspath(self.directory / f"{owner}.lock")
