"""What it costs to be able to fail: effects in transactions and groups, transactional ones, restarts in bulk, tests in virtual time.

All kinds of effects take turns, round by round, in one database; ratios are to plain effects, effect by effect. `undone` counts the
effects that undo, too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import duration, median, table
from perdure import Engine
from perdure.store.database import connect
from perdure.testing import World

PROGRAMS = Path(__file__).parent / "programs"
EXAMPLES = Path(__file__).parents[1] / "examples"
KINDS = {
    "plain": (10, "an effect, by itself"),
    "compensated": (10, "an effect with a compensation, ten in a transaction"),
    "undone": (20, "the same, rolled back: each effect and each that undoes one"),
    "grouped": (10, "an effect, two in a group"),
    "transactional": (10, "an effect that writes to the run's database"),
    "entered": (1, "a transaction with nothing in it"),
}
"""How many operations one round of the program has."""
BULK = 1_000


def main(rounds: int = 7, times: int = 30) -> None:
    """Measure and print."""
    python = sys.version.split()[0]
    with tempfile.TemporaryDirectory() as folder:
        took = effects(folder, rounds, times)
        base = median(took["plain"])
        rows = [
            (text, duration(median(took[kind])), f"**{median(took[kind]) / base:.2f}**")
            for kind, (_, text) in KINDS.items()
        ]
        heads = ("what", "median", "ratio")
        table(f"(g) one after the other on SQLite, CPython {python}, {rounds} rounds", heads, rows)
        rows = [(text, duration(median(all_of))) for text, all_of in bulk(folder, rounds).items()]
        table(f"(g) {BULK} parked runs, restarted in bulk", ("what", "median"), rows)
    rows = [(text, duration(median(all_of))) for text, all_of in virtual(rounds).items()]
    table("(g) a year of examples/billing in virtual time", ("what", "median"), rows)


def effects(folder: str, rounds: int, times: int) -> dict[str, list[float]]:
    """Return for each kind how long one operation took, round by round."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with Engine(f"sqlite:{folder}/effects.db") as engine:
        connection = connect(f"{folder}/effects.db")
        connection.execute("CREATE TABLE counted (n INTEGER NOT NULL)")
        connection.execute("INSERT INTO counted VALUES (0)")
        engine.run(PROGRAMS / "failing.scm", "plain", 1)
        for _ in range(rounds):
            for kind, (each, _) in KINDS.items():
                began = time.perf_counter()
                engine.run(PROGRAMS / "failing.scm", kind, times)
                found[kind].append((time.perf_counter() - began) / (times * each))
        ((counted,),) = connection.execute("SELECT n FROM counted").fetchall()
        assert counted == rounds * times * 10, "a transactional effect is done exactly once"
        connection.close()
    return found


def bulk(folder: str, rounds: int) -> dict[str, list[float]]:
    """Return how long it takes to ask, to tell and to restart many runs, round by round."""
    found: dict[str, list[float]] = {}
    for number in range(rounds):
        with Engine(f"sqlite:{folder}/bulk{number}.db", execute="none") as engine:
            engine.start_many(PROGRAMS / "parking.scm", [[n] for n in range(BULK)])
            engine.worker(until_idle=True).run()
            for text, dry in (("a dry run that says what each would do", True), ("telling", False)):
                began = time.perf_counter()
                told = engine.restart_many("give", 7, program="parking", dry_run=dry)
                found.setdefault(text, []).append(time.perf_counter() - began)
                assert len(told) == BULK
            began = time.perf_counter()
            engine.worker(until_idle=True).run()
            found.setdefault("until all have ended", []).append(time.perf_counter() - began)
            assert not engine.list(status="parked")
    return found


def virtual(rounds: int) -> dict[str, list[float]]:
    """Return how long a year takes, round by round."""
    found: dict[str, list[float]] = {"27 turns, 13 payments": []}
    for _ in range(rounds + 1):
        began = time.perf_counter()
        world = World(EXAMPLES / "billing" / "billing.scm", real=True)
        run = world.start({"customer": "ada", "plan": "basic"})
        world.advance(days=365)
        found["27 turns, 13 payments"].append(time.perf_counter() - began)
        assert run.status == "waiting", "a subscription goes on"
    # The first one has loaded what all need.
    return {text: times[1:] for text, times in found.items()}


if __name__ == "__main__":
    main()
