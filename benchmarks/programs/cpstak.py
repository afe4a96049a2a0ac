"""Takeuchi's function in continuation-passing style: closures. Python's calls in tail position are calls, so its stack grows."""


def cpstak(x, y, z):
    def tak(x, y, z, k):
        if not y < x:
            return k(z)
        return tak(
            x - 1,
            y,
            z,
            lambda a: tak(y - 1, z, x, lambda b: tak(z - 1, x, y, lambda c: tak(a, b, c, k))),
        )

    return tak(x, y, z, lambda found: found)
