"""A proxy before PostgreSQL that cuts connections exactly where a commit is in doubt.

Method: it reads the frames that a client sends. A commit is one call of a prepared statement, so a Bind that names one
of `verbs` begins it and the next Sync ends it. What `decide` says for a commit is done to it:

    ""              nothing
    "before"        the connection is cut, and the server has never heard of the commit
    "after"         the server executes it; the connection is cut before the answer gets through
    "stall-before"  as before, but nothing is closed: the connection is half-open and silent
    "stall-after"   as after, the same way

An asyncio loop in a thread. TLS and GSSAPI are turned off by the URL that it gives.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
import time
from urllib.parse import urlsplit

COMMITS = frozenset({b"take_turns", b"commit"})
CLIENTS = frozenset({b"start", b"send"})


class Proxy:
    """Stands before a server.

    Args:
      port: the server's, on this machine.
      verbs: the names of the prepared statements that are asked about.
      decide: called for each of them; returns one of the words above.
      deaf: let no notification through.
    """

    def __init__(self, port, *, verbs=COMMITS, decide=lambda: "", deaf=False):
        self._target = port
        self._verbs = verbs
        self._decide = decide
        self.deaf = deaf
        self.done = []
        self.swallowed = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._writers = set()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def url(self, url):
        """Return the URL by which a database of the server is reached through the proxy."""
        parts = urlsplit(url)
        address = f"{parts.username}@127.0.0.1:{self.port}"
        query = "sslmode=disable&gssencmode=disable"
        return parts._replace(netloc=address, query=query).geturl()

    def cut_all(self):
        """Cut every connection that there is."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _abort_all(self):
        for writer in list(self._writers):
            writer.transport.abort()

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()
        self._abort_all()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader, writer):
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(self, (reader, writer), (server_reader, server_writer))
        self._writers |= {writer, server_writer}
        tasks = [asyncio.ensure_future(one) for one in (pair.upwards(), pair.downwards())]
        # Cancelled only when the proxy itself ends.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in (writer, server_writer):
            one.transport.abort()
            self._writers.discard(one)

    def _asked(self, name):
        what = self._decide() if name in self._verbs else ""
        if what:
            self.done.append((time.time(), what))
        return what


class _Pair:
    """One client's connection, and the one to the server for it."""

    def __init__(self, proxy, client, server):
        self._proxy = proxy
        self._client_reader, self._client_writer = client
        self._server_reader, self._server_writer = server
        self._doing = ""
        self._silent = asyncio.Event()

    async def upwards(self):
        """Carry what the client sends; end when the connection is to be cut."""
        reader, writer = self._client_reader, self._server_writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            (size,) = struct.unpack("!I", head := await reader.readexactly(4))
            writer.write(head + await reader.readexactly(size - 4))
            while True:
                kind, frame = await _frame(reader)
                if kind == b"B" and not self._doing:
                    name = frame[5:].split(b"\0", 2)[1]
                    self._doing = self._proxy._asked(name)
                if self._doing == "before":
                    return
                if self._doing == "stall-before":
                    await self._never()
                writer.write(frame)
                await writer.drain()

    async def downwards(self):
        """Carry what the server answers; end when the connection is to be cut."""
        reader, writer = self._server_reader, self._client_writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, frame = await _frame(reader)
                if self._doing in ("after", "stall-after"):
                    # The transaction is over when the server is ready for the next query.
                    if kind != b"Z":
                        continue
                    if self._doing == "after":
                        return
                    await self._never()
                if kind == b"A" and self._proxy.deaf:
                    self._proxy.swallowed += 1
                    continue
                writer.write(frame)
                await writer.drain()

    async def _never(self):
        await asyncio.Event().wait()


async def _frame(reader):
    head = await reader.readexactly(5)
    (size,) = struct.unpack("!I", head[1:])
    return head[:1], head + await reader.readexactly(size - 4)
