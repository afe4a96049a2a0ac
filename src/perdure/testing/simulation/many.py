"""Many simulated worlds, one after the other or in several processes.

Layer: testing. Imports the rest of the simulation.
Invariant: what comes of a world does not depend on which process it is in.
Not a part of `__main__`: a process that is spawned can't import that by its name.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator

from perdure.testing.simulation.world import Found, Kit, make_kit, simulate

_CHUNK = 100
"""Seeds that a process takes at once."""


def found_in(seeds: range, processes: int) -> Iterator[Found]:
    """Yield what came of each world, in the order of the seeds."""
    chunks = [seeds[n : n + _CHUNK] for n in range(0, len(seeds), _CHUNK)]
    if processes == 1:
        yield from _flat(map(_chunk, chunks))
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from _flat(pool.imap(_chunk, chunks))


def _flat(chunks: Iterable[list[Found]]) -> Iterator[Found]:
    for chunk in chunks:
        yield from chunk


_kits: list[Kit] = []


def _chunk(seeds: range) -> list[Found]:
    """Return what came of some worlds; the kit is made once for a process."""
    if not _kits:
        _kits.append(make_kit())
    return [simulate(_kits[0], seed).without_error() for seed in seeds]
