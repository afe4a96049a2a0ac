"""Where the worker of a test's world dies: the points, and who says which of them kill.

Layer: testing. Imports base.
Invariant: a point that is reached says whether a kill there can put an effect in doubt. Nobody can promise that a program
does the same then, so a sweep over all points leaves those out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from msgspec import Struct

from perdure.base import limits

NOW = "now"
BEFORE_COMMIT = "before-commit"
AFTER_COMMIT = "after-commit"
BEFORE_EFFECT = "before-effect"
AFTER_EFFECT = "after-effect"
KINDS = (NOW, BEFORE_COMMIT, AFTER_COMMIT, BEFORE_EFFECT, AFTER_EFFECT)


class Killed(BaseException):
    """The simulated process died in the middle of something."""


class Point(Struct, frozen=True):
    """A point where the worker may die.

    Attributes:
      kind: one of KINDS.
      where: in words: "before the commit of turn 3 of order-1 (#2 -> ship #3)".
      identity: the same for the same commit or effect, however often it is tried.
      function: the effect's name in programs with its module, "shop.ship"; "" for a commit.
      doubtful: whether a kill here leaves an effect that must not be repeated in doubt.
      deaths: of workers, as the engine has counted them for a run since its last turn; after five it is quarantined.
    """

    kind: str
    where: str
    identity: Hashable
    function: str
    doubtful: bool
    deaths: int


Plan = Callable[[Point], bool]
"""Asked at each point that is reached; returns whether the worker dies there."""


class Armed(Struct):
    """A kill that a test has asked for: at the n-th point of a kind from now on."""

    kind: str
    function: str
    left: int

    def __call__(self, point: Point) -> bool:
        """Return whether this is the point."""
        names = ("", point.function, point.function.rpartition(".")[2])
        if point.kind != self.kind or self.function not in names:
            return False
        self.left -= 1
        return self.left == 0


class Recording:
    """Kills nowhere, and remembers where it could have."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def __call__(self, point: Point) -> bool:
        self.points.append(point)
        return False


class AtOne:
    """Kills at the n-th point, from 0."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, point: Point) -> bool:
        del point
        self._left -= 1
        return self._left == -1


class AtEach:
    """Kills once at each point that leaves nothing in doubt: all in one world."""

    def __init__(self) -> None:
        self._killed: set[Hashable] = set()

    def __call__(self, point: Point) -> bool:
        if point.doubtful or point.identity in self._killed or point.deaths >= limits.DEATHS_ALONE:
            return False
        self._killed.add(point.identity)
        return True
