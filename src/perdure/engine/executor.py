"""Perform Python functions: `async def` on the engine's loop, plain `def` in a bounded set of threads.

Layer: engine. Imports boundary, python_modules, values, base.
Invariant: each call that was started reports exactly one `Ended`, on the loop's thread, unless it was abandoned; no
exception of a function, SystemExit and KeyboardInterrupt included, gets past this file.
Not `concurrent.futures`: its threads are joined when the interpreter exits, so an effect that never returns would
keep the process from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from msgspec import Struct

from perdure.base import limits
from perdure.base.cancellation import Cancellation
from perdure.engine.boundary import BoundaryError, from_python
from perdure.engine.python_modules import Function


class Ended(Struct, frozen=True, eq=False):
    """How a call ended: with a heap value, or with the exception that was raised.

    `timed_out`: it took longer than its mark allows; a thread may still be at it.
    """

    value: Any
    error: BaseException | None
    timed_out: bool = False


class Call(Struct, eq=False):
    """One attempt of one effect.

    `done` is called with the end; `freed` when an attempt that was abandoned has left its thread or the loop after
    all, so that there is room for another; `late` with the end of such an attempt. All on the loop's thread. `name` is the
    function's in programs, `deadline` what it is told, in seconds since the epoch, `cancellation` the token that it has, and `given_up` why it was
    abandoned.
    """

    function: Function
    arguments: list[Any]
    key: str
    done: Callable[[Ended], None]
    freed: Callable[[], None] | None = None
    name: str = ""
    deadline: float | None = None
    cancellation: Cancellation | None = None
    late: Callable[[Ended], None] | None = None
    given_up: str = ""
    begun: bool = False
    task: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None
    over: bool = False


class Executor(Protocol):
    """Where effects run; used from the worker's thread only. A pool of processes, or a cluster, would be another one."""

    def room(self, function: Function) -> int:
        """Return how many calls of such a function would start at once."""

    def start(self, call: Call) -> None:
        """Start a call; there must be room for it. `call.done` may be called before this returns."""

    def abandon(self, call: Call) -> None:
        """Forget a call, and stop it if that can be done: its outcome is wanted no more."""

    def close(self) -> None:
        """Abandon everything."""


class LocalExecutor:
    """Performs effects in this process. Belongs to one asyncio loop.

    Args:
      loop: the engine's loop.
      threads: how many plain functions run at the same time.
      effects: how many async functions are going on at the same time.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        threads: int = limits.EFFECT_THREADS,
        effects: int = limits.EFFECTS_MAX,
    ) -> None:
        self._loop = loop
        self._threads_max = threads
        self._effects_max = effects
        self._flying = 0
        self._threads = 0
        self._busy = 0
        self._work: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self.running: set[Call] = set()

    def room(self, function: Function) -> int:
        """Return how many calls of such a function would start at once."""
        if function.asynchronous:
            return self._effects_max - self._flying
        return self._threads_max - self._busy

    def start(self, call: Call) -> None:
        """Start a call; there must be room for it."""
        self.running.add(call)
        if call.function.asynchronous:
            # A function that never really waits ends right here, without one turn of the loop.
            self._flying += 1
            task = _begun(self._perform(call), self._loop)
            if not call.over:
                call.task = task
            return
        self._busy += 1
        if self._threads < self._busy:
            self._threads += 1
            threading.Thread(target=self._serve, name="perdure-effect", daemon=True).start()
        timeout = call.function.mark.timeout_s
        if timeout is not None:
            call.timer = self._loop.call_later(
                timeout, self._end, call, Ended(None, None, timed_out=True)
            )
        self._work.put(call)

    def abandon(self, call: Call) -> None:
        """Forget a call: an async one is cancelled, a thread's outcome is dropped."""
        call.over = True
        self.running.discard(call)
        if call.timer is not None:
            call.timer.cancel()
        if call.task is not None:
            call.task.cancel(call.given_up or None)
            if not call.begun:  # a task that is cancelled before its first step never takes it
                self._flying -= 1

    def close(self) -> None:
        """Abandon everything and let idle threads end."""
        for call in list(self.running):
            self.abandon(call)
        for _ in range(self._threads):
            self._work.put(None)

    def _left(self, call: Call, ended: Ended) -> None:
        """Say that there is room again, and how the call ended, if the call's end says it to nobody."""
        if call.over and call.freed is not None:
            call.freed()
        if call.over and call.late is not None:
            call.late(ended)

    def _end(self, call: Call, ended: Ended) -> None:
        if call.over:
            return
        call.over = True
        self.running.discard(call)
        if call.timer is not None:
            call.timer.cancel()
        if ended.timed_out and call.cancellation is not None:
            call.cancellation.cancel("it took too long")
        call.done(ended)

    async def _perform(self, call: Call) -> None:
        function = call.function
        timeout = function.mark.timeout_s
        call.begun = True
        try:
            if timeout is None:
                value = await _invoke(call)
            else:
                async with asyncio.timeout(timeout) as scope:
                    value = await _invoke(call)
            ended = _taken(value, function)
        except GeneratorExit:
            raise
        except asyncio.CancelledError as error:
            ended = Ended(None, _bare(error))
        except BaseException as error:  # noqa: BLE001 - an effect may raise anything; none of it is ours
            late = timeout is not None and isinstance(error, TimeoutError) and scope.expired()
            ended = Ended(None, _bare(error), timed_out=late)
        self._flying -= 1
        self._left(call, ended)
        self._end(call, ended)

    def _serve(self) -> None:
        """Perform plain functions until told to stop; runs in a thread of its own."""
        while (call := self._work.get()) is not None:
            try:
                ended = _taken(_invoke(call), call.function)
            except BaseException as error:  # noqa: BLE001 - see _perform
                ended = Ended(None, _bare(error))
            try:
                self._loop.call_soon_threadsafe(self._returned, call, ended)
            except RuntimeError:
                return  # the loop is closed; nobody wants to know any more
            del call, ended

    def _returned(self, call: Call, ended: Ended) -> None:
        self._busy -= 1
        self._left(call, ended)
        self._end(call, ended)


