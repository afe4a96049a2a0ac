"""What a test in Scheme asks for, done on its worlds; see lib/perdure/world.sld, which asks.

Layer: testing. Imports engine, snapshot, values, base, and its neighbours.
Invariant: a command is a list of heap values that begins with its verb, and its value is a heap value again. What a stub gets
and gives crosses the boundary to Python as for any function, so that a program can't tell it from one.
"""

from __future__ import annotations

import builtins
import inspect
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from perdure.base import limits
from perdure.base.errors import CallError
from perdure.base.marks import effect
from perdure.engine import restarting
from perdure.engine.boundary import from_python, to_python
from perdure.machine.machine import Machine
from perdure.machine.turn import Restart
from perdure.snapshot import exchange
from perdure.store.api import Send
from perdure.testing.virtual.crashing import Sweep
from perdure.testing.virtual.performing import StubError
from perdure.testing.virtual.run import Run
from perdure.testing.virtual.stubs import Later
from perdure.testing.virtual.world import World
from perdure.values.conditions import SchemeError
from perdure.values.lists import from_items, list_items
from perdure.values.numbers import to_float
from perdure.values.printer import display_string
from perdure.values.types import FALSE, TRUE, UNSPECIFIED, String, Symbol, Vector, intern

if TYPE_CHECKING:
    from perdure.testing.virtual.scheme import SchemeTest

Verb = Callable[..., Any]


def perform(test: SchemeTest, command: Sequence[Any]) -> Any:
    """Return what a command gives. Raises CallError and whatever else a world raises."""
    verb, *given = command
    if verb.name == "world":
        number, inner = given
        verb, *given = list_items("world", inner)
        return _WORLD[verb.name](test, test.worlds[number], *given)
    if verb.name == "run":
        number, run_id, inner = given
        verb, *given = list_items("run", inner)
        return _RUN[verb.name](test.worlds[number].run_of(run_id.text), *given)
    return _TEST[verb.name](test, *given)


def text_of(error: Exception) -> str:
    """Return what a test in Scheme is told of an error."""
    if isinstance(error, StubError) and error.function:
        name = error.function
        return f"{error.message}\n  next: stub it with (stub '{name} ...), or let it run with (real '{name})"
    return error.condition.message if isinstance(error, SchemeError) else str(error)


def _truth(value: bool) -> Any:
    return TRUE if value else FALSE


# -- stubs -------------------------------------------------------------------------------------------


class SchemeStub:
    """A stub that is a procedure of the test, as a Python function."""

    def __init__(self, test: SchemeTest, place: int) -> None:
        self._test = test
        self._place = place

    def __call__(self, *arguments: Any) -> Any:
        """Return what the procedure gives, as Python data. Raises RuntimeError, StubError: it raised, it is wrong."""
        given = [from_python(argument) for argument in arguments]
        kind, value = self._test.call(self._place, given)
        if kind.name == "broken":
            raise StubError("P316", f"a stub of the test is wrong: {value.text}")
        if kind.name == "raised":
            raise RuntimeError(display_string(value))
        return outward(self._test, value)


def outward(test: SchemeTest, value: Any) -> Any:
    """Return what stands for a value in Python: `later` and `python-error` are what they say."""
    if type(value) is Vector and value.items and type(value.items[0]) is Symbol:
        tag, *rest = value.items
        if tag.name == "%later":
            return Later(to_float(rest[0]), outward(test, rest[1]))
        if tag.name == "%error":
            return error_of(test, rest[0].text, rest[1].text)
    return to_python(value, "a stub's value")


def error_of(test: SchemeTest, kind: str, message: str) -> Exception:
    """Return an exception by the name of its type: Python's own, one of the program's modules, or a new type."""
    found = getattr(builtins, kind, None)
    for world in () if found is not None else test.worlds:
        for call in world.real_functions():
            found = getattr(inspect.unwrap(call), "__globals__", {}).get(kind, found)
    if not (isinstance(found, type) and issubclass(found, Exception)):
        found = type(kind, (Exception,), {})
    error: Exception = found(message) if message else found()
    return error


