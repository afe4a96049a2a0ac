"""`python -m benchmarks [scheme|turns|throughput|breakdown|resume|startup|failures|choices|all]`, from the top of the repository.

`python -m benchmarks durable` has options of its own and is no part of `all`: it installs other engines.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys

from benchmarks import breakdown, choices, failures, resume, scheme, startup, throughput, turns
from benchmarks.durable import command

PARTS = {
    "scheme": scheme.main,
    "turns": turns.main,
    "throughput": throughput.main,
    "breakdown": breakdown.main,
    "resume": resume.main,
    "startup": startup.main,
    "failures": failures.main,
    "choices": choices.main,
}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--rounds", type=int, help="how often everything is measured")
    given = parser.parse_args()
    wanted = list(PARTS) if "all" in given.parts or not given.parts else given.parts
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"CPython {platform.python_version()}, {os.cpu_count()} processors, load {load}")
    for part in wanted:
        PARTS[part](**({"rounds": given.rounds} if given.rounds else {}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["durable"]:
        sys.exit(command.main(sys.argv[2:]))
    main()
