"""Equality of trees, long lists and vectors that are alike; iterative, since lists are longer than Python's stack."""

from benchmarks.programs.data import Pair, items


def make_tree(depth):
    if depth == 0:
        return Pair("leaf", None)
    return Pair(make_tree(depth - 1), make_tree(depth - 1))


def make_items(n):
    made = None
    while n != 0:
        made = Pair(n, made)
        n -= 1
    return made


def is_equal(first, second):
    work = [(first, second)]
    while work:
        a, b = work.pop()
        while type(a) is Pair and type(b) is Pair:
            if type(a.car) is Pair or type(a.car) is list:
                work.append((a.car, b.car))
            elif a.car != b.car:
                return False
            a, b = a.cdr, b.cdr
        if type(a) is list:
            if type(b) is not list or len(a) != len(b):
                return False
            for x, y in zip(a, b, strict=True):
                if type(x) is Pair or type(x) is list:
                    work.append((x, y))
                elif x != y:
                    return False
        elif a != b:
            return False
    return True


def alike(times, a, b):
    found = 0
    while times != 0:
        if is_equal(a, b):
            found += 1
        times -= 1
    return found


def equal(times, n):
    return (
        alike(times, make_tree(10), make_tree(10))
        + alike(times, make_items(n), make_items(n))
        + alike(times, list(items(make_items(n))), list(items(make_items(n))))
    )
