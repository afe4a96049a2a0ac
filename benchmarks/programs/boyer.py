"""A rewriting theorem prover after Boyer and Moore, with lemmas of our own: association lists, much consing.

The lemmas and terms are read from the Scheme program, so that both prove the same.
"""

from pathlib import Path

from benchmarks.programs.data import Pair
from benchmarks.programs.reading import quoted

_QUOTED = quoted(Path(__file__).with_suffix(".scm").read_text())
LEMMAS = _QUOTED["lemmas"]
THEOREM = _QUOTED["theorem"]
TERMS = _QUOTED["terms"]

count = 0


def assq(key, pairs):
    while pairs is not None:
        if pairs.car.car is key:
            return pairs.car
        pairs = pairs.cdr
    return None


def is_equal(a, b):
    while type(a) is Pair:
        if type(b) is not Pair or not is_equal(a.car, b.car):
            return False
        a, b = a.cdr, b.cdr
    return a is b


def member(item, items):
    while items is not None:
        if is_equal(item, items.car):
            return True
        items = items.cdr
    return False


NOTHING = Pair(Pair(True, True), None)


def match(term, pattern, bound):
    if bound is None:
        return None
    if type(pattern) is Pair:
        if type(term) is Pair and term.car is pattern.car:
            return match_all(term.cdr, pattern.cdr, bound)
        return None
    known = assq(pattern, bound)
    if known is not None:
        return bound if is_equal(known.cdr, term) else None
    return Pair(Pair(pattern, term), bound)


def match_all(terms, patterns, bound):
    while True:
        if bound is None:
            return None
        if patterns is None:
            return bound if terms is None else None
        if terms is None:
            return None
        bound = match(terms.car, patterns.car, bound)
        terms, patterns = terms.cdr, patterns.cdr


def substitute(bound, term):
    if type(term) is Pair:
        return Pair(term.car, substitute_all(bound, term.cdr))
    known = assq(term, bound)
    return known.cdr if known is not None else term


def substitute_all(bound, terms):
    if terms is None:
        return None
    return Pair(substitute(bound, terms.car), substitute_all(bound, terms.cdr))


def rewrite(term):
    if type(term) is not Pair:
        return term
    inner = Pair(term.car, rewrite_all(term.cdr))
    known = assq(term.car, LEMMAS)
    return rewrite_by(inner, known.cdr) if known is not None else inner


def rewrite_all(terms):
    if terms is None:
        return None
    return Pair(rewrite(terms.car), rewrite_all(terms.cdr))


def rewrite_by(term, rules):
    global count
    while rules is not None:
        bound = match(term, rules.car.car, NOTHING)
        if bound is not None:
            count += 1
            return rewrite(substitute(bound, rules.car.cdr.car))
        rules = rules.cdr
    return term


TRUE, FALSE = Pair("t", None), Pair("f", None)


def holds(term, true, false):
    while True:
        if is_equal(term, TRUE) or member(term, true):
            return True
        if is_equal(term, FALSE) or member(term, false):
            return False
        if not (type(term) is Pair and term.car == "if"):
            return False
        test = term.cdr.car
        then = term.cdr.cdr.car
        otherwise = term.cdr.cdr.cdr.car
        if is_equal(test, TRUE) or member(test, true):
            term = then
        elif is_equal(test, FALSE) or member(test, false):
            term = otherwise
        else:
            if not holds(then, Pair(test, true), false):
                return False
            term, false = otherwise, Pair(test, false)


def boyer(times):
    global count
    count = 0
    found = None
    while times != 0:
        found = holds(rewrite(substitute(TERMS, THEOREM)), None, None)
        times -= 1
    return [found, count]
