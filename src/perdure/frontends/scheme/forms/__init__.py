"""The core forms of the language, by theme; importing this package registers them all in `bindings.CORE`."""

from perdure.frontends.scheme.forms import (
    basic,
    binding,
    conditional,
    control,
    definitions,
    quasi,
    records,
    restarts,
    transactions,
)

__all__ = [
    "basic",
    "binding",
    "conditional",
    "control",
    "definitions",
    "quasi",
    "records",
    "restarts",
    "transactions",
]
