"""Pairs and lists.

Layer: primitives. Imports values.
Invariant: no walk uses the stack, and every one ends on circular lists too.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from perdure.primitives import checks
from perdure.primitives.registry import primitive
from perdure.values.barrier import touch
from perdure.values.conditions import SchemeError, fail, wrong_type
from perdure.values.equality import equal, eqv
from perdure.values.lists import from_items, list_items, pairs_of, split_list
from perdure.values.numbers import check_number
from perdure.values.operations import add, multiply
from perdure.values.types import NIL, TRUE, UNSPECIFIED, Char, Pair, Singleton, Symbol


@primitive("cons")
def cons(obj1: Any, obj2: Any) -> Any:
    return Pair(obj1, obj2)


def _accessor(name: str) -> None:
    path = tuple(reversed(name[1:-1]))

    @primitive(name)
    def access(pair: Any) -> Any:
        found = pair
        for step in path:
            if type(found) is not Pair:
                raise wrong_type(name, "a pair" if found is pair else "a longer list", pair)
            found = found.car if step == "a" else found.cdr
        return found


for _length in (1, 2, 3, 4):
    for _letters in product("ad", repeat=_length):
        _accessor(f"c{''.join(_letters)}r")


@primitive("set-car!")
def set_car(pair: Any, obj: Any) -> Any:
    checks.pair("set-car!", pair)
    if pair.oid:
        touch(pair)
    pair.car = obj
    return UNSPECIFIED


@primitive("set-cdr!")
def set_cdr(pair: Any, obj: Any) -> Any:
    checks.pair("set-cdr!", pair)
    if pair.oid:
        touch(pair)
    pair.cdr = obj
    return UNSPECIFIED


@primitive("pair?")
def is_pair(obj: Any) -> Any:
    return TRUE if type(obj) is Pair else None


@primitive("null?")
def is_null(obj: Any) -> Any:
    return TRUE if obj is NIL else None


@primitive("list?", "proper-list?")
def is_list(obj: Any) -> Any:
    try:
        for _ in pairs_of("list?", obj):
            pass
    except SchemeError:
        return None
    return TRUE


# -- making lists --------------------------------------------------------------------------


@primitive("list")
def make_list_of(*obj: Any) -> Any:
    return from_items(obj)


@primitive("cons*", "list*")
def cons_star(obj: Any, *more: Any) -> Any:
    return from_items((obj, *more[:-1]), more[-1]) if more else obj


@primitive("make-list")
def make_list(k: Any, fill: Any = UNSPECIFIED) -> Any:
    result: Any = NIL
    for _ in range(checks.size("make-list", k)):
        result = Pair(fill, result)
    return result


@primitive("iota")
def iota(count: Any, start: Any = 0, step: Any = 1) -> Any:
    size = checks.size("iota", count)
    check_number("iota", start)
    check_number("iota", step)
    # The first is the start itself, exact as it is: 0 * -0.1 would make it a float.
    return from_items([add(start, multiply(i, step)) if i else start for i in range(size)])


@primitive("list-copy")
def list_copy(obj: Any) -> Any:
    copied, rest = split_list(obj)
    if type(rest) is Pair:
        raise wrong_type("list-copy", "a list that is not circular", obj)
    return from_items(copied, rest)


@primitive("append")
def append(*lists: Any) -> Any:
    if not lists:
        return NIL
    parts = [list_items("append", part) for part in lists[:-1]]
    result = lists[-1]
    for part in reversed(parts):
        result = from_items(part, result)
    return result


def _list_pairs(procedure: str, argument: Any) -> list[Pair]:
    return [*pairs_of(procedure, argument)]


@primitive("append!")
def append_in_place(*lists: Any) -> Any:
    parts = [part for part in lists[:-1] if part is not NIL]
    lasts = [_list_pairs("append!", part)[-1] for part in parts]
    parts += lists[-1:]
    for last in lasts:
        if last.oid:
            touch(last)
    for i, last in enumerate(lasts):
        last.cdr = parts[i + 1]
    return parts[0] if parts else NIL


@primitive("reverse", "append-reverse")
def reverse(list: Any, tail: Any = NIL) -> Any:
    result = tail
    for item in list_items("reverse", list):
        result = Pair(item, result)
    return result


@primitive("reverse!", "append-reverse!")
def reverse_in_place(list: Any, tail: Any = NIL) -> Any:
    pairs = _list_pairs("reverse!", list)
    for each in pairs:
        if each.oid:
            touch(each)
    for each in pairs:
        each.cdr = tail
        tail = each
    return tail


# -- looking at lists ----------------------------------------------------------------------


@primitive("length")
def length(list: Any) -> Any:
    return len(list_items("length", list))


@primitive("length+")
def length_or_false(list: Any) -> Any:
    found, rest = split_list(list)
    return None if type(rest) is Pair else len(found)


_LONG_WALK = 1_000_000
"""A walk of more steps is taken only along a list that ends."""


def _steps(procedure: str, argument: Any, k: Any) -> int:
    """Return how many pairs to go along a list; R7RS allows a circular one in list-ref."""
    steps = checks.count(procedure, k)
    if steps > _LONG_WALK and type(split_list(argument)[1]) is Pair:
        raise wrong_type(procedure, "a list that is not circular", argument)
    return steps


def _tail(procedure: str, argument: Any, k: Any) -> Any:
    steps = _steps(procedure, argument, k)
    rest = argument
    for done in range(steps):
        if type(rest) is not Pair:
            if rest is NIL:
                raise checks.out_of_range(procedure, steps, done)
            raise wrong_type(procedure, "a list", argument)
        rest = rest.cdr
    return rest


def _nth(procedure: str, argument: Any, k: Any) -> Pair:
    rest = _tail(procedure, argument, k)
    if type(rest) is not Pair:
        if rest is NIL and (argument is NIL or type(argument) is Pair):
            raise checks.out_of_range(procedure, k, k, most=k - 1)
        raise wrong_type(procedure, "a list", argument)
    return rest


def _head(procedure: str, argument: Any, k: Any) -> Any:
    items = []
    rest = argument
    for done in range(_steps(procedure, argument, k)):
        if type(rest) is not Pair:
            if rest is NIL:
                raise checks.out_of_range(procedure, k, done)
            raise wrong_type(procedure, "a list", argument)
        items.append(rest.car)
        rest = rest.cdr
    return from_items(items)


@primitive("list-tail")
def list_tail(list: Any, k: Any) -> Any:
    return _tail("list-tail", list, k)


@primitive("drop")
def drop(list: Any, k: Any) -> Any:
    return _tail("drop", list, k)


@primitive("list-head")
def list_head(list: Any, k: Any) -> Any:
    return _head("list-head", list, k)


@primitive("take")
def take(list: Any, k: Any) -> Any:
    return _head("take", list, k)


@primitive("list-ref")
def list_ref(list: Any, k: Any) -> Any:
    return _nth("list-ref", list, k).car


@primitive("list-set!")
def list_set(list: Any, k: Any, obj: Any) -> Any:
    place = _nth("list-set!", list, k)
    if place.oid:
        touch(place)
    place.car = obj
    return UNSPECIFIED


@primitive("last-pair")
def last_pair(pair: Any) -> Any:
    rest = checks.pair("last-pair", pair)
    _, end = split_list(pair)
    if type(end) is Pair:
        raise wrong_type("last-pair", "a list that is not circular", pair)
    while type(rest.cdr) is Pair:
        rest = rest.cdr
    return rest


@primitive("last")
def last(pair: Any) -> Any:
    return last_pair(pair).car


def _position(name: str, k: int) -> None:
    @primitive(name)
    def access(list: Any) -> Any:
        return _nth(name, list, k).car


for _k, _name in enumerate(("first", "second", "third", "fourth", "fifth")):
    _position(_name, _k)


# -- searching -----------------------------------------------------------------------------


_SAME_OBJECT = frozenset({Symbol, Char, Singleton, type(None), type(...)})
"""Types whose values are alike only if they are the same object: what lists are searched for in most programs."""

_SHORT = range(100)
"""So far a search for such a value goes without a watch for circles; then it begins anew, with one."""


def _search(name: str, same: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def member(obj: Any, list: Any) -> Any:
        if type(obj) in _SAME_OBJECT:
            rest = list
            for _ in _SHORT:
                if type(rest) is not Pair:
                    break
                if rest.car is obj:
                    return rest
                rest = rest.cdr
            if rest is NIL:
                return None
        for each in pairs_of(name, list):
            found = each.car
            if found is obj or same(found, obj):
                return each
        return None

    return member


def _lookup(name: str, same: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def assoc(obj: Any, alist: Any) -> Any:
        if type(obj) in _SAME_OBJECT:
            rest = alist
            for _ in _SHORT:
                if type(rest) is not Pair or type(rest.car) is not Pair:
                    break
                if rest.car.car is obj:
                    return rest.car
                rest = rest.cdr
            if rest is NIL:
                return None
        for each in pairs_of(name, alist):
            entry = each.car
            if type(entry) is not Pair:
                raise fail(
                    "type-error", f"{name}: expected a list of pairs, found the element", entry
                )
            found = entry.car
            if found is obj or same(found, obj):
                return entry
        return None

    return assoc


for _name, _same in (("memq", eqv), ("memv", eqv), ("member", equal)):
    primitive(_name)(_search(_name, _same))
for _name, _same in (("assq", eqv), ("assv", eqv), ("assoc", equal)):
    primitive(_name)(_lookup(_name, _same))


@primitive("delete")
def delete(obj: Any, list: Any) -> Any:
    return from_items([x for x in list_items("delete", list) if not equal(x, obj)])


@primitive("delq", "delv")
def delete_same(obj: Any, list: Any) -> Any:
    return from_items([x for x in list_items("delq", list) if not eqv(x, obj)])
