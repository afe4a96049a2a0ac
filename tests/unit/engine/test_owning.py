"""The runs of a worker, when the store does not answer."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from perdure.base.errors import StoreError
from perdure.engine import records
from perdure.engine.loading import Programs
from perdure.engine.scheduler import Options
from perdure.engine.worker import Worker
from perdure.store.api import Claim, Loaded, NewRun
from perdure.store.memory import MemoryStore

Answer = TypeVar("Answer")


class Unanswering(MemoryStore):
    """A store that does what it is asked, and once for each verb loses the answer on its way."""

    lost: set[str]

    def _lose(self, verb: str, answer: Answer) -> Answer:
        if answer and verb not in self.lost:
            self.lost.add(verb)
            raise StoreError("P407", f"the answer to {verb} was lost")
        return answer

    def claim(self, owner: int, limit: int) -> list[Claim]:
        return self._lose("claim", super().claim(owner, limit))

    def load(self, run_ids: list[str]) -> list[Loaded]:  # type: ignore[override]
        return self._lose("load", super().load(run_ids))


def test_a_run_whose_claim_was_never_answered_is_executed_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "twice.scm"
    path.write_text("(import (scheme base)) (define (main n) (* 2 n))")
    store = Unanswering()
    store.lost = set()
    programs = Programs()
    program = programs.compile_file(path)
    programs.save(store, program)
    arguments = records.dump_arguments([21])
    store.start_runs([NewRun("r", program.name, program.hash, arguments)])
    worker = Worker(store, programs, Options(until_idle=True))
    looking = store.another()
    worker.run()
    assert worker.error is None
    assert store.lost == {"claim", "load"}
    stored = looking.result("r")
    assert stored is not None
    assert records.load_result(stored).value == 42
