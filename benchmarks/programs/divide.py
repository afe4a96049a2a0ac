"""Division by two of numbers that are lists of that length: by iteration, and by recursion."""

from benchmarks.programs.data import Pair, length


def make(n):
    made = None
    while n != 0:
        made = Pair(None, made)
        n -= 1
    return made


def halve_by_loop(items):
    made = None
    while items is not None:
        made = Pair(items.car, made)
        items = items.cdr.cdr
    return made


def halve_by_recursion(items):
    if items is None:
        return None
    return Pair(items.car, halve_by_recursion(items.cdr.cdr))


def repeat(times, halve, items):
    found = 0
    while times != 0:
        found += length(halve(items))
        times -= 1
    return found


def diviter(times, n):
    return repeat(times, halve_by_loop, make(n))


def divrec(times, n):
    return repeat(times, halve_by_recursion, make(n))
