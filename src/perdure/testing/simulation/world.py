"""A simulated world: one database, some workers, clients, clocks, and whatever goes wrong among them.

Layer: testing. Imports engine, store.memory, machine.watchdog, values, base, and the rest of the simulation.
Invariant: what happens in a world is a function of its seed. One generator is asked for everything; nothing else
decides: no thread, no wall clock, no hash of a string, nothing that an earlier world of this Python process left behind.

    found = simulate(kit, 4711)
    found.violations                what must not happen and did
"""

from __future__ import annotations

import random
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from perdure.base import limits
from perdure.base.errors import CallError, SnapshotError, StoreError
from perdure.engine import records
from perdure.engine.cancelling import dump_order
from perdure.engine.loading import Programs
from perdure.machine import watchdog
from perdure.snapshot import exchange, wire
from perdure.store.api import FINAL, NewRun, Retention, Send
from perdure.store.memory import MemoryStore
from perdure.testing.simulation import faults as fault_kinds
from perdure.testing.simulation import scenarios
from perdure.testing.simulation.scenarios import Expected
from perdure.testing.simulation.store import SimulatedStore
from perdure.testing.simulation.timeline import Timeline
from perdure.testing.simulation.witness import Witness
from perdure.testing.simulation.worker import RESTART_S, SimulatedWorker
from perdure.toolchain.toolchain import CompiledProgram

EPOCH_S = 1_700_000_000.0
"""What the database's clock shows when a world begins."""

CALM_S = 1_000.0
"""How long runs may take to end when nothing goes wrong any more: the slowest sleep for some minutes."""

AFTERWARDS_S = 5.0
"""How long the world goes on when all runs have ended: somebody may not have noticed."""

CHAIN_MAX = 4
"""Deltas before a new snapshot: few, so that small runs have both."""

CUT_MAX = 40
"""Tests of the watchdog's flag that a turn passes at most before it is cut, where turns are cut."""

_NEVER = 1_000_000_000
_BREAK_S = 20.0
"""What a worker needs between two outages to see that the store is there, when calls fail now and then, too."""

_DATABASE_JUMPS_S = (1.0, 20.0, 40.0, 3_600.0, 86_400.0, 864_000.0)


class Kit(Struct, frozen=True, eq=False):
    """What all worlds of a Python process share: the toolchain, and the programs compiled."""

    programs: Programs
    compiled: dict[str, CompiledProgram]


def make_kit() -> Kit:
    """Return a kit; takes about a second, once for a process."""
    programs = Programs(
        allowed=("perdure.testing.simulation.effects",), run_seed=lambda: 42, chain_max=CHAIN_MAX
    )
    compiled = {
        name: programs.compile_source(scenarios.source_of(name), f"{name}.scm", "/")
        for name in scenarios.PROGRAMS
    }
    return Kit(programs, compiled)


class Found(Struct, frozen=True, kw_only=True):
    """What came of a world.

    Attributes:
      seed: of the world.
      violations: what must not happen and did; empty if all is well.
      trace: everything that happened, in order, if it was asked for.
      turns: turns that were committed.
      error: the first exception that the engine let out, if there was one.
    """

    seed: int
    violations: tuple[str, ...]
    trace: tuple[str, ...]
    turns: int
    error: BaseException | None = None

    def without_error(self) -> Found:
        """Return the same without the exception, which may not be fit to be sent to another process."""
        return replace(self, error=None)


def simulate(
    kit: Kit,
    seed: int,
    *,
    traced: bool = False,
    database: Callable[..., MemoryStore] = MemoryStore,
) -> Found:
    """Let a world run to its end and return what came of it.

    Args:
      kit: see `make_kit`.
      seed: decides everything.
      traced: keep a trace.
      database: makes the store; a broken one shows whether the simulation finds it out.
    """
    world = World(kit, seed, traced=traced, database=database)
    with watchdog.counted(world.draw_cut):
        world.run()
    return Found(
        seed=seed,
        violations=tuple(world.violations),
        trace=tuple(world.trace),
        turns=sum(world.witness.committed_seq.values()),
        error=world.error,
    )


