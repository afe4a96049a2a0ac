"""Run a case: start its program, answer what it asks, kill it where the workload says so.

Invariant: only processes that were started here, or named by one of them, are ever ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from benchmarks.durable.cases import Case, Sizes
from benchmarks.durable.environment import Environment
from benchmarks.durable.peers.protocol import Given
from benchmarks.durable.stores import Place
from benchmarks.measure import child_environment

ROOT = Path(__file__).parents[2]
QUIET = {
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "RESTATE_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
}
LEASE_WAIT_S = {"absurd": 2.5, "dura": 2.5}
"""After a kill, engines that know a dead worker by its lease alone get the time that it needs (see their modules)."""
COMPLAINT_MAX_LINES = 12
CASE_MAX_S = 1_800.0
"""A program that is silent for so long has failed."""


class CaseFailed(Exception):
    """A program gave no figures: a wrong result, an error, or silence."""


class Player:
    """A program of a case as a child process, in a process group of its own."""

    def __init__(self, python: Path, case: Case, given: Given, place: Place) -> None:
        self._case = case
        self._place = place
        self._left = b""
        self._passed_by: list[dict[str, Any]] = []
        self.kept: list[int] = []
        self.log = place.folder.parent / "log"
        self.started = time.monotonic()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    str(python),
                    "-m",
                    f"benchmarks.durable.peers.{case.peer}",
                    case.workload,
                    json.dumps(asdict(given)),
                ],
                cwd=ROOT,
                env=child_environment(**QUIET),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def until(self, key: str, name: str = "") -> dict[str, Any]:
        """Return the next document with a key, and of that name; answer what is asked meanwhile.

        Threads of a program say things in any order, so what came before something else was waited for counts, too.
        """
        for document in self._passed_by:
            if key in document and name in ("", document[key]):
                self._passed_by.remove(document)
                return document
        until = time.monotonic() + CASE_MAX_S
        while time.monotonic() < until:
            document = self._next()
            if document is None:
                continue
            if "ask" in document:
                self._answer(document)
            if "keep" in document:
                self.kept.append(document["keep"])
            if key in document and name in ("", document[key]):
                return document
            self._passed_by.append(document)
        raise CaseFailed(
            f"{self._case}: no {name or key} within {CASE_MAX_S:g} s{self._complaint()}"
        )

    def _next(self) -> dict[str, Any] | None:
        """Return the next document, or None if there is none within a second."""
        output = self._process.stdout
        assert output is not None
        while b"\n" not in self._left:
            if not select.select([output], [], [], 1.0)[0]:
                return None
            piece = os.read(output.fileno(), 65_536)
            if not piece:
                raise CaseFailed(f"{self._case}: the program ended{self._complaint()}")
            self._left += piece
        line, _, self._left = self._left.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _answer(self, document: dict[str, Any]) -> None:
        place = self._place
        found = place.bytes() if document["ask"] == "bytes" else place.count(document["query"])
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"answer": found}).encode() + b"\n")
        self._process.stdin.flush()

    def _complaint(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "".join(f"\n    {line}" for line in lines[-COMPLAINT_MAX_LINES:])

    def kill(self) -> None:
        """Kill it with SIGKILL, and whatever it started in its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def run(case: Case, sizes: Sizes, environment: Environment, folder: Path, rounds: int) -> Any:
    """Return the figures of one execution of a case.

    Raises:
      CaseFailed: there are none.
    """
    python = environment.python(case.peer)
    with Place(case.store, folder / "files", environment.server(case.store)) as place:
        given = Given(
            store=case.store,
            variant=case.variant,
            folder=str(place.folder),
            url=place.url,
            effects=sizes.turns if case.workload == "W8" else sizes.effects,
            runs=sizes.runs,
            each=sizes.each,
            parallel=sizes.parallel,
            sleepers=sizes.wakers if case.workload == "W5b" else sizes.sleepers,
            kill_at=case.number,
            life="",
            stored=sizes.stored,
            rounds=rounds,
            tool=str(environment.tool(case.peer)),
        )
        if case.workload == "W3":
            return _lives(python, case, given, place, sizes.restarts)
        with Player(python, case, given, place) as player:
            return player.until("result")["result"]


def _lives(python: Path, case: Case, given: Given, place: Place, restarts: int) -> dict[str, Any]:
    """Kill a run in an effect, go on and kill it there again, so often; then let it finish.

    It never gets beyond that effect, so every restart finds as much behind it as the first one.
    """
    lives = ["first", *["again"] * (restarts - 1), "last"]
    kept: list[int] = []
    found: dict[str, list[float]] = {"ready_to_effect_s": [], "start_to_effect_s": []}
    performed = 0
    try:
        for life in lives:
            told = Given(**{**asdict(given), "life": life})
            with Player(python, case, told, place) as player:
                ready = player.until("mark", "ready")["at"]
                at_gate = player.until("mark", "gate")
                kept += player.kept
                if life != "first":
                    found["ready_to_effect_s"].append(at_gate["at"] - ready)
                    found["start_to_effect_s"].append(at_gate["at"] - player.started)
                    performed = max(performed, at_gate["performed"])
                if life == "last":
                    player.until("result")
            time.sleep(0 if life == "last" else LEASE_WAIT_S.get(case.peer, 0))
    finally:
        for process in kept:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    return {"effects": case.number, "performed_again": performed - 1, **found}
