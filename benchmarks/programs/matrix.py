"""Multiplication of square matrices: lists of lists, three loops in each other."""


def make_matrix(n, value_at):
    made = [None] * n
    for i in range(n):
        row = [0] * n
        for j in range(n):
            row[j] = value_at(i, j)
        made[i] = row
    return made


def multiply(a, b, n):
    def value_at(i, j):
        row = a[i]
        found = 0
        k = 0
        while k != n:
            found += row[k] * b[k][j]
            k += 1
        return found

    return make_matrix(n, value_at)


def matrix(n):
    a = make_matrix(n, lambda i, j: i + 2 * j)
    b = make_matrix(n, lambda i, j: i - j)
    c = multiply(a, b, n)
    trace = 0
    for i in range(n):
        trace += c[i][i]
    return trace
