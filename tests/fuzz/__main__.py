"""Try many random texts on the front end: `python -m tests.fuzz --executions 1000000`.

With atheris installed, `--coverage` lets it choose: what reaches new code is tried again, changed. Else `random` chooses; `--seed` repeats a
run. A failure prints its text and ends the command with exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def main() -> int:
    """Read the options and try."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--coverage", action="store_true", help="let atheris choose")
    options = parser.parse_args()
    # Imported here: the one instruments the front end while it imports it, and the other does not.
    if options.coverage:
        from guided import by_coverage

        return by_coverage(options.executions)
    from chance import by_chance

    return by_chance(options.executions, options.seed)


if __name__ == "__main__":
    sys.exit(main())
