"""Recursion that is not a loop; Python's limit has to be lifted for it."""


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)
