"""Run many simulated worlds, or one with its trace.

Layer: testing. Imports the rest of the simulation.
Invariant: what is printed of a failing seed is enough to see it again, on any machine with the same sources.

    python -m perdure.testing.simulation --seeds 100000 --from 0 --processes 2
    python -m perdure.testing.simulation --seed 4711 --trace
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from perdure.testing.simulation.many import found_in
from perdure.testing.simulation.world import make_kit, report, simulate

_TOLD_EVERY = 10_000
"""Worlds after which there is a line that says how far it has come."""

_SHOWN_MAX = 20
"""Failing seeds that are shown in full; the others are counted."""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit code: 1 if a world violated anything."""
    parser = argparse.ArgumentParser(prog="python -m perdure.testing.simulation")
    parser.add_argument("--seeds", type=int, default=2_000, help="how many worlds")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--processes", type=int, default=1, help="how many at the same time")
    parser.add_argument("--seed", type=int, help="run this one world")
    parser.add_argument("--trace", action="store_true", help="print all that happens in it")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _one(given.seed, traced=given.trace)
    return _many(range(given.first, given.first + given.seeds), given.processes)


def _one(seed: int, *, traced: bool) -> int:
    found = simulate(make_kit(), seed, traced=traced)
    sys.stdout.writelines(f"{line}\n" for line in found.trace)
    if not found.violations:
        sys.stdout.write(f"seed {seed}: nothing is wrong, {found.turns} turns\n")
        return 0
    if found.error is not None:
        traceback.print_exception(found.error, file=sys.stdout)
    sys.stdout.write(f"{report(found)}\n")
    return 1


def _many(seeds: range, processes: int) -> int:
    began = time.monotonic()
    worlds = turns = failed = 0
    for found in found_in(seeds, processes):
        worlds += 1
        turns += found.turns
        if worlds % _TOLD_EVERY == 0:
            _tell(worlds, turns, failed + bool(found.violations), time.monotonic() - began)
        if not found.violations:
            continue
        failed += 1
        if failed <= _SHOWN_MAX:
            sys.stdout.write(f"{report(found)}\n")
            sys.stdout.flush()
    _tell(worlds, turns, failed, time.monotonic() - began)
    return 1 if failed else 0


def _tell(worlds: int, turns: int, failed: int, seconds: float) -> None:
    sys.stdout.write(
        f"{worlds} worlds, {turns} turns, {seconds:.1f} s, {worlds / seconds:.0f} worlds/s: "
        f"{failed or 'none'} failed\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
