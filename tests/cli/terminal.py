"""A process at a pseudo-terminal: type at it, and wait for what it shows."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

PATIENCE_S = 30.0
AT_TERMINAL = """
import os, sys
os.login_tty(0)  # keys that send signals are for the session of this terminal
os.execv(sys.executable, [sys.executable, "-m", "perdure", *sys.argv[1:]])
"""
CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07|[=>])|[\r\x08]")


class Screen:
    """`perdure` with its standard streams at a terminal of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._main, side = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", AT_TERMINAL, *words],
            cwd=folder,
            env=os.environ
            | {"PERDURE_DB": "sqlite:test.db", "XDG_STATE_HOME": str(folder), "TERM": "xterm"},
            stdin=side,
            stdout=side,
            stderr=side,
        )
        os.close(side)
        self.shown = ""
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._main)

    def type(self, text: str) -> None:
        """Type a text; a newline is the Enter key."""
        os.write(self._main, text.replace("\n", "\r").encode())

    def wait_for(self, text: str) -> str:
        """Wait until a text is shown, after all that was waited for before; return what came until then."""
        until = time.monotonic() + PATIENCE_S
        while (found := self.shown.find(text, self._seen)) < 0:
            assert time.monotonic() < until, f"no {text!r} in {self.shown[self._seen :]!r}"
            self._read(0.1)
        before = self.shown[self._seen : found]
        self._seen = found + len(text)
        return before

    def end(self) -> int:
        """Wait for the end of the process, and return its exit code."""
        until = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < until, f"still running: {self.shown[self._seen :]!r}"
            self._read(0.1)
        self._read(0.0)
        return self.process.returncode

    def _read(self, pause_s: float) -> None:
        ready, _, _ = select.select([self._main], [], [], pause_s)
        if not ready:
            return
        try:
            octets = os.read(self._main, 65_536)
        except OSError:  # the other side is closed
            time.sleep(pause_s)
            return
        if b"\x1b[6n" in octets:
            os.write(self._main, b"\x1b[1;1R")  # a terminal answers where its cursor is
        self.shown += CONTROL.sub("", octets.decode("utf-8", "replace"))
