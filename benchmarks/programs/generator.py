"""Python's generators: one that walks a tree, and two whose leaves are compared as they come."""

from itertools import zip_longest

from benchmarks.programs.data import Pair


def make_tree(first, last):
    if first == last:
        return first
    middle = (first + last) // 2
    return Pair(make_tree(first, middle), make_tree(middle + 1, last))


def make_vine(first, last):
    return first if first == last else Pair(first, make_vine(first + 1, last))


def leaves(tree):
    if type(tree) is Pair:
        yield from leaves(tree.car)
        yield from leaves(tree.cdr)
    else:
        yield tree


def generator(n):
    found = 0
    for leaf in leaves(make_tree(1, n)):
        found += leaf
    return found


def same_fringe(n):
    return all(a == b for a, b in zip_longest(leaves(make_tree(1, n)), leaves(make_vine(1, n))))
