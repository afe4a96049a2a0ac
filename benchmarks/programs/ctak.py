"""Takeuchi's function with an escape at every level. Python has exceptions for it, which can only escape upward, once."""

from benchmarks.programs.data import Escape


def ctak(x, y, z):
    escape = Escape()
    try:
        return ctak_aux(escape, x, y, z)
    except Escape as caught:
        if caught is not escape:
            raise
        return caught.value


def ctak_aux(escape, x, y, z):
    if not y < x:
        escape.value = z
        raise escape
    return ctak_aux(escape, ctak(x - 1, y, z), ctak(y - 1, z, x), ctak(z - 1, x, y))
