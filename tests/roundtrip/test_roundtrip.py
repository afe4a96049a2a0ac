"""Every program of tests/language and tests/srfi has the same output and result, whatever happens to it between two steps.

Goal: promise 4 of the design, and the soundness of captures: saved and restored at every site, from full snapshots and from deltas,
in a fresh process, on small stacks, with overflows out of nowhere, cut at one statement only.
Method: the trace of a run straight through is compared with the trace of the same program under each variation.

The default is a sample. For the whole sweep (about half an hour on one core):

    PERDURE_SWEEP=1 python -m pytest tests/roundtrip
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs import SRFIS, Saved, Variation, names, program, run, world
from variations import OnceSaved, Overflows, SmallStack

from perdure.snapshot import wire
from perdure.values.ports import CONSOLE

WHOLE = os.environ.get("PERDURE_SWEEP") == "1"
EVERYTHING = names() + names(SRFIS)
THOROUGH = [
    "binding",
    "call_cc",
    "channels",
    "conditionals",
    "continuation-delimited",
    "continuation-generators",
    "continuation-puzzles",
    "continuation-reentry",
    "continuation-winders",
    "dynamic_wind",
    "fusion",
    "handlers",
    "hygiene",
    "lists",
    "messages",
    "nested_loops",
    "numbers",
    "open_coded",
    "parameters",
    "pieces",
    "pitfall",
    "port-files",
    "ports",
    "promises",
    "quasi",
    "records",
    "restarts",
    "strings",
    "tail_calls",
    "tasks",
    "transactions",
    "vectors",
]
"""Programs about control, and one of each kind: they meet every variation. The others are saved and restored at each site."""
NAMES = EVERYTHING if WHOLE else THOROUGH
OTHERS = [] if WHOLE else [name for name in EVERYTHING if name not in THOROUGH]
STACKS = range(60, 141) if WHOLE else (60, 77, 101, 140)
INTERVALS = range(41, 140) if WHOLE else (41, 67, 103)
STATEMENTS = range(1, 400) if WHOLE else (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
FRESH_VISITS = 2 if WHOLE else 1
DEFINITIONS = 4
"""Where a full snapshot has its table of definitions."""
FRESH_MAX = 100_000 if WHOLE else 40


@functools.cache
def straight(name):
    return run(program(name), Variation())


@pytest.mark.parametrize("name", NAMES)
def test_a_run_restored_from_full_snapshots_at_every_site_is_the_same(name):
    saved = Saved()
    assert run(program(name), saved) == straight(name)
    assert saved.restores > 10


@pytest.mark.parametrize("name", OTHERS)
def test_a_run_restored_at_the_first_visit_of_every_site_is_the_same(name):
    saved = Saved(chain=1, visits=1)
    assert run(program(name), saved) == straight(name)
    assert saved.restores > 10


@pytest.mark.parametrize("chain", [1, 2, 3, 7] if WHOLE else [1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_a_run_restored_from_deltas_is_the_same(name, chain):
    saved = Saved(chain=chain)
    assert run(program(name), saved) == straight(name)
    assert saved.restores > 2


@pytest.mark.parametrize("name", NAMES)
def test_a_run_on_a_small_stack_is_the_same(name):
    for frames in STACKS:
        assert run(program(name), SmallStack(frames)) == straight(name), f"{frames} frames"


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_overflows_out_of_nowhere_is_the_same(name):
    for every in INTERVALS:
        for first in range(1, every) if WHOLE else (1, every // 2):
            overflows = Overflows(every, first)
            assert run(program(name), overflows) == straight(name), f"every {every}, first {first}"
            assert overflows.raised


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_is_cut_and_restored_once_is_the_same(name):
    for nth in STATEMENTS:
        assert run(program(name), OnceSaved(nth)) == straight(name), f"statement {nth}"


class Fresh(Saved):
    """Keeps the payload of the first visits of each static site, and how much was displayed before."""

    def __init__(self):
        super().__init__()
        self.visits = {}
        self.kept = []
        self.shown = 0
        self.now = 0.0

    def turn(self, machine, events, now):
        outcome = super().turn(machine, events, now)
        self.shown += len(outcome.output)
        self.now = now
        return outcome

    def between(self, machine, *, preempted):
        found = super().between(machine, preempted=preempted)
        root = found.root
        running = root.tasks.entries.get(root.ready[0]) if root.ready else None
        if preempted and running is not None and running[1].stack is not None:
            site = running[1].stack.site
            key = (site.definition, site.number)
            self.visits[key] = self.visits.get(key, 0) + 1
            if self.visits[key] <= FRESH_VISITS:
                self.kept.append((self.shown, self.now, self.payloads[-1]))
        return found


@pytest.mark.parametrize(
    "name",
    [n for n in NAMES if n != "port-files"]
    if WHOLE
    else ["call_cc", "dynamic_wind", "eval", "tasks", "lists", "records"],
)
def test_a_run_goes_on_in_a_fresh_process(name, tmp_path):
    """A new interpreter knows the program's payload, its definitions and one snapshot, and nothing else; so no files either."""
    fresh = Fresh()
    assert run(program(name), fresh) == straight(name)
    kept = fresh.kept[:: max(1, len(fresh.kept) // FRESH_MAX)][:FRESH_MAX]
    assert kept
    compiled = program(name)
    provider = world().toolchain.provider
    used = {digest for _, _, payload in kept for digest in wire.unpack(payload)[DEFINITIONS]}
    job = {
        "program": compiled.payload.decode(),
        "definitions": {
            **{digest: provider.data(digest).decode() for digest in used - {CONSOLE}},
            **{digest: data.decode() for digest, data in compiled.definitions.items()},
        },
        "cases": [[now, payload.hex()] for _, now, payload in kept],
    }
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job))
    command = [sys.executable, str(Path(__file__).parent / "resume.py"), str(path)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    expected = straight(name)
    for (shown, _, _), (status, result, output) in zip(kept, json.loads(done.stdout), strict=True):
        assert (status, result) == (expected.status, expected.result)
        assert output == expected.output[shown:]
