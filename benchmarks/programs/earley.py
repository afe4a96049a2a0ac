"""Earley's algorithm on an ambiguous grammar: lists of items, and how many parses there are."""

from benchmarks.programs.data import Pair, from_items, items, length

RULES = [
    [0, from_items([0, "plus", 0])],
    [0, from_items([0, "times", 0])],
    [0, from_items([1])],
    [1, from_items(["name"])],
    [1, from_items(["open", 0, "close"])],
]


def same_item(a, b):
    return a[2] == b[2] and a[1] is b[1] and a[0] is b[0]


def known(item, pairs):
    while pairs is not None:
        if same_item(item, pairs.car):
            return True
        pairs = pairs.cdr
    return False


def add(item, agenda, seen):
    return agenda if known(item, seen) or known(item, agenda) else Pair(item, agenda)


def predict(symbol, position, agenda, seen):
    for rule in RULES:
        if rule[0] == symbol:
            agenda = add([rule, rule[1], position], agenda, seen)
    return agenda


def advance_those_waiting_for(symbol, pairs, agenda, seen):
    while pairs is not None:
        waiting = pairs.car
        rest = waiting[1]
        if rest is not None and rest.car == symbol:
            agenda = add([waiting[0], rest.cdr, waiting[2]], agenda, seen)
        pairs = pairs.cdr
    return agenda


def close(agenda, position, sets):
    seen = None
    while agenda is not None:
        now = agenda.car
        rest = now[1]
        seen = Pair(now, seen)
        agenda = agenda.cdr
        if rest is None:
            agenda = advance_those_waiting_for(now[0][0], sets[now[2]], agenda, seen)
        elif type(rest.car) is int:
            agenda = predict(rest.car, position, agenda, seen)
    sets[position] = seen


def scan(token, pairs):
    agenda = None
    while pairs is not None:
        now = pairs.car
        rest = now[1]
        if rest is not None and rest.car is token:
            agenda = Pair([now[0], rest.cdr, now[2]], agenda)
        pairs = pairs.cdr
    return agenda


def parse(tokens):
    n = length(tokens)
    sets = [None] * (n + 1)
    close(predict(0, 0, None, None), 0, sets)
    position = 0
    while tokens is not None:
        close(scan(tokens.car, sets[position]), position + 1, sets)
        tokens = tokens.cdr
        position += 1
    return sets


def ways(symbols, first, last, tokens):
    while True:
        if symbols is None:
            return 1 if first == last else 0
        symbol = symbols.car
        if type(symbol) is not str:
            break
        if not (first < last and symbol is tokens[first]):
            return 0
        symbols = symbols.cdr
        first += 1
    middle = first + 1
    found = 0
    while middle <= last:
        rest = ways(symbols.cdr, middle, last, tokens)
        if rest != 0:
            found += rest * ways_of(symbol, first, middle, tokens)
        middle += 1
    return found


def ways_of(symbol, first, last, tokens):
    found = 0
    for rule in RULES:
        if rule[0] == symbol:
            found += ways(rule[1], first, last, tokens)
    return found


def sentence(n):
    if n == 0:
        return Pair("name", None)
    return Pair("name", Pair("plus" if n % 2 == 0 else "times", sentence(n - 1)))


def earley(long, short):
    found = sum(length(seen) for seen in parse(sentence(long)))
    return [found, ways_of(0, 0, short + short + 1, list(items(sentence(short))))]
