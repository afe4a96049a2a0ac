"""Building lists, adding up their items, and `map`."""

from benchmarks.programs.data import Pair, reverse


def build(n):
    made = None
    while n > 0:
        made = Pair(n, made)
        n -= 1
    return made


def total(items):
    found = 0
    while items is not None:
        found += items.car
        items = items.cdr
    return found


def map_pairs(function, items):
    made = None
    while items is not None:
        made = Pair(function(items.car), made)
        items = items.cdr
    return reverse(made)


def twice(items):
    return map_pairs(lambda item: item * 2, items)


def lists(n):
    return total(build(n))


def mapped(n):
    return total(twice(build(n)))
