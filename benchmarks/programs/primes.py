"""The sieve of Eratosthenes on lists: every prime strikes its multiples out of the rest."""

from benchmarks.programs.data import Pair, items


def numbers(first, last):
    return None if first > last else Pair(first, numbers(first + 1, last))


def strike(prime, rest):
    while rest is not None:
        if rest.car % prime != 0:
            return Pair(rest.car, strike(prime, rest.cdr))
        rest = rest.cdr
    return None


def sieve(rest):
    return None if rest is None else Pair(rest.car, sieve(strike(rest.car, rest.cdr)))


def primes(n):
    return sum(items(sieve(numbers(2, n))))
