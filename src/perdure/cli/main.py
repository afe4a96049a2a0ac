"""The entry point: read the call, perform the command, and turn whatever happens into words and an exit code.

Layer: cli. Imports as little as possible before it knows which command it is.
Invariant: no Python traceback reaches the terminal; the exit codes are those of docs/reference/exit-codes.md.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import threading
from typing import Any

from perdure.cli import console
from perdure.cli.grammar import Command, quick


def main() -> None:
    """Perform the command line of this process and end it."""
    # Loading makes many objects and no garbage; what is loaded lives as long as the process.
    gc.disable()
    gc.set_threshold(10_000, 10, 10)
    # This process is ours: integers may be as long as programs make them.
    sys.set_int_max_str_digits(0)
    threading.excepthook = _thread_died
    code = perform_line(sys.argv[1:])
    console.flush()
    # Threads of effects that never return, and the watchdog, must not keep the process from ending.
    os._exit(code)


def perform_line(argv: list[str]) -> int:
    """Perform a command line and return the exit code."""
    try:
        found = quick(argv)
        if found is not None:
            return perform(*found)
        return _typed(argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        console.forget_output()
        return 141
    except Exception as error:  # noqa: BLE001 - a bug of ours must not look like one of the user's
        return console.internal_error(error)


def perform(command: Command, given: dict[str, Any]) -> int:
    """Perform a command and return the exit code."""
    module, _, function = command.handler.partition(":")
    console.begin(as_json=bool(given.get("json")))
    errors: Any = importlib.import_module("perdure.base.errors")
    try:
        handler = getattr(importlib.import_module(f"perdure.cli.{module}"), function)
        gc.freeze()
        gc.enable()
        result: int = handler(**given)
    except errors.PerdureError as error:
        return console.error(error)
    except PermissionError as error:
        return console.plain_error("P408", f"{error.filename}: permission denied", 3)
    except MemoryError:
        return console.plain_error("P600", "there is not enough memory", 5)
    return result


def _typed(argv: list[str]) -> int:
    typed: Any = importlib.import_module("perdure.cli.typed")
    codes: list[int] = []
    app = typed.application(lambda command, given: codes.append(perform(command, given)))
    try:
        app(argv, prog_name="perdure", standalone_mode=True)
    except SystemExit as ended:
        if not codes:
            return ended.code if isinstance(ended.code, int) else 2
    return codes[0] if codes else 0


def _thread_died(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None:
        console.internal_error(given.exc_value)
