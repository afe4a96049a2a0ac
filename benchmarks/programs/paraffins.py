"""All paraffins of n carbon atoms: radicals of each size, in lists of pairs, joined at a bond or around an atom."""

from benchmarks.programs.data import Pair, length


class Radical:
    __slots__ = ("a", "b", "c")

    def __init__(self, a, b, c):
        self.a = a
        self.b = b
        self.c = c


def three_of(m, radicals, make, found):
    i = 0
    while 3 * i <= m:
        j = i
        while i + j + j <= m:
            k = m - i - j
            if k >= j:
                found = draw_three(i, j, k, radicals, make, found)
            j += 1
        i += 1
    return found


def draw_three(i, j, k, radicals, make, found):
    a = radicals[i]
    while a is not None:
        b = a if i == j else radicals[j]
        while b is not None:
            c = b if j == k else radicals[k]
            while c is not None:
                found = Pair(make(a.car, b.car, c.car), found)
                c = c.cdr
            b = b.cdr
        a = a.cdr
    return found


def radicals_up_to(n):
    radicals = [Pair("hydrogen", None)] * (n + 1)
    for size in range(1, n + 1):
        radicals[size] = three_of(size - 1, radicals, Radical, None)
    return radicals


def bond_centred(n, radicals):
    found = None
    if n % 2 == 1:
        return found
    first = radicals[n // 2]
    while first is not None:
        second = first
        while second is not None:
            found = Pair(Pair(first.car, second.car), found)
            second = second.cdr
        first = first.cdr
    return found


def atom_centred(n, radicals):
    found = None
    for size in range((n - 1) // 2 + 1):
        largest = radicals[size]
        while largest is not None:
            found = smaller_three(n - 1 - size, size, largest, radicals, found)
            largest = largest.cdr
    return found


def smaller_three(m, size, largest, radicals, found):
    i = 0
    while 3 * i <= m:
        j = i
        while i + j + j <= m:
            k = m - i - j
            if not (k < j or k > size):
                found = draw_smaller(i, j, k, size, largest, radicals, found)
            j += 1
        i += 1
    return found


def draw_smaller(i, j, k, size, largest, radicals, found):
    def drawn_from(s):
        return largest if s == size else radicals[s]

    c = drawn_from(k)
    while c is not None:
        b = c if j == k else drawn_from(j)
        while b is not None:
            a = b if i == j else drawn_from(i)
            while a is not None:
                found = Pair([a.car, b.car, c.car, largest.car], found)
                a = a.cdr
            b = b.cdr
        c = c.cdr
    return found


def paraffins(n):
    radicals = radicals_up_to(n // 2)
    return [length(bond_centred(n, radicals)), length(atom_centred(n, radicals))]
