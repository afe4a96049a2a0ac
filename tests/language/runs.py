"""Runs a test program on the bare machine: a simulated clock, messages to itself, a folder for its files, and whatever a
variation does between turns.

Goal: the language and the machine, without engine, store or worker.
Method: `Driver(variation).run(program)` returns what was displayed and how the run ended; a `Variation` sees the machine between
any two turns and may replace it.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from msgspec import Struct

from perdure.engine.boundary import from_python, to_python
from perdure.engine.host import Files, host_functions
from perdure.engine.python_modules import Function
from perdure.machine.machine import Machine
from perdure.machine.registers import EVALUATOR
from perdure.machine.requests import TIMED
from perdure.machine.state import Request
from perdure.machine.stepping import Stepper
from perdure.machine.turn import Arrived, Fired, Raised, Returned
from perdure.snapshot import exchange
from perdure.snapshot.heap import Codec
from perdure.toolchain.toolchain import CompiledProgram, Toolchain
from perdure.values.conditions import CODES, SchemeError
from perdure.values.printer import write_string

FOLDER = Path(__file__).parent
SRFIS = FOLDER.parent / "srfi"
START_S = 1000.0
TURNS_MAX = 1_000_000


class NoModules:
    """No Python module can be imported."""

    def exports(self, module: str, directory: str) -> Any:
        raise AssertionError(module)


class World(Struct):
    """The toolchain and the codec of the test process."""

    toolchain: Toolchain
    codec: Codec

    def compile(self, path: Path) -> CompiledProgram:
        return self.toolchain.compile_file(str(path))


@functools.cache
def world() -> World:
    toolchain = Toolchain(NoModules())
    codec = Codec(toolchain.provider, toolchain.natives, toolchain.is_global)
    toolchain.standard.announce = codec.add_natives
    return World(toolchain, codec)


@functools.cache
def files_folder() -> Path:
    """Return where the programs of this process have their files."""
    folder = Path(tempfile.mkdtemp(prefix="perdure-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def host() -> dict[str, Function]:
    return host_functions(Files(files_folder()), {"PERDURE_TEST": "granted"})


def performed(request: Request) -> Returned | Raised:
    """Perform an effect of the host."""
    procedure, *arguments = request.arguments
    try:
        value = host()[procedure.function].call(*[to_python(each) for each in arguments])
    except SchemeError as error:
        return Raised(request.number, error.condition)
    return Returned(request.number, from_python(value))


@functools.cache
def program(name: str) -> CompiledProgram:
    """Return a program of this folder or of tests/srfi, whose files are named srfi-N."""
    folder = SRFIS if name.startswith("srfi-") else FOLDER
    return world().compile(folder / f"{name}.scm")


def names(folder: Path = FOLDER, *, large: bool = False) -> list[str]:
    """Return the programs of a folder."""
    found = sorted(p.stem for p in folder.glob("*.scm") if p.stem != "check")
    return [n for n in found if n.startswith("large") == large]


class Ended(Struct, frozen=True):
    """How a run ended: its state, its result as `write` shows it (or the error's report), and all it displayed."""

    status: str
    result: str
    output: str


class Variation:
    """Runs straight; variations override what they change.

    What a run saves for its own sake, where it enters a transaction, is saved and thrown away.
    """

    stepper: Stepper | None = None
    slice_s = 60.0
    heap: Any = None

    def begin(self, machine: Machine) -> Machine:
        """Return the machine to begin with."""
        self.heap = world().codec.create(machine.root, machine.namespace)
        machine.log = self.heap.log
        return machine

    def between(self, machine: Machine, *, preempted: bool) -> Machine:
        """Return the machine that goes on after a turn."""
        if not preempted:
            self.save(machine)
        return machine

    def save(self, machine: Machine) -> None:
        """Save a run that wants to be."""
        if machine.root.ready:
            with EVALUATOR:
                self.heap.encode_full()

    def turn(self, machine: Machine, events: list[Any], now: float) -> Any:
        return machine.turn(events, now, slice_s=self.slice_s, stepper=self.stepper)


def keep_turn(machine: Machine) -> None:
    """Let a task that only the test cut go on first, so that tasks interleave as in an uncut run."""
    ready = machine.root.ready
    if len(ready) > 1:
        machine.root.ready = (ready[-1], *ready[:-1])


class Saved(Variation):
    """Stops before every statement; between two turns the run is encoded, forgotten and decoded.

    With `chain` > 0, each turn is saved as a delta, and the run is restored from the snapshot and the deltas every
    so many turns. With `visits` > 0, it stops so many times at each site.
    """

    def __init__(self, chain: int = 0, visits: int = 0) -> None:
        self.stepper = Stepper(visits=visits)
        self.chain = chain
        self.payloads: list[bytes] = []
        self.heap: Any = None
        self.restores = 0
        self.turns = 0

    def begin(self, machine: Machine) -> Machine:
        machine.export_value = exchange.dump_value
        self.heap = world().codec.create(machine.root, machine.namespace)
        machine.log = self.heap.log
        return machine

    def between(self, machine: Machine, *, preempted: bool) -> Machine:
        with EVALUATOR:
            if preempted:
                keep_turn(machine)
            self.turns += 1
            if not self.chain or not self.payloads:
                self.payloads = [self.heap.encode_full()]
            else:
                self.payloads.append(self.heap.encode_delta())
            if self.chain and self.turns % self.chain:
                return machine
            self.restores += 1
            return self.restored(machine)

    def restored(self, machine: Machine) -> Machine:
        tools = world().toolchain
        self.heap = world().codec.decode(self.payloads, tools.fresh_namespace(None))
        if len(self.payloads) > 50:
            self.payloads = []
        found = tools.attach(self.heap.root, self.heap.namespace)
        found.log = self.heap.log
        found.export_value = exchange.dump_value
        return found


def run(what: CompiledProgram, variation: Variation | None = None) -> Ended:
    """Run a program to its end, or until nothing happens any more; there is no file when it begins."""
    for left in files_folder().iterdir():
        left.unlink()
    variation = variation or Variation()
    with EVALUATOR:
        machine = world().toolchain.new_run(what, "r1", [], START_S, 42)
        machine.export_value = exchange.dump_value
        machine = variation.begin(machine)
    return go_on(machine, variation, START_S)


def go_on(
    machine: Machine, variation: Variation, now: float, events: list[Any] | None = None
) -> Ended:
    """Go on with a run, whose next turn is told `events`."""
    output: list[str] = []
    events = events or []
    for _ in range(TURNS_MAX):
        outcome = variation.turn(machine, events, now)
        output.append(outcome.output)
        events = [
            Arrived(sent.message_id, "r1", exchange.load_value(sent.value)) for sent in outcome.sent
        ]
        machine = variation.between(machine, preempted=outcome.preempted)
        if outcome.status == "ready" or events:
            continue
        if outcome.status != "waiting":
            return Ended(outcome.status, _shown(outcome), "".join(output))
        requests = [r for _, r in machine.root.requests.entries.values()]
        events = [performed(r) for r in requests if r.kind == "effect"]
        if events:
            continue
        timers = [r for r in requests if r.kind in TIMED]
        if not timers:
            return Ended("waiting", ", ".join(sorted(r.kind for r in requests)), "".join(output))
        first = min(timers, key=lambda r: (r.arguments[0], r.number))
        now = max(now, first.arguments[0])
        events = [Fired(first.number)]
    raise AssertionError("the run takes too many turns")


def _shown(outcome: Any) -> str:
    result = outcome.result
    code = getattr(result, "code", "")
    if code in CODES.values():
        return f"{result.message} {write_string(result.irritants)}"
    return write_string(result)
