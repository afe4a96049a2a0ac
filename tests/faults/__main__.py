"""The full matrix of faults: `python -m tests.faults --kills 1000 --restarts 100 --cuts 500 --stops 200`.

Prints a Markdown table, row by row; Ctrl-C prints what the present row has come to. The exit code is 1 if anything was lost or doubled. A count of 0 leaves a fault
out. Long rows are made of worlds of limited size, each with a seed of its own, which is printed if it fails.
docs/reference/fault-matrix.md has what was measured.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import traceback
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

HEAD = (
    "| fault | store | injected | runs | effects | lost | doubled | longest recovery | median |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|--:|"
)
OPTIONS = {
    "points": (6, "kill at each named point at the 1st, 2nd, 3rd, 5th, ... time: so many of these"),
    "kills": (1000, "SIGKILLs at random moments, for each store"),
    "restarts": (100, "kills of the database server"),
    "cuts": (500, "connections cut before a commit, and so many after one"),
    "client-cuts": (100, "connections cut before and after a client's start or message"),
    "stalls": (20, "connections that fall silent before a commit, and so many after one"),
    "stops": (200, "workers stopped past their lease, for each store"),
    "jumps": (200, "jumps of the database's clock, for each store"),
    "fills": (20, "times that a file or a disk is full"),
    "disorders": (
        100,
        "messages doubled and reordered, from each of three senders, for each store",
    ),
    "sagas": (500, "SIGKILLs in the middle of sagas, for each store"),
    "hints": (1, "worlds in which no NOTIFY gets through"),
}
TIMES = (1, 2, 3, 5, 8, 13, 21)
SIZE = 50
"""Faults in one world."""


def arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    for name, (count, text) in OPTIONS.items():
        parser.add_argument(f"--{name}", type=int, default=count, help=f"{text} (default {count})")
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--none", action="store_true", help="leave out what is not named")
    options = parser.parse_args()
    if options.none:
        named = {word.split("=")[0] for word in sys.argv[1:]}
        for name in OPTIONS:
            if f"--{name}" not in named:
                setattr(options, name.replace("-", "_"), 0)
    return options


class Matrix:
    """Runs worlds, sums them up in rows, and prints these.

    Args:
      seed: of the first world of each row.
    """

    def __init__(self, seed):
        self._seed = seed
        self.bad = 0

    def row(self, count, make, *, size=SIZE):
        """Print the row of so many faults; `make` is called with a number of faults and a seed."""
        total, seed = None, self._seed
        while count > 0:
            part = min(count, size)
            count -= part
            try:
                row = make(part, seed)
            except KeyboardInterrupt:
                # What was measured is worth having.
                if total is not None:
                    self._print(total)
                raise
            except Exception:  # noqa: BLE001 - the other rows are wanted as well
                self.bad += 1
                print(f"<!-- failed, seed {seed}:\n{traceback.format_exc()[-3000:]}-->", flush=True)
                continue
            finally:
                seed += 1
            if row.lost or row.doubled:
                print(f"<!-- seed {seed - 1}: lost {row.lost}; doubled {row.doubled} -->")
            total = row if total is None else total.with_more(row)
        if total is not None:
            self._print(total)

    def _print(self, row):
        self.bad += len(row.lost) + len(row.doubled)
        longest = f"{max(row.recoveries):.2f} s" if row.recoveries else "-"
        median = f"{statistics.median(row.recoveries):.2f} s" if row.recoveries else "-"
        cells = [row.fault, row.store, row.injected, row.runs, row.effects]
        cells += [len(row.lost), len(row.doubled), longest, median]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        for remark in dict.fromkeys(row.remarks):
            print(f"<!-- {row.fault}, {row.store}: {remark} -->", flush=True)


def sqlite(matrix, options):
    from sagas import kill_in_sagas
    from scenarios import ONCE_ONLY, POINTS, kill, kill_at_point, stop
    from surroundings import disorder, fill_file, jump

    for point in POINTS["sqlite"] if options.points else ():
        times = TIMES[: 1 if point in ONCE_ONLY else options.points]
        matrix.row(len(times), partial(at_point, kill_at_point, point, times, None), size=1)
    matrix.row(options.kills, lambda n, seed: kill(n, store="sqlite", seed=seed))
    matrix.row(options.stops, lambda n, seed: stop(n, store="sqlite", seed=seed))
    matrix.row(options.jumps, lambda n, seed: jump(n, store="sqlite", seed=seed))
    matrix.row(options.fills, lambda n, seed: fill_file(n, seed=seed))
    matrix.row(options.disorders, lambda n, seed: disorder(n, store="sqlite", seed=seed))
    matrix.row(options.sagas, lambda n, seed: kill_in_sagas(n, store="sqlite", seed=seed))


def postgresql(matrix, options, server):
    from sagas import kill_in_sagas
    from scenarios import ONCE_ONLY, POINTS, cut, cut_clients, kill, kill_at_point, restart, stop
    from surroundings import disorder, jump, lose_hints

    store = "postgresql"
    fresh = lambda: server.url(server.create_database())  # noqa: E731
    for point in POINTS[store] if options.points else ():
        times = TIMES[: 1 if point in ONCE_ONLY else options.points]
        matrix.row(len(times), partial(at_point, kill_at_point, point, times, fresh), size=1)
    matrix.row(options.kills, lambda n, seed: kill(n, store=store, db=fresh(), seed=seed))
    matrix.row(options.restarts, lambda n, seed: restart(n, server=server, seed=seed), size=20)
    for where in ("before", "after"):
        cutting = partial(cut, where=where, server=server)
        matrix.row(options.cuts, lambda n, seed, cut=cutting: cut(n, seed=seed))
        cutting = partial(cut_clients, where=where, server=server)
        matrix.row(options.client_cuts, lambda n, seed, cut=cutting: cut(n, seed=seed))
        cutting = partial(cut, where=f"stall-{where}", server=server, silence_s=1.0)
        matrix.row(options.stalls, lambda n, seed, cut=cutting: cut(n, seed=seed), size=10)
    matrix.row(options.stops, lambda n, seed: stop(n, store=store, db=fresh(), seed=seed))
    matrix.row(options.jumps, lambda n, seed: jump(n, store=store, db=fresh(), seed=seed))
    matrix.row(options.disorders, lambda n, seed: disorder(n, store=store, db=fresh(), seed=seed))
    matrix.row(options.sagas, lambda n, seed: kill_in_sagas(n, store=store, db=fresh(), seed=seed))
    matrix.row(options.hints, lambda _, seed: lose_hints(server=server, seed=seed), size=1)


def at_point(kill_at_point, point, times, fresh, _, seed):
    """Kill at one of several times: the seed says at which."""
    store, db = ("postgresql", fresh()) if fresh else ("sqlite", None)
    return kill_at_point(point, times[(seed - 1) % len(times)], store=store, db=db, seed=seed)


def main():
    options = arguments()
    matrix = Matrix(options.seed)
    print(HEAD, flush=True)
    if options.store != "postgresql":
        sqlite(matrix, options)
    if options.store != "sqlite":
        from perdure.testing.postgres import PostgresServer

        with PostgresServer() as server:
            postgresql(matrix, options, server)
    return 1 if matrix.bad else 0


if __name__ == "__main__":
    sys.exit(main())
