"""Evaluate core forms directly, in recursive Python: an oracle for the expander's tests, independent of compiler and machine.

Continuations escape upward only; there are no tasks. Primitives are the real ones.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import perdure.primitives
from perdure.frontends.scheme import Resolver, expand_program, load_standard
from perdure.ir import core as c
from perdure.primitives.registry import TABLE
from perdure.values.conditions import SchemeError, condition
from perdure.values.types import NIL, UNINITIALISED, UNSPECIFIED, Pair, String, Values, intern

for _module in pkgutil.iter_modules(perdure.primitives.__path__):
    importlib.import_module(f"perdure.primitives.{_module.name}")

PRIMITIVES = {name: (p.least, p.most, p.formals) for name, p in TABLE.items()}


class Raised(Exception):
    """A Scheme object that was raised."""

    def __init__(self, payload: Any) -> None:
        super().__init__(payload)
        self.payload = payload


def from_list(listed: Any) -> list[Any]:
    items = []
    while listed is not NIL:
        items.append(listed.car)
        listed = listed.cdr
    return items


def to_list(items: Any) -> Any:
    result: Any = NIL
    for item in reversed(list(items)):
        result = Pair(item, result)
    return result


def _apply(function: Any, *arguments: Any) -> Any:
    return function(*arguments[:-1], *from_list(arguments[-1]))


def _raise(payload: Any) -> Any:
    raise Raised(payload)


def _error(message: Any, *irritants: Any) -> Any:
    text = message.text if isinstance(message, String) else repr(message)
    raise Raised(condition("error", text, *irritants))


def _guard(body: Callable[[], Any], handler: Callable[..., Any]) -> Any:
    try:
        return body()
    except (Raised, SchemeError) as error:
        payload = error.payload if isinstance(error, Raised) else error.condition
        caught = error

        def reraise() -> Any:
            raise caught

        return handler(payload, reraise, lambda: UNSPECIFIED)


class _Parameter:
    def __init__(self, value: Any, converter: Any = None) -> None:
        self.converter = converter
        self.value = value if converter is None else converter(value)

    def __call__(self) -> Any:
        return self.value


def _with_parameters(settings: Any, body: Callable[[], Any]) -> Any:
    entered = []
    for pair in from_list(settings):
        converter = pair.car.converter
        entered.append(
            (pair.car, pair.car.value, pair.cdr if converter is None else converter(pair.cdr))
        )
    for parameter, _, new in entered:
        parameter.value = new
    try:
        return body()
    finally:
        for parameter, old, _ in entered:
            parameter.value = old


def _force(promise: Any) -> Any:
    forced, value = TABLE["%promise-forced?"].function, TABLE["%promise-value"].function
    while forced(promise) is None:
        inner = value(promise)()
        if forced(promise) is None:
            TABLE["%promise-update!"].function(inner, promise)
    return value(promise)


def _call_cc(function: Any) -> Any:
    class Escape(Exception):
        pass

    def throw(*returned: Any) -> Any:
        escape.args = returned
        raise escape

    escape = Escape()
    try:
        return function(throw)
    except Escape as error:
        if error is not escape:
            raise
        return error.args[0] if len(error.args) == 1 else Values(tuple(error.args))


CONTROL: dict[str, Callable[..., Any]] = {
    "values": TABLE["values"].function,
    "promise?": TABLE["promise?"].function,
    "call-with-values": lambda producer, consumer: _consume(consumer, producer()),
    "error": _error,
    "raise": _raise,
    "make-promise": TABLE["make-promise"].function,
    "%make-lazy-promise": lambda thunk: TABLE["%make-promise"].function(None, thunk),
    "force": _force,
    "%guard": _guard,
    "%with-parameters": _with_parameters,
    "make-parameter": _Parameter,
    "call/cc": _call_cc,
    "dynamic-wind": lambda before, thunk, after: (before(), thunk(), after())[1],
}


def _consume(consumer: Any, produced: Any) -> Any:
    return consumer(*(produced.returned if isinstance(produced, Values) else (produced,)))


class Closure:
    """A procedure of the evaluator."""

    def __init__(self, machine: Evaluator, code: c.Lambda, frame: dict[int, Any]) -> None:
        self.machine, self.code, self.frame = machine, code, frame

    def __call__(self, *arguments: Any) -> Any:
        code = self.code
        if len(arguments) < len(code.params) or (
            code.rest is None and len(arguments) > len(code.params)
        ):
            raise SchemeError(condition("arity-error", code.name))
        frame = dict(self.frame)
        for local, value in zip(code.params, arguments, strict=False):
            frame[id(local)] = [value]
        if code.rest is not None:
            frame[id(code.rest)] = [to_list(arguments[len(code.params) :])]
        return self.machine.eval(code.body, frame)


class Evaluator:
    """Global variables by (library, name), and the evaluation of core forms."""

    def __init__(self) -> None:
        self.globals: dict[tuple[str, str], Any] = {
            ("%", name): p.function for name, p in TABLE.items()
        }
        self.globals["%", "apply"] = _apply
        for name, function in CONTROL.items():
            self.globals["perdure.control", name] = function

    def eval(self, node: Any, frame: dict[int, Any]) -> Any:
        return getattr(self, type(node).__name__)(node, frame)

    def Const(self, node: c.Const, _: Any) -> Any:
        return node.value

    def LocalRef(self, node: c.LocalRef, frame: Any) -> Any:
        value = frame[id(node.var)][0]
        assert value is not UNINITIALISED, node.var.name
        return value

    def GlobalRef(self, node: c.GlobalRef, _: Any) -> Any:
        return self.globals[node.library, node.name]

    def LocalSet(self, node: c.LocalSet, frame: Any) -> Any:
        assert node.var.assigned
        frame[id(node.var)][0] = self.eval(node.value, frame)
        return UNSPECIFIED

    def GlobalSet(self, node: c.GlobalSet, frame: Any) -> Any:
        assert (node.library, node.name) in self.globals
        self.globals[node.library, node.name] = self.eval(node.value, frame)
        return UNSPECIFIED

    def GlobalDefine(self, node: c.GlobalDefine, frame: Any) -> Any:
        self.globals[node.library, node.name] = self.eval(node.value, frame)
        return intern(node.name)

    def If(self, node: c.If, frame: Any) -> Any:
        chosen = node.otherwise if self.eval(node.test, frame) is None else node.then
        return self.eval(chosen, frame)

    def Lambda(self, node: c.Lambda, frame: Any) -> Any:
        return Closure(self, node, frame)

    def Seq(self, node: c.Seq, frame: Any) -> Any:
        for part in node.body[:-1]:
            self.eval(part, frame)
        return self.eval(node.body[-1], frame)

    def Let(self, node: c.Let, frame: Any) -> Any:
        inner = dict(frame)
        for local, value in node.bindings:
            inner[id(local)] = [self.eval(value, frame)]
        return self.eval(node.body, inner)

    def Letrec(self, node: c.Letrec, frame: Any) -> Any:
        inner = dict(frame)
        for local, _ in node.bindings:
            inner[id(local)] = [UNINITIALISED]
        for local, value in node.bindings:
            inner[id(local)][0] = self.eval(value, inner)
        return self.eval(node.body, inner)

    def Call(self, node: c.Call, frame: Any) -> Any:
        function = self.eval(node.function, frame)
        return function(*[self.eval(argument, frame) for argument in node.arguments])


LIBRARIES, INDEX = load_standard(PRIMITIVES)


def _extended_index() -> Any:
    """The index, with the procedures of lib/control.sld that this file stands in for."""
    for name in CONTROL:
        INDEX.exports.setdefault(name, ("perdure.control", name))
    return INDEX


RESOLVER = Resolver(primitives=PRIMITIVES, standard=_extended_index())


def run(source: str, *, resolver: Resolver = RESOLVER) -> Any:
    """Return the value of a program's last form."""
    program = expand_program(source, "test.scm", resolver=resolver)
    machine = Evaluator()
    for library, units in [*LIBRARIES, *((x.name, x.units) for x in program.libraries)]:
        if library == "perdure.control":
            continue
        for unit in units:
            machine.eval(unit.form, {})
    value: Any = UNSPECIFIED
    for unit in program.units:
        value = machine.eval(unit.form, {})
    return value


def shown(source: str, *, resolver: Resolver = RESOLVER) -> str:
    """Return the value of a program's last form as `write` prints it."""
    value = run(source, resolver=resolver)
    port = TABLE["open-output-string"].function()
    TABLE["write"].function(value, port)
    text: str = TABLE["get-output-string"].function(port).text
    return text
