"""A world for tests: the real engine on a store in memory, with stubs for effects and a clock that jumps.

Layer: testing. Imports app, engine, store.memory, base, and its neighbours.
Invariant: the same test does the same each time: the clock, ids, chance and the cutting of turns are the world's own. Every
verb leaves the world at rest: all that can happen at its time has happened, and time passes only in `advance` and `run`.
Not testing/stress.py, which drives the machine alone: here commits, inboxes, retries and take-overs are the engine's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from perdure.app.engine import Engine
from perdure.base import limits
from perdure.base.errors import CallError, ProgramError
from perdure.engine.host import NONE, Files, host_functions
from perdure.engine.loading import Programs
from perdure.store.api import Commit
from perdure.store.memory import MemoryStore
from perdure.testing.clock import ManualClock
from perdure.testing.virtual.kills import KINDS, NOW, Armed, Killed, Plan, Point
from perdure.testing.virtual.performing import EffectCall, Failure, calls_of
from perdure.testing.virtual.process import Process, check_turns, untold
from perdure.testing.virtual.run import Run
from perdure.testing.virtual.stubs import Stubs, Target, WorldModules, shared_programs
from perdure.toolchain.toolchain import CompiledProgram

Imports = dict[str, dict[str, bool]]
"""Python modules, what they export, and whether that is called in line."""

START_S = 1_893_456_000.0
"""What a world's clock shows at first: the beginning of the year 2030, UTC."""


class WorldEngine(Engine):
    """The verbs of an Engine on a world's database, whose runs the world executes."""

    def __init__(self, clock: ManualClock, programs: Programs) -> None:
        super().__init__("memory:", execute="none")
        database = self.store
        assert isinstance(database, MemoryStore), "that is what the URL means"
        self.database = database
        database.now = clock.now
        database.lease_s = math.inf
        self._made = programs


