"""Baskett's puzzle: fill a cube of five with pieces of four kinds, by trying; lists of booleans and numbers."""

SIDE = 8
SIZE = 512


def place(x, y, z):
    return x + SIDE * (y + SIDE * z)


def make_piece(kind, x_max, y_max, z_max):
    taken = [False] * SIZE
    for x in range(x_max + 1):
        for y in range(y_max + 1):
            for z in range(z_max + 1):
                taken[place(x, y, z)] = True
    return [kind, place(x_max, y_max, z_max), taken]


def fits(piece, board, at):
    last, taken = piece[1], piece[2]
    i = 0
    while i <= last:
        if taken[i] and board[at + i]:
            return False
        i += 1
    return True


def fill(piece, board, at, value):
    last, taken = piece[1], piece[2]
    i = 0
    while i <= last:
        if taken[i]:
            board[at + i] = value
        i += 1


def first_free(board, start):
    i = start
    while i != SIZE and board[i]:
        i += 1
    return i


def puzzle(trials):
    board = [True] * SIZE
    left = [13, 3, 1, 1]
    pieces = [
        make_piece(*shape)
        for shape in (
            (0, 3, 1, 0),
            (0, 1, 0, 3),
            (0, 0, 3, 1),
            (0, 1, 3, 0),
            (0, 3, 0, 1),
            (0, 0, 1, 3),
            (1, 2, 0, 0),
            (1, 0, 2, 0),
            (1, 0, 0, 2),
            (2, 1, 1, 0),
            (2, 1, 0, 1),
            (2, 0, 1, 1),
            (3, 1, 1, 1),
        )
    ]
    count = 0

    def put(piece, at):
        fill(piece, board, at, True)
        left[piece[0]] -= 1
        return first_free(board, at)

    def take(piece, at):
        fill(piece, board, at, False)
        left[piece[0]] += 1

    def attempt(at):
        nonlocal count
        count += 1
        i = 0
        while i != 13:
            piece = pieces[i]
            if left[piece[0]] > 0 and at + piece[1] < SIZE and fits(piece, board, at):
                following = put(piece, at)
                if following == SIZE or count >= trials or attempt(following):
                    return True
                take(piece, at)
            i += 1
        return False

    for x in range(1, 6):
        for y in range(1, 6):
            for z in range(1, 6):
                board[place(x, y, z)] = False
    attempt(first_free(board, 0))
    return [count, left, first_free(board, 0)]
