"""`perdure demo`: an order in a child process that the demo kills again and again, and what the ledger says at the end.

Layer: cli. Imports looking, console; rich.
Invariant: everything happens in a directory of its own; the child gets SIGKILL, nothing milder; what is told was seen.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel

from perdure.base.errors import CallError
from perdure.cli import console as printing
from perdure.cli.looking import state_of
from perdure.store.opening import open_store

RUN_ID = "order-1"
ORDER = '{"id": "A1", "card": "4111-1111", "total": 75, "items": ["book", "lamp", "desk"]}'
PROGRAM = Path(__file__).parent / "demo_program"

MOMENTS = (
    ("charge_card", 0.4, "while the payment is being made"),
    ("reserve", 0.4, "while three reservations are in flight"),
    ("a message", 0.3, "while it waits for an approval"),
    ("sleep", 0.5, "while it sleeps"),
)
"""What the run waits for, how long after that it is killed, and how that is told."""

PATIENCE_S = 25.0


def demo(*, kills: int, keep: bool, json: bool) -> int:
    """Tell the story and return the exit code: 0 if every effect happened exactly once."""
    if not 0 <= kills <= len(MOMENTS):
        raise CallError("P303", f"--kills must be between 0 and {len(MOMENTS)}, got {kills}")
    folder = Path(tempfile.mkdtemp(prefix="perdure-demo-"))
    try:
        shutil.copytree(
            PROGRAM, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
        return _Story(folder, kills, as_json=json).tell()
    finally:
        if keep:
            printing.note(f"the files are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


class _Story:
    """One performance of the demo."""

    def __init__(self, folder: Path, kills: int, *, as_json: bool) -> None:
        self.folder = folder
        self.kills = kills
        self.as_json = as_json
        self.db = f"sqlite:{folder / 'demo.db'}"
        self.ledger = folder / "ledger.txt"
        self.ledger.touch()
        self.complaints = folder / "stderr.txt"
        self.screen = Console(quiet=as_json, highlight=False)
        self.deadline = time.monotonic() + PATIENCE_S
        self.child: subprocess.Popen[str] | None = None
        self.listener = threading.Thread()
        self.killed: list[str] = []

    def tell(self) -> int:
        say = self.screen.print
        say(
            Panel(
                (self.folder / "order.scm").read_text(encoding="utf-8").strip(), title="order.scm"
            )
        )
        say(
            "This program runs in a process that we kill with SIGKILL. Its state is in a database file.\n"
        )
        try:
            self._perform()
        finally:
            if self.child is not None and self.child.poll() is None:
                self.child.kill()
                self.child.wait()
        return self._count()

    def _perform(self) -> None:
        self._start()
        approved = False
        moments = list(MOMENTS)
        while True:
            assert self.child is not None, "started above"
            if self.child.poll() is not None:
                self.listener.join()
                return
            waits = self._waits()
            if moments and moments[0][0].replace("_", "-") in waits.replace("_", "-"):
                _, pause, told = moments.pop(0)
                time.sleep(pause)
                if len(self.killed) < self.kills:
                    self._kill(told)
            elif "a message" in waits and not approved:
                approved = True
                self.screen.print(
                    '[bold]you[/]     send an approval: perdure send order-1 \'{"by": "kim"}\''
                )
                self._command("send", RUN_ID, '{"by": "kim"}')
            if time.monotonic() > self.deadline:
                raise CallError("P308", "the demo takes too long; is the machine very busy?")
            time.sleep(0.03)

    def _start(self) -> None:
        given = ["order.scm", ORDER] if not self.killed else []
        with self.complaints.open("w", encoding="utf-8") as complaints:
            self.child = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                self._line("run", *given, "--id", RUN_ID),
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )
        word = "goes on as" if self.killed else "starts as"
        self.screen.print(f"[green]run[/]     {word} process {self.child.pid}")
        self.listener = threading.Thread(target=self._hear, args=(self.child,), daemon=True)
        self.listener.start()

    def _kill(self, told: str) -> None:
        assert self.child is not None, "there is a child to kill"
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.killed.append(told)
        self.listener.join()
        self.screen.print(f"[bold red]kill -9[/] process {self.child.pid}, {told}")
        self._start()

    def _hear(self, child: subprocess.Popen[str]) -> None:
        """Print what a child prints, as it comes; runs in a thread of its own."""
        assert child.stdout is not None, "it has a pipe"
        for line in child.stdout:
            self.screen.print(f"[cyan]program[/] {line.rstrip()}")

    def _waits(self) -> str:
        """Return what the run waits for, as its row says."""
        try:
            store = open_store(self.db, must_exist=True)
        except CallError:
            return ""  # the child has not made its database yet
        try:
            run = store.get_run(RUN_ID)
        finally:
            store.close()
        return run.detail if run is not None and state_of(run) == "waiting" else ""

    def _command(self, *words: str) -> None:
        subprocess.run(  # noqa: S603 - our own interpreter and arguments
            self._line(*words),
            cwd=self.folder,
            env=self._environment(),
            check=True,
            capture_output=True,
        )

    @staticmethod
    def _line(*words: str) -> list[str]:
        return [sys.executable, "-m", "perdure", *words]

    def _environment(self) -> dict[str, str]:
        return os.environ | {"PERDURE_DB": self.db, "PERDURE_DEMO_LEDGER": str(self.ledger)}

    def _count(self) -> int:
        """Compare the ledger with what must be in it, and say so."""
        lines = self.ledger.read_text(encoding="utf-8").splitlines()
        wanted = {"charge": 1, "reserve": 3, "ship": 1}
        found = {what: sum(line.startswith(what) for line in lines) for what in wanted}
        done = self.child is not None and self.child.returncode == 0
        right = done and found == wanted
        self.screen.print("\nThe ledger, which the effects wrote:")
        for line in lines:
            self.screen.print(f"  {line}")
        verdict = f"killed {len(self.killed)} times; " + ", ".join(
            f"{n} x {what}" for what, n in found.items()
        )
        if right:
            self.screen.print(f"\n[bold green]{verdict}: each exactly once.[/]")
        else:
            printing.note(self.complaints.read_text(encoding="utf-8")[-2_000:])
            self.screen.print(f"\n[bold red]{verdict}: this is wrong, please report it.[/]")
        document: dict[str, Any] = {"kills": self.killed, "ledger": lines, "exactly_once": right}
        printing.answer("", document)
        return printing.OK if right else printing.INTERNAL
