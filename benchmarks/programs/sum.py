"""Counting loops: over integers, again and again, and down over floats."""


def sum_to(n):
    found = 0
    i = n
    while i >= 0:
        found += i
        i -= 1
    return found


def sum(times, n):  # noqa: A001 - named as its twin in Scheme
    found = 0
    while times != 0:
        found += sum_to(n)
        times -= 1
    return found


def sumfp(n):
    found = 0.0
    i = n
    while i >= 0.0:
        found += i
        i -= 1.0
    return found