class World:
    """Programs under test, with everything around them.

    Args:
      program: the path of the Scheme file whose runs `start` makes; may be left out if `start` names one.
      stubs: what stands for Python functions, by their names in programs: a callable, plain or async, which gets the
        arguments as Python data; an exception, which is raised; or any other value, which is returned.
      real: the names of functions (or modules) that may really be called though they are not stubbed; True for all.
        Built-ins marked `@builtin` may always.
      without: Python modules that are not imported; their functions are those that are stubbed. A module that can't be
        imported is treated so, too.
      now: what the clock shows at first: a datetime, or seconds since the epoch.
      seed: of the programs' random numbers.
      directory: where relative paths of programs begin; the working directory.
      allow_python: Python modules that programs may import besides those beside their files.
      files: which files programs may open: "none", "all", or those of a directory.
      environment: the environment variables that programs see.
      connection: what transactional effects get as `connection`: a database connection of the test's own, with `commit` and
        `rollback`. What they write is committed with the turn that takes their result, or undone.
      turns_max: how many turns it takes before it gives up with a QuotaError.
      plan, compiled: where the worker dies, and the programs that are compiled already; for crash_everywhere.

    Attributes:
      engine: the engine's verbs on this world's database, for what this class has no verb of its own; call `settle` behind.
      effects: every attempt of every effect so far, in order.

    Raises:
      ProgramError, CallError: the program is wrong, or is not there; see Engine.compile.
    """

    def __init__(
        self,
        program: str | Path | CompiledProgram | None = None,
        *,
        stubs: Mapping[str, Any] | None = None,
        real: bool | Collection[str] = False,
        without: Collection[str] = (),
        now: datetime | float = START_S,
        seed: int = 42,
        directory: str | Path | None = None,
        allow_python: Sequence[str] = (),
        files: str | Path = NONE,
        environment: Mapping[str, str] | None = None,
        connection: Any = None,
        turns_max: int = limits.TEST_TURNS_MAX,
        plan: Plan | None = None,
        compiled: dict[str, tuple[CompiledProgram, Imports]] | None = None,
    ) -> None:
        self._clock = ManualClock(_seconds(now))
        self._directory = Path(directory) if directory is not None else Path.cwd()
        self._seed = seed
        self._modules = WorldModules(
            Stubs(stubs or {}, real, without),
            allowed=allow_python,
            directory=None,
            host=host_functions(Files(files), environment or {}),
        )
        self._modules.stubs.perform = self._perform_within
        self._programs, self._shared = shared_programs()
        self.engine = WorldEngine(self._clock, self._programs)
        self.effects: list[EffectCall] = []
        self.failures: list[Failure] = []
        self.cut_off: dict[str, float] = {}
        self.struck: dict[str, Failure | None] = {}
        self.process: Process | None = None
        self.turns = 0
        self._turns_max = turns_max
        self.connection = connection
        self._plan = plan
        self._compiled = {} if compiled is None else compiled
        self._armed: list[Armed] = []
        self._messages = self._started = 0
        self._broken: BaseException | None = None
        self.program = None if program is None else self.compile(program)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of everything. A world that is not closed costs memory alone."""
        self._bury()
        self.engine.close()

    # -- runs ------------------------------------------------------------------------------------

    def compile(self, program: str | Path | CompiledProgram) -> CompiledProgram:
        """Return a program, compiled with this world's modules. Raises ProgramError, CallError."""
        if isinstance(program, CompiledProgram):
            return program
        path = str(self._directory / program)
        with self._at_work():
            known = self._compiled.get(path)
            if known is not None and known[1] == self._imports(known[0]):
                return known[0]
            compiled = self._checked(self.engine.compile(path))
            self._compiled[path] = compiled, self._imports(compiled)
            return compiled

    def _imports(self, program: CompiledProgram) -> Imports:
        """Return what a program's Python modules have for it in this world: that decides what it is compiled to."""
        modules = self._modules.of(program.directory)
        return {
            name: {one: procedure.pure for one, procedure in modules.exports(name).items()}
            for name in program.python_modules
        }

    def compile_text(self, text: str, name: str = "program") -> CompiledProgram:
        """Return the program of a text, as if it lay in the world's directory. Raises ProgramError, CallError."""
        with self._at_work():
            directory = self._directory.resolve()
            file = str(directory / f"{name}.scm")
            return self._checked(self._programs.compile_source(text, file, str(directory)))

    def _checked(self, program: CompiledProgram) -> CompiledProgram:
        """Return a program, if no name of a module that was not imported is missing in it. Raises ProgramError."""
        absent = self._modules.absent(program.python_modules)
        for problem in program.warnings if absent else ():
            name = problem.message.rpartition(" ")[2]
            if problem.code == "P130":
                raise ProgramError(
                    problem.code,
                    problem.message,
                    span=problem.span,
                    source=problem.source,
                    hint=f"if it is of ({', '.join(absent)}), which this test does not import, "
                    f'stub it: stubs={{"{name}": ...}}',
                )
        return program

    def start(
        self,
        *arguments: Any,
        id: str | None = None,
        program: str | Path | CompiledProgram | None = None,
    ) -> Run:
        """Start a run and return it, when all that it can do at once is done.

        Args:
          arguments: what `main` is applied to: Python data.
          id: the run's id; "run-1" and so on if it is left out.
          program: another program than the world's.

        Raises:
          CallError, ProgramError: see Engine.start.
        """
        chosen, run_id = self._next_run(program, id)
        with self._at_work():
            self.engine.start(chosen, *arguments, id=run_id)
        self.settle()
        return Run(self, run_id)

    def start_values(self, arguments: Sequence[Any]) -> Run:
        """Start a run of the world's program with heap values as arguments; see `start`."""
        chosen, run_id = self._next_run(None, None)
        with self._at_work():
            self.engine.start_values(chosen, arguments, run_id)
        self.settle()
        return Run(self, run_id)

    def _next_run(
        self, program: str | Path | CompiledProgram | None, run_id: str | None
    ) -> tuple[CompiledProgram, str]:
        chosen = self.program if program is None else self.compile(program)
        if chosen is None:
            raise CallError("P303", "which program? World(PROGRAM) or start(..., program=PROGRAM)")
        self._started += 1
        return chosen, run_id or f"run-{self._started}"

    def register(self, *programs: str | Path | CompiledProgram) -> None:
        """Let programs be started by their names, with `start-run`; those beside the program need not be."""
        for program in programs:
            compiled = self.compile(program)
            with self._at_work():
                self._programs.save(self.engine.store, compiled)

    def run_of(self, run_id: str) -> Run:
        """Return a run by its id. Raises CallError: there is none."""
        self.engine.find(run_id)
        return Run(self, run_id)

    @property
    def runs(self) -> list[Run]:
        """All runs, in the order in which they were started."""
        # Each has had a turn, or the world is not at rest.
        everyone = self.engine.list(limit=self._turns_max)
        return [Run(self, run.run_id) for run in reversed(everyone)]

    # -- time ------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The world's time, in seconds since the epoch."""
        return self._clock.time

    def settle(self) -> None:
        """Let all happen that can happen at the world's time. Every other verb ends with it.

        Raises:
          CallError: a program called a function that the test does not mention.
          QuotaError: it takes more turns than the world may.
        """
        self._check()
        with self._at_work(), untold():
            try:
                while self._round() or self._perform():
                    self._check()
                self._check()
            except BaseException as error:
                self._broken = error
                raise

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def advance(
        self,
        seconds: float | timedelta = 0.0,
        *,
        minutes: float = 0.0,
        hours: float = 0.0,
        days: float = 0.0,
    ) -> None:
        """Let time pass: it jumps from one timer to the next, up to that moment. Raises as `settle` does."""
        given = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        span = given + 60 * minutes + 3_600 * hours + 86_400 * days
        if span < 0:
            raise CallError("P303", f"time can't go back, by {span:g} seconds")
        self.advance_to(self.now + span)

    def advance_to(self, moment: datetime | float) -> None:
        """Let time pass up to a moment: a datetime, or seconds since the epoch. Raises as `settle` does."""
        until = _seconds(moment)
        if until < self.now:
            raise CallError("P303", f"time can't go back, from {self.now:f} to {until:f}")
        self.settle()
        while (due := self.next_alarm) is not None and due <= until:
            self._clock.time = due
            self.settle()
        self._clock.time = until
        self.settle()

    def run(self) -> None:
        """Let time pass until nothing will happen any more unless somebody does something. Raises as `settle` does."""
        self.settle()
        while (due := self.next_alarm) is not None:
            self._clock.time = due
            self.settle()

    @property
    def next_alarm(self) -> float | None:
        """When something will happen by itself; None if nothing will."""
        return None if self.process is None else self.process.next_alarm

    # -- effects and faults ----------------------------------------------------------------------

    def calls(self, name: str) -> list[list[Any]]:
        """Return the arguments of each call of a function in order, once for all of its attempts.

        Raises:
          CallError: no program of this world has such a function.
        """
        return calls_of(self.attempts(name))

    def attempts(self, name: str) -> list[EffectCall]:
        """Return every attempt of each call of a function, in order. Raises CallError; see `calls`."""
        wanted = self.check_name(name)
        return [effect for effect in self.effects if effect.is_of(wanted)]

    def stub(self, name: str, stub: Any) -> None:
        """Put another stub in the place of one, from now on. Raises CallError: there was none of that name."""
        self._modules.stubs.replace(name, stub)
        self._modules.forget()

    def fail(
        self, name: str, error: Any = RuntimeError, *, times: int | None = 1, after: int = 0
    ) -> None:
        """Let calls of a function raise, instead of what they would do.

        Args:
          name: of the function.
          error: an exception or its type; `Later(seconds, error)` for one that comes late.
          times: how many calls; None for all that come.
          after: how many calls are left alone before.

        Raises:
          CallError: no program of this world has such a function.
        """
        self.failures.append(Failure(self.check_name(name), error, times, after))

    def kill(self, when: str = NOW, *, effect: str = "", nth: int = 1) -> None:
        """Kill the worker; another takes over at once, and has what was committed.

        Args:
          when: "now", between two turns; or, the n-th time that it comes to that from now on: "before-commit", a turn is
            lost; "after-commit", nothing is, but effects have not started; "before-effect", one has started and done
            nothing; "after-effect", it has done all, and nobody knows its outcome.
          effect: a function's name, if only effects of that are meant.
          nth: which time.

        Raises:
          CallError: there is no such point, or no such function.
        """
        if when not in KINDS or nth < 1:
            raise CallError(
                "P303", f"kill: when is one of {', '.join(KINDS)}, and nth is 1 or more"
            )
        if when == NOW:
            self._bury()
            self.settle()
        else:
            function = self.check_name(effect) if effect else ""
            self._armed.append(Armed(when, function, nth))

    def check_name(self, name: str) -> str:
        """Return a function's name as programs spell it. Raises CallError: no program of this world has it."""
        return self._modules.check_name(name)

    # -- what its parts ask for ------------------------------------------------------------------

    def dies_at(self, point: Point) -> bool:
        """Return whether the worker dies at a point."""
        struck = [armed(point) for armed in self._armed]
        self._armed = [armed for armed in self._armed if armed.left > 0]
        return any(struck) or (self._plan is not None and self._plan(point))

    @property
    def deaths(self) -> int:
        """How many workers have died in a row with a run, as the engine counts them, for the run that has the most."""
        records = self.engine.database._world.runs.values()
        return max((record.deaths for record in records), default=0)

    def count_turns(self, turns: int) -> None:
        """Note that turns were committed. Raises QuotaError: there were too many."""
        self.turns += turns
        check_turns(self.turns, self._turns_max)

    def broken_by(self, error: BaseException) -> None:
        """Take note that something is wrong with the test itself; it is raised in the test as soon as the engine lets go."""
        self._broken = self._broken or error

    def _perform_within(
        self, target: Target, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        assert self.process is not None, "only a process performs"
        return self.process.performing.perform_within(target, arguments, named)

    def committed(self, commit: Commit) -> None:
        """Hear of a commit that is durable."""

    def real_functions(self) -> list[Callable[..., Any]]:
        """Return the functions of the modules that were imported."""
        return self._modules.real_functions()

    def next_message_id(self) -> str:
        """Return the id of a message that has none."""
        self._messages += 1
        return f"message-{self._messages}"

    def _at_work(self) -> Any:
        return self._shared.used_by(self._modules, self._seed)

    def _round(self) -> bool:
        """Have a round of the worker, or of the next one if it dies; return False: nothing is left but effects."""
        if self.process is None:
            self.process = Process(self, self.engine.database, self._programs)
        try:
            self.process.round()
        except Killed:
            self._bury()
            return True
        return False

    def _perform(self) -> bool:
        assert self.process is not None, "a round came before"
        try:
            return self.process.performing.step()
        except Killed:
            self._bury()
            return True

    def _bury(self) -> None:
        if self.process is not None:
            self.process.die()
            self.process = None


def _seconds(moment: datetime | float) -> float:
    """Return a moment in seconds since the epoch; a datetime without a time zone is UTC, as a world's clock is."""
    if not isinstance(moment, datetime):
        return float(moment)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
