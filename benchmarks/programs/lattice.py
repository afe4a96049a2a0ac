"""How many monotone maps there are between two lattices: functions as values, closures, lists of lists."""

from benchmarks.programs.data import Pair, from_items


def lexicographic(base):
    def compare(a, b):
        found = "equal"
        while a is not None:
            now = base(a.car, b.car)
            if now == "apart":
                return "apart"
            if now != "equal":
                if found == "equal":
                    found = now
                elif found != now:
                    return "apart"
            a, b = a.cdr, b.cdr
        return found

    return compare


def every(holds, items):
    while items is not None:
        if not holds(items.car):
            return False
        items = items.cdr
    return True


def keep_if(holds, items):
    while items is not None:
        if holds(items.car):
            return Pair(items.car, keep_if(holds, items.cdr))
        items = items.cdr
    return None


def for_each(function, items):
    while items is not None:
        function(items.car)
        items = items.cdr


def map_pairs(function, items):
    return None if items is None else Pair(function(items.car), map_pairs(function, items.cdr))


def maps(start, goal, visit):
    compare_start, compare_goal, targets = start.cdr, goal.cdr, goal.car

    def fits(element, value, chosen):
        def holds(pair):
            order = compare_start(pair.car, element)
            if order == "less":
                image = compare_goal(pair.cdr, value)
                return image in ("less", "equal")
            if order == "more":
                image = compare_goal(pair.cdr, value)
                return image in ("more", "equal")
            return True

        return every(holds, chosen)

    def choose(elements, chosen):
        if elements is None:
            visit(map_pairs(lambda pair: pair.cdr, chosen))
            return
        element = elements.car
        for_each(
            lambda value: choose(elements.cdr, Pair(Pair(element, value), chosen)),
            keep_if(lambda value: fits(element, value, chosen), targets),
        )

    choose(start.car, None)


def count_maps(start, goal):
    count = 0

    def visit(_):
        nonlocal count
        count += 1

    maps(start, goal, visit)
    return count


def all_maps(start, goal):
    found = None

    def visit(values):
        nonlocal found
        found = Pair(values, found)

    maps(start, goal, visit)
    return Pair(found, lexicographic(goal.cdr))


def compare_low_high(a, b):
    if a == b:
        return "equal"
    return "less" if a == "low" else "more"


LOW_HIGH = Pair(from_items(["low", "high"]), compare_low_high)


def lattice(levels):
    two = all_maps(LOW_HIGH, LOW_HIGH)
    three = all_maps(two, LOW_HIGH)
    four = all_maps(two, two)
    return [
        count_maps(two, three),
        count_maps(three, four) if levels > 1 else 0,
        count_maps(four, three) if levels > 2 else 0,
    ]
