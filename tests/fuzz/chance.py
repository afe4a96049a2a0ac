"""Random texts: the choices are those of `random`."""

from __future__ import annotations

import random
import time
import traceback

import choices
import properties
from attempts import SLOW_S, attempt, texts


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
