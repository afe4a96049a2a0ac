"""How much memory this process has.

Layer: machine. Imports nothing of Perdure.
Invariant: asking costs some microseconds, so the watchdog may ask fifty times a second. Giving back takes as long as the
collector, so it is for when much was thrown away.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import sys
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Return the memory that this process has, in bytes."""
    try:
        file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        # Elsewhere the most that it ever had must do: growth is growth beyond that.
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    try:
        return int(os.read(file, 100).split()[1]) * _PAGE
    finally:
        os.close(file)


def give_back() -> None:
    """Free what nothing refers to, and give it back to the system."""
    gc.collect()
    # What C's allocator keeps for later would be taken for memory that a run holds on to. Elsewhere it has another name.
    import ctypes

    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
