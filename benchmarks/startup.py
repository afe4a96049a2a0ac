"""How long the command takes when it has little to do, warm: caches are filled by a first round that does not count."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import P99, child_environment, duration, median, quantile, table

HELLO = Path(__file__).parent / "programs" / "hello.scm"


def main(rounds: int = 20) -> None:
    """Measure and print."""
    perdure = [sys.executable, "-c", "from perdure.cli.main import main; main()"]
    script = Path(sys.executable).parent / "perdure"
    if script.exists():
        perdure = [str(script)]
    found: dict[str, list[float]] = {}
    cpu: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:{folder}/start.db"
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "perdure run hello.scm": [*perdure, "run", str(HELLO), "--db", database],
            "perdure list": [*perdure, "list", "--db", database],
        }
        for number in range(rounds + 1):
            for name, command in commands.items():
                before = _children_s()
                began = time.perf_counter()
                done = subprocess.run(
                    command, capture_output=True, check=False, cwd=folder, env=child_environment()
                )
                if number:
                    found.setdefault(name, []).append(time.perf_counter() - began)
                    cpu.setdefault(name, []).append(_children_s() - before)
                if done.returncode:
                    print(f"{name} failed:\n{done.stderr.decode()[-2000:]}")
                    return
    rows = [
        (
            f"`{name}`",
            duration(median(times)),
            duration(quantile(times, P99)),
            duration(median(cpu[name])),
        )
        for name, times in found.items()
    ]
    table(
        f"(e) start, warm, CPython {sys.version.split()[0]}, {rounds} rounds",
        ("command", "median", "p99", "CPU median"),
        rows,
    )


def _children_s() -> float:
    """Return the CPU time of all ended child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
