"""Workers as processes on one SQLite database, and what is stored about them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from perdure import Engine
from perdure.app.answers import Answer, value_of
from perdure.base.errors import StoreError
from perdure.store.opening import open_store
from perdure.store.sqlite import SqliteStore

LEASE_S = 1.0
TIMEOUT_S = 60.0


class Place:
    """A folder with a database and workers in it."""

    """A folder with a database, programs, a Python module `acts`, and workers in it."""

    def __init__(self, folder: Path, module: str, **programs: str) -> None:
        self.folder = folder
        self.url = f"sqlite:{folder}/l.db"
        self.workers: list[subprocess.Popen[bytes]] = []
        (folder / "acts.py").write_text(module)
        for name, text in programs.items():
            (folder / f"{name}.scm").write_text(text)
        self.engine = Engine(self.url, execute="none")

    def start(self, program: str, *arguments: object, id: str) -> str:
        return self.engine.start(self.folder / f"{program}.scm", *arguments, id=id)

    def wait(self, run_id: str) -> Answer:
        answer = self.engine.wait(run_id, timeout=TIMEOUT_S)
        assert answer is not None, f"{run_id} has not ended"
        return answer

    def value(self, run_id: str) -> Any:
        return value_of(self.wait(run_id))

    def worker(self, name: str, *more: str) -> subprocess.Popen[bytes]:
        words = ["worker", "--name", name, "--lease", str(LEASE_S), "--db", self.url]
        words += ["--log-level", "info", "--log-format", "json", *more]
        with (self.folder / f"{name}.log").open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "perdure", *words], cwd=self.folder, stderr=log
            )
        self.workers.append(started)
        self.until(lambda: name in self.owners())
        return started

    def owners(self) -> dict[str, int]:
        """Return the living owners' numbers by name."""
        rows = open_rows(self.url, "SELECT name, num FROM owners")
        return dict(rows)

    def told(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + TIMEOUT_S
        while not true():
            assert time.monotonic() < end, [self.told(p.stem) for p in self.folder.glob("*.log")]
            time.sleep(0.02)

    def stop_outside_of_a_commit(self, worker: subprocess.Popen[bytes]) -> None:
        """Stop a process; one that was just writing keeps SQLite's lock, and everybody out, so it is tried again."""
        store = SqliteStore(self.url.removeprefix("sqlite:"), busy_timeout_ms=50)
        try:
            while True:
                worker.send_signal(signal.SIGSTOP)
                try:
                    store.set_cursor("nobody", 0)
                except StoreError:
                    worker.send_signal(signal.SIGCONT)
                else:
                    return
        finally:
            store.close()

    def close(self) -> None:
        for one in self.workers:
            one.kill()
            one.wait()
        self.engine.close()


def open_rows(url: str, query: str) -> list[tuple[object, ...]]:
    store = open_store(url)
    try:
        return list(store._rows(query))
    finally:
        store.close()
