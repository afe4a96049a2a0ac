"""Lists that are changed in place: a ring of lists from which cells are taken and to which others are spliced."""

from benchmarks.programs.data import Pair


def make_cells(n):
    made = None
    while n != 0:
        made = Pair(n, made)
        n -= 1
    return made


def make_lists(count, n):
    made = None
    while count != 0:
        made = Pair(make_cells(n), made)
        count -= 1
    return made


def last_pair_of(items):
    while items.cdr is not None:
        items = items.cdr
    return items


def cut(items):
    slow, fast = items, items.cdr
    while not (fast is None or fast.cdr is None):
        slow, fast = slow.cdr, fast.cdr.cdr
    rest = slow.cdr
    slow.cdr = None
    return rest


def rotate(lists):
    here = lists
    while type(here.cdr) is Pair:
        moved = cut(here.car)
        items = moved
        while items is not None:
            items.car += 1
            items = items.cdr
        last_pair_of(here.cdr.car).cdr = moved
        here = here.cdr
    moved = cut(here.car)
    last_pair_of(lists.car).cdr = moved


def total(lists):
    found = 0
    while lists is not None:
        items = lists.car
        while items is not None:
            found += items.car
            items = items.cdr
        lists = lists.cdr
    return found


def destruc(times, count, n):
    lists = make_lists(count, n)
    while times != 0:
        rotate(lists)
        times -= 1
    return total(lists)
