"""The Python side of the language benchmarks: what a Python programmer would write with the same data structures."""

from __future__ import annotations

from typing import Any


class Pair:
    """A pair as Python has it: slots and `__init__`."""

    __slots__ = ("car", "cdr")

    def __init__(self, car: Any, cdr: Any) -> None:
        self.car = car
        self.cdr = cdr


class Text:
    """A mutable string: a box with a Python string."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Escape(Exception):
    """A one-shot, upward continuation; what Python has in place of `call/cc`."""

    value: Any = None


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def tak(x, y, z):
    if not y < x:
        return z
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y))


def iota(n):
    made = None
    while n > 0:
        made = Pair(n, made)
        n -= 1
    return made


build = iota


def append(first, second):
    if first is None:
        return second
    return Pair(first.car, append(first.cdr, second))


def safe(row, distance, placed):
    while placed is not None:
        queen = placed.car
        if queen == row + distance or queen == row - distance or queen == row:
            return False
        distance += 1
        placed = placed.cdr
    return True


def try_rows(rows, tried, placed):
    if rows is None:
        return 1 if tried is None else 0
    found = 0
    if safe(rows.car, 1, placed):
        found = try_rows(append(rows.cdr, tried), None, Pair(rows.car, placed))
    return found + try_rows(rows.cdr, Pair(rows.car, tried), placed)


def queens(n):
    return try_rows(iota(n), None, None)


def total(items):
    found = 0
    while items is not None:
        found += items.car
        items = items.cdr
    return found


def reverse(items):
    made = None
    while items is not None:
        made = Pair(items.car, made)
        items = items.cdr
    return made


def map_list(function, items):
    made = None
    while items is not None:
        made = Pair(function(items.car), made)
        items = items.cdr
    return reverse(made)


def twice(items):
    return map_list(lambda item: item * 2, items)


def append_strings(n):
    made = Text("")
    for _ in range(n):
        made = Text(made.text + "x")
    return len(made.text)


class Port:
    """An output port: pieces that are joined in the end."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        self.pieces: list[str] = []


def write_text(text, port):
    port.pieces.append(text.text)


def port_strings(n):
    port = Port()
    i = 0
    while i < n:
        write_text(Text(str(i)), port)
        i += 1
    return len(Text("".join(port.pieces)).text)


def ctak(x, y, z):
    escape = Escape()
    try:
        return ctak_aux(escape, x, y, z)
    except Escape as caught:
        if caught is not escape:
            raise
        return caught.value


def _ctak_within(x, y, z):
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
    return ctak_aux(
        escape,
        _ctak_within(x - 1, y, z),
        _ctak_within(y - 1, z, x),
        _ctak_within(z - 1, x, y),
    )


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)
