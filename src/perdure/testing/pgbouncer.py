"""A real PgBouncer in transaction mode before a test's PostgreSQL.

Layer: testing. Imports testing.postgres.
Invariant: as the server's: it lies in a folder of its own and dies with the process that started it.

Its sessions are few, so that handles share them and whatever would hang on a session shows.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from perdure.testing.postgres import START_S, USER, account, die_with_parent, free_port

_SETTINGS: Final = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
"""

POOL_SIZE = 3
"""Sessions of the server that all clients share."""


def find_pgbouncer() -> str | None:
    """Return the path of the program, or None if it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class PgBouncer:
    """A pooler before the server of a URL; a context manager that starts and stops it."""

    def __init__(self, server_url: str) -> None:
        program = find_pgbouncer()
        assert program is not None, "pgbouncer is not installed"
        self._program = program
        parts = urlsplit(server_url)
        self._user = parts.username or USER
        self._folder = Path(tempfile.mkdtemp(prefix="perdure-bouncer-"))
        self.port = free_port()
        settings = _SETTINGS.format(
            host=parts.hostname,
            port=parts.port or 5432,
            own_port=self.port,
            folder=self._folder,
            pool_size=POOL_SIZE,
        )
        (self._folder / "pgbouncer.ini").write_text(settings)
        (self._folder / "users").write_text(f'"{self._user}" ""\n')
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Return the URL of a database through the pooler, as Perdure takes it."""
        return f"postgresql://{self._user}@127.0.0.1:{self.port}/{database}?pooler=transaction"

    def __enter__(self) -> Self:
        who = account()
        uid, gid = (None, None) if who is None else (who.pw_uid, who.pw_gid)
        for path in (self._folder, *self._folder.iterdir()):
            if uid is not None and gid is not None:
                os.chown(path, uid, gid)
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [self._program, self._folder / "pgbouncer.ini"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=uid,
            group=gid,
            extra_groups=None if gid is None else [],
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - it makes one system call
        )
        until = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except ConnectionRefusedError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            # Not asked politely: releases differ in which signal means what, and a shell may have them ignored.
            self._process.kill()
            self._process.wait(START_S)
        shutil.rmtree(self._folder, ignore_errors=True)
