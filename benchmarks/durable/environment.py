"""What the peers need: a virtual environment each, Restate's server from npm, a PostgreSQL server.

Everything is pinned (requirements/, package.json) and kept in one folder, so that only the first run installs anything. All peers
run under the Python that runs the harness, unless they need a later one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from perdure.base.errors import CallError

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements"
OURS = frozenset({"perdure", "floor"})
NEEDS_PYTHON = {"dura": (3, 13)}
DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / (
    "perdure-benchmarks"
)


class EnvironmentMissing(Exception):
    """Something that a peer needs is not on this machine; the text says what to do."""


class Environment:
    """Makes and finds what the peers need.

    Args:
      cache: where environments are kept.
      server: the URL of a PostgreSQL server that is there, or "" to start one when it is needed.
    """

    def __init__(self, cache: Path, server: str = "") -> None:
        self._cache = cache
        self._url = server
        self._made: dict[str, Path] = {}
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def python(self, peer: str) -> Path:
        """Return the Python in which an engine is installed; install it if that was never done."""
        if peer in OURS:
            return Path(sys.executable)
        if peer not in self._made:
            self._made[peer] = self._environment(peer)
        return self._made[peer]

    def tool(self, peer: str) -> Path | str:
        """Return the program of an engine's server, "" if it has none."""
        if peer != "restate":
            return ""
        folder = self._cache / "restate-server"
        packages = folder / "node_modules" / "@restatedev"
        self._once(folder, HERE / "package.json", self._install_npm)
        found = sorted(packages.glob("restate-server-*/bin/restate-server"))
        if not found:
            raise EnvironmentMissing(
                f"npm installed no restate-server for this machine in {packages}"
            )
        return found[0]

    def server(self, store: str) -> str:
        """Return the URL of a PostgreSQL server if that is the store, else ""."""
        if store != "postgres":
            return ""
        if not self._url:
            from perdure.testing.postgres import PostgresServer

            try:
                self._url = self._open.enter_context(PostgresServer()).url()
            except CallError as error:
                raise EnvironmentMissing(str(error)) from None
        return self._url

    def versions(self, peers: tuple[str, ...]) -> dict[str, Any]:
        """Return the Python and the pinned packages of each engine, for the record."""
        found: dict[str, Any] = {}
        for peer in peers:
            version = [str(self.python(peer)), "-c", "import sys; print(sys.version.split()[0])"]
            told = subprocess.run(version, capture_output=True, text=True, check=True)
            pinned = REQUIREMENTS / f"{peer}.txt"
            packages = pinned.read_text(encoding="utf-8").split() if peer not in OURS else []
            found[peer] = {"python": told.stdout.strip(), "packages": packages}
        return found

    def _environment(self, peer: str) -> Path:
        pinned = REQUIREMENTS / f"{peer}.txt"
        folder = self._cache / peer
        self._once(folder, pinned, lambda made: _install_pip(made, pinned, _python_for(peer)))
        return folder / "bin" / "python"

    def _once(self, folder: Path, pinned: Path, install: Any) -> None:
        """Call `install` if a folder does not hold what a file of versions asks for."""
        stamp = folder / "installed"
        wanted = hashlib.sha256(pinned.read_bytes() + sys.version.encode()).hexdigest()
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return
        print(f"installing {pinned.name} into {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install(folder)
        stamp.write_text(wanted, encoding="utf-8")

    def _install_npm(self, folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        if shutil.which("npm") is None:
            raise EnvironmentMissing(
                "Restate's server comes from npm: install npm, or leave restate out"
            )
        # Without scripts: one of a dependency reports installations to its maker.
        _checked(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)


def _install_pip(folder: Path, pinned: Path, python: str) -> None:
    _checked([python, "-m", "venv", "--clear", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    _checked([*pip, "--requirement", str(pinned)])


def _python_for(peer: str) -> str:
    """Return a Python that an engine accepts: the one that runs, else a later one on this machine."""
    needed = NEEDS_PYTHON.get(peer, (3, 11))
    if sys.version_info >= needed:
        return sys.executable
    name = "python{}.{}".format(*needed)
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    for candidate in (name, *sorted(pyenv.glob(f"versions/{needed[0]}.{needed[1]}.*/bin/{name}"))):
        # Asked, not only looked for: a shim may stand for a version that is not chosen.
        with contextlib.suppress(OSError):
            if (
                subprocess.run(
                    [candidate, "--version"], capture_output=True, check=False
                ).returncode
                == 0
            ):
                return str(candidate)
    raise EnvironmentMissing(
        f"{peer} needs Python {needed[0]}.{needed[1]}; install it, or leave {peer} out"
    )


def _checked(command: list[str], **options: Any) -> None:
    """Run an installer; its last words explain a failure."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise EnvironmentMissing(
            f"{' '.join(command)} failed:\n{(done.stderr or done.stdout)[-2000:]}"
        )


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    import platform

    return {
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "load": list(os.getloadavg()),
        "python": platform.python_version(),
    }
