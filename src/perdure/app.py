"""The public Python API: `Engine`.

Layer: app. Imports engine, store, base.
Invariant: the host's process stays as it was: no signal handler, no recursion limit, no collector setting, no event loop
of the host's is touched. The engine works in threads of its own; every method may be called from any thread.
Not a twin class with `async` methods for each verb: `engine.aio` says the same verbs to the same object.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from msgspec import Struct

from perdure.base import ids, limits
from perdure.base.errors import CallError, PerdureError, RunStopped
from perdure.engine import inspection, records
from perdure.engine.boundary import BoundaryError, from_python, to_python
from perdure.engine.host import NONE, Files, host_functions
from perdure.engine.inspection import RunView
from perdure.engine.loading import Programs
from perdure.engine.scheduler import Options
from perdure.engine.worker import Worker
from perdure.machine.machine import Machine
from perdure.machine.registers import EVALUATOR
from perdure.snapshot import exchange
from perdure.store.api import (
    FINAL,
    Commit,
    Entry,
    LoggedLine,
    NewRun,
    Output,
    Pruned,
    PrunePolicy,
    Run,
    RunFilter,
    Send,
    Store,
)
from perdure.store.opening import open_store
from perdure.toolchain.toolchain import CompiledProgram
from perdure.values.conditions import SchemeError

Execute = Literal["all", "own", "none"]

_STOPPED = FINAL - {"completed"} | {"parked"}


class Answer(Struct, frozen=True, kw_only=True):
    """How a run stands: its state, and what it ended with.

    `result` is there for a run that completed; `error` for one that is parked, failed or cancelled.
    """

    run_id: str
    status: str
    result: records.Result | None = None
    error: records.ErrorReport | None = None


class Engine:
    """Starts and executes runs in a database.

    Args:
      db: the URL of the database: `sqlite:perdure.db`, which is made if it is not there.
      allow_python: Python modules that programs may import besides those beside their files.
      directory: where such modules are looked for when a program's own directory is not there.
      execute: which runs this process performs: "all" that are ready, its "own" (those that were started or waited
        for through this object, and their children), or "none".
      cache_dir: where the compiled standard library is kept; None for the user's cache directory.
      files: which files programs may open: "none", "all", or those of a directory (docs/reference/ports.md).
      environment: whether programs may read this process's environment variables.
      lease_s: how long an engine that hangs keeps its runs; the same for all engines and workers of a database.
      stress: save and restore every run wherever it can be stopped: slow, the strongest test of the machine.
      observer: called in the engine's thread with every commit that became durable; it must not block.

    The engine's thread starts when it is first needed and ends with `close`; use `with Engine(...) as engine:`.
    """

    def __init__(
        self,
        db: str = "sqlite:perdure.db",
        *,
        allow_python: Sequence[str] = (),
        directory: str | Path | None = None,
        execute: Execute = "all",
        cache_dir: str | Path | None = None,
        files: str | Path = NONE,
        environment: bool = False,
        lease_s: float = limits.LEASE_S,
        stress: bool = False,
        observer: Callable[[Commit], None] | None = None,
    ) -> None:
        self.db = db
        self._host = host_functions(Files(files), os.environ if environment else {})
        self._allow = tuple(allow_python)
        self._directory = directory
        self._execute = execute
        self._cache_dir = cache_dir
        self._stress = stress
        self._observer = observer
        self._lock = threading.RLock()
        self._local = threading.local()
        self._stores: list[Store] = []
        self._first = open_store(db, lease_s=lease_s)
        self._local.store = self._first
        self._stores.append(self._first)
        self._made: Programs | None = None
        self._worker: Worker | None = None
        self._ended = threading.Condition()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def aio(self) -> AsyncEngine:
        """The same engine for use inside asyncio: its methods are to be awaited and never block the loop."""
        return AsyncEngine(self)

    @property
    def store(self) -> Store:
        """This thread's handle to the database."""
        found: Store | None = getattr(self._local, "store", None)
        if found is None:
            with self._lock:
                found = self._local.store = self._first.another()
                self._stores.append(found)
        return found

    @property
    def programs(self) -> Programs:
        """The toolchain of this process; loaded when it is first needed."""
        with self._lock:
            if self._made is None:
                self._made = Programs(
                    allowed=self._allow,
                    directory=self._directory,
                    cache_dir=self._cache_dir,
                    host=self._host,
                )
            return self._made

    def close(self, drain_s: float = 0.0) -> None:
        """Stop executing and give everything back; effects that are not idempotent may take so long to finish."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(drain_s)
            worker.join(drain_s + 5.0)
        for store in self._stores:
            store.close()

    # -- starting ------------------------------------------------------------------------------

    def compile(self, program: str | Path) -> CompiledProgram:
        """Return a program's compiled form, with its notices and warnings.

        Raises:
          ProgramError: something is wrong with its text.
          CallError: the file can't be read, or a module is refused.
        """
        return self.programs.compile_file(program)

    def start(
        self, program: str | Path | CompiledProgram, *arguments: Any, id: str | None = None
    ) -> str:
        """Record a run of a program and return its id; it is executed by this engine or by any worker.

        Args:
          program: the path of a Scheme file.
          arguments: what `main` is applied to: Python data (docs/reference/boundary.md).
          id: the id of the run. A run of that id with the same program name and arguments is left as it is.

        Raises:
          ProgramError, CallError: see `compile`; CallError also for arguments that can't cross, a bad id, or an id that
            means another run.
        """
        run_id = ids.check_run_id(id) if id is not None else ids.new_id(self.store.now())
        heap_arguments = [
            self._inward(item, f"argument {n}") for n, item in enumerate(arguments, 1)
        ]
        compiled = program if isinstance(program, CompiledProgram) else self.compile(program)
        return self.start_values(compiled, heap_arguments, run_id)

    def start_values(self, program: CompiledProgram, arguments: Sequence[Any], run_id: str) -> str:
        """Record a run with heap values as arguments; what `start` and the command line come down to."""
        self._record(program, [(run_id, arguments)])
        return run_id

    def start_many(
        self,
        program: str | Path | CompiledProgram,
        arguments: Iterable[Sequence[Any]],
        *,
        run_ids: Sequence[str] | None = None,
    ) -> list[str]:
        """Record a run of a program for each list of arguments, many in one transaction, and return their ids.

        Args:
          program: the path of a Scheme file.
          arguments: for each run, what `main` is applied to.
          run_ids: for each run, its id; None for fresh ones.

        Raises:
          ProgramError, CallError: see `start`. Runs of earlier transactions (limits.START_BATCH each) stay started.
        """
        given = [
            [self._inward(item, f"run {n}, argument {m}") for m, item in enumerate(one, 1)]
            for n, one in enumerate(arguments, 1)
        ]
        if run_ids is None:
            now = self.store.now()
            names = [ids.new_id(now) for _ in given]
        else:
            names = [ids.check_run_id(one) for one in run_ids]
            if len(names) != len(given):
                raise CallError("P303", f"{len(given)} runs to start, but {len(names)} ids")
        compiled = program if isinstance(program, CompiledProgram) else self.compile(program)
        self._record(compiled, list(zip(names, given, strict=True)))
        return names

    def _record(self, program: CompiledProgram, runs: Sequence[tuple[str, Sequence[Any]]]) -> None:
        news = []
        for run_id, arguments in runs:
            try:
                stored = records.dump_arguments(list(arguments))
            except SchemeError as error:
                raise CallError("P303", error.condition.message) from None
            if arguments and not program.takes_arguments:
                raise CallError(
                    "P304", f"{program.name} has no procedure main, so it takes no arguments"
                )
            news.append(NewRun(run_id, program.name, program.hash, stored))
        self.programs.save(self.store, program)
        for begin in range(0, len(news), limits.START_BATCH):
            self.store.start_runs(news[begin : begin + limits.START_BATCH])
        # A worker for all runs has to hear of it once.
        for run_id, _ in runs if self._execute == "own" else runs[:1]:
            self._executing(run_id)

    def run(
        self,
        program: str | Path,
        *arguments: Any,
        id: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Start a run, wait for its end, and return its result as Python data; see `start` and `result`."""
        return self.result(self.start(program, *arguments, id=id), timeout=timeout)

    # -- results -------------------------------------------------------------------------------

    def result(self, run_id: str, *, timeout: float | None = None) -> Any:
        """Wait for a run's end and return its result as Python data.

        Args:
          run_id: which run.
          timeout: seconds to wait at most; None for as long as it takes.

        Raises:
          RunStopped: it is parked, failed or cancelled.
          TimeoutError: it has not ended in time.
          CallError: there is no such run, or the result can't cross to Python.
        """
        answer = self.wait(run_id, timeout=timeout)
        if answer is None:
            raise TimeoutError(f"run {run_id} has not ended within {timeout} s")
        return self.value_of(answer)

    def value_of(self, answer: Answer) -> Any:
        """Return a completed run's result as Python data. Raises RunStopped, CallError."""
        if answer.error is not None or answer.result is None:
            raise stopped(answer)
        if not answer.result.crosses:
            raise CallError(
                "P306",
                f"the result of run {answer.run_id} is {answer.result.written}, which can't cross to Python",
            )
        try:
            return to_python(answer.result.value, "the result")
        except BoundaryError as error:
            raise CallError("P306", f"run {answer.run_id}: {error.reason}") from None

    def wait(self, run_id: str, *, timeout: float | None = None) -> Answer | None:
        """Return how a run stands once it has ended or is parked, or None if that takes longer than `timeout`."""
        answer = self.answer(run_id)
        if answer.status in FINAL:
            return answer
        self._executing(run_id)
        until = None if timeout is None else time.monotonic() + timeout
        while answer.status not in FINAL and not self._rests(answer):
            left = limits.POLL_S if until is None else min(limits.POLL_S, until - time.monotonic())
            if left <= 0:
                return None
            with self._ended:
                self._ended.wait(left)
            self._check_worker()
            answer = self.answer(run_id)
        return answer

    def _rests(self, answer: Answer) -> bool:
        """Return whether a run is parked and nobody has told it yet to go on or to end."""
        if answer.status != "parked":
            return False
        if answer.error is not None and answer.error.kind == "quarantined":
            return True
        told = self.store.inbox([answer.run_id], 100)[answer.run_id]
        if any(row.kind in ("retry", "cancel") for row in told):
            return False
        # Read again behind the inbox: a turn may have taken such a row between the two.
        return self.answer(answer.run_id) == answer

    def answer(self, run_id: str) -> Answer:
        """Return how a run stands now. Raises CallError: P307, there is no such run."""
        run = self.find(run_id)
        if run.quarantined:
            report = records.ErrorReport(
                kind="quarantined",
                code="P501",
                message=run.quarantined,
                text=f"run {run_id} is quarantined: {run.quarantined}",
            )
            return Answer(run_id=run_id, status="parked", error=report)
        if run.status not in FINAL and run.status != "parked":
            return Answer(run_id=run_id, status=run.status)
        stored = self.store.result(run_id)
        result = records.load_result(stored) if stored else records.Result()
        if run.status == "completed":
            return Answer(run_id=run_id, status=run.status, result=result)
        report = result.error or records.ErrorReport(
            kind=run.status,
            code="P308",
            message=f"run {run_id} is {run.status}",
            text=f"run {run_id} is {run.status}",
        )
        return Answer(run_id=run_id, status=run.status, error=report)

    # -- messages and actions ------------------------------------------------------------------

    def send(self, run_id: str, value: Any, *, message_id: str | None = None) -> bool:
        """Put a message into a run's mailbox.

        Args:
          run_id: which run.
          value: Python data.
          message_id: the same id is delivered once, however often it is sent; None for a fresh one.

        Returns:
          False if the message was there already, or the run has ended.

        Raises:
          CallError: there is no such run, or the value can't cross.
        """
        self.find(run_id)
        named = (
            ids.check_message_id(message_id)
            if message_id is not None
            else ids.new_id(self.store.now())
        )
        payload = exchange.dump_value(self._inward(value, "the message"))
        return self._send(Send(run_id, "message", named, "", payload))

    def send_line(self, run_id: str, line: str | None) -> bool:
        """Send a line to a run's console; None is the end of input."""
        self.find(run_id)
        return self._send(Send(run_id, "console", "", "", records.dump_line(line)))

    def cancel(self, run_id: str, reason: str = "") -> bool:
        """Ask a run to end: every task unwinds, and its `dynamic-wind` afters run. False if it has ended already."""
        run = self.find(run_id)
        return run.status not in FINAL and self._send(
            Send(run_id, "cancel", "", "", reason.encode())
        )

    def retry(self, run_id: str) -> bool:
        """Let a parked run do the failing operation again. False if it is not parked."""
        run = self.find(run_id)
        if run.quarantined:
            self.store.quarantine(run_id, "")
        elif run.status != "parked":
            return False
        return self._send(Send(run_id, "retry", "", "", b""))

    def _send(self, message: Send) -> bool:
        sent = self.store.send(message)
        if self._worker is not None:
            self._worker.want(message.to)
        return sent

    # -- looking -------------------------------------------------------------------------------

    def find(self, run_id: str) -> Run:
        """Return a run's row. Raises CallError: P307, there is no such run."""
        run = self.store.get_run(ids.check_run_id(run_id))
        if run is None:
            raise CallError(
                "P307",
                f"there is no run {run_id!r} in {self.db}",
                hint="`perdure list` shows all runs",
            )
        return run

    def list(self, *, status: str = "", program: str = "", limit: int = 1_000) -> Sequence[Run]:
        """Return runs, newest first."""
        return self.store.list_runs(RunFilter((status,) if status else (), program, "", limit))

    def show(self, run_id: str) -> RunView:
        """Return what a run is doing: every task's stack with places and variables, and what each waits for.

        It looks at what is stored and does not disturb whoever executes the run.
        """
        run = self.find(run_id)
        machine = self._stored_machine(run)
        tasks: tuple[inspection.TaskView, ...] = ()
        mailbox = 0
        if machine is not None:
            tasks = inspection.tasks_of(machine.root, self.programs.toolchain.provider)
            mailbox = len(machine.root.messages.entries)
        answer = self.answer(run_id)
        return RunView(
            run_id=run.run_id,
            program=run.program_name,
            status=run.status,
            detail=run.detail,
            seq=run.seq,
            created_at=run.created_at,
            updated_at=run.updated_at,
            wake_at=run.wake_at,
            parent=run.parent,
            quarantined=run.quarantined,
            tasks=tasks,
            error=answer.error.text if answer.error is not None else "",
            mailbox=mailbox,
        )

    def consult(self, run_id: str, question: Callable[[Machine], Any]) -> Any:
        """Return what a question finds in the machine of a run, between two turns; None for a run that has not begun.

        Args:
          run_id: which run; if another process executes it, a copy is asked that is made of what is stored.
          question: must change nothing of the run.
        """
        with EVALUATOR:
            ours = None if self._worker is None else self._worker.machine(run_id)
            if ours is not None:
                return question(ours)
        machine = self._stored_machine(self.find(run_id))
        if machine is None:
            return None
        with EVALUATOR:
            return question(machine)

    def _stored_machine(self, run: Run) -> Machine | None:
        """Return a machine made of what is stored of a run; None if that is nothing, or can't be trusted."""
        if run.quarantined:
            return None
        loaded = next(iter(self.store.load([run.run_id])), None)
        if loaded is None or loaded.snapshot is None:
            return None
        program = self.programs.program(self.store, run.program_hash)
        machine: Machine = self.programs.restored(self.programs.checked(loaded), program)[0]
        return machine

    def log(self, run_id: str, *, after: int = 0) -> Sequence[Entry]:
        """Return the entries of a run's log, oldest first."""
        self.find(run_id)
        return self.store.entries(run_id, after=after)

    def log_lines(self, run_id: str, *, after: int = 0) -> Sequence[LoggedLine]:
        """Return what the program itself logged with `log-event`, oldest first."""
        self.find(run_id)
        return self.store.log_lines(run_id, after=after)

    def output(self, run_id: str) -> str:
        """Return what the program displayed, as far as it is kept."""
        self.find(run_id)
        return "".join(chunk.text for chunk in self.outputs(run_id))

    def outputs(self, run_id: str, *, after: int = 0) -> Sequence[Output]:
        """Return what the program displayed in turns after a number, one piece for each turn."""
        found: tuple[Output, ...] = ()
        while piece := self.store.outputs(run_id, after=after):
            found = (*found, *piece)
            after = piece[-1].seq
        return found

    def prune(self, policy: PrunePolicy | None = None) -> Pruned:
        """Remove what the policy no longer keeps (docs/reference/retention.md)."""
        return self.store.prune(policy or PrunePolicy())

    # -- executing -----------------------------------------------------------------------------

    def worker(
        self,
        *,
        until_idle: bool = False,
        name: str = "",
        runs: int = limits.LIVE_RUNS_MAX,
        threads: int = limits.EFFECT_THREADS,
        effects: int = limits.EFFECTS_MAX,
        own_process: bool = False,
    ) -> Worker:
        """Return a worker for all ready runs, not yet started: `start` gives it a thread, `run` uses the caller's.

        Args:
          until_idle: whether it ends when there is nothing to do but to wait.
          name: what it is called in the database and in logs.
          runs: how many are kept in memory between turns, at most.
          threads, effects: how many plain and async effects are performed at once, at most.
          own_process: whether this process is there for the worker alone; see Worker.
        """
        options = Options(
            name=name or _owner_name(),
            until_idle=until_idle,
            stress=self._stress,
            runs_max=runs,
            threads=threads,
            effects=effects,
        )
        return Worker(
            self._first.another(),
            self.programs,
            options,
            own_process=own_process,
            observer=self._committed,
        )

    def _executing(self, run_id: str) -> None:
        """See to it that somebody executes a run, if this engine executes any."""
        if self._execute == "none":
            return
        with self._lock:
            if self._closed:
                raise CallError("P309", "the engine is closed")
            if self._worker is None or not self._worker.alive:
                only = (run_id,) if self._execute == "own" else None
                options = Options(name=_owner_name(), only=only, stress=self._stress)
                self._worker = Worker(
                    self._first.another(), self.programs, options, observer=self._committed
                )
                self._worker.start()
            else:
                self._worker.want(run_id)
        self._check_worker()

    def _check_worker(self) -> None:
        worker = self._worker
        if worker is not None and worker.error is not None:
            error = worker.error
            if isinstance(error, PerdureError):
                raise error
            raise PerdureError(
                "P900", f"the worker stopped: {type(error).__name__}: {error}"
            ) from error

    def _committed(self, commit: Commit) -> None:
        if self._observer is not None:
            self._observer(commit)
        if commit.status in FINAL or commit.status == "parked":
            with self._ended:
                self._ended.notify_all()

    def _inward(self, value: Any, where: str) -> Any:
        try:
            return from_python(value, where)
        except BoundaryError as error:
            raise CallError("P303", error.reason) from None