def _stub(test: SchemeTest, form: Any, mark: Any = None) -> Any:
    kind, value = list_items("stub", form)
    given = SchemeStub(test, value) if kind.name == "call" else outward(test, value)
    options = _options(mark) if mark is not None else {}
    if not options:
        return given
    known = {"idempotent": bool, "timeout": float, "attempts": int}
    for name in options.keys() - known.keys():
        raise CallError("P303", f"stub: there is no option {name}; there are {', '.join(known)}")

    @effect(
        idempotent=options.get("idempotent") is TRUE,
        timeout=options.get("timeout"),
        retry=options.get("attempts"),
    )
    def marked(*arguments: Any) -> Any:
        return given(*arguments) if callable(given) else given

    return marked


def _options(listed: Any) -> dict[str, Any]:
    """Return a list of names and values as a dictionary."""
    items = list_items("options", listed)
    if len(items) % 2:
        raise CallError("P303", "options are names and values, in turn")
    return {name.name: value for name, value in zip(items[::2], items[1::2], strict=True)}


# -- what is asked of the test's keeper --------------------------------------------------------------


def _make_world(test: SchemeTest, program: Any, options: Any) -> Any:
    given: dict[str, Any] = {"stubs": {}, "real": set(), "without": set()}
    for option in list_items("make-world", options):
        kind, *rest = list_items("make-world", option)
        if kind.name == "stub":
            name, form, mark = rest
            given["stubs"][name.text] = _stub(test, form, mark)
        elif kind.name in ("real", "without"):
            names = {name.text for name in list_items(kind.name, rest[0])}
            given[kind.name] = given[kind.name] | names if names else True
        else:
            given[kind.name] = to_float(rest[0]) if kind.name == "now" else rest[0]
    if given["without"] is True:
        raise CallError("P303", "without: name the modules that are not to be imported")
    make = World if test.sweep is None else test.sweep.worlds
    test.worlds.append(make(program.text, directory=test.directory, **given))
    return len(test.worlds) - 1


def _json(test: SchemeTest, text: Any) -> Any:
    del test
    try:
        return from_python(json.loads(text.text), "the JSON text")
    except ValueError as error:
        raise CallError("P303", f"json: {error}") from None


def _sweep(test: SchemeTest, options: Any) -> Any:
    if test.sweep is not None:
        raise CallError("P303", "crash-everywhere: one is going on already")
    given = _options(options)
    test.points_max = given.pop("points-max", limits.TEST_CRASHES_MAX)
    test.doubts = given.pop("doubts", FALSE) is not FALSE
    if given:
        raise CallError("P303", f"crash-everywhere: there is no option {next(iter(given))}")
    test.sweep = Sweep()
    return UNSPECIFIED


def _told(test: SchemeTest, failure: Any) -> Any:
    sweep = test.sweep
    assert sweep is not None, "a sweep goes on"
    first = not sweep.turns_told
    try:
        if failure is FALSE:
            sweep.told()
        else:
            sweep.failed(AssertionError(display_string(failure)))
    except BaseException:
        test.sweep = None
        raise
    if first:
        sweep.begin(test.points_max, doubts=test.doubts)
    return UNSPECIFIED


def _next(test: SchemeTest) -> Any:
    assert test.sweep is not None, "a sweep goes on"
    try:
        return _truth(test.sweep.next())
    except BaseException:
        test.sweep = None
        raise


def _points(test: SchemeTest) -> Any:
    assert test.sweep is not None, "a sweep goes on"
    sweep, test.sweep = test.sweep, None
    return sweep.crashes.points


def _answer(test: SchemeTest, kind: Any, value: Any) -> Any:
    """Refuse an answer of a stub that nobody waits for any more."""
    del test, kind, value
    raise CallError("P315", "a stub has taken a message that was not for it")


_TEST: dict[str, Verb] = {
    "answer": _answer,
    "make-world": _make_world,
    "json": _json,
    "sweep": _sweep,
    "told": _told,
    "next": _next,
    "points": _points,
}


# -- worlds ------------------------------------------------------------------------------------------


def _start(test: SchemeTest, world: World, arguments: Any) -> Any:
    del test
    return String(world.start_values(list_items("world-start", arguments)).id)


def _done(action: Callable[..., Any]) -> Verb:
    """Return a verb that does something and gives nothing."""

    def verb(*given: Any) -> Any:
        action(*given)
        return UNSPECIFIED

    return verb


