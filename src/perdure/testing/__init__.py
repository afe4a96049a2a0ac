"""Tests of programs: stubs for effects, a clock that jumps, injected errors, kills. See docs/how-to/test-programs.md.

The names are loaded when they are first used, so that the plugin for pytest costs nothing where no program is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perdure.base.on_demand import on_demand

if TYPE_CHECKING:
    from perdure.testing.virtual.crashing import Crashes, crash_everywhere
    from perdure.testing.virtual.performing import EffectCall, StubError
    from perdure.testing.virtual.run import Run
    from perdure.testing.virtual.stubs import Later
    from perdure.testing.virtual.world import World

__all__ = ["Crashes", "EffectCall", "Later", "Run", "StubError", "World", "crash_everywhere"]

_HOMES = {
    "Crashes": "perdure.testing.virtual.crashing",
    "EffectCall": "perdure.testing.virtual.performing",
    "Later": "perdure.testing.virtual.stubs",
    "Run": "perdure.testing.virtual.run",
    "StubError": "perdure.testing.virtual.performing",
    "World": "perdure.testing.virtual.world",
    "crash_everywhere": "perdure.testing.virtual.crashing",
}

__getattr__, __dir__ = on_demand(globals(), _HOMES)