class AsyncEngine:
    """The verbs of an `Engine` as coroutines, for use inside an asyncio application: `await engine.aio.run(...)`.

    What blocks is done in threads; waiting for a result occupies none.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def start(self, program: str | Path, *arguments: Any, id: str | None = None) -> str:
        """See Engine.start."""
        return await asyncio.to_thread(self._engine.start, program, *arguments, id=id)

    async def run(
        self,
        program: str | Path,
        *arguments: Any,
        id: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """See Engine.run."""
        return await self.result(await self.start(program, *arguments, id=id), timeout=timeout)

    async def result(self, run_id: str, *, timeout: float | None = None) -> Any:
        """See Engine.result."""
        async with asyncio.timeout(timeout):
            while (  # noqa: ASYNC110 - the end of a run is seen by asking the database
                answer := await asyncio.to_thread(self._engine.wait, run_id, timeout=0.0)
            ) is None:
                await asyncio.sleep(limits.POLL_S)
        return await asyncio.to_thread(self._engine.value_of, answer)

    async def send(self, run_id: str, value: Any, *, message_id: str | None = None) -> bool:
        """See Engine.send."""
        return await asyncio.to_thread(self._engine.send, run_id, value, message_id=message_id)

    async def show(self, run_id: str) -> RunView:
        """See Engine.show."""
        return await asyncio.to_thread(self._engine.show, run_id)

    async def cancel(self, run_id: str, reason: str = "") -> bool:
        """See Engine.cancel."""
        return await asyncio.to_thread(self._engine.cancel, run_id, reason)

    async def retry(self, run_id: str) -> bool:
        """See Engine.retry."""
        return await asyncio.to_thread(self._engine.retry, run_id)


def stopped(answer: Answer) -> RunStopped:
    """Return the error that says why a run has no result."""
    error = answer.error
    assert error is not None, f"run {answer.run_id} is {answer.status}: it has not stopped"
    hint = ""
    if answer.status == "parked":
        hint = f"`perdure show {answer.run_id}`, then `perdure retry {answer.run_id}` or `perdure cancel {answer.run_id}`"
    return RunStopped(
        error.code,
        f"run {answer.run_id} is {answer.status}: {error.message}",
        run_id=answer.run_id,
        status=answer.status,
        kind=error.kind,
        report=error.text,
        hint=hint,
    )


def _owner_name() -> str:
    return f"process {os.getpid()}"
