"""Cut connections whose server does not answer: a half-open one would keep its caller for ever.

Layer: store. Imports base, psycopg.
Invariant: whoever waits for an answer waits limits.SILENCE_S and a look's interval at most, then finds its connection
closed. A connection that waits for nothing is left alone.

Neither of the kernel's timeouts is enough: keepalives are answered by a proxy, a pooler or a stopped server's kernel
just as well, and `statement_timeout` is the server's. libpq waits without a limit, in C; so a thread of its own shuts
the socket down, which wakes whoever waits for it. Setting a number before a call and after it is all that a call costs.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from perdure.base import limits


class Line:
    """A connection, as far as it is waited for.

    Attributes:
      raw: the connection, or None while there is none.
      since: when its caller began to wait, by the monotonic clock; 0.0 if nobody does.
    """

    __slots__ = ("__weakref__", "raw", "since")

    def __init__(self) -> None:
        self.raw: psycopg.Connection[Any] | None = None
        self.since = 0.0
        _watch(self)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Mark that the caller waits; inside of another wait it is the outer one that counts."""
        outer, self.since = self.since, self.since or time.monotonic()
        try:
            yield
        finally:
            self.since = outer

    def cut(self, since: float) -> None:
        """Shut the connection down if its caller has waited since then."""
        raw = self.raw
        if raw is None or raw.closed or self.since != since:
            return
        with (
            contextlib.suppress(OSError, psycopg.Error),
            socket.socket(fileno=os.dup(raw.fileno())) as shared,
        ):
            shared.shutdown(socket.SHUT_RDWR)


_lines: weakref.WeakSet[Line] = weakref.WeakSet()
_lock = threading.Lock()
_process = 0


def _watch(line: Line) -> None:
    global _process
    with _lock:
        _lines.add(line)
        # A thread does not survive a fork of its process.
        if _process != os.getpid():
            _process = os.getpid()
            threading.Thread(target=_look, name="perdure-silence", daemon=True).start()


def _look() -> None:
    while True:
        time.sleep(limits.SILENCE_S / 10)
        with _lock:
            lines = list(_lines)
        late = time.monotonic() - limits.SILENCE_S
        for line in lines:
            since = line.since
            if since and since < late:
                line.cut(since)
        del lines
