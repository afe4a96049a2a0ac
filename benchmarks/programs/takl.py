"""Takeuchi's function on lists: a number is a list of that length."""

from benchmarks.programs.data import Pair, length


def count_down(n):
    return None if n == 0 else Pair(n, count_down(n - 1))


def shorter(x, y):
    while y is not None:
        if x is None:
            return True
        x, y = x.cdr, y.cdr
    return False


def mas(x, y, z):
    if shorter(y, x):
        return mas(mas(x.cdr, y, z), mas(y.cdr, z, x), mas(z.cdr, x, y))
    return z


def takl(x, y, z):
    return length(mas(count_down(x), count_down(y), count_down(z)))
