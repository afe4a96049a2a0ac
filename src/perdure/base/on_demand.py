"""Names of a package that are loaded when they are first used, so that importing it costs nothing.

Layer: base. Imports nothing of Perdure.
Invariant: a name that was loaded stands in the package's namespace from then on, so this is asked for each name once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def on_demand(
    namespace: dict[str, Any], homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a package's `__getattr__` and `__dir__` (PEP 562).

    Args:
      namespace: the package's `globals()`; its `__all__` is what `dir` shows.
      homes: the module of each name.
    """

    def load(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        found = namespace[name] = getattr(importlib.import_module(home), name)
        return found

    def names() -> list[str]:
        return sorted(namespace["__all__"])

    return load, names
