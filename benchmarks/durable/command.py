"""`python -m benchmarks durable`: every chosen engine and workload in interleaved rounds, then tables.

Invariant: a figure is printed only if the program that gave it has checked its results.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.durable.cases import OWN_ROUNDS, PEERS, SIZES, WORKLOADS, Case, chosen
from benchmarks.durable.environment import DEFAULT_CACHE, Environment, EnvironmentMissing, machine
from benchmarks.durable.results import Results
from benchmarks.durable.running import CaseFailed, run
from benchmarks.durable.tables import show
from benchmarks.durable.targets import targets

ROUNDS = 3


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks durable", description=__doc__)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS)
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=WORKLOADS)
    parser.add_argument(
        "--stores",
        nargs="+",
        choices=("sqlite", "postgres", "own"),
        default=("sqlite", "postgres", "own"),
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each is run")
    parser.add_argument(
        "--sizes", choices=SIZES, default="full", help="small: does it work at all?"
    )
    parser.add_argument("--postgres", default="", metavar="URL", help="a server that is there")
    parser.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, help="where peers are installed"
    )
    parser.add_argument("--raw", type=Path, help="a file for all figures of all rounds, as JSON")
    parser.add_argument(
        "--show", type=Path, help="print the tables of such a file; measure nothing"
    )
    return parser.parse_args(given)


def main(given: Sequence[str]) -> int:
    """Measure and print; the exit code is 1 if a case gave no figures, 2 if something is not installed."""
    options = _arguments(given)
    failures: list[str] = []
    if options.show:
        results = loaded(options.show)
    else:
        try:
            with Environment(options.cache, options.postgres) as environment:
                results, failures = _measure(options, environment)
        except EnvironmentMissing as error:
            print(error, file=sys.stderr)
            return 2
    show(results, targets(results))
    for failure in failures:
        print(f"\nno figures: {failure.splitlines()[0]}")
    return 1 if failures else 0


def _measure(options: argparse.Namespace, environment: Environment) -> tuple[Results, list[str]]:
    """Run all cases in rounds; return the figures, and what went wrong."""
    sizes = SIZES[options.sizes]
    cases = chosen(tuple(options.workloads), tuple(options.peers), tuple(options.stores), sizes)
    results, failures = Results(), []
    about = {
        "machine": machine(),
        "sizes": asdict(sizes),
        "rounds": options.rounds,
        "engines": environment.versions(tuple(dict.fromkeys(case.peer for case in cases))),
    }
    with tempfile.TemporaryDirectory(prefix="perdure-benchmark-") as folder:
        for number, case in itertools.product(range(options.rounds), cases):
            if case.workload in OWN_ROUNDS and number:
                continue
            print(f"round {number + 1}: {case}", file=sys.stderr, end="", flush=True)
            began = time.monotonic()
            try:
                results.add(case, run(case, sizes, environment, Path(folder), options.rounds))
                print(f"  {time.monotonic() - began:.1f} s", file=sys.stderr)
            except CaseFailed as error:
                failures.append(str(error))
                print(f"  failed\n{error}", file=sys.stderr)
            # After each case, so that an interrupted run leaves what it has measured.
            if options.raw:
                write(options.raw, about, results, failures)
    return results, failures


def write(path: Path, about: dict[str, Any], results: Results, failures: list[str]) -> None:
    """Write all figures so far."""
    measured = [{"case": asdict(case), "figures": figures} for case, figures in results.raw]
    document = {**about, "measured": measured, "failures": failures}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def loaded(path: Path) -> Results:
    """Return the figures that `write` wrote."""
    results = Results()
    for one in json.loads(path.read_text(encoding="utf-8"))["measured"]:
        results.add(Case(**one["case"]), one["figures"])
    return results