def _begun(
    coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop
) -> asyncio.Task[None]:
    """Return a task that has run up to the first place where it has to wait, or to its end.

    Inside another task, Python 3.11 begins it with the next turn of the loop.
    """
    if sys.version_info >= (3, 12):
        return asyncio.Task(coroutine, loop=loop, eager_start=True)
    if asyncio.current_task(loop) is not None:
        return asyncio.Task(coroutine, loop=loop)
    # Python 3.11 has no eager tasks: what a new task asks the loop to call soon is its first step, which is done at once.
    asked: list[tuple[Callable[..., None], tuple[Any, ...], contextvars.Context]] = []

    def call_soon(step: Callable[..., None], *given: Any, context: contextvars.Context) -> None:
        asked.append((step, given, context))

    loop.call_soon = call_soon  # type: ignore[method-assign,assignment]
    try:
        task = asyncio.Task(coroutine, loop=loop)
    finally:
        del loop.call_soon
    ((step, given, context),) = asked
    context.run(step, *given)
    return task


def _invoke(call: Call) -> Any:
    function, arguments = call.function, call.arguments
    extra = keywords(function, len(arguments), call.key, call.deadline, call.cancellation)
    return function.call(*arguments, **extra) if extra else function.call(*arguments)


def keywords(
    function: Function,
    count: int,
    key: str,
    deadline: float | None,
    cancellation: Cancellation | None,
) -> dict[str, Any]:
    """Return what the engine gives to a function beside its `count` arguments, by the names of its parameters."""
    extra: dict[str, Any] = {}
    if function.wants_key:
        extra["idempotency_key"] = key
    if function.wants_cancellation:
        extra["cancellation"] = cancellation
    if function.deadline_at >= count:
        extra["deadline"] = deadline
    return extra


def called_within(
    function: Function, arguments: list[Any], key: str, deadline: float | None, connection: Any
) -> Any:
    """Return what a transactional effect returns, as a heap value. Raises whatever it raises, and BoundaryError."""
    cancellation = Cancellation() if function.wants_cancellation else None
    extra = keywords(function, len(arguments), key, deadline, cancellation)
    value = function.call(*arguments, connection=connection, **extra)
    return from_python(value, "the result", max_bytes=function.result_max_bytes)


def _taken(value: Any, function: Function) -> Ended:
    """Return the end of a call that returned: its value in the heap, or why it can't be there."""
    try:
        return Ended(from_python(value, "the result", max_bytes=function.result_max_bytes), None)
    except BoundaryError as error:
        return Ended(None, error)


def _bare(error: BaseException) -> BaseException:
    """Return the error without the first entry of its traceback, which is ours."""
    if error.__traceback__ is not None:
        error = error.with_traceback(error.__traceback__.tb_next)
    return error