def _fail(test: SchemeTest, world: World, name: Any, options: Any) -> None:
    given = _options(options)
    kind, message = (_text(given.pop(name, default)) for name, default in _FAILURE)
    error = error_of(test, kind, message)
    seconds = given.pop("seconds", 0)
    times, after = given.pop("times", 1), given.pop("after", 0)
    if given:
        raise CallError("P303", f"world-fail: there is no option {next(iter(given))}")
    failure = Later(to_float(seconds), error) if seconds else error
    world.fail(name.text, failure, times=None if times is FALSE else times, after=after)


def _kill(test: SchemeTest, world: World, given: Any) -> None:
    del test
    words = list_items("world-kill", given)
    when, function, nth = (words + ["now", "", 1][len(words) :])[:3]
    world.kill(_text(when), effect=_text(function), nth=nth)


_FAILURE = (("type", "RuntimeError"), ("message", ""))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else display_string(value)


def _calls(found: list[list[Any]]) -> Any:
    return from_items([from_items([from_python(one) for one in call]) for call in found])


_WORLD: dict[str, Verb] = {
    "start": _start,
    "run": _done(lambda _, world: world.run()),
    "advance": _done(lambda _, world, seconds: world.advance(to_float(seconds))),
    "now": lambda _, world: world.now,
    "next-alarm": lambda _, world: FALSE if world.next_alarm is None else world.next_alarm,
    "runs": lambda _, world: from_items([String(run.id) for run in world.runs]),
    "stub": _done(lambda test, world, name, form: world.stub(name.text, _stub(test, form))),
    "fail": _done(_fail),
    "kill": _done(_kill),
    "calls": lambda _, world, name: _calls(world.calls(name.text)),
}


# -- runs --------------------------------------------------------------------------------------------


def _result(run: Run) -> Any:
    result = run.outcome()
    if result.crosses:
        return result.value
    raise CallError("P306", f"the result of {run.id} is {result.written}, which can't cross")


def _send(run: Run, value: Any) -> Any:
    payload = exchange.dump_value(value)
    message = Send(run.id, "message", run.world.next_message_id(), "", payload)
    return _told_run(run, lambda: run.world.engine.store.send(message))


def _told_run(run: Run, tell: Callable[[], bool]) -> Any:
    told = tell()
    run.world.settle()
    return _truth(told)


def _error(run: Run) -> Any:
    return FALSE if run.error is None else String(run.error.text)


def _logged(run: Run) -> Any:
    return from_items([from_items([intern(level), String(text)]) for level, text in run.logged])


def _restart(run: Run, name: Any, values: Any) -> Any:
    """Take a restart with heap values, which Engine.restart has no way to be given."""
    wish = Restart(name.text, tuple(list_items("run-restart", values)), 0, "")

    def question(machine: Machine) -> SchemeError | list[str]:
        try:
            return restarting.described(machine, wish)
        except SchemeError as refused:
            return refused

    engine = run.world.engine
    said = engine.consult(run.id, question)
    if isinstance(said, SchemeError):
        raise said
    engine.store.send(Send(run.id, "restart", "", "", restarting.dump(wish)))
    run.world.settle()
    return String("; ".join(said))


def _cancel(run: Run, given: Any) -> Any:
    words = list_items("run-cancel", given)
    reason, deadline, force = (words + [String(""), FALSE, FALSE][len(words) :])[:3]
    return _truth(
        run.cancel(
            reason.text,
            deadline_s=None if deadline is FALSE else to_float(deadline),
            force=force is not FALSE,
        )
    )


_RUN: dict[str, Verb] = {
    "status": lambda run: String(run.status),
    "waits-for": lambda run: String(run.waits_for),
    "result": _result,
    "written": lambda run: String(run.outcome().written),
    "output": lambda run: String(run.output),
    "logged": _logged,
    "error": _error,
    "calls": lambda run, name: _calls(run.calls(name.text)),
    "attempts": lambda run, name: from_items([intern(a.outcome) for a in run.attempts(name.text)]),
    "send": _send,
    "type": lambda run, line: _truth(run.type(None if line is FALSE else line.text)),
    "retry": lambda run: _truth(run.retry()),
    "restart": _restart,
    "restarts": lambda run: from_items([intern(name) for name in run.restarts]),
    "pause": lambda run: _truth(run.pause()),
    "resume": lambda run: _truth(run.resume()),
    "cancel": _cancel,
}
