"""Restarts from outside: what `Engine` offers to let parked runs go on, one or many.

Layer: app. Imports engine, store.api, values, base.
Invariant: what can be seen to be impossible is refused at once, and nothing is sent. What was sent is durable, and takes effect in a turn
of whoever executes the run; if it has become impossible by then, the run stays parked and its log says why.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from perdure.app.stopping import Stopping, is_paused, refuse_paused
from perdure.base import ids, limits
from perdure.base.errors import CallError, PerdureError
from perdure.engine import records, restarting
from perdure.engine.inspection import RestartView
from perdure.machine.machine import Machine
from perdure.machine.registers import EVALUATOR
from perdure.machine.turn import Restart
from perdure.store.api import FINAL, Loaded, Run, RunFilter, Send
from perdure.values.conditions import SchemeError, is_kind
from perdure.values.printer import report_string

RETRY = "retry"


class Restarted(Struct, frozen=True, kw_only=True):
    """What a restart of many runs does to one of them, or why it does nothing (`refused`)."""

    run_id: str
    program: str
    error: str
    text: str
    refused: bool = False


class Restarting(Stopping):
    """How an engine lets parked runs go on."""

    @abstractmethod
    def _inward(self, value: Any, where: str) -> Any:
        """Return Python data as a heap value. Raises CallError."""

    def restarts(self, run_id: str) -> tuple[RestartView, ...]:
        """Return the ways in which a run can go on from where it is parked, innermost first.

        Those of several parked tasks come one after the other, the main one's first; none of a run that is not parked.

        Raises:
          CallError: there is no such run.
        """
        run = self.find(run_id)
        if run.status in FINAL or run.quarantined or is_paused(run):
            return ()
        return self.consult(run_id, restarting.offered) or ()

    def restart(
        self,
        run_id: str,
        name: str = RETRY,
        *values: Any,
        frame: int | str | None = None,
        task: int | None = None,
        dry_run: bool = False,
    ) -> str:
        """Let a parked run go on by a restart (docs/reference/restarts.md), and return what that does.

        Args:
          run_id: which run.
          name: the restart's: "retry", "use-value", "return", "set", "raise", "abort", or one of the program's own.
          values: what it takes: Python data.
          frame: for "return" and "set": the number of a frame, as `show` has it, or the name of its procedure; None for the
            innermost that will do.
          task: the task's number; None for the one that is parked.
          dry_run: say what it would do, and do nothing.

        Raises:
          CallError: P305, the run is not parked, or the restart can't be taken; P303, a value can't cross; P307, no such run.
        """
        wish = self._wish(name, values, frame, task)
        run = self.find(run_id)
        refuse_paused(run)
        if run.status in FINAL:
            raise CallError(
                "P305", f"run {run_id} is {run.status}, not parked: there is nothing to restart"
            )
        if run.quarantined or self._misses_an_effect(run):
            if name != RETRY:
                raise CallError(
                    "P305",
                    f"run {run_id} is parked, but at no error of its program: {run.quarantined or run.detail}",
                    hint=f"`perdure retry {run_id}` lets it try again",
                )
            if run.quarantined and not dry_run:
                self.store.quarantine(run_id, "")
            text = "go on from where it is stored"
        else:
            text = self._described(run, wish)
        if not dry_run:
            self._send_many([Send(run_id, "restart", "", "", restarting.dump(wish))])
        return text

    def restart_many(
        self,
        name: str = RETRY,
        *values: Any,
        program: str = "",
        error: str = "",
        older_than_s: float = 0.0,
        frame: int | str | None = None,
        dry_run: bool = False,
    ) -> list[Restarted]:
        """Let many parked runs go on by the same restart, and return what that does to each, the newest run first.

        Args:
          name, values, frame: see `restart`.
          program: only runs of this program: its name, or its file.
          error: only runs parked at such an error: a kind of condition or one above it, its code, or the type of the exception
            that an effect raised or one of its base classes.
          older_than_s: only runs that are parked for so many seconds at least.
          dry_run: tell no run anything.

        Raises:
          CallError: P303, a value can't cross.
        """
        wish = self._wish(name, values, frame, None)
        payload = restarting.dump(wish)
        latest, named = self.store.now() - older_than_s, ids.program_name(program)
        found: list[Restarted] = []
        older = ""
        while page := self.store.list_runs(
            RunFilter(("parked",), named, limit=limits.RESTART_BATCH, older_than=older)
        ):
            older = page[-1].run_id
            chosen = [
                run.run_id
                for run in page
                if run.updated_at <= latest and not run.quarantined and not is_paused(run)
            ]
            answers = [
                answer
                for loaded in self.store.load(chosen)
                if (answer := self._considered(loaded, wish, error)) is not None
            ]
            if not dry_run:
                told = [a.run_id for a in answers if not a.refused]
                self._send_many([Send(one, "restart", "", "", payload) for one in told])
            found += answers
        return found

    def _wish(
        self, name: str, values: Sequence[Any], frame: int | str | None, task: int | None
    ) -> Restart:
        given = tuple(self._inward(value, f"value {n}") for n, value in enumerate(values, 1))
        return Restart(name, given, task or 0, "" if frame is None else str(frame))

    def _misses_an_effect(self, run: Run) -> bool:
        """Return whether a run is parked since nobody has the function of an effect that it asks for."""
        if run.status != "parked":
            return False
        error = self.answer(run.run_id).error
        return error is not None and error.kind == records.EFFECT_MISSING

    def _described(self, run: Run, wish: Restart) -> str:
        def question(machine: Machine) -> tuple[str, str]:
            try:
                return "", "; ".join(restarting.described(machine, wish))
            except SchemeError as refused:
                return report_string(refused.condition), ""

        said = self.consult(run.run_id, question)
        if said is None or said[0]:
            why = "it has not begun" if said is None else said[0]
            state = "" if run.status == "parked" else f", {run.status}"
            raise CallError(
                "P305",
                f"run {run.run_id}{state}: {why}",
                hint=f"`perdure show {run.run_id}` shows what it is doing, and its restarts",
            )
        text: str = said[1]
        return text

    def _considered(self, loaded: Loaded, wish: Restart, error: str) -> Restarted | None:
        """Return what a restart does to a run; None if the run is not meant."""
        run = loaded.run
        report = records.load_result(loaded.result).error if loaded.result else None
        if run.status != "parked" or (error and not _is_of(report, error)):
            return None
        refused = True
        if report is not None and report.kind == records.EFFECT_MISSING:
            refused, text = wish.name != RETRY, "go on from where it is stored"
            if refused:
                text = "it is parked at no error of its program"
        else:
            try:
                program = self.programs.program(self.store, run.program_hash)
                machine = self.programs.restored(self.programs.checked(loaded), program)[0]
                with EVALUATOR:
                    text = "; ".join(restarting.described(machine, wish))
                refused = False
            except SchemeError as why:
                text = report_string(why.condition)
            except PerdureError as why:
                text = why.message
        shown = report.message if report is not None else run.detail
        return Restarted(
            run_id=run.run_id, program=run.program_name, error=shown, text=text, refused=refused
        )


def _is_of(report: records.ErrorReport | None, error: str) -> bool:
    """Return whether an error is of a type: a kind of condition or one above it, a code, or a type of Python."""
    return report is not None and (
        error == report.code or is_kind(report.kind, error) or error in (report.kind, *report.types)
    )
