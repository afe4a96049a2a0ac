"""Run recursive passes written as generators without using Python's stack.

Layer: base. Imports nothing of Perdure.
Invariant: the native stack stays flat however deeply the generators nest, so that Python's recursion limit never
bounds the nesting of a program.
Not a raised recursion limit: that one is process-wide, belongs to the host application, and overflows the C stack.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

Steps = Generator[Any, Any, Any]
"""A pass in progress: yields the generator of a part, is sent that part's result, returns its own."""


def run(steps: Steps) -> Any:
    """Return what a generator returns, where `x = yield part(...)` stands for `x = part(...)`.

    An exception of a part is thrown into the generator that asked for it, as a call would do.
    """
    waiting: list[Steps] = []
    value: Any = None
    failure: BaseException | None = None
    while True:
        try:
            if failure is None:
                part = steps.send(value)
            else:
                thrown, failure = failure, None
                part = steps.throw(thrown)
        except StopIteration as stop:
            value = stop.value
        except Exception as error:
            if not waiting:
                raise
            failure = error
        else:
            waiting.append(steps)
            steps, value = part, None
            continue
        if not waiting:
            return value
        steps = waiting.pop()
