"""A worker that has ended is left alone: hints that come late do no harm.

Method: a worker that is nudged in the very moment in which it has given everything back, as PostgreSQL's notifications may do.
"""

from __future__ import annotations

from pathlib import Path

from perdure import Engine
from perdure.engine.scheduler import Options
from perdure.engine.worker import Worker


class Nudged(Worker):
    def _end(self) -> None:
        super()._end()
        self._notice()


def test_a_nudge_that_comes_when_the_worker_has_ended_does_no_harm(tmp_path: Path) -> None:
    with Engine(f"sqlite:{tmp_path}/w.db", execute="none") as engine:
        worker = Nudged(engine.store.another(), engine.programs, Options(until_idle=True))
        worker.run()
        assert worker.error is None
        assert worker.metrics.outages == 0, "it has asked a database that it had closed"
