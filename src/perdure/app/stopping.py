"""Stopping runs: what `Engine` does to cancel, pause and resume them, one or many.

Layer: app. Imports engine, store.api, base.
Invariant: an order is durable when a method returns, and takes effect in a turn of whoever executes the run; all runs are looked
up before the first one is told anything.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence

from perdure.app.looking import Looking
from perdure.base import ids
from perdure.base.errors import CallError
from perdure.engine.cancelling import dump_order
from perdure.engine.records import PAUSED
from perdure.store.api import FINAL, STATES, UNFINISHED, Run, RunFilter, Send


class Stopping(Looking):
    """How an engine stops runs, and lets them go on."""

    @abstractmethod
    def _send_many(self, messages: Sequence[Send]) -> list[bool]:
        """Put something into the inboxes of runs, and see to it that these are executed.

        Return of each whether it is there now; not if its run has ended.
        """

    def cancel(
        self,
        run_id: str,
        reason: str = "",
        *,
        deadline_s: float | None = None,
        force: bool = False,
    ) -> bool:
        """Ask a run to end: every task leaves its extents, and what cleans up is done (docs/reference/cancellation.md).

        Args:
          run_id: which run. One that is paused goes on.
          reason: for the program, the log and the result.
          deadline_s: seconds that the clean-up may take; what is left of it then is not done.
          force: end every task where it is; nothing is cleaned up.

        Returns:
          False if the run has ended already.

        Raises:
          CallError: there is no such run.
        """
        run = self.find(run_id)
        if run.status in FINAL:
            return False
        return bool(self.cancel_many([run], reason, deadline_s=deadline_s, force=force))

    def cancel_many(
        self,
        runs: Iterable[Run],
        reason: str = "",
        *,
        deadline_s: float | None = None,
        force: bool = False,
    ) -> list[str]:
        """Ask many runs to end, and return the ids of those that had not ended; see `cancel` and `unfinished`."""
        return self._order(runs, "cancel", dump_order(reason, deadline_s, force=force))

    def _order(self, runs: Iterable[Run], kind: str, payload: bytes = b"") -> list[str]:
        """Put an order into the inboxes of runs, and return the ids of those that had not ended."""
        sends = [Send(run.run_id, kind, "", "", payload) for run in runs]
        told = self._send_many(sends)
        return [send.to for send, new in zip(sends, told, strict=True) if new]

    def pause(self, run_id: str) -> bool:
        """Ask a run to rest: it takes what comes, and runs no task and starts no effect until it is resumed.

        Effects in progress go on, and their outcomes are recorded.

        Returns:
          False if the run has ended already.

        Raises:
          CallError: there is no such run.
        """
        run = self.find(run_id)
        return run.status not in FINAL and bool(self.pause_many([run]))

    def resume(self, run_id: str) -> bool:
        """Let a paused run go on. False: it is not paused. Raises CallError: there is no such run."""
        return bool(self.resume_many([self.find(run_id)]))

    def pause_many(self, runs: Iterable[Run]) -> list[str]:
        """Ask many runs to rest, and return the ids of those that had not ended; see `pause`."""
        return self._order(runs, "pause")

    def resume_many(self, runs: Iterable[Run]) -> list[str]:
        """Let those of many runs that are paused, or are told to be, go on, and return their ids."""
        chosen = [run for run in runs if run.status not in FINAL]
        others = [run.run_id for run in chosen if not is_paused(run)]
        told = self.store.inbox(others) if others else {}
        return self._order(
            [
                run
                for run in chosen
                if is_paused(run) or any(row.kind == "pause" for row in told[run.run_id])
            ],
            "resume",
        )

    def unfinished(
        self, run_ids: Sequence[str] = (), *, program: str = "", status: str = ""
    ) -> list[Run]:
        """Return runs that have not ended: those of some ids, or all of a program, in a state, or both.

        Raises:
          CallError: there is no run of one of the ids, or no such state.
        """
        if status and status not in STATES:
            raise CallError(
                "P303",
                f"{status!r} is not a state of a run",
                hint=f"one of {', '.join(sorted(STATES))}",
            )
        # A ready run that somebody owns is shown as running.
        stored = "ready" if status == "running" else status
        program = ids.program_name(program)
        if run_ids:
            found = [self.find(run_id) for run_id in dict.fromkeys(run_ids)]
            return [
                run
                for run in found
                if run.status not in FINAL
                and program in ("", run.program_name)
                and stored in ("", run.status)
            ]
        wanted = (stored,) if stored in UNFINISHED else () if stored else UNFINISHED
        runs: list[Run] = []
        while wanted:
            older = runs[-1].run_id if runs else ""
            page = self.store.list_runs(RunFilter(wanted, program, older_than=older))
            if not page:
                break
            runs += page
        return runs


def is_paused(run: Run) -> bool:
    """Return whether a run rests until it is resumed."""
    return run.status == "parked" and run.detail == PAUSED


def refuse_paused(run: Run) -> None:
    """Raise CallError if a run is paused: it can't go on by anything but being resumed."""
    if is_paused(run):
        raise CallError(
            "P305",
            f"run {run.run_id} is paused",
            hint=f"`perdure resume {run.run_id}` lets it go on",
        )
