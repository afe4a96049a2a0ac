"""How many ways there are to place n queens: lists, recursion."""

from benchmarks.programs.data import Pair


def one_to(n):
    made = None
    while n > 0:
        made = Pair(n, made)
        n -= 1
    return made


def join(first, second):
    if first is None:
        return second
    return Pair(first.car, join(first.cdr, second))


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
        found = try_rows(join(rows.cdr, tried), None, Pair(rows.car, placed))
    return found + try_rows(rows.cdr, Pair(rows.car, tried), placed)


def queens(n):
    return try_rows(one_to(n), None, None)