class World:
    """See `simulate`."""

    def __init__(
        self, kit: Kit, seed: int, *, traced: bool, database: Callable[..., MemoryStore]
    ) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self.programs = kit.programs
        self.traced = traced
        self.trace: list[str] = []
        self.violations: list[str] = []
        self.error: BaseException | None = None
        self.faults = fault_kinds.drawn(self.chance)
        self.timeline = Timeline(self.chance)
        self.calm = False
        self.outage = ""
        self._outage_since = self._outage_until = -_BREAK_S
        self.workers: list[SimulatedWorker] = []
        self._compiled = kit.compiled
        self._offset_s = EPOCH_S
        self.witness = Witness(self.database_time, self.violated)
        self.database = database(
            clock=self.database_time,
            retention=Retention(headers=self.chance.choice((3, 1_000))),
        )
        for name, program in kit.compiled.items():
            self.database.set_name(name, program.hash)
        self._client = SimulatedStore(self, self.database.another(), None)
        self._clients_busy = 0
        self._workers_made = 0
        self._ghosts: list[SimulatedStore] = []
        self._expected: list[Expected] = []

    # -- what the parts of the world ask for -----------------------------------------------------

    def happens(self, share: float) -> bool:
        """Return whether something happens that happens in this share of cases while faults last."""
        return share > 0.0 and not self.calm and self.chance.random() < share

    def draw_steps(self, mean: int) -> int:
        """Return after how many steps something happens that happens after so many on average. A mean of 0: never."""
        return _NEVER if not mean or self.calm else int(self.chance.expovariate(1.0 / mean)) + 1

    def draw_cut(self) -> int:
        """Return how often the next turn may test the watchdog's flag."""
        return self.chance.randrange(1, CUT_MAX) if self.happens(self.faults.preempt) else _NEVER

    def database_time(self) -> float:
        """Return what the database's clock shows."""
        now = self._offset_s + self.timeline.now
        self.witness.time_is(now)
        return now

    def was_away(self) -> bool:
        """Return whether the store is or was away for so long that a worker may give up.

        Single failures before, and breaks that are too short to notice, count for the worker, too.
        """
        until = self.timeline.now if self.outage else self._outage_until
        return until - self._outage_since > limits.OUTAGE_S - _BREAK_S

    def note(self, who: str, text: str) -> None:
        """Add a line to the trace."""
        if self.traced:
            self.trace.append(f"{self.timeline.now:10.4f} {who:8} {text}")

    def violated(self, what: str, error: BaseException | None = None) -> None:
        """Note something that must never happen."""
        self.note("!", what)
        self.violations.append(what)
        self.error = self.error or error

    # -- clients ---------------------------------------------------------------------------------

    def send_in_order(self, run_id: str, values: list[int], after_s: float = 0.0) -> None:
        """Send messages one after the other, each again until it is acknowledged, and now and then once more."""
        sends = [
            Send(run_id, "message", f"m{number}", "", exchange.dump_value(value))
            for number, value in enumerate(values)
        ]

        def send(rest: list[Send], acknowledged: Callable[[], None]) -> None:
            if not rest:
                acknowledged()
                return
            self._client.send(rest[0])
            if self.happens(self.faults.again):
                self.timeline.after(self.chance.uniform(0.0, 40.0), lambda: self._repeat(rest[0]))
            self._ask(self.chance.uniform(0.0, 10.0), lambda done: send(rest[1:], done))
            acknowledged()

        self._ask(after_s, lambda done: send(sends, done))

    def cancel(self, run_id: str, after_s: float) -> None:
        """Cancel a run, after it has been started for a while."""
        self._order(Send(run_id, "cancel", "", "", dump_order("enough")), after_s)

    def pause(self, run_id: str, after_s: float, for_s: float) -> None:
        """Pause a run, after it has been started for a while, and resume it later."""
        resume = Send(run_id, "resume", "", "", b"")
        pause = Send(run_id, "pause", "", "", b"")
        self._order(pause, after_s, then=lambda: self._order(resume, for_s))

    def _order(self, order: Send, after_s: float, then: Callable[[], None] | None = None) -> None:
        def send(acknowledged: Callable[[], None]) -> None:
            if self.database.get_run(order.to) is None:
                raise StoreError("P407", "it is not there yet")
            self._client.send(order)
            if then is not None:
                then()
            acknowledged()

        self._ask(after_s, send)

    def _start(self, expected: Expected) -> None:
        program = self._compiled[expected.program]
        arguments = records.dump_arguments(list(expected.arguments))
        new = NewRun(expected.run_id, expected.program, program.hash, arguments)

        def start(acknowledged: Callable[[], None]) -> None:
            self._client.start_runs([new])
            if self.happens(self.faults.again):
                self._ask(self.chance.uniform(0.0, 40.0), start)
            acknowledged()

        self._ask(self.chance.choice((0.0, 0.0, self.chance.uniform(0.0, 20.0))), start)

    def _ask(self, after_s: float, request: Callable[[Callable[[], None]], None]) -> None:
        """Make a request after a while, and again until it is acknowledged."""
        self._clients_busy += 1

        def acknowledged() -> None:
            self._clients_busy -= 1

        def attempt() -> None:
            try:
                request(acknowledged)
            except StoreError:
                self.timeline.after(self.chance.uniform(0.1, 3.0), attempt)
            except CallError as error:
                self.violated(f"a client was refused: {error}", error)

        self.timeline.after(after_s, attempt)

    def _repeat(self, message: Send) -> None:
        """Send what was acknowledged already."""
        try:
            if self._client.send(message):
                self.violated(f"{message.message_id} was taken for a new message of {message.to}")
        except StoreError:
            self.note("client", "does not care")

    # -- workers ---------------------------------------------------------------------------------

    def restart(self, old: SimulatedWorker) -> None:
        """Put another process in the place of one that ended, after a while."""
        self.workers.remove(old)
        self._ghosts += old.handles
        self.timeline.after(self.chance.uniform(0.0, RESTART_S), self._add_worker)

    def _add_worker(self) -> None:
        self._workers_made += 1
        self.workers.append(SimulatedWorker(self, f"w{self._workers_made}"))

    def _every(self, mean_s: float, action: Callable[[], None]) -> None:
        """Do something again and again while faults last, so many seconds apart on average."""
        if not mean_s:
            return

        def act() -> None:
            if not self.calm:
                action()
                self.timeline.after(self.chance.expovariate(1.0 / mean_s), act)

        self.timeline.after(self.chance.expovariate(1.0 / mean_s), act)

    def _to_some_worker(self, action: Callable[[SimulatedWorker], None]) -> Callable[[], None]:
        def act() -> None:
            if self.workers:
                action(self.chance.choice(self.workers))

        return act

    def _jump(self) -> None:
        seconds = self.chance.choice(_DATABASE_JUMPS_S)
        if self.faults.back and self.chance.random() < 0.4:
            seconds = -min(seconds, 3_600.0)
        self.note("clock", f"jumps by {seconds:g} s")
        self._offset_s += seconds

    def _fail(self) -> None:
        if not self.outage and self.timeline.now - self._outage_until > _BREAK_S:
            self._outage_since = self.timeline.now
        self.outage = self.chance.choice(("P403", "P407"))
        seconds = self.chance.choice((1.0, 10.0, 70.0))
        self.note("store", f"is {'full' if self.outage == 'P403' else 'away'} for {seconds:g} s")

        def over() -> None:
            self.outage, self._outage_until = "", self.timeline.now

        self.timeline.after(seconds, over)

    def _operate(self) -> None:
        """Let go, as an operator would, what was quarantined only because its workers were killed so often."""
        for run in self.database.list_runs():
            if not run.quarantined:
                continue
            if "worker died" not in run.quarantined:
                self.violated(f"{run.run_id} is quarantined: {run.quarantined}")
                continue
            self.note("operator", f"lets go of {run.run_id}")
            self.database.quarantine(run.run_id, "")
            self.witness.quarantined(run.run_id, "")
        self.timeline.after(20.0, self._operate)

    # -- the whole -------------------------------------------------------------------------------

    def run(self) -> None:
        """Let everything happen until all runs have ended, and look at what is left."""
        self._expected = scenarios.plan(self, self.chance)
        self.note("world", str(self.faults))
        for expected in self._expected:
            self._start(expected)
        for _ in range(self.faults.workers):
            self._add_worker()
        self._every(self.faults.die_s, self._to_some_worker(lambda worker: worker.die()))
        self._every(self.faults.hang_s, self._to_some_worker(lambda worker: worker.hang()))
        self._every(self.faults.drain_s, self._to_some_worker(lambda worker: worker.drain()))
        self._every(self.faults.jump_s, self._jump)
        self._every(self.faults.outage_s, self._fail)
        self.timeline.after(self.faults.until_s, self._grow_calm)
        self.timeline.after(20.0, self._operate)
        self._live()
        if not self.violations:
            for expected in self._expected:
                self._look_at(expected)
            for run in self.database.list_runs():
                self._look_at_log(run.run_id)

    def _grow_calm(self) -> None:
        self.note("world", "grows calm")
        self.calm, self.outage = True, ""
        self._offset_s = max(self._offset_s, self.witness.latest - self.timeline.now)
        for worker in self.workers:
            worker.hung_until = 0.0
        for handle in self._ghosts:
            handle.close()

    def _live(self) -> None:
        timeline, ended_at = self.timeline, float("inf")
        known = -1
        while not self.violations and timeline.now < ended_at + AFTERWARDS_S:
            if timeline.now > self.faults.until_s + CALM_S:
                self._complain()
                return
            timeline.step()
            if len(self.witness.ended) != known or ended_at != float("inf"):
                known = len(self.witness.ended)
                if self._clients_busy or not self._all_ended():
                    ended_at = float("inf")
                elif ended_at == float("inf"):
                    ended_at = timeline.now

    def _all_ended(self) -> bool:
        runs = self.database.list_runs()
        return len(runs) >= len(self._expected) and all(r.status in FINAL for r in runs)

    def _complain(self) -> None:
        """Say which runs have not ended in time."""
        if self._clients_busy:
            self.violated(f"{self._clients_busy} requests of clients were never acknowledged")
        for run in self.database.list_runs():
            if run.status not in FINAL:
                owner = f"owner {run.owner}" if run.owner else "no owner"
                self.violated(f"{run.run_id} never ended: {run.status}, {owner}: {run.detail}")

    def _look_at(self, expected: Expected) -> None:
        run_id = expected.run_id
        run = self.database.get_run(run_id)
        if run is None:
            self.violated(f"{run_id} was started, and is not there")
            return
        stored = self.database.result(run_id)
        result = records.load_result(stored) if stored else records.Result()
        if run.status not in expected.statuses:
            reason = result.error.text if result.error else ""
            self.violated(f"{run_id} is {run.status}: {reason}")
        if run.status == "completed":
            wrong = expected.right(result.written)
            if wrong:
                self.violated(f"{run_id} gave {result.written}: {wrong}")
        wrong = expected.cancelled() if run.status == "cancelled" else ""
        if wrong:
            self.violated(f"{run_id} was cancelled: {wrong}")
        output = "".join(piece.text for piece in self.database.outputs(run_id))
        if output != expected.output and not (run.status == "cancelled" and not output):
            self.violated(f"{run_id} wrote {output!r} instead of {expected.output!r}")

    def _look_at_log(self, run_id: str) -> None:
        """Check that a run's log has no gap, that its hashes are right, and that what is stored can be decoded."""
        (loaded,) = self.database.load([run_id])
        entries = self.database.entries(run_id)
        seqs = [entry.seq for entry in entries]
        if seqs != list(range(loaded.run.seq - len(seqs) + 1, loaded.run.seq + 1)):
            self.violated(f"{run_id} has the log entries {seqs}, and is at {loaded.run.seq}")
        if loaded.run.seq != self.witness.committed_seq.get(run_id, 0):
            self.violated(f"{run_id} is at {loaded.run.seq}, which nobody committed")
        rows = [(e.seq, e.kind, e.payload, e.payload_hash, e.entry_hash) for e in entries]
        try:
            if seqs[0] > 1:
                rows, before = rows[1:], rows[0][4]
            else:
                before = b""
            wire.verify_chain(before, rows)
            program = self.programs.program(self.database, loaded.run.program_hash)
            machine, _ = self.programs.restored(self.programs.checked(loaded), program)
        except SnapshotError as error:
            self.violated(f"{run_id} can't be read: {error}", error)
            return
        if len(machine.root.requests.entries):
            self.violated(f"{run_id} has ended, and waits for something")


def report(found: Found) -> str:
    """Return what a world violated, and how to see it again."""
    lines = "\n  ".join(found.violations)
    return (
        f"seed {found.seed}:\n  {lines}\n"
        f"  again: python -m perdure.testing.simulation --seed {found.seed} --trace"
    )
