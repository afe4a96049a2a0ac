"""Promises as Python has to write them: an object with a function, called once; a chain of them is followed in a loop."""

from benchmarks.programs.data import Pair


class Promise:
    __slots__ = ("forced", "value")

    def __init__(self, forced, value):
        self.forced = forced
        self.value = value


class Lazy:
    __slots__ = ("promise",)

    def __init__(self, promise):
        self.promise = promise


def delay(function):
    return Lazy(Promise(False, lambda: Lazy(Promise(True, function()))))


def delay_force(function):
    return Lazy(Promise(False, function))


def force(lazy):
    while not lazy.promise.forced:
        found = lazy.promise.value()
        if not lazy.promise.forced:
            lazy.promise.forced = found.promise.forced
            lazy.promise.value = found.promise.value
            found.promise = lazy.promise
    return lazy.promise.value


def numbers(n):
    return delay(lambda: Pair(n, numbers(n + 1)))


def streams(n):
    stream, found = numbers(1), 0
    while True:
        pair = force(stream)
        if pair.car > n:
            return found
        stream = pair.cdr
        found += pair.car


def count_down(n):
    return delay_force(lambda: delay(lambda: "done") if n == 0 else count_down(n - 1))


def forced_loop(n):
    return force(count_down(n))
