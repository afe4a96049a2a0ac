"""The verbs of an `Engine` as coroutines.

Layer: app. Imports base; of its neighbours types only.
Invariant: the host's event loop is never blocked.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perdure.app.answers import value_of
from perdure.base import limits
from perdure.engine.inspection import RunView

if TYPE_CHECKING:
    from perdure.app.engine import Engine


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
        return await asyncio.to_thread(value_of, answer)

    async def send(self, run_id: str, value: Any, *, message_id: str | None = None) -> bool:
        """See Engine.send."""
        return await asyncio.to_thread(self._engine.send, run_id, value, message_id=message_id)

    async def show(self, run_id: str) -> RunView:
        """See Engine.show."""
        return await asyncio.to_thread(self._engine.show, run_id)

    async def cancel(
        self,
        run_id: str,
        reason: str = "",
        *,
        deadline_s: float | None = None,
        force: bool = False,
    ) -> bool:
        """See Engine.cancel."""
        return await asyncio.to_thread(
            self._engine.cancel, run_id, reason, deadline_s=deadline_s, force=force
        )

    async def restart(
        self,
        run_id: str,
        name: str = "retry",
        *values: Any,
        frame: int | str | None = None,
        task: int | None = None,
    ) -> str:
        """See Engine.restart."""
        return await asyncio.to_thread(
            self._engine.restart, run_id, name, *values, frame=frame, task=task
        )

    async def pause(self, run_id: str) -> bool:
        """See Engine.pause."""
        return await asyncio.to_thread(self._engine.pause, run_id)

    async def resume(self, run_id: str) -> bool:
        """See Engine.resume."""
        return await asyncio.to_thread(self._engine.resume, run_id)

    async def retry(
        self,
        run_id: str,
        *,
        request: int | None = None,
        in_s: float | None = None,
        attempts: int | None = None,
    ) -> bool:
        """See Engine.retry."""
        return await asyncio.to_thread(
            self._engine.retry, run_id, request=request, in_s=in_s, attempts=attempts
        )
