"""Quicksort of a list of pseudo-random integers, in place."""


def next_random(seed):
    return (seed * 1103515245 + 12345) % 2147483648


def random_list(n):
    made = [0] * n
    seed = 42
    for i in range(n):
        seed = next_random(seed)
        made[i] = seed // 1024
    return made


def sort_between(v, left, right):
    if left >= right:
        return
    pivot = v[(left + right) // 2]
    i, j = left, right
    while i <= j:
        while v[i] < pivot:
            i += 1
        while pivot < v[j]:
            j -= 1
        if i <= j:
            v[i], v[j] = v[j], v[i]
            i += 1
            j -= 1
    sort_between(v, left, j)
    sort_between(v, i, right)


def is_sorted(v):
    i = 1
    while i < len(v) and v[i - 1] <= v[i]:
        i += 1
    return i == len(v)


def quicksort(n):
    v = random_list(n)
    sort_between(v, 0, n - 1)
    return is_sorted(v) and v[n // 2]
