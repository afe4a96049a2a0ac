"""A maze by union and find of cells, in pseudo-random order, and the way through it: lists, objects, loops."""

from benchmarks.programs.data import Pair


class Cell:
    __slots__ = ("doors", "parent", "place", "seen")

    def __init__(self, place, parent, doors, seen):
        self.place = place
        self.parent = parent
        self.doors = doors
        self.seen = seen


def next_random(seed):
    return (seed * 16807 + 7) % 2147483647


def find_root(cell):
    parent = cell.parent
    if parent is None:
        return cell
    root = find_root(parent)
    cell.parent = root
    return root


def make_walls(rows, columns):
    walls = [None] * (rows * (columns - 1) + columns * (rows - 1))
    following = 0

    def wall(a, b):
        nonlocal following
        walls[following] = Pair(a, b)
        following += 1

    for row in range(rows):
        for column in range(columns):
            here = column + row * columns
            if column < columns - 1:
                wall(here, here + 1)
            if row < rows - 1:
                wall(here, here + columns)
    return walls


def shuffle(v, seed):
    i = len(v) - 1
    while i > 0:
        seed = next_random(seed)
        j = seed % (i + 1)
        v[i], v[j] = v[j], v[i]
        i -= 1


def dig(cells, walls):
    for wall in walls:
        a, b = cells[wall.car], cells[wall.cdr]
        root_a, root_b = find_root(a), find_root(b)
        if root_a is not root_b:
            root_a.parent = root_b
            a.doors = Pair(b, a.doors)
            b.doors = Pair(a, b.doors)


def distance(start, goal):
    start.seen = True
    now, following, steps = Pair(start, None), None, 0
    while True:
        if now is not None:
            if now.car is goal:
                return steps
            doors = now.car.doors
            while doors is not None:
                neighbour = doors.car
                if not neighbour.seen:
                    neighbour.seen = True
                    following = Pair(neighbour, following)
                doors = doors.cdr
            now = now.cdr
        elif following is not None:
            now, following = following, None
            steps += 1
        else:
            return None


def maze(rows, columns):
    n = rows * columns
    walls = make_walls(rows, columns)
    cells = [Cell(i, None, None, False) for i in range(n)]
    shuffle(walls, 20)
    dig(cells, walls)
    return distance(cells[0], cells[n - 1])
