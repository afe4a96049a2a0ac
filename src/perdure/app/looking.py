"""Looking at runs: what `Engine` says of them without executing anything.

Layer: app. Imports engine, store.api, base.
Invariant: nothing here changes a run or disturbs whoever executes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from perdure.app.answers import Answer
from perdure.base import ids
from perdure.base.errors import CallError
from perdure.engine import inspection, records, restarting
from perdure.engine.inspection import RunView
from perdure.engine.loading import Programs
from perdure.engine.records import PAUSED
from perdure.machine.machine import Machine
from perdure.machine.registers import EVALUATOR
from perdure.store.api import FINAL, Entry, LoggedLine, Output, Run, RunFilter, Store


class Looking(ABC):
    """What an engine says of runs; `db` is the URL of its database."""

    db: str

    @property
    @abstractmethod
    def store(self) -> Store:
        """This thread's handle to the database."""

    @property
    @abstractmethod
    def programs(self) -> Programs:
        """The toolchain of this process."""

    @abstractmethod
    def _live_machine(self, run_id: str) -> Machine | None:
        """Return the machine of a run that this engine executes, or None."""

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
        """Return runs, newest first; `program` is a name or a file's."""
        wanted = RunFilter((status,) if status else (), ids.program_name(program), "", limit)
        return self.store.list_runs(wanted)

    def show(self, run_id: str) -> RunView:
        """Return what a run is doing: every task's stack with places and variables, and what each waits for.

        It looks at what is stored and does not disturb whoever executes the run.
        """
        run = self.find(run_id)
        machine = self._stored_machine(run)
        tasks: tuple[inspection.TaskView, ...] = ()
        mailbox = 0
        reason, forced_at = "", None
        if machine is not None:
            reason = machine.root.reason
            forced_at = inspection.forced_at(machine.root)
            provider = self.programs.toolchain.provider
            with EVALUATOR:
                offered = restarting.offered(machine)
            tasks = inspection.tasks_of(machine.root, provider, offered)
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
            paused=run.status == "parked" and run.detail == PAUSED,
            cancelling=machine is not None and machine.root.cancelled and run.status not in FINAL,
            reason=reason,
            forced_at=forced_at,
        )

    def consult(self, run_id: str, question: Callable[[Machine], Any]) -> Any:
        """Return what a question finds in the machine of a run, between two turns; None for a run that has not begun.

        Args:
          run_id: which run; if another process executes it, a copy is asked that is made of what is stored.
          question: must change nothing of the run.
        """
        with EVALUATOR:
            ours = self._live_machine(run_id)
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
