"""Performs the effects of a test's world: stubs and allowed functions, one after the other, in simulated time.

Layer: testing. Imports engine, base, and its neighbours.
Invariant: a call that was started is performed when its turn is durable and never inside a round of the scheduler; each
reports one end, unless it was abandoned or its process died. Whatever is wrong with the test itself (a function that it
does not mention, a failed assertion in a stub) never becomes a condition of the program: it is raised in the test.
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from perdure.base import limits
from perdure.base.errors import CallError
from perdure.engine.boundary import BoundaryError, from_python
from perdure.engine.executor import Call, Ended, keywords
from perdure.engine.python_modules import Function
from perdure.testing.virtual.kills import AFTER_EFFECT, BEFORE_EFFECT, Killed, Point
from perdure.testing.virtual.lending import taken
from perdure.testing.virtual.stubs import Later, Target, spelled, target_of
from perdure.values.types import HOST

if TYPE_CHECKING:
    from perdure.testing.virtual.world import World


class EffectCall:
    """One attempt of one effect, as a test looks at it.

    Attributes:
      run_id: the run that asked for it.
      name: the function's, as programs write it.
      module: the Python module's.
      arguments: what it was called with, as Python data.
      key: the idempotency key, the same for all attempts.
      at: the world's time when it began, in seconds since the epoch.
      outcome: "running", "returned", "raised", "timed-out", "abandoned" or "killed".
      value: what it returned, as the heap value that the program gets.
      error: what it raised.
    """

    def __init__(self, target: Target, arguments: Sequence[Any], key: str, at: float) -> None:
        self.run_id = key.rpartition("/")[0]
        self.name = target.name
        self.module = target.module
        self.arguments = list(arguments)
        self.key = key
        self.at = at
        self.outcome = "running"
        self.value: Any = None
        self.error: BaseException | None = None

    def __repr__(self) -> str:
        given = "".join(f" {argument!r}" for argument in self.arguments)
        return f"<({self.name}{given}) {self.outcome}>"

    def is_of(self, name: str) -> bool:
        """Return whether it is a call of a function, named "ship" or "shop.ship"."""
        wanted = spelled(name)
        return wanted in (self.name, f"{spelled(self.module)}.{self.name}")


def calls_of(attempts: Sequence[EffectCall]) -> list[list[Any]]:
    """Return the arguments of each call, once for all attempts under its key."""
    return list({attempt.key: attempt.arguments for attempt in attempts}.values())


class Failure:
    """An error that a test has asked for.

    Args:
      name: of the function.
      error: what is raised instead of the call.
      times: how often; None for always.
      after: how many calls go well before.
    """

    def __init__(self, name: str, error: Any, times: int | None, after: int) -> None:
        self.name = spelled(name)
        self.error = error
        self._left = times
        self._before = after

    def strikes(self, effect: EffectCall) -> bool:
        """Return whether this call fails; it counts."""
        if not effect.is_of(self.name) or self._left == 0:
            return False
        if self._before:
            self._before -= 1
            return False
        if self._left is not None:
            self._left -= 1
        return True


class Performing:
    """The effects of one simulated process; the engine's Executor.

    Attributes:
      promised: whether the turns since the last commit start an effect that must not be repeated.
      doomed: whether the process has died inside of a transactional effect.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._queue: deque[tuple[Call, EffectCall]] = deque()
        self._later: list[tuple[float, int, Call, EffectCall, Ended]] = []
        self._count = 0
        # The effects that have started and whose outcome is not durable yet, by their keys.
        self._unsettled: dict[str, tuple[EffectCall, bool]] = {}
        self.promised = self.doomed = False

    # -- what the engine asks for ----------------------------------------------------------------

    def room(self, function: Function) -> int:
        # The engine asks for room exactly when a turn is about to start an effect.
        self.promised |= not repeatable(function)
        return limits.EFFECTS_MAX

    def start(self, call: Call) -> None:
        target = target_of(call.function)
        effect = EffectCall(target, call.arguments, call.key, self._world.now)
        if target.allowed and target.module != HOST:
            self._world.effects.append(effect)
        self._queue.append((call, effect))
        self._unsettled[call.key] = effect, repeatable(call.function)

    def abandon(self, call: Call) -> None:
        call.over = True
        for queued, effect in [*self._queue, *((c, e) for _, _, c, e, _ in self._later)]:
            if queued is call:
                effect.outcome = "abandoned"
        if call.function.asynchronous:
            call.late = None  # it is stopped at once; a plain function goes on, and ends late
        self._unsettled.pop(call.key, None)

    def close(self) -> None:
        self._queue.clear()
        self._later.clear()

    # -- what the world asks for -----------------------------------------------------------------

    @property
    def next_end(self) -> float | None:
        """When an effect ends that takes time; None if there is none."""
        while self._later and self._later[0][2].over and self._later[0][2].late is None:
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    @property
    def doubtful(self) -> bool:
        """Whether the death of the process would leave an effect in doubt that must not be repeated."""
        return not all(repeat for _, repeat in self._unsettled.values())

    def committed(self, run_ids: Sequence[str]) -> None:
        """Note that turns of these runs are durable: what they took is settled."""
        for key, (effect, _) in list(self._unsettled.items()):
            if effect.outcome != "running" and effect.run_id in run_ids:
                del self._unsettled[key]
                self._world.struck.pop(key, None)

    def die(self) -> None:
        """Forget everything: the process is dead.

        A kill takes no time: an attempt that is made again ends when the first one has, or would have.
        """
        for key, (effect, _) in self._unsettled.items():
            effect.outcome = "killed"  # if it has ended, nobody knows any more
            self._world.cut_off.setdefault(key, effect.at)
        self._unsettled.clear()
        self.close()

    def step(self) -> bool:
        """Perform one effect, or end one whose time has come; return whether there was one. Raises Killed."""
        if self._queue:
            call, effect = self._queue.popleft()
            if not call.over:
                self._perform(call, effect)
            return True
        due = self.next_end
        if due is None or due > self._world.now:
            return False
        _, _, call, effect, ended = heapq.heappop(self._later)
        self._end(call, effect, ended)
        return True

    def perform_within(
        self, target: Target, arguments: Sequence[Any], named: dict[str, Any]
    ) -> Any:
        """Return what a transactional function returns; an error of the test itself is kept for the test, too."""
        world = self._world
        effect = EffectCall(target, arguments, named["idempotency_key"], world.now)
        try:
            if not target.allowed:
                raise unstubbed(target, arguments)
            world.effects.append(effect)
            self._unsettled[effect.key] = effect, True
            self._reached(BEFORE_EFFECT, effect)
            failure = self._failure(effect)
            if failure is not None:
                value = Target("", "", failure.error, True, False)()
            else:
                value = target(*arguments, **taken(target, named))
            value = value.value if isinstance(value, Later) else value
            if isinstance(value, BaseException):
                raise value
            effect.value, effect.outcome = value, "returned"
            self._reached(AFTER_EFFECT, effect)
        except Killed:
            effect.outcome, self.doomed = "killed", True
            raise
        except (AssertionError, StubError) as error:
            world.broken_by(error)
            raise
        except BaseException as error:
            effect.error, effect.outcome = error, "raised"
            raise
        return value

    def _perform(self, call: Call, effect: EffectCall) -> None:
        target = target_of(call.function)
        if not target.allowed:
            raise unstubbed(target, effect.arguments)
        self._reached(BEFORE_EFFECT, effect)
        seconds, ended = self._outcome(call, effect)
        now, timeout = self._world.now, call.function.mark.timeout_s
        due = self._world.cut_off.pop(call.key, now) + seconds
        if timeout is not None and due > now + timeout:
            due, ended = now + timeout, Ended(None, None, timed_out=True)
        if due > now:
            self._count += 1
            heapq.heappush(self._later, (due, self._count, call, effect, ended))
            return
        self._end(call, effect, ended)

    def _outcome(self, call: Call, effect: EffectCall) -> tuple[float, Ended]:
        """Return how long a call takes, in simulated seconds, and how it ends."""
        seconds, value = 0.0, None
        error: BaseException | None = None
        failure = self._failure(effect)
        try:
            value = Target("", "", failure.error, True, False)() if failure else invoke(call)
        except (AssertionError, StubError):
            raise  # it is the test that has failed
        except (Exception, SystemExit) as raised:  # noqa: BLE001 - a stub may raise anything
            error = raised
        if isinstance(value, Later):
            seconds, value = value.seconds, value.value
        if isinstance(value, BaseException):
            error = value
        if error is not None:
            return seconds, Ended(None, error)
        try:
            most = call.function.result_max_bytes
            return seconds, Ended(from_python(value, "the result", max_bytes=most), None)
        except BoundaryError as refused:
            return seconds, Ended(None, refused)

    def _failure(self, effect: EffectCall) -> Failure | None:
        """Return the error that was asked for and strikes now; an attempt that a kill has cut off is struck as before."""
        struck = self._world.struck
        if effect.key not in struck:
            strikes = (one for one in self._world.failures if one.strikes(effect))
            struck[effect.key] = next(strikes, None)
        return struck[effect.key]

    def _end(self, call: Call, effect: EffectCall, ended: Ended) -> None:
        if call.over:
            if call.late is not None:
                call.late(ended)
            return
        self._reached(AFTER_EFFECT, effect)
        call.over = True
        effect.value, effect.error = ended.value, ended.error
        effect.outcome = "returned" if ended.error is None else "raised"
        if ended.timed_out:
            effect.outcome = "timed-out"
            if call.cancellation is not None:
                call.cancellation.cancel("it took too long")
        call.done(ended)

    def _reached(self, kind: str, effect: EffectCall) -> None:
        """Come to a point where the process may die. Raises Killed."""
        before = "before" if kind == BEFORE_EFFECT else "after"
        given = "".join(f" {argument!r:.40}" for argument in effect.arguments)
        point = Point(
            kind,
            f"{before} the effect ({effect.name}{given}) of {effect.run_id}",
            (kind, effect.key),
            f"{spelled(effect.module)}.{effect.name}",
            self.doubtful,
            self._world.deaths,
        )
        if self._world.dies_at(point):
            raise Killed


