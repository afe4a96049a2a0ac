"""A run of a test's world: what was told to it, and what has come of it.

Layer: testing. Imports app, engine, base, and its neighbours.
Invariant: what is told to a run takes effect before the call returns, and everything that follows from it at the world's
time; time itself passes only when the world is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.app.answers import stopped, value_of
from perdure.base.errors import CallError
from perdure.engine.records import ErrorReport, Result
from perdure.testing.virtual.performing import EffectCall, calls_of

if TYPE_CHECKING:
    from perdure.app.answers import Answer
    from perdure.testing.virtual.world import World


class Run:
    """One run; `World.start` returns it, and `World.run_of` by its id.

    Attributes:
      id: the run's id.
      world: where it lives.
    """

    def __init__(self, world: World, run_id: str) -> None:
        self.world = world
        self.id = run_id

    def __repr__(self) -> str:
        return f"<run {self.id}: {self.status}>"

    # -- what it is told -------------------------------------------------------------------------

    def send(self, value: Any, *, message_id: str | None = None) -> bool:
        """Put a message into its mailbox; see Engine.send. Without an id, each call is a message of its own."""
        world = self.world
        sent = world.engine.send(self.id, value, message_id=message_id or world.next_message_id())
        world.settle()
        return sent

    def type(self, line: str | None) -> bool:
        """Type a line at its console; None is the end of input."""
        typed = self.world.engine.send_line(self.id, line)
        self.world.settle()
        return typed

    def cancel(
        self, reason: str = "", *, deadline_s: float | None = None, force: bool = False
    ) -> bool:
        """Ask it to end; see Engine.cancel."""
        engine = self.world.engine
        cancelled = engine.cancel(self.id, reason, deadline_s=deadline_s, force=force)
        self.world.settle()
        return cancelled

    def pause(self) -> bool:
        """Let it rest until it is resumed; see Engine.pause."""
        paused = self.world.engine.pause(self.id)
        self.world.settle()
        return paused

    def resume(self) -> bool:
        """Let it go on after a pause; see Engine.resume."""
        resumed = self.world.engine.resume(self.id)
        self.world.settle()
        return resumed

    def retry(
        self, *, request: int | None = None, in_s: float | None = None, attempts: int | None = None
    ) -> bool:
        """Let it do the failing operation again, or change a retry that is waiting; see Engine.retry."""
        engine = self.world.engine
        told = engine.retry(self.id, request=request, in_s=in_s, attempts=attempts)
        self.world.settle()
        return told

    def restart(
        self,
        name: str = "retry",
        *values: Any,
        frame: int | str | None = None,
        task: int | None = None,
    ) -> str:
        """Let it go on from where it is parked, and return what that does; see Engine.restart."""
        said = self.world.engine.restart(self.id, name, *values, frame=frame, task=task)
        self.world.settle()
        return said

    # -- what has come of it ---------------------------------------------------------------------

    @property
    def status(self) -> str:
        """Its state: ready, waiting, parked, completed, failed or cancelled."""
        return self.world.engine.answer(self.id).status

    @property
    def waits_for(self) -> str:
        """What it waits for, in a few words; or why it is parked."""
        return self.world.engine.find(self.id).detail

    @property
    def result(self) -> Any:
        """Its result as Python data.

        Raises:
          RunStopped: it is parked, failed or cancelled; the text says where and why.
          CallError: it has not ended, or the result can't cross to Python.
        """
        return value_of(self._ended())

    @property
    def written(self) -> str:
        """Its result as `write` shows it: "(shipped 3)". Raises as `result` does."""
        return self.outcome().written

    def outcome(self) -> Result:
        """Return what it ended with, as the engine keeps it. Raises as `result` does."""
        answer = self._ended()
        if answer.error is not None or answer.result is None:
            raise stopped(answer)
        return answer.result

    def _ended(self) -> Answer:
        answer = self.world.engine.answer(self.id)
        if answer.result is None and answer.error is None:
            raise CallError(
                "P308",
                f"run {self.id} has not ended: it is {answer.status} ({self.waits_for})",
                hint="let time pass with world.advance(...) or world.run(), or send what it waits for",
            )
        return answer

    @property
    def restarts(self) -> list[str]:
        """The names of the ways in which it can go on from where it is parked, innermost first."""
        return [view.name for view in self.world.engine.restarts(self.id)]

    @property
    def error(self) -> ErrorReport | None:
        """Why it is parked, has failed or was cancelled: kind, code, message and the whole text; None if it is not."""
        return self.world.engine.answer(self.id).error

    @property
    def output(self) -> str:
        """What it has displayed so far."""
        return self.world.engine.output(self.id)

    @property
    def logged(self) -> list[tuple[str, str]]:
        """The lines of `log-event` so far: level and message."""
        lines = self.world.engine.log_lines(self.id)
        return [(line.level, line.message) for line in lines]

    @property
    def effects(self) -> list[EffectCall]:
        """Its effects so far, every attempt, in the order in which they began."""
        return [effect for effect in self.world.effects if effect.run_id == self.id]

    def calls(self, name: str) -> list[list[Any]]:
        """Return the arguments of each call of a function in order, once for all of its attempts; see World.calls."""
        return calls_of(self.attempts(name))

    def attempts(self, name: str) -> list[EffectCall]:
        """Return every attempt of each call of a function, in order; see World.attempts."""
        return [one for one in self.world.attempts(name) if one.run_id == self.id]
