"""Performs effects in simulated time: late, in another order, not at all, or twice.

Layer: testing. Imports engine, and the rest of the simulation.
Invariant: as the protocol says, each call that was started reports one end, unless it was abandoned or its process died.
A function is done at one moment between its start and its end, and that moment is what the ledger has: a process that
dies before it has done nothing, one that dies after it has done all, and the engine can't tell them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perdure.engine.boundary import from_python
from perdure.engine.executor import Call, Ended
from perdure.engine.python_modules import Function
from perdure.testing.simulation.effects import Refused
from perdure.testing.simulation.witness import Performed

if TYPE_CHECKING:
    from perdure.testing.simulation.worker import SimulatedWorker


class SimulatedExecutor:
    """The effects of one simulated process."""

    def __init__(self, worker: SimulatedWorker) -> None:
        self._worker = worker
        self._busy = [0, 0]
        self._inside: dict[int, Call] = {}

    def room(self, function: Function) -> int:
        return self._worker.world.faults.places - self._busy[function.asynchronous]

    def start(self, call: Call) -> None:
        worker, world = self._worker, self._worker.world
        worker.step("effect-started")
        assert self.room(call.function) > 0, "the engine asks for room first"
        mark = call.function.mark
        length = world.chance.random() * world.faults.effect_s
        moment = world.chance.random() * length
        fails = mark.retry is not None and world.happens(world.faults.effect_error)
        error = _error(mark.nothing_happened) if fails else None
        self._inside[id(call)] = call
        self._busy[call.function.asynchronous] += 1
        if world.traced:
            world.note(worker.name, f"start {_shown(call)}, {length:.3f} s")

        undone = not isinstance(error, Refused)

        def do() -> None:
            nonlocal undone
            # What nobody waits for any more is cancelled, unless it is in a thread.
            if undone and not (call.over and call.function.asynchronous):
                self._perform(call)
            undone = False

        def end() -> None:
            do()
            self._leave(call)
            self._end(call, Ended(None, error) if error else Ended(_value(call), None))

        def late() -> None:
            if call.function.asynchronous:
                self._leave(call)
            self._end(call, Ended(None, None, timed_out=True))

        if mark.timeout_s is not None and mark.timeout_s <= length:
            worker.after(mark.timeout_s, late)
        if length == 0.0 and world.chance.random() < 0.5:
            do()
            end()
            return
        worker.after(moment, do)
        worker.after(length, end)

    def abandon(self, call: Call) -> None:
        call.over = True
        if call.function.asynchronous:  # it is cancelled, and leaves when it has noticed
            self._worker.after(0.0, lambda: self._leave(call))

    def close(self) -> None:
        for call in self._inside.values():
            self.abandon(call)

    def _leave(self, call: Call) -> None:
        """Make room for another call, once."""
        if self._inside.pop(id(call), None) is None:
            return
        self._busy[call.function.asynchronous] -= 1
        if call.over and call.freed is not None:
            call.freed()

    def _perform(self, call: Call) -> None:
        worker, world = self._worker, self._worker.world
        name = call.function.call.__name__
        if world.traced:
            world.note(worker.name, f"done {_shown(call)}")
        world.witness.perform(
            Performed(call.key, name, tuple(call.arguments), worker.name),
            idempotent=call.function.mark.idempotent,
        )

    def _end(self, call: Call, ended: Ended) -> None:
        if call.over:
            return
        call.over = True
        call.done(ended)


def _error(harmless: tuple[type[BaseException], ...]) -> Exception:
    return Refused("refused") if harmless else OSError("simulated failure of a function")


def _value(call: Call) -> Any:
    """Return what the function returns; an `async` one of this simulation never waits."""
    value = call.function.call(*call.arguments)
    if call.function.asynchronous:
        try:
            value.send(None)
        except StopIteration as stop:
            value = stop.value
    return from_python(value, "the result")


def _shown(call: Call) -> str:
    given = " ".join(map(str, call.arguments))
    return f"{call.function.call.__name__}({given}) {call.key}"
