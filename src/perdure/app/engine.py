"""The public Python API: `Engine`.

Layer: app. Imports engine, store, base.
Invariant: the host's process stays as it was: no signal handler, no recursion limit, no collector setting, no event loop
of the host's is touched. The engine works in threads of its own; every method may be called from any thread.
Not a twin class with `async` methods for each verb: `engine.aio` says the same verbs to the same object.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from perdure.app.aio import AsyncEngine
from perdure.app.answers import Answer, value_of
from perdure.app.restarting import Restarting
from perdure.app.stopping import refuse_paused
from perdure.base import ids, limits
from perdure.base.errors import CallError, PerdureError
from perdure.engine import hastening, records
from perdure.engine.boundary import BoundaryError, from_python
from perdure.engine.host import NONE, Files, host_functions
from perdure.engine.loading import Programs
from perdure.engine.scheduler import Options
from perdure.engine.worker import Worker
from perdure.machine.machine import Machine
from perdure.snapshot import exchange
from perdure.store.api import (
    FINAL,
    Commit,
    NewRun,
    Pruned,
    PrunePolicy,
    Send,
    Store,
)
from perdure.store.opening import open_store
from perdure.toolchain.toolchain import CompiledProgram
from perdure.values.conditions import SchemeError
from perdure.values.tables import table_ref

Execute = Literal["all", "own", "none"]


class Engine(Restarting):
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
        return value_of(answer)

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
        if any(row.kind in ("retry", "restart", "cancel", "resume") for row in told):
            return False
        # Read again behind the inbox: a turn may have taken such a row between the two.
        return self.answer(answer.run_id) == answer

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

    def retry(
        self,
        run_id: str,
        *,
        request: int | None = None,
        in_s: float | None = None,
        attempts: int | None = None,
    ) -> bool:
        """Let a parked run, or the parked tasks of a run that still waits, do the failing operation again; or change a waiting retry.

        Args:
          run_id: which run.
          request: the number of a request, as `show` has it: that of an effect which failed and waits for another attempt.
            None: the run is parked.
          in_s: the next attempt runs in so many seconds; None: at once, unless `attempts` alone is to be changed.
          attempts: how many attempts there are to be in all; None: as many as before.

        Returns:
          False if no task of the run is parked, or it has ended.

        Raises:
          CallError: P305, this can't be done with the request as it is now.
        """
        if request is not None:
            return self._hasten(run_id, request, in_s, attempts)
        run = self.find(run_id)
        refuse_paused(run)
        if run.quarantined:
            self.store.quarantine(run_id, "")
        elif run.status != "parked" and not self.restarts(run_id):
            return False
        return self._send(Send(run_id, "retry", "", "", b""))

    def _hasten(self, run_id: str, number: int, in_s: float | None, attempts: int | None) -> bool:
        run = self.find(run_id)
        if run.status in FINAL:
            return False
        if in_s is None and attempts is None:
            in_s = 0.0
        if in_s is not None and not 0 <= in_s <= limits.RETRY_IN_MAX_S:
            raise CallError("P303", f"a time from now on is needed, in seconds, not {in_s:g}")
        if attempts is not None and not 1 <= attempts <= limits.EFFECT_ATTEMPTS_MAX:
            most = limits.EFFECT_ATTEMPTS_MAX
            raise CallError("P303", f"a number of attempts is from 1 to {most}, not {attempts}")
        due = None if in_s is None else in_s and self.store.now() + in_s
        refused = self.consult(
            run_id,
            lambda machine: hastening.refusal(
                table_ref(machine.root.requests, number), due, attempts
            ),
        )
        if refused != "":
            refused = refused or "the run has not begun"
            raise CallError(
                "P305",
                f"run {run_id}, request {number}: {refused}",
                hint=f"`perdure show {run_id}` says what it waits for",
            )
        payload = hastening.dump(number, due, attempts)
        return self._send(Send(run_id, "retry", "", "", payload))

    def _send(self, message: Send) -> bool:
        sent = self.store.send(message)
        if self._worker is not None:
            self._worker.want(message.to)
        return sent

    def _send_many(self, messages: Sequence[Send]) -> list[bool]:
        sent = []
        for begin in range(0, len(messages), limits.START_BATCH):
            sent += self.store.send_many(messages[begin : begin + limits.START_BATCH])
        if self._worker is not None:
            for message in messages if self._execute == "own" else messages[:1]:
                self._worker.want(message.to)
        return sent

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

    def _live_machine(self, run_id: str) -> Machine | None:
        return None if self._worker is None else self._worker.machine(run_id)

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


def _owner_name() -> str:
    return f"process {os.getpid()}"
