"""Try many random texts on the front end: `python -m tests.fuzz --executions 1000000`.

With atheris installed, `--coverage` lets it choose: what reaches new code is tried again, changed. Else `random` chooses; `--seed` repeats a
run. A failure prints its text and ends the command with exit code 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import choices
import properties

SLOW_S = 10.0
"""No text may take longer, in time of the processor."""


def texts(choose: choices.Choose, pieces: list[str]) -> str:
    """Return a text of one of the kinds."""
    kind = choose(4)
    if kind == 0:
        return choices.random_text(choose)
    if kind == 1:
        return choices.mutated_text(choose, pieces)
    return choices.program(choose)


def attempt(text: str) -> float:
    """Try one text; return how long it took. Raises what the front end raised."""
    began = time.process_time()
    try:
        properties.every_text_is_read_or_refused(text)
        properties.every_text_is_expanded_or_refused(text)
    except BaseException:
        print(f"this text fails:\n{text!r}", flush=True)
        raise
    return time.process_time() - began


def by_chance(executions: int, seed: int) -> int:
    """Try random texts; return the exit code."""
    pieces = choices.corpus()
    properties.every_text_is_expanded_or_refused("1")  # what is loaded at first is not measured
    chance = random.Random(seed)
    choose = lambda below: chance.randrange(below)  # noqa: E731 - the shape of a source of choices
    slowest, began = 0.0, time.monotonic()
    for number in range(1, executions + 1):
        text = texts(choose, pieces)
        try:
            took = attempt(text)
        except Exception:  # noqa: BLE001 - whatever it is, it is what we look for
            traceback.print_exc()
            print(f"execution {number} of seed {seed}")
            return 1
        slowest = max(slowest, took)
        if took > SLOW_S:
            print(f"{took:.1f} s for {text!r}")
            return 1
        if number % 10_000 == 0:
            pace = number / (time.monotonic() - began)
            print(f"{number} executions, {pace:.0f} a second, slowest {slowest:.2f} s", flush=True)
    print(f"{executions} executions, seed {seed}, slowest {slowest:.2f} s: no failure")
    return 0


def by_coverage(executions: int) -> int:
    """Let atheris choose the texts; it ends the process itself."""
    import atheris

    pieces = choices.corpus()
    with atheris.instrument_imports(include=["perdure.frontends"]):
        properties.toolchain()

    def one(octets: bytes) -> None:
        provider = atheris.FuzzedDataProvider(octets)
        choose: Callable[[int], int] = lambda below: provider.ConsumeIntInRange(0, below - 1)  # noqa: E731
        attempt(texts(choose, pieces))

    atheris.Setup([sys.argv[0], f"-runs={executions}"], one)
    atheris.Fuzz()
    return 0


def main() -> int:
    """Read the options and try."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--coverage", action="store_true", help="let atheris choose")
    options = parser.parse_args()
    if options.coverage:
        return by_coverage(options.executions)
    return by_chance(options.executions, options.seed)


if __name__ == "__main__":
    sys.exit(main())
