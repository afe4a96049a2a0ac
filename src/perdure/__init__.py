"""Perdure: Scheme programs that survive crashes, deploys and weeks of waiting.

`Engine` starts and runs programs; `effect`, `builtin` and `Retry` mark Python functions that programs call,
and `Cancellation` is how such a function hears that nobody waits for it any more. `Datum` is data as Scheme writes it.
The names are loaded when they are first used: `import perdure` in a module of effects costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perdure.base.on_demand import on_demand

if TYPE_CHECKING:
    from perdure.app import Engine
    from perdure.base.cancellation import Cancellation, Cancelled
    from perdure.base.datum import Datum
    from perdure.base.errors import PerdureError
    from perdure.base.marks import Retry, builtin, effect

__all__ = [
    "Cancellation",
    "Cancelled",
    "Datum",
    "Engine",
    "PerdureError",
    "Retry",
    "__version__",
    "builtin",
    "effect",
]

__version__ = "0.1.0"

_HOMES = {
    "Cancellation": "perdure.base.cancellation",
    "Cancelled": "perdure.base.cancellation",
    "Datum": "perdure.base.datum",
    "Engine": "perdure.app",
    "PerdureError": "perdure.base.errors",
    "Retry": "perdure.base.marks",
    "builtin": "perdure.base.marks",
    "effect": "perdure.base.marks",
}

__getattr__, __dir__ = on_demand(globals(), _HOMES)
