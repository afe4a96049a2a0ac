"""Tests of programs: stubs for effects, a clock that jumps, injected errors, kills. See docs/how-to/test-programs.md.

The names are loaded when they are first used, so that the plugin for pytest costs nothing where no program is tested.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perdure.testing.virtual.crashing import Crashes, crash_everywhere
    from perdure.testing.virtual.performing import EffectCall, StubError
    from perdure.testing.virtual.run import Run
    from perdure.testing.virtual.stubs import Later
    from perdure.testing.virtual.world import World

__all__ = ["Crashes", "EffectCall", "Later", "Run", "StubError", "World", "crash_everywhere"]

_HOMES = {
    "Crashes": "crashing",
    "EffectCall": "performing",
    "Later": "stubs",
    "Run": "run",
    "StubError": "performing",
    "World": "world",
    "crash_everywhere": "crashing",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'perdure.testing' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"perdure.testing.virtual.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
