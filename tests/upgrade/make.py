"""Write the stored snapshots of a release: `python tests/upgrade/make.py VERSION`, once, before the release.

For every moment at which world.scm waits: the program's payload, its definitions, the snapshot, and how it ends. Never
change a folder that was released.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "language"))

from runs import START_S, Saved, run, world

from perdure.snapshot import wire
from perdure.values.ports import CONSOLE

DEFINITIONS = 4
"""Where a full snapshot has the hashes of the definitions that it refers to."""


class Kept(Saved):
    """Keeps every snapshot, taken between turns only, with the time and what was displayed before."""

    def __init__(self) -> None:
        super().__init__()
        self.stepper = None
        self.kept: list[tuple[float, str]] = []
        self.now = START_S
        self.used: set[str] = set()

    def turn(self, machine, events, now):
        self.now = now
        return super().turn(machine, events, now)

    def between(self, machine, *, preempted):
        found = super().between(machine, preempted=preempted)
        self.used |= set(wire.unpack(self.payloads[-1])[DEFINITIONS])
        self.kept.append((self.now, self.payloads[-1].hex()))
        return found


def main(version: str) -> None:
    tools = world().toolchain
    os.chdir(HERE)  # no path of this machine is to be stored
    program = tools.compile_file("world.scm")
    kept = Kept()
    ended = run(program, kept)
    definitions = {h: tools.provider.data(h).decode() for h in kept.used if h != CONSOLE}
    definitions |= {h: data.decode() for h, data in program.definitions.items()}
    folder = HERE / version
    folder.mkdir(exist_ok=True)
    stored = {
        "program": program.payload.decode().replace(str(HERE), "."),
        "definitions": definitions,
        "cases": kept.kept[:-1],
        "ended": [ended.status, ended.result, ended.output],
    }
    (folder / "world.json").write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
