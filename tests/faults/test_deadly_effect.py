"""An effect that kills its worker each time is parked with the reason; what runs beside it goes on.

Method: one `perdure worker` process after the other on a SQLite database, as a supervisor would start them.
"""

from __future__ import annotations

from pathlib import Path

from workers import Place

from perdure.base import limits

MODULE = """
import asyncio, os, signal
from perdure import effect

@effect(idempotent=True)
async def kills(delay_s):
    await asyncio.sleep(delay_s)
    os.kill(os.getpid(), signal.SIGKILL)

@effect(idempotent=True)
async def takes_long(seconds):
    await asyncio.sleep(seconds)
    return "done"
"""

DEADLY = "(import (scheme base) (perdure) (python acts)) (define (main s) (kills s))"
PATIENT = "(import (scheme base) (perdure) (python acts)) (define (main s) (takes-long s))"
WORKERS_MAX = 3 * limits.DEATHS_MAX


def test_an_effect_that_kills_its_workers_is_parked_and_its_neighbour_is_not(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path, MODULE, deadly=DEADLY, patient=PATIENT)
    place.start("deadly", 0.05, id="deadly")
    place.start("patient", 2.0, id="patient")
    deaths = 0
    try:
        while place.engine.find("deadly").quarantined == "":
            assert deaths < WORKERS_MAX
            worker = place.worker(f"w{deaths}")
            place.until(
                lambda worker=worker: (
                    worker.poll() is not None or place.engine.find("deadly").quarantined != ""
                )
            )
            deaths += worker.poll() is not None
        assert deaths + 1 >= limits.DEATHS_MAX
        assert "died 5 times" in place.engine.answer("deadly").error.message  # type: ignore[union-attr]
        place.worker("last")
        answer = place.wait("patient")
        assert answer.status == "completed"
    finally:
        place.close()
