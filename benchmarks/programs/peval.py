"""A partial evaluator of a small language: it unfolds calls with what is known. Association lists, symbols.

The programs and examples are read from the Scheme program, so that both evaluate the same.
"""

from pathlib import Path

from benchmarks.programs.data import Pair
from benchmarks.programs.reading import quoted

_QUOTED = quoted(Path(__file__).with_suffix(".scm").read_text())
PROGRAMS = _QUOTED["programs"]
EXAMPLES = _QUOTED["examples"]


def assq(key, pairs):
    while pairs is not None:
        if pairs.car.car is key:
            return pairs.car
        pairs = pairs.cdr
    return None


def is_known(e):
    return type(e) is int or (type(e) is Pair and e.car == "quote")


def value_of(e):
    return e.cdr.car if type(e) is Pair else e


def constant(v):
    return v if type(v) is int else Pair("quote", Pair(v, None))


def lookup(name, bound):
    found = assq(name, bound)
    return name if found is None else found.cdr


def bind(names, values, bound):
    if names is None:
        return bound
    return Pair(Pair(names.car, values.car), bind(names.cdr, values.cdr, bound))


def reduce_all(es, bound):
    if es is None:
        return None
    return Pair(reduce(es.car, bound), reduce_all(es.cdr, bound))


def apply_operator(operator, a, b):
    if operator == "+":
        return a + b
    if operator == "-":
        return a - b
    if operator == "*":
        return a * b
    if operator == "=":
        return a == b
    raise ValueError(operator)


def simplify(operator, a, b):
    if operator == "+" and a == 0:
        return b
    if operator == "+" and b == 0:
        return a
    if operator == "*" and a == 1:
        return b
    if operator == "*" and b == 1:
        return a
    if operator == "*" and (a == 0 or b == 0):
        return 0
    return Pair(operator, Pair(a, Pair(b, None)))


def reduce(e, bound):
    if type(e) is str:
        return lookup(e, bound)
    if is_known(e):
        return e
    operator = e.car
    if operator == "if":
        return reduce_if(e.cdr.car, e.cdr.cdr.car, e.cdr.cdr.cdr.car, bound)
    if operator == "null":
        v = reduce(e.cdr.car, bound)
        if is_known(v):
            return constant(1 if value_of(v) is None else 0)
        return Pair("null", Pair(v, None))
    if operator in ("car", "cdr"):
        v = reduce(e.cdr.car, bound)
        if not is_known(v):
            return Pair(operator, Pair(v, None))
        return constant(value_of(v).car if operator == "car" else value_of(v).cdr)
    if operator in ("+", "-", "*", "="):
        a = reduce(e.cdr.car, bound)
        b = reduce(e.cdr.cdr.car, bound)
        if is_known(a) and is_known(b):
            v = apply_operator(operator, value_of(a), value_of(b))
            return int(v) if type(v) is bool else v
        return simplify(operator, a, b)
    return reduce_call(operator, reduce_all(e.cdr, bound))


def reduce_if(test, then, otherwise, bound):
    v = reduce(test, bound)
    if not is_known(v):
        branches = Pair(reduce(then, bound), Pair(reduce(otherwise, bound), None))
        return Pair("if", Pair(v, branches))
    return reduce(otherwise if value_of(v) == 0 else then, bound)


def reduce_call(name, arguments):
    found = assq(name, PROGRAMS)
    if found is not None and some_known(arguments):
        return reduce(found.cdr.cdr.car, bind(found.cdr.car, arguments, None))
    return Pair(name, arguments)


def some_known(es):
    while es is not None:
        if is_known(es.car):
            return True
        es = es.cdr
    return False


def size(e):
    if type(e) is Pair:
        return size(e.car) + size(e.cdr)
    return 0 if e is None else 1


def peval(times):
    found = 0
    while times != 0:
        examples = EXAMPLES
        while examples is not None:
            found += size(reduce(examples.car, None))
            examples = examples.cdr
        times -= 1
    return found
