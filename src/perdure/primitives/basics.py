"""Booleans, equivalence, symbols, boxes, multiple values, promises, and what fits nowhere else.

Layer: primitives. Imports values.
Invariant: none of these depends on anything but its arguments: what does (time, random, ids) is
the machine's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from perdure.base.features import FEATURES
from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.barrier import touch
from perdure.values.conditions import fail, wrong_type
from perdure.values.equality import equal, eqv
from perdure.values.lists import from_items
from perdure.values.types import (
    DEFAULT,
    EOF,
    TRUE,
    UNSPECIFIED,
    Box,
    Pair,
    Promise,
    String,
    Symbol,
    Values,
    intern,
)

# -- booleans and equivalence --------------------------------------------------------------


@primitive("not")
def negation(obj: Any) -> Any:
    return TRUE if obj is None else None


@primitive("boolean?")
def is_boolean(obj: Any) -> Any:
    return TRUE if obj is None or obj is TRUE else None


@primitive("boolean=?")
def same_booleans(boolean1: Any, boolean2: Any, *more: Any) -> Any:
    row = (boolean1, boolean2, *more)
    for each in row:
        if each is not None and each is not TRUE:
            raise wrong_type("boolean=?", "a boolean", each)
    return TRUE if all(each is boolean1 for each in row) else None


@primitive("eq?", "eqv?")
def equivalent(obj1: Any, obj2: Any) -> Any:
    return TRUE if eqv(obj1, obj2) else None


@primitive("equal?")
def is_equal(obj1: Any, obj2: Any) -> Any:
    return TRUE if equal(obj1, obj2) else None


@primitive("procedure?")
def is_procedure(obj: Any) -> Any:
    return TRUE if callable(obj) else None


@primitive("default-object?", "%default?")
def is_default(obj: Any) -> Any:
    return TRUE if obj is DEFAULT else None


@primitive("void")
def void(*_ignored: Any) -> Any:
    return UNSPECIFIED


@primitive("eof-object")
def eof_object() -> Any:
    return EOF


@primitive("eof-object?")
def is_eof(obj: Any) -> Any:
    return TRUE if obj is EOF else None


@primitive("features")
def features() -> Any:
    return from_items([intern(name) for name in FEATURES])


# -- symbols -------------------------------------------------------------------------------


@primitive("symbol?")
def is_symbol(obj: Any) -> Any:
    return TRUE if type(obj) is Symbol else None


@primitive("symbol->string")
def symbol_to_string(symbol: Any) -> Any:
    return String(checks.symbol_name("symbol->string", symbol))


@primitive("string->symbol", "intern")
def string_to_symbol(string: Any) -> Any:
    return intern(checks.text("string->symbol", string))


@primitive("string->uninterned-symbol")
def uninterned(string: Any) -> Any:
    return Symbol(checks.text("string->uninterned-symbol", string))


@primitive("generate-uninterned-symbol", "gensym")
def generate_symbol(prefix: Any = DEFAULT) -> Any:
    # No number in the name: a counter would be state that a saved run does not hold.
    if prefix is DEFAULT:
        return Symbol("g")
    return Symbol(prefix.name if type(prefix) is Symbol else checks.text("gensym", prefix))


@primitive("symbol-append")
def symbol_append(*symbols: Any) -> Any:
    return intern("".join([checks.symbol_name("symbol-append", each) for each in symbols]))


@primitive("symbol=?")
def same_symbols(symbol1: Any, symbol2: Any, *more: Any) -> Any:
    row = (symbol1, symbol2, *more)
    for each in row:
        checks.symbol_name("symbol=?", each)
    return TRUE if all(each is symbol1 for each in row) else None


@primitive("symbol<?")
def symbols_ordered(symbol1: Any, symbol2: Any, *more: Any) -> Any:
    names = [checks.symbol_name("symbol<?", each) for each in (symbol1, symbol2, *more)]
    return TRUE if all(a < b for a, b in pairwise(names)) else None


# -- boxes (SRFI 111) ----------------------------------------------------------------------


def _box(procedure: str, x: Any) -> Box:
    if type(x) is not Box:
        raise wrong_type(procedure, "a box", x)
    return x


@primitive("box")
def make_box(obj: Any) -> Any:
    return Box(obj)


@primitive("box?")
def is_box(obj: Any) -> Any:
    return TRUE if type(obj) is Box else None


@primitive("unbox")
def unbox(box: Any) -> Any:
    return _box("unbox", box).contents


@primitive("set-box!")
def set_box(box: Any, obj: Any) -> Any:
    _box("set-box!", box)
    if box.oid:
        touch(box)
    box.contents = obj
    return UNSPECIFIED


# -- multiple values -----------------------------------------------------------------------


@primitive("values")
def values(*obj: Any) -> Any:
    return obj[0] if len(obj) == 1 else Values(obj)


@primitive("%values->list")
def values_to_list(obj: Any) -> Any:
    return from_items(obj.returned if type(obj) is Values else (obj,))


# -- promises ------------------------------------------------------------------------------
# `state` is a box that a chain of promises shares; it holds (forced? . value-or-thunk), a new
# pair at each change.


def _promise(procedure: str, x: Any) -> Pair:
    if type(x) is not Promise:
        raise wrong_type(procedure, "a promise", x)
    return x.state.contents  # type: ignore[no-any-return]


@primitive("promise?")
def is_promise(obj: Any) -> Any:
    return TRUE if type(obj) is Promise else None


@primitive("make-promise")
def make_promise(obj: Any) -> Any:
    return obj if type(obj) is Promise else Promise(Box(Pair(TRUE, obj)))


@primitive("%make-promise")
def make_promise_state(forced: Any, value: Any) -> Any:
    return Promise(Box(Pair(forced, value)))


@primitive("%promise-forced?")
def is_forced(promise: Any) -> Any:
    return TRUE if _promise("force", promise).car is not None else None


@primitive("%promise-value")
def promise_value(promise: Any) -> Any:
    return _promise("force", promise).cdr


@primitive("%promise-update!")
def promise_update(new: Any, old: Any) -> Any:
    state = _promise("force", new)
    _promise("force", old)
    if old.state.oid:
        touch(old.state)
    if new.oid:
        touch(new)
    old.state.contents = state
    new.state = old.state
    return UNSPECIFIED


@primitive("%fail")
def fail_with(kind: Any, message: Any, *irritants: Any) -> Any:
    name = checks.symbol_name("%fail", kind)
    if name not in (
        "type-error",
        "range-error",
        "arity-error",
        "divide-error",
        "quota-error",
    ):
        raise fail("range-error", "%fail: unknown kind of error:", kind)
    raise fail(name, checks.text("%fail", message), *irritants)