def repeatable(function: Function) -> bool:
    """Return whether an effect may be performed again when its worker died."""
    return function.mark.idempotent


def invoke(call: Call) -> Any:
    """Return what the function of a call returns; an `async` one is waited for."""
    given = len(call.arguments)
    named = keywords(call.function, given, call.key, call.deadline, call.cancellation)
    _check_signature(call, named)
    value = call.function.call(*call.arguments, **named)
    return _awaited(value) if inspect.isawaitable(value) else value


def _check_signature(call: Call, named: dict[str, Any]) -> None:
    """Raise CallError if a stub can't take what the program gives: that is no error of the effect."""
    target = target_of(call.function)
    if target.real or not callable(target.given) or isinstance(target.given, type):
        return
    try:
        signature = inspect.signature(target.given)
    except (ValueError, TypeError):
        return
    try:
        signature.bind(*call.arguments, **named)
    except TypeError as error:
        raise StubError(
            "P303",
            f"the stub of {target.name} can't take the arguments {call.arguments!r:.200}: {error}",
            hint="give it the parameters of the function that it stands for",
        ) from None


def _awaited(value: Any) -> Any:
    async def wait() -> Any:
        return await value

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    # The test itself is a coroutine: its loop must not be entered a second time.
    found: list[Any] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            found.append(asyncio.run(wait()))
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller
            failed.append(error)

    thread = threading.Thread(target=work, name="perdure-effect")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


class StubError(CallError):
    """Something is wrong with a test's stubs: raised in the test, never in the program.

    `function` is the name of a function that the test does not mention; "" if it is something else.
    """

    function = ""


def unstubbed(target: Target, arguments: Sequence[Any]) -> StubError:
    """Return the error for a function that the test says nothing of."""
    given = "".join(f" {argument!r:.60}" for argument in arguments)
    name = f"{target.module}.{target.name}"
    error = StubError(
        "P314",
        f"the program calls ({target.name}{given}), and the test neither stubs {name} nor lets it run",
        hint=f'stub it with stubs={{"{target.name}": ...}}, or let it run with real={{"{target.name}"}}',
    )
    error.function = target.name
    return error
