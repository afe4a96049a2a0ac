"""The Mandelbrot set: loops in loops over floats, into a list of lists."""


def escape_time(cr, ci):
    zr, zi, count = cr, ci, 0
    while count != 64:
        zr2, zi2 = zr * zr, zi * zi
        if zr2 + zi2 > 4.0:
            return count
        zr, zi = zr2 - zi2 + cr, 2.0 * zr * zi + ci
        count += 1
    return count


def mbrot(n):
    rows = [None] * n
    step = 3.0 / n
    for y in range(n):
        row = [0] * n
        for x in range(n):
            row[x] = escape_time(-2.0 + step * x, -1.5 + step * y)
        rows[y] = row
    y = x = found = 0
    while y != n:
        if x == n:
            y += 1
            x = 0
        else:
            found += rows[y][x]
            x += 1
    return found
