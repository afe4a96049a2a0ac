"""Fibonacci numbers by double recursion, on floats."""


def fibfp(n):
    return n if n < 2.0 else fibfp(n - 1.0) + fibfp(n - 2.0)
