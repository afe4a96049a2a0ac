"""The entry point of processes that work beside a worker: `python -m perdure.cli.beside`, started by the engine alone.

Layer: cli. Imports store.opening, base; engine.beating or engine.compaction, whichever is wanted.
Invariant: orders come as one line of JSON on standard input, so that a database's password is on no command line; answers are
lines on standard output. A signal that is meant for the worker does not end it: the worker's end does, by closing the pipe.

Here, since of all layers only app and cli open stores; the engine gets them.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
from typing import Any

from msgspec import structs

from perdure.store.api import Store
from perdure.store.opening import open_store


def main() -> None:
    """Do as the first line of standard input orders."""
    # A terminal's Ctrl-C, and systemd's SIGTERM, go to all processes of a service.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    orders: dict[str, Any] = json.loads(_first_line())
    store = open_store(orders["url"], must_exist=True, lease_s=orders["lease_s"])
    try:
        with contextlib.suppress(BrokenPipeError):  # the worker has gone
            _PARTS[orders["do"]](store, orders)
    finally:
        store.close()


def _beat(store: Store, orders: dict[str, Any]) -> None:
    from perdure.engine.beating import Progress, beat

    beat(store, orders["owner"], Progress(orders["pulse"], orders["process"]), sys.stdout.fileno())


def _compact(store: Store, orders: dict[str, Any]) -> None:
    from perdure.engine.compaction import compact_stored

    # It makes many objects and no garbage, and it is over soon.
    gc.disable()
    found = compact_stored(store, orders["run"])
    sys.stdout.write(json.dumps(structs.asdict(found)))
    sys.stdout.flush()


_PARTS = {"beat": _beat, "compact": _compact}


def _first_line() -> bytes:
    """Return the first line of standard input, and leave what follows to be waited for."""
    line = b""
    while not line.endswith(b"\n"):
        read = os.read(sys.stdin.fileno(), 1)
        if not read:
            raise SystemExit(0)
        line += read
    return line


if __name__ == "__main__":
    main()
