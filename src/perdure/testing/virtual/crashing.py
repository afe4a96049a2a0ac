"""A story told again and again, each time with the worker killed at another point: it must end the same.

Layer: testing. Imports store.api, base, and its neighbours.
Invariant: a kill is compared with the same story without one, in all that can be seen of its runs. Points where a kill puts
an effect in doubt that must not be repeated are left out, and counted: no engine can promise the same there.

    def story(world):
        order = world("order.scm", stubs=shop_stubs()).start({"id": "A1"})
        assert order.result == "shipped"

    crash_everywhere(story)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from perdure.base import limits
from perdure.engine import records
from perdure.testing.virtual.kills import AtEach, AtOne, Plan, Point, Recording
from perdure.testing.virtual.world import World

Story = Callable[[Callable[..., World]], Any]
"""A test that is given what makes its worlds: it takes the arguments of `World`."""


class Crashes(Struct, frozen=True):
    """What `crash_everywhere` has tried.

    Attributes:
      points: at how many points the worker was killed, one by one.
      doubtful: how many points were left out, since a kill there leaves an effect in doubt that must not be repeated.
      skipped: how many points were left out, since there are too many.
    """

    points: int
    doubtful: int
    skipped: int


class Seen(Struct, frozen=True):
    """All that can be seen of one run from outside, the time apart."""

    run_id: str
    status: str
    result: str
    output: str
    logged: tuple[str, ...]
    effects: tuple[str, ...]


class Worlds:
    """Makes the worlds of one telling of a story.

    Args:
      plan: says where the worker dies; None for nowhere.
      compiled: the programs that earlier tellings have compiled.
    """

    def __init__(self, plan: Plan | None, compiled: dict[str, Any] | None = None) -> None:
        self._plan = plan
        self._compiled = {} if compiled is None else compiled
        self.made: list[World] = []

    def __call__(self, *arguments: Any, **named: Any) -> World:
        """Return a new world; the arguments are those of `World`."""
        world = World(*arguments, plan=self._plan, compiled=self._compiled, **named)
        self.made.append(world)
        return world

    def seen(self) -> list[Seen]:
        """Return what can be seen of all runs."""
        return [one for world in self.made for one in seen(world)]

    def close(self) -> None:
        """Let go of the worlds."""
        for world in self.made:
            world.close()


def seen(world: World) -> list[Seen]:
    """Return what can be seen of a world's runs."""
    found = []
    for run in sorted(world.runs, key=lambda run: run.id):
        stored = world.engine.store.result(run.id)
        result = records.load_result(stored) if stored else records.Result()
        # An effect that was performed again for its key is the same one.
        done = {effect.key: effect for effect in run.effects}
        calls = sorted(repr((effect.name, effect.arguments)) for effect in done.values())
        found.append(
            Seen(
                run.id,
                run.status,
                result.error.message if result.error is not None else result.written,
                run.output,
                tuple(f"{level}: {message}" for level, message in run.logged),
                tuple(calls),
            )
        )
    return found


def crash_everywhere(
    story: Story, *, points_max: int = limits.TEST_CRASHES_MAX, doubts: bool = False
) -> Crashes:
    """Tell a story without a kill, then with one kill at each point, and compare.

    The points are: before and after each commit, before and after each effect that may be repeated. At first the story is
    told once with a kill at each of them.

    Args:
      story: is given what makes its worlds; whatever its stubs change must be made anew each time. What it asserts
        must hold whenever the worker dies.
      points_max: how many points are tried one by one; of more, as many are chosen evenly.
      doubts: kill also where that leaves an effect in doubt. Nothing is compared then: what the story asserts must hold.

    Raises:
      AssertionError: a run ends otherwise, or the story fails, with a kill at the point that is named.
    """
    sweep = Sweep()
    sweep.tell(story)
    sweep.begin(points_max, doubts=doubts)
    while sweep.next():
        sweep.tell(story)
    return sweep.crashes


class Sweep:
    """The tellings of one story: at first without a kill, then as `next` says.

    Apart from `crash_everywhere`, for those that can't hand over their story as a Python function.
    """

    def __init__(self) -> None:
        self._recording = Recording()
        self._compiled: dict[str, Any] = {}
        self._reference: list[Seen] | None = None
        self._chosen: list[int] = []
        self._turn = -1
        self._together: BaseException | None = None
        self.crashes = Crashes(0, 0, 0)
        self.worlds = Worlds(self._recording, self._compiled)

    @property
    def points(self) -> list[Point]:
        """The points that the first telling passed."""
        return self._recording.points

    @property
    def turns_told(self) -> int:
        """How often the story was told."""
        return 0 if self._reference is None else self._turn + 2

    def tell(self, story: Story) -> None:
        """Tell the story once, as the turn is, and compare. Raises AssertionError."""
        try:
            story(self.worlds)
        except Exception as error:  # noqa: BLE001 - a test may raise anything
            self.failed(error)
            return
        self.told()

    def told(self) -> None:
        """Compare, now that a story is told. Raises AssertionError."""
        found = self.worlds.seen()
        self.worlds.close()
        if self._reference is None:
            self._reference = found
            return
        if self._turn and self.points[self._chosen[self._turn - 1]].doubtful:
            return
        difference = _difference(self._reference, found)
        if difference:
            self._complain(AssertionError(difference))

    def failed(self, error: Exception) -> None:
        """Take note that the story itself raised. Raises AssertionError; the error itself if nothing was killed."""
        self.worlds.close()
        if self._reference is None:
            raise error
        self._complain(error)

    def begin(self, points_max: int, *, doubts: bool = False) -> None:
        """Choose the points, when the story was told without a kill."""
        good = [number for number, point in enumerate(self.points) if doubts or not point.doubtful]
        step = max(1.0, len(good) / points_max)
        self._chosen = [good[int(index * step)] for index in range(min(len(good), points_max))]
        doubtful = len(self.points) - len(good)
        self.crashes = Crashes(len(self._chosen), doubtful, len(good) - len(self._chosen))

    def next(self) -> bool:
        """Prepare for the next telling; return whether there is one. Raises AssertionError; see `told`."""
        self._turn += 1
        if self._turn == 0 and self._chosen:
            self.worlds = Worlds(AtEach(), self._compiled)
            return True
        if self._turn - 1 >= len(self._chosen) or not self._chosen:
            if self._together is not None:
                raise self._together
            return False
        self.worlds = Worlds(AtOne(self._chosen[self._turn - 1]), self._compiled)
        return True

    def _complain(self, error: Exception) -> None:
        if self._turn == 0:
            # One kill alone may show the same, and says where.
            self._together = _with_kills("at every point", error)
            return
        raise _with_kills(self.points[self._chosen[self._turn - 1]].where, error)


def _with_kills(where: str, error: Exception) -> AssertionError:
    text = str(error)
    if type(error) is not AssertionError or not text:
        text = f"{type(error).__name__}: {text}"
    found = AssertionError(f"with the worker killed {where}: {text}")
    found.__cause__ = error
    return found


def _difference(wanted: list[Seen], found: list[Seen]) -> str:
    """Return in words how two tellings differ, or ""."""
    if len(wanted) != len(found):
        return f"there are {len(found)} runs instead of {len(wanted)}"
    for without, with_kill in zip(wanted, found, strict=True):
        for field in Seen.__struct_fields__:
            before, after = getattr(without, field), getattr(with_kill, field)
            if before != after:
                return f"{field} of {without.run_id} is {after!r} instead of {before!r}"
    return ""
