"""The plugin for pytest: files of tests in Scheme, a fixture that makes worlds, and a mark that kills everywhere.

Layer: testing. Imports pytest, and the rest when it is needed: pytest loads this in every project that has Perdure installed.
Invariant: a project that uses nothing of it notices nothing: no option, no output, and no file is collected but test_*.scm.

    def test_an_order(world):
        run = world("order.scm", stubs={"charge": 10}).start()

    @pytest.mark.crash_everywhere
    def test_an_order_survives(world): ...
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from perdure.testing.virtual.crashing import Worlds
    from perdure.testing.virtual.world import World

MARK = "crash_everywhere"


class MakesWorlds:
    """What the fixture is: called with the arguments of `World`, whose relative paths begin beside the test's file."""

    def __init__(self, worlds: Worlds, directory: Path) -> None:
        self.worlds = worlds
        self._directory = directory

    def __call__(self, *arguments: Any, **named: Any) -> World:
        """Return a new world."""
        return self.worlds(*arguments, **({"directory": self._directory} | named))


@pytest.fixture
def perdure_world(request: pytest.FixtureRequest) -> Iterator[MakesWorlds]:
    """Make worlds for tests of Perdure's programs: call it with the arguments of `perdure.testing.World`."""
    from perdure.testing.virtual.crashing import Worlds

    worlds = Worlds(None)
    yield MakesWorlds(worlds, request.path.parent)
    worlds.close()


@pytest.fixture
def world(perdure_world: MakesWorlds) -> MakesWorlds:
    """Make worlds, under a shorter name; a project's own fixture of that name takes its place."""
    return perdure_world


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(points_max): tell the test again with the worker of its worlds killed at every point",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Tell a test that has the mark with a kill at every point."""
    mark = pyfuncitem.get_closest_marker(MARK)
    if mark is None:
        return None
    given = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    makers = [found for found in given.values() if isinstance(found, MakesWorlds)]
    function = pyfuncitem.obj
    if not makers or inspect.iscoroutinefunction(function):
        pytest.fail(f"{MARK} needs a plain test with the fixture `world`", pytrace=False)
    from perdure.testing.virtual.crashing import crash_everywhere

    def story(worlds: Any) -> None:
        before = makers[0].worlds
        for maker in makers:
            maker.worlds = worlds
        try:
            function(**given)
        finally:
            for maker in makers:
                maker.worlds = before

    crash_everywhere(story, *mark.args, **mark.kwargs)
    return True


# -- files in Scheme ---------------------------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SchemeFile | None:
    """Collect files test_*.scm."""
    if file_path.suffix == ".scm" and file_path.name.startswith("test_"):
        return SchemeFile.from_parent(parent, path=file_path)
    return None


class SchemeFile(pytest.File):
    """A file of tests in Scheme; it is one test, since its parts share its variables."""

    def collect(self) -> Iterator[SchemeItem]:
        """Return its one test."""
        yield SchemeItem.from_parent(self, name=self.path.stem)


class SchemeItem(pytest.Item):
    """A file of tests in Scheme while it is run."""

    def runtest(self) -> None:
        """Run it. Raises SchemeFailed."""
        from perdure.testing.virtual.scheme import run_file

        found = run_file(self.path)
        if not found.good:
            raise SchemeFailed(f"{found.report}\n{self.path.name}: {found.summary}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what the file says, and never a Python traceback of ours."""
        from perdure.base.errors import PerdureError

        if isinstance(excinfo.value, SchemeFailed | PerdureError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where it is."""
        return self.path, None, self.path.name


class SchemeFailed(Exception):
    """A file of tests failed; the text is its report."""
